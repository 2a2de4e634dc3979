-- SPDX-License-Identifier: MIT
-- Presence between people who see each other by the book, and pushes of what changes in it: DIRECTORY.md section 7.
-- All of it goes through the queue, and by the server's own routing, so that block lists count.
local sight = module:require "sight";
local st = require "util.stanza";
local jid_host, jid_split = require "util.jid".host, require "util.jid".split;
local new_id = require "util.id".short;
local now = require "util.time".now;
local pairs = pairs;

local bare_sessions, full_sessions, hosts = prosody.bare_sessions, prosody.full_sessions, prosody.hosts;
local CAPS = "http://jabber.org/protocol/caps";

-- state: { book, host, told = { JID -> { view } } }
return function (module, state, rosters, queue)

local function is_ours(host)
	local there = hosts[host];
	return there ~= nil and there.type == "local";
end

-- Who speaks for a session that may have ended meanwhile.
local function speaker(full_jid)
	local session = full_sessions[full_jid];
	if session then return session; end
	local username, host, resource = jid_split(full_jid);
	return { type = "c2s", username = username, host = host, resource = resource, full_jid = full_jid, send = function () return true; end,
		log = module._log };
end

local function caps_of(stanza)
	local c = stanza:get_child("c", CAPS);
	return c and c.attr.ver or nil;
end

-- Steps through who may see the session's user: first who is there, then (for PEP, which keeps what offline people publish) who is not.
local function announce_step(job)
	local book = state.book;
	while true do
		local other = job.list[job.at];
		if not other then
			if job.list == job.absent then return nil; end
			job.list, job.at = job.absent, 1;
			if not job.to_absent then return nil; end
		else
			job.at = job.at + 1;
			-- Somebody who is locked out meanwhile takes leave of those who saw them.
			if sight.sees(book, other, job.user, job.leaving) then
				local stanza = job.stanza;
				stanza.attr.to = other;
				prosody.core_post_stanza(speaker(job.full_jid), stanza, true);
				stanza.attr.to = nil;
				return 1;
			end
			job.skipped = job.skipped + 1;
			if job.skipped % 50 == 0 then return 0; end
		end
	end
end

