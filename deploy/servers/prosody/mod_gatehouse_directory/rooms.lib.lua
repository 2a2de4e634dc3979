-- SPDX-License-Identifier: MIT
-- Who of some groups is together in which room of this server, and putting people out: DIRECTORY.md section 8, Rooms.
local st = require "util.stanza";
local jid_bare, jid_host = require "util.jid".bare, require "util.jid".host;
local storagemanager = require "core.storagemanager";
local now = require "util.time".now;
local sort, pairs, ipairs = table.sort, pairs, ipairs;

local MOST_BYTES, MOST_PEOPLE, MOST_GROUPS, LONGEST_REASON = 128 * 1024, 2000, 2000, 1023;
local AT_A_TIME = 0.02; -- seconds: a stored room is read from the disk, and meanwhile the server does nothing else
local RANKS = { owner = 1, admin = 2, member = 3, none = 4 };

return function (state, words)

local NS, fault = words.NS, words.fault;

-- The module of the room service HOST.
local function service(host)
	local there = prosody.hosts[host];
	local muc = there and there.type == "component" and there.modules.muc;
	return muc and muc.get_room_from_jid and muc or nil;
end

-- The addresses of all rooms behind `after`, those that are only stored too.
local function addresses(after)
	local known, list = {}, {};
	local function add(jid)
		if known[jid] or after and jid <= after then return; end
		known[jid] = true;
		list[#list + 1] = jid;
	end
	for host in pairs(prosody.hosts) do
		local muc = service(host);
		if muc then
			for room in muc.live_rooms() do add(room.jid); end
			local store = storagemanager.open(host, "persistent");
			for jid in pairs(store and store:get(nil) or {}) do add(jid); end
		end
	end
	sort(list);
	return list;
end

-- People of these groups who are in the room, or something to it.
local function people_of(room, groups)
	local found, list = {}, {};
	local function is_wanted(jid)
		local of = state.book.of[jid];
		for id in pairs(of or {}) do
			if groups[id] then return true; end
		end
		return false;
	end
	local function one(jid)
		if not found[jid] and is_wanted(jid) then
			found[jid] = { jid = jid, affiliation = "none" };
			list[#list + 1] = found[jid];
		end
		return found[jid] or {};
	end
	for _, occupant in room:each_occupant() do one(jid_bare(occupant.bare_jid)).there = "true"; end
	for jid, affiliation in room:each_affiliation() do
		if RANKS[affiliation] then one(jid).affiliation = affiliation; end
	end
	sort(list, function (a, b)
		local left, right = RANKS[a.affiliation], RANKS[b.affiliation];
		if left ~= right then return left < right; end
		return a.jid < b.jid;
	end);
	return list;
end

local function tell(stanza, element)
	local groups, count = {}, 0;
	for child in element:childtags("of", NS) do
		if not child.attr.group then return st.error_reply(stanza, fault("modify", "bad-request", "of: a group is wanted")); end
		groups[child.attr.group], count = true, count + 1;
	end
	if count < 1 or count > MOST_GROUPS then return st.error_reply(stanza, fault("modify", "bad-request", "1 to 2000 of are wanted")); end
	local reply = st.reply(stanza):tag("rooms", { xmlns = NS });
	local until_time, bytes, last = now() + AT_A_TIME, 0, nil;
	for _, jid in ipairs(addresses(element.attr.after)) do
		if last and (bytes > MOST_BYTES or now() > until_time) then
			reply.tags[1].attr.next = last;
			break;
		end
		last = jid;
		local room = service(jid_host(jid)).get_room_from_jid(jid);
		local people = room and people_of(room, groups) or {};
		if #people >= 2 then
			reply:tag("room", { jid = jid, truncated = #people > MOST_PEOPLE and "true" or nil });
			for at = 1, math.min(#people, MOST_PEOPLE) do
				reply:tag("who", people[at]):up();
				bytes = bytes + #people[at].jid + 50;
			end
			reply:up();
		end
	end
	return reply:reset();
end

local function put_out(stanza, element)
	local jid, address, reason = element.attr.jid, element.attr.room, element:get_child_text("reason", NS);
	if not words.is_person(jid, {}) or not words.is_person(address, {}) then
		return st.error_reply(stanza, fault("modify", "bad-request", "jid, room: bare JIDs, as the server prepares them, are wanted"));
	end
	if reason and #reason > LONGEST_REASON then return st.error_reply(stanza, fault("modify", "bad-request", "reason: at most 1023 bytes")); end
	local muc = service(jid_host(address));
	local room = muc and state.book.people[jid] and muc.get_room_from_jid(address);
	if not room then return st.error_reply(stanza, fault("cancel", "item-not-found", "no such room, or nobody of the directory")); end
	for nick, occupant in room:each_occupant() do
		if jid_bare(occupant.bare_jid) == jid then room:set_role(true, nick, nil, reason); end
	end
	for held in room:each_affiliation() do
		if held == jid then
			local done, kind, condition = room:set_affiliation(true, jid, "none", reason);
			if not done then return st.error_reply(stanza, kind, condition); end
			break;
		end
	end
	return st.reply(stanza);
end

-- The answer to a request about rooms; nil where it is none.
return function (stanza, element)
	if element.name == "rooms" and stanza.attr.type == "get" then return tell(stanza, element); end
	if element.name == "leave" and stanza.attr.type == "set" then return put_out(stanza, element); end
end
end
