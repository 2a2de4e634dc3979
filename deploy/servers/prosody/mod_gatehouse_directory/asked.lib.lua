-- SPDX-License-Identifier: MIT
-- What clients ask of their rosters, and what is said between people one of whom is provisioned to the other: DIRECTORY.md section 5.
local sight = module:require "sight";
local st = require "util.stanza";
local jid_bare, jid_prep, jid_resource, jid_split = require "util.jid".bare, require "util.jid".prep, require "util.jid".resource, require "util.jid".split;
local rostermanager = require "core.rostermanager";
local now = require "util.time".now;

local NS = "jabber:iq:roster";
local AGAIN_WITHIN = 60; -- seconds: deleted again, a contact does not come back at once
local MOST_REMEMBERED = 100;

return function (module, state, rosters, listing, presence, review, texts)

local function answer_get(session, stanza, info)
	local list, version = listing.listed(info);
	local reply = st.reply(stanza);
	if stanza.tags[1].attr.ver ~= version then
		reply:query(NS);
		local query = reply.tags[1];
		query.attr.ver = version;
		for i = 1, #list do
			query[i], query.tags[i] = list[i], list[i];
		end
	end
	review.tell(info);
	session.send(reply);
	session.interested = true;
	return true;
end

-- Whether the contact was deleted a short while ago too: then it does not come back before the next login.
local function deleted_again(info, jid)
	local time = now();
	local deleted = info.deleted;
	if not deleted or deleted.count >= MOST_REMEMBERED then
		deleted = { count = 0, at = {} };
		info.deleted = deleted;
	end
	local before = deleted.at[jid];
	if not before then deleted.count = deleted.count + 1; end
	deleted.at[jid] = time;
	return before ~= nil and time - before < AGAIN_WITHIN;
end

local function forget_own(session, info, jid)
	if not info.own[jid] then return true; end
	info.own[jid] = nil;
	return rostermanager.save_roster(info.username, session.host, session.roster, jid) ~= nil;
end

local function delete(session, stanza, info, jid)
	if not forget_own(session, info, jid) then
		return session.send(st.error_reply(stanza, "wait", "internal-server-error"));
	end
	local away = state.book.policy.deleted == "away";
	if not rosters.set_away(info, jid, away) then
		return session.send(st.error_reply(stanza, "modify", "resource-constraint", texts.full));
	end
	session.send(st.reply(stanza));
	review.push(info.jid, jid, listing.version(info, review.tell(info)), nil);
	if away then
		presence.say_unavailable(info.jid, jid);
	elseif not deleted_again(info, jid) then
		review.push_now(info, jid);
	end
end

-- The user's own name and groups for a provisioned contact; one that was put away is back.
local function change(session, stanza, info, jid, item)
	local was_away = rosters.is_away(info, jid);
	if was_away and not rosters.set_away(info, jid, false) then
		return session.send(st.error_reply(stanza, "wait", "internal-server-error"));
	end
	local name = item.attr.name;
	if name == "" then name = nil; end
	local groups, has = {}, {};
	for child in item:childtags("group") do
		local group = child:get_text();
		if group and not has[group] then
			has[group] = true;
			groups[#groups + 1] = group;
		end
	end
	local kept = rosters.change(info, jid, name, groups);
	if not kept then return session.send(st.error_reply(stanza, "modify", "resource-constraint", texts.full)); end
	if kept == "own" then rostermanager.save_roster(info.username, session.host, session.roster, jid); end
	session.send(st.reply(stanza));
	review.push_now(info, jid);
	if was_away then
		local there = presence.is_available(info.jid);
		if there then presence.bring(there, jid, info.jid); end
	end
end

module:hook("iq/self/"..NS..":query", function (event)
	local session, stanza = event.origin, event.stanza;
	local info = rosters.info_of(session.roster);
	if not info then return; end
	if stanza.attr.type == "get" then return answer_get(session, stanza, info); end
	local query = stanza.tags[1];
	local item = query.tags[1];
	if #query.tags ~= 1 or item.name ~= "item" or item.attr.xmlns ~= NS or not item.attr.jid then return; end
	local jid = jid_prep(item.attr.jid);
	if not jid or jid_resource(jid) or not sight.pair(state.book, info.jid, jid) then return; end
	if item.attr.subscription == "remove" then
		if rosters.is_away(info, jid) and not info.own[jid] then return; end
		delete(session, stanza, info, jid);
	else
		change(session, stanza, info, jid, item);
	end
	return true;
end, 10);

local SUBSCRIPTION = { subscribe = true, subscribed = true, unsubscribe = true, unsubscribed = true };

-- From a user of this host: what is provisioned does not change by it, and nobody is asked.
local function go_out(event)
	local origin, stanza = event.origin, event.stanza;
	local kind = stanza.attr.type;
	if not SUBSCRIPTION[kind] or not stanza.attr.from or not stanza.attr.to then return; end
	local user, other = jid_bare(stanza.attr.from), jid_bare(stanza.attr.to);
	local username, host = jid_split(user);
	if host ~= module.host or not username then return; end
	local book = state.book;
	local listed, seen = sight.pair(book, user, other) ~= nil, sight.sees(book, other, user);
	local about_mine = kind == "subscribe" or kind == "unsubscribe";
	if about_mine and not listed or not about_mine and not seen then return; end
	local info = rosters.info_of(origin.roster) or rosters.info_online(user);
	if info then
		local was_away = listed and rosters.is_away(info, other);
		if kind == "subscribe" and was_away and rosters.set_away(info, other, false) then
			presence.bring(origin, other, user);
			was_away = false;
		end
		if listed and not was_away then review.push_now(info, other); end
	end
	return true;
end

-- To a user of this host, from elsewhere. A `subscribe` of somebody who sees the user is answered by the server itself.
local function come_in(event)
	local stanza = event.stanza;
	local kind = stanza.attr.type;
	if not SUBSCRIPTION[kind] or kind == "subscribe" or not stanza.attr.to or not stanza.attr.from then return; end
	local user, other = jid_bare(stanza.attr.to), jid_bare(stanza.attr.from);
	if kind == "unsubscribe" then
		if sight.sees(state.book, other, user) then return true; end
	elseif sight.pair(state.book, user, other) then
		return true;
	end
end

for _, address in ipairs { "bare", "full", "host" } do module:hook("pre-presence/"..address, go_out, 10); end
for _, address in ipairs { "bare", "full" } do module:hook("presence/"..address, come_in, 10); end

end
