-- SPDX-License-Identifier: MIT
-- The roster that the server holds for a user becomes a look into three things: what the user has of their own, which alone is stored where
-- rosters are; what they changed of what is provisioned (a store of its own); and the book. So nothing has to be brought up to date when the book changes.
local sight = module:require "sight";
local jid_split = require "util.jid".split;
local pairs, next, rawget, rawset, setmetatable, getmetatable, type = pairs, next, rawget, rawset, setmetatable, getmetatable, type;
local find, gmatch, concat, sort, sub = string.find, string.gmatch, table.concat, table.sort, string.sub;

local MOST_OVERRIDES, LONGEST_NAME, MOST_GROUPS = 5000, 1023, 50;
local VERSION = 1; -- of the store of overrides

-- state: { book, host }. store: keyval, of overrides.
return function (state, store)

local infos = setmetatable({}, { __mode = "k" }); -- roster -> what stands behind it

-- What a contact is, taken from the text of the book: name, list of groups.
local function parts_of(text)
	local name_end = find(text, "\n", 3, true);
	local name, groups = sub(text, 3, name_end - 1), sub(text, name_end + 1);
	local list;
	if find(groups, "\n", 1, true) then
		list = {};
		for group in gmatch(groups, "[^\n]+") do list[#list + 1] = group; end
	else
		list = { groups };
	end
	return name ~= "" and name or nil, list;
end

local function set_of(list)
	local set = {};
	for i = 1, #list do set[list[i]] = true; end
	return set;
end

local function list_of(set)
	local list = {};
	for group in pairs(set or {}) do
		if type(group) == "string" then list[#list + 1] = group; end
	end
	sort(list);
	return list;
end

-- to: the user sees the contact; from: the contact sees the user.
local function bits(subscription)
	return subscription == "both" or subscription == "to", subscription == "both" or subscription == "from";
end

local function subscription_of(to, from) return to and (from and "both" or "to") or from and "from" or "none"; end

local function is_away(info, jid)
	local over = info.over[jid];
	return over ~= nil and over.away and state.book.policy.deleted == "away";
end

-- What the book gives: whether the user sees the contact (and did not put it away), and whether the contact sees the user.
local function relation(info, jid)
	if type(jid) ~= "string" then return false, false; end
	local book = state.book;
	return sight.sees(book, info.jid, jid) and not is_away(info, jid), sight.sees(book, jid, info.jid);
end

-- The text as of sight.pair; nil where the user does not see the contact, or put it away.
local function provided(info, jid)
	if type(jid) ~= "string" or is_away(info, jid) then return nil; end
	return sight.pair(state.book, info.jid, jid);
end

-- The contact as the user's clients get it: subscription, ask, name, list of groups; nil: not at all.
local function displayed(info, jid, text)
	local own, over = info.own[jid], info.over[jid];
	if not text then
		if not own then return nil; end
		local subscription = own.subscription;
		if sight.sees(state.book, jid, info.jid) and not is_away(info, jid) then
			local to = bits(subscription);
			subscription = subscription_of(to, true);
		end
		return subscription, own.ask, own.name, list_of(own.groups);
	end
	local subscription = sub(text, 1, 1) == "b" and "both" or "to";
	local name, groups = parts_of(text);
	if own then
		local _, from = bits(own.subscription);
		if from then subscription = "both"; end
		name = own.name or name;
		if own.groups and next(own.groups) then groups = list_of(own.groups); end
	elseif over then
		name = over.name or name;
		groups = over.groups or groups;
	end
	return subscription, nil, name, groups;
end

-- The same as one text, for versions and to compare; for what the user did not change it is the text of the book.
local function face(info, jid, text)
	if text and not info.own[jid] and not info.over[jid] then return text; end
	if text and is_away(info, jid) then text = nil; end
	local subscription, ask, name, groups = displayed(info, jid, text);
	if not subscription then return nil; end
	local letter = subscription == "both" and "b" or subscription == "to" and "t" or subscription;
	return letter..(ask and " "..ask or "").."\n"..(name or "").."\n"..concat(groups, "\n");
end

-- A contact that the book has something to do with. What the server writes there goes to the user's own contact, but for what is provided.
local INFO, JID, SEES, SEEN = {}, {}, {}, {};
local item_mt = {};
local FIELDS = { "subscription", "ask", "approved", "name", "groups", "persist" };

function item_mt.__index(item, key)
	local info, jid, sees = rawget(item, INFO), rawget(item, JID), rawget(item, SEES);
	local own = info.own[jid];
	if key == "subscription" then
		local to, from = bits(own and own.subscription);
		return subscription_of(to or sees, from or rawget(item, SEEN));
	elseif key == "name" or key == "groups" then
		local text = sees and provided(info, jid);
		if not text then return own and own[key] or key == "groups" and {} or nil; end
		local _, _, name, groups = displayed(info, jid, text);
		if key == "name" then return name; end
		groups = set_of(groups);
		rawset(item, "groups", groups);
		return groups;
	elseif key == "ask" then
		return not sees and own and own.ask or nil;
	elseif key == "persist" then
		return false;
	end
	return own and own[key];
end

function item_mt.__newindex(item, key, value)
	local info, jid, sees = rawget(item, INFO), rawget(item, JID), rawget(item, SEES);
	local own = info.own[jid];
	if key == "subscription" then
		local to, from = bits(value);
		local own_to, own_from = bits(own and own.subscription);
		if sees then to = own_to; end
		if rawget(item, SEEN) then from = own_from; end
		value = subscription_of(to, from);
		if not own and value == "none" then return; end
	elseif key == "ask" and sees then
		return;
	end
	if not own then
		if value == nil then return; end
		own = { subscription = "none", groups = {} };
		info.own[jid] = own;
	end
	own[key] = value;
end

function item_mt.__pairs(item)
	local all = {};
	for i = 1, #FIELDS do all[FIELDS[i]] = item[FIELDS[i]]; end
	return next, all;
end

local function item_of(info, jid, sees, seen)
	return setmetatable({ [INFO] = info, [JID] = jid, [SEES] = sees, [SEEN] = seen }, item_mt);
end

local function save(info)
	local contacts = next(info.over) and info.over or nil;
	return store:set(info.username, contacts and { version = VERSION, contacts = contacts } or nil);
end

local function trim(info, jid)
	local over = info.over[jid];
	if over and not over.name and not over.groups and not over.away then info.over[jid] = nil; end
end

local function count(set)
	local n = 0;
	for _ in pairs(set) do n = n + 1; end
	return n;
end

-- The user's name and groups for a provisioned contact. name: nil for none. false: over a bound, or not kept.
local function change(info, jid, name, groups)
	local text = sight.pair(state.book, info.jid, jid);
	if name and #name > LONGEST_NAME or #groups > MOST_GROUPS then return false; end
	for i = 1, #groups do
		if #groups[i] > LONGEST_NAME then return false; end
	end
	sort(groups);
	local own = info.own[jid];
	local before = info.over[jid];
	if own then
		own.name, own.groups = name, set_of(groups);
		info.over[jid] = nil;
		return "own";
	end
	if not before and count(info.over) >= MOST_OVERRIDES then return false; end
	local given, given_groups = parts_of(text);
	sort(given_groups);
	local over = {};
	if name ~= given then over.name = name; end
	if concat(groups, "\n") ~= concat(given_groups, "\n") and groups[1] then over.groups = groups; end
	info.over[jid] = over;
	trim(info, jid);
	if before == nil and info.over[jid] == nil then return true; end
	if save(info) then return true; end
	info.over[jid] = before;
	return false;
end

-- Puts a provisioned contact away, or brings it back with what is provisioned.
local function set_away(info, jid, away)
	local before = info.over[jid];
	if away and not before and count(info.over) >= MOST_OVERRIDES then return false; end
	info.over[jid] = away and { away = true } or nil;
	if before == nil and not away then return true; end
	state.changes = state.changes + 1; -- what was looked up before is not so any more
	if save(info) then return true; end
	info.over[jid] = before;
	return false;
end

local function roster_mt(info)
	local mt = { gatehouse = info };
	-- The server looks up one contact several times in a row.
	local last_jid, last_item, last_book, last_changes;
	function mt.__index(_, jid)
		if jid == last_jid and last_book == state.book and last_changes == state.changes then return last_item; end
		local sees, seen = relation(info, jid);
		if not sees and not seen then return info.own[jid]; end
		last_jid, last_item, last_book, last_changes = jid, item_of(info, jid, sees, seen), state.book, state.changes;
		return last_item;
	end
	function mt.__newindex(roster, jid, item)
		if type(jid) ~= "string" then return rawset(roster, jid, item); end
		if type(item) == "table" and getmetatable(item) == item_mt then return; end
		if relation(info, jid) and item then
			change(info, jid, item.name, list_of(item.groups));
		else
			info.own[jid] = item;
		end
	end
	-- While the server itself broadcasts presence, only what the user has of their own is there: the rest is our queue's.
	function mt.__pairs(roster)
		local all = { [false] = rawget(roster, false) };
		local book = state.book;
		for jid, own in pairs(info.own) do
			local sees, seen = relation(info, jid);
			if info.broadcasting and type(own) == "table" and (sees or seen) then
				local to, from = bits(own.subscription);
				all[jid] = { subscription = subscription_of(to and not sees, from and not seen), groups = {}, ask = not sees and own.ask or nil };
			else
				all[jid] = (sees or seen) and item_of(info, jid, sees, seen) or own;
			end
		end
		if not info.broadcasting then
			for jid, text in pairs(sight.view(book, info.jid).items) do
				if not all[jid] and jid ~= info.jid and not is_away(info, jid) then all[jid] = item_of(info, jid, true, sub(text, 1, 1) == "b"); end
			end
		end
		return next, all;
	end
	return mt;
end

local function read_overrides(username)
	local kept = store:get(username);
	if type(kept) == "table" and kept.version == VERSION and type(kept.contacts) == "table" then return kept.contacts; end
	return {};
end

-- Stands behind a roster that the server has just loaded.
local function take(roster, username)
	if infos[roster] then return infos[roster]; end
	local info = { username = username, jid = username.."@"..state.host, own = {}, over = read_overrides(username) };
	for jid, item in next, roster do
		if jid ~= false then info.own[jid] = item; end
	end
	for jid in pairs(info.own) do roster[jid] = nil; end
	infos[roster] = info;
	setmetatable(roster, roster_mt(info));
	return info;
end

-- Gives the roster back as it would be without us.
local function give_back(roster)
	local info = infos[roster];
	if not info then return; end
	setmetatable(roster, nil);
	infos[roster] = nil;
	for jid, item in pairs(info.own) do roster[jid] = item; end
end

local function info_of(roster) return roster and infos[roster]; end

-- What is stored of a roster: the user's own.
local function stored(data)
	local info = type(data) == "table" and infos[data];
	if not info then return data; end
	local plain = { [false] = rawget(data, false) };
	for jid, item in pairs(info.own) do plain[jid] = item; end
	return plain;
end

local function stored_item(item)
	if type(item) ~= "table" or getmetatable(item) ~= item_mt then return item; end
	return rawget(item, INFO).own[rawget(item, JID)];
end

-- A store of rosters that is never given what is provisioned.
local function guarded(inner)
	local outer = {};
	function outer:set(username, key_or_data, value) -- luacheck: ignore 212/self
		if type(key_or_data) == "table" then return inner:set(username, stored(key_or_data)); end
		return inner:set(username, key_or_data, stored_item(value));
	end
	function outer:set_keys(username, keys) -- luacheck: ignore 212/self
		local plain = {};
		for key, item in pairs(keys) do
			local kept = stored_item(item);
			if kept == nil then kept = inner.remove; end
			plain[key] = kept;
		end
		return inner:set_keys(username, plain);
	end
	return setmetatable(outer, { __index = function (_, name)
		local value = inner[name];
		if type(value) ~= "function" then return value; end
		return function (_, ...) return value(inner, ...); end
	end });
end

-- The roster of a user who is logged in.
local function info_online(jid)
	local user = prosody.bare_sessions[jid];
	return user and infos[user.roster];
end

return {
	take = take, give_back = give_back, info_of = info_of, info_online = info_online, guarded = guarded,
	displayed = displayed, face = face, parts_of = parts_of, count = count,
	change = change, set_away = set_away, is_away = is_away, bits = bits, provided = provided, relation = relation,
	username = function (jid) return (jid_split(jid)); end,
};
end