local function list_audience(job)
	local list, everybody, has = sight.candidates(state.book, job.user);
	local there, absent = {}, {};
	for i = 1, #list do
		local other = list[i];
		if bare_sessions[other] or not is_ours(jid_host(other)) then
			there[#there + 1] = other;
		else
			absent[#absent + 1] = other;
		end
	end
	if everybody then
		for other in pairs(bare_sessions) do
			if not has[other] then there[#there + 1] = other; end
		end
		for other in pairs(state.book.people) do
			if not has[other] and not is_ours(jid_host(other)) then there[#there + 1] = other; end
		end
	end
	job.list, job.absent, job.at, job.skipped = there, absent, 1, 0;
end

-- The session says that it is there, changes, or leaves. What is still under way of it is said anew from the beginning.
local function announce(session, stanza)
	local full_jid, user = session.full_jid, session.username.."@"..session.host;
	if not state.book.of[user] then return; end
	local leaving = stanza.attr.type == "unavailable";
	local caps = caps_of(stanza);
	local to_absent;
	if leaving then
		to_absent = session.gatehouse_caps ~= nil;
		session.gatehouse_caps = nil;
	else
		to_absent = caps ~= nil and caps ~= session.gatehouse_caps;
		session.gatehouse_caps = caps or session.gatehouse_caps;
	end
	local key = "announce "..full_jid;
	local job = queue.find(key) or { step = announce_step };
	job.to_absent = to_absent or job.to_absent;
	job.user, job.full_jid, job.stanza, job.leaving = user, full_jid, stanza, leaving;
	list_audience(job);
	queue.add(key, job);
end

local function send_presence_of(other, to)
	local user = bare_sessions[other];
	if not user then return 0; end
	local sent = 0;
	for _, session in pairs(user.sessions) do
		local presence = session.presence;
		if presence then
			presence.attr.to = to;
			prosody.core_post_stanza(session, presence, true);
			presence.attr.to = nil;
			sent = sent + 1;
		end
	end
	return sent;
end

-- Brings the presence of somebody to a user, or to one session: as an answer to a probe that need not be sent.
local function bring(from_session, other, to)
	if is_ours(jid_host(other)) then return send_presence_of(other, to); end
	prosody.core_post_stanza(from_session, st.presence { type = "probe", from = from_session.full_jid, to = other }, true);
	return 1;
end

local function greet_step(job)
	local session = full_sessions[job.full_jid];
	if not session or not session.presence then return nil; end
	for _ = 1, 50 do
		local other = job.list[job.at];
		if not other then return nil; end
		job.at = job.at + 1;
		local info = rosters.info_of(session.roster);
		if info and rosters.relation(info, other) then
			local sent = bring(session, other, session.full_jid);
			if sent > 0 then return sent; end
		end
	end
	return 0;
end

-- What the user's clients were told; from the first time on it is kept up.
local function tell(info)
	local told = state.told[info.jid];
	if not told then
		told = rosters.told_of(info);
		state.told[info.jid] = told;
	end
	return told;
end

-- A session has become available: it is to be told who is there.
local function greet(session)
	local user = session.username.."@"..session.host;
	local info = rosters.info_of(session.roster);
	if not info then return; end
	tell(info);
	local list = {};
	for other in pairs(sight.view(state.book, user).items) do
		if other ~= user then list[#list + 1] = other; end
	end
	if not list[1] then return; end
	local key = "greet "..session.full_jid;
	local job = queue.find(key) or { step = greet_step, full_jid = session.full_jid };
	job.list, job.at = list, 1;
	queue.add(key, job);
end

local function push(user, jid, ver, item)
	local online = bare_sessions[user];
	if not online then return 0; end
	local stanza = st.iq { type = "set", id = new_id() }:tag("query", { xmlns = "jabber:iq:roster", ver = ver });
	if item then
		stanza:tag("item", { jid = jid, subscription = item[1], ask = item[2], name = item[3] });
		for i = 1, #item[4] do stanza:text_tag("group", item[4][i]); end
	else
		stanza:tag("item", { jid = jid, subscription = "remove" });
	end
	local sent = 0;
	for _, session in pairs(online.sessions) do
		if session.interested then
			session.send(stanza:reset());
			sent = sent + 1;
		end
	end
	return sent;
end

-- Pushes a contact as it is now.
local function push_now(info, jid, ver)
	local subscription, ask, name, groups = rosters.displayed(info, jid, (rosters.provided(info, jid)));
	return push(info.jid, jid, ver or rosters.version(info, tell(info)), subscription and { subscription, ask, name, groups } or nil);
end

-- Sessions that were ended in the same turn in which their user left the groups: who saw them is told when it comes to that.
local ended, ended_at = {}, {};
local REMEMBERED = 300; -- seconds

local function remember(session)
	local user = session.username.."@"..session.host;
	if not session.presence then return; end
	local time = now();
	for one, at in pairs(ended_at) do
		if time - at > REMEMBERED then ended[one], ended_at[one] = nil, nil; end
	end
	ended[user] = ended[user] or {};
	ended[user][session.full_jid], ended_at[user] = true, time;
end

local function say_unavailable(user, other)
	local there = bare_sessions[other];
	local sent = 0;
	for full_jid in pairs(ended[other] or {}) do
		if not full_sessions[full_jid] then
			prosody.core_post_stanza(hosts[module.host], st.presence { type = "unavailable", from = full_jid, to = user });
			sent = sent + 1;
		end
	end
	for _, session in pairs(there and there.sessions or {}) do
		if session.presence then
			prosody.core_post_stanza(hosts[module.host], st.presence { type = "unavailable", from = session.full_jid, to = user });
			sent = sent + 1;
		end
	end
	return sent;
end

local function is_available(user)
	local online = bare_sessions[user];
	for _, session in pairs(online and online.sessions or {}) do
		if session.presence then return session; end
	end
end

-- What the user saw by itself, without the book.
local function has_own_sight(info, jid)
	local own = info.own[jid];
	return own ~= nil and (rosters.bits(own.subscription));
end

-- One contact that is different for the user.
local function tell_difference(info, jid, before, after, ver)
	local was, is = rosters.face(info, jid, before), rosters.face(info, jid, after);
	local sent = 0;
	if was ~= is then
		local text = after and not rosters.is_away(info, jid) and after or nil;
		local subscription, ask, name, groups = rosters.displayed(info, jid, text);
		sent = push(info.jid, jid, ver, subscription and { subscription, ask, name, groups } or nil);
	end
	if (before == nil) ~= (after == nil) and not has_own_sight(info, jid) and not rosters.is_away(info, jid) then
		local session = is_available(info.jid);
		if session then
			sent = sent + (after and bring(session, jid, info.jid) or not after and say_unavailable(info.jid, jid) or 0);
		end
	end
	return sent;
end

-- What is different between two views is worked out once for all who had the one and have the other.
local function differences(before, after)
	local known = after.since and after.since[before];
	if known then return known; end
	known = {};
	for jid, text in pairs(after.items) do
		if before.items[jid] ~= text then known[#known + 1] = jid; end
	end
	for jid in pairs(before.items) do
		if after.items[jid] == nil then known[#known + 1] = jid; end
	end
	after.since = after.since or setmetatable({}, { __mode = "k" });
	after.since[before] = known;
	return known;
end

local MOST_MOVED, MOST_PATCHED, MOST_PENDING = 200, 500, 8;

-- What is different for the user since they were told: a list of { jid, before, after }, each as text. It counts as told from here on.
local function list_differences(user, info, told)
	local list = {};
	local pending = told.pending;
	told.pending = nil;
	if told.whole then
		told.whole = nil;
		local fresh = rosters.told_of(info);
		local looked_at = {};
		local function look(jid)
			if looked_at[jid] or jid == user then return; end
			looked_at[jid] = true;
			local before, after = rosters.told_text(told, jid), fresh.view.items[jid];
			if before ~= after then list[#list + 1] = { jid, before, after }; end
		end
		if fresh.view ~= told.view then
			for _, jid in ipairs(differences(told.view, fresh.view)) do look(jid); end
		end
		for jid in pairs(told.patch) do look(jid); end
		told.view, told.patch, told.patched, told.sum = fresh.view, fresh.patch, 0, fresh.sum;
		return list;
	end
	local looked_at = {};
	for _, moved in ipairs(pending) do
		for jid in pairs(moved) do
			if jid ~= user and not looked_at[jid] then
				looked_at[jid] = true;
				local before, after = rosters.told_text(told, jid), sight.pair(state.book, user, jid);
				if before ~= after then
					list[#list + 1] = { jid, before, after };
					if told.patch[jid] == nil then told.patched = told.patched + 1; end
					told.patch[jid] = after or false;
					told.sum = told.sum - (before and sight.weight(jid, before) or 0) + (after and sight.weight(jid, after) or 0);
				end
			end
		end
	end
	return list;
end

local function review_step(job)
	local user = job.user;
	local told, info = state.told[user], rosters.info_online(user);
	if not told or not info then return nil; end
	if not job.list then
		if not told.whole and not told.pending then return nil; end
		job.list, job.at = list_differences(user, info, told), 1;
		return 0;
	end
	for _ = 1, 50 do
		local one = job.list[job.at];
		if not one then
			job.list = nil;
			return 0; -- the book may have gone on meanwhile
		end
		job.at = job.at + 1;
		-- Only the last push carries the version of the whole.
		local ver = job.list[job.at] == nil and rosters.version(info, told) or new_id();
		local sent = tell_difference(info, one[1], one[2], one[3], ver);
		if sent > 0 then return sent; end
	end
	return 0;
end

local function count_of(set)
	local count = 0;
	for _ in pairs(set) do count = count + 1; end
	return count;
end

-- The book has changed: looks at everybody on this host who was told something. change: the book that was laid over; nil where all may be
-- different. Where only people came or went, only these are looked at for everybody else.
local function review(change)
	state.changes = state.changes + 1;
	local book = state.book;
	local all = not change or change.touched_all;
	local wide = not all and sight.widen(book, change.touched);
	local count = not all and count_of(change.moved);
	local one_by_one = not all and not change.reshaped and count <= MOST_MOVED and not sight.near_cap(book, wide, count);
	for user, told in pairs(state.told) do
		if all or change.moved[user] or sight.concerns(book, wide, user) then
			local pending = told.pending or {};
			if one_by_one and not change.moved[user] and #pending < MOST_PENDING and told.patched < MOST_PATCHED then
				pending[#pending + 1] = change.moved;
				told.pending = pending;
			else
				told.whole = true;
			end
			queue.add("review "..user, { step = review_step, user = user });
		end
	end
end

-- Presence without an address, of a user of this host: the server broadcasts to the user's own contacts, the queue to the others.
module:wrap_event("presence/bare", function (next_handler, name, event)
	local origin, stanza = event.origin, event.stanza;
	local kind = stanza.attr.type;
	if stanza.attr.to or kind and kind ~= "unavailable" or not origin.username or origin.host ~= module.host then
		return next_handler(name, event);
	end
	local info = rosters.info_of(origin.roster);
	if not info then return next_handler(name, event); end
	local was_available = origin.presence ~= nil;
	-- The server marks what it keeps with the time, and a session that ends is emptied: both after this.
	local said = st.clone(stanza);
	local who = { full_jid = origin.full_jid, username = origin.username, host = origin.host, gatehouse_caps = origin.gatehouse_caps };
	info.broadcasting = true;
	local ok, result = pcall(next_handler, name, event);
	info.broadcasting = nil;
	if not ok then error(result, 0); end
	if kind == nil or was_available then announce(who, said); end
	origin.gatehouse_caps = who.gatehouse_caps;
	if kind == nil and not was_available and origin.full_jid then greet(origin); end
	return result;
end);

module:hook("resource-unbind", function (event)
	local session = event.session;
	local user = session.username.."@"..session.host;
	if not bare_sessions[user] then state.told[user] = nil; end
end, -10);

return {
	review = review, tell = tell, push_now = push_now, push = push, bring = bring, is_available = is_available,
	say_unavailable = say_unavailable, remember = remember,
};
end
