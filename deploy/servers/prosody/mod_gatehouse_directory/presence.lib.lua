-- SPDX-License-Identifier: MIT
-- Presence between people who see each other by the book: DIRECTORY.md section 7.
-- All of it goes through the queue, and by the server's own routing, so that block lists count.
local sight = module:require "sight";
local st = require "util.stanza";
local jid_host, jid_split = require "util.jid".host, require "util.jid".split;
local now = require "util.time".now;
local pairs = pairs;

local bare_sessions, full_sessions, hosts = prosody.bare_sessions, prosody.full_sessions, prosody.hosts;
local CAPS = "http://jabber.org/protocol/caps";

-- state: { book, host }
-- on_available: called with what stands behind the roster of a user who has said that somebody is there.
return function (module, state, rosters, queue, on_available)

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

-- A session has become available: it is to be told who is there.
local function greet(session)
	local user = session.username.."@"..session.host;
	local info = rosters.info_of(session.roster);
	if not info then return; end
	on_available(info);
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

-- Shows a user to somebody who is not there: for PEP, which keeps what offline people publish and tells it to who is known to want it.
local function show_to_absent(user, other)
	if bare_sessions[other] or not is_ours(jid_host(other)) or not sight.sees(state.book, other, user) then return 0; end
	local online = bare_sessions[user];
	local sent = 0;
	for _, session in pairs(online and online.sessions or {}) do
		local said = session.presence;
		if said and caps_of(said) then
			said.attr.to = other;
			prosody.core_post_stanza(session, said, true);
			said.attr.to = nil;
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

return { bring = bring, show_to_absent = show_to_absent, is_available = is_available, say_unavailable = say_unavailable, remember = remember };
end
