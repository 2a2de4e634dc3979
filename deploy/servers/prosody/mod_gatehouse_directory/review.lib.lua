-- SPDX-License-Identifier: MIT
-- What clients were told of the book, and pushes of what is different in it: DIRECTORY.md section 7.
local sight = module:require "sight";
local st = require "util.stanza";
local new_id = require "util.id".short;
local pairs = pairs;

local bare_sessions = prosody.bare_sessions;

-- state: { book, told = { JID -> see listing.told_of } }
return function (module, state, rosters, listing, queue, presence)

local bring, is_available, say_unavailable = presence.bring, presence.is_available, presence.say_unavailable;

-- What the user's clients were told; from the first time on it is kept up.
local function tell(info)
	local told = state.told[info.jid];
	if not told then
		told = listing.told_of(info);
		state.told[info.jid] = told;
	end
	return told;
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
	return push(info.jid, jid, ver or listing.version(info, tell(info)), subscription and { subscription, ask, name, groups } or nil);
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
			if after then
				sent = sent + bring(session, jid, info.jid) + presence.show_to_absent(info.jid, jid);
			else
				sent = sent + say_unavailable(info.jid, jid);
			end
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
		local fresh = listing.told_of(info);
		local looked_at = {};
		local function look(jid)
			if looked_at[jid] or jid == user then return; end
			looked_at[jid] = true;
			local before, after = listing.told_text(told, jid), fresh.view.items[jid];
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
				local before, after = listing.told_text(told, jid), sight.pair(state.book, user, jid);
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
		local ver = job.list[job.at] == nil and listing.version(info, told) or new_id();
		local sent = tell_difference(info, one[1], one[2], one[3], ver);
		if sent > 0 then return sent; end
	end
	return 0;
end

-- The book has changed: looks at everybody on this host who was told something. change: the book that was laid over; nil where all may be
-- different. Where only people came or went, only these are looked at for everybody else.
local function review(change)
	state.changes = state.changes + 1;
	local book = state.book;
	local all = not change or change.touched_all;
	local wide = not all and sight.widen(book, change.touched);
	local count = not all and rosters.count(change.moved);
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

module:hook("resource-unbind", function (event)
	local session = event.session;
	local user = session.username.."@"..session.host;
	if not bare_sessions[user] then state.told[user] = nil; end
end, -10);

return { review = review, tell = tell, push_now = push_now, push = push };
end
