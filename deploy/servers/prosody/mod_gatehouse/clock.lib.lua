-- SPDX-License-Identifier: MIT
-- What is due: time-outs, marks, probes, what waits to be told; and the end, of a host or of a source.
local logger = require "util.logger";
local now = require "util.time".now;
local log = logger.init("gatehouse");

local MARK_EVERY, PROBE_EVERY = 4.5, 1; -- with the pace of the ticks a mark is out within 5 s
local RUN_KEPT_EVERY = 60;
local BARRED_PROBE_EVERY = 5;
local COMPLAIN_EVERY = 60;

return function (state, links, words, owed, sending, carried, silence, doors)

local disown, keep_numbers, session_of, speaker = links.disown, links.keep_numbers, links.session_of, links.speaker;
local mark, close_run, flush, SCREENS_AT_ONCE = words.mark, owed.close_run, sending.flush, sending.SCREENS_AT_ONCE;
local replay_oldest, resend_unspooled, tell_run = carried.replay_oldest, carried.resend_unspooled, carried.tell_run;
local break_link, fail, give_up, lost, probe, take_pending =
	silence.break_link, silence.fail, silence.give_up, silence.lost, silence.probe, silence.take_pending;
local FAILURES = silence.FAILURES;

local function collect_where(list, test)
	local found;
	for key, value in pairs(list) do
		if test(value) then
			found = found or {};
			found[key] = value;
		end
	end
	return found;
end

-- In a long outage: what was counted goes to the disk now and then, so that a crash forgets little of it.
local function close_long_run(host, t)
	for _, run in pairs(host.outage_runs) do
		if t - run.at >= RUN_KEPT_EVERY then return close_run(host); end
	end
end

-- What one link or host stumbles over stops no other, nor the timer.
local function guarded(link, what, ...)
	local ok, problem = pcall(what, ...);
	if ok or now() - (link.stumbled_at or 0) < COMPLAIN_EVERY then return; end
	link.stumbled_at = now();
	log("error", "In the timer, for screen %s: %s", link.screen or "?", problem);
end

local function is_overdue(item, t) return not item.verdict and t - item.at >= item.host.hold_max; end

-- Nothing is held for longer than the host says, wherever its question is: asked, collected, or promised for later. The answer that
-- comes all the same is ignored.
local function give_up_overdue(link, t)
	local over = {};
	local function look(items, count)
		for i = 1, count do
			if is_overdue(items[i], t) then over[#over + 1] = items[i]; end
		end
	end
	for _, rec in pairs(link.outstanding) do look(rec.items, rec.count); end
	for _, host in pairs(link.hosts) do look(host.pending or {}, host.pending_count or 0); end
	for n, item in pairs(collect_where(link.later, function (item) return t - item.at >= item.host.hold_max; end) or {}) do
		link.later[n] = nil;
		over[#over + 1] = item;
	end
	for i = 1, #over do give_up(over[i]); end
end

-- A host that the screen does not take asks now and then whether it does by now.
local function probe_barred(link, host, session, t)
	close_long_run(host, t);
	if not session or t - host.barred_at < BARRED_PROBE_EVERY then return; end
	host.barred_at = t;
	flush(host, mark(link, t));
end

-- What waits for a host is sent.
local function tell_host(host)
	if host.barred then return; end
	close_run(host);
	doors.tell(host);
	resend_unspooled(host);
	if host.pending_count > 0 or (host.reports[1] and host.screens < SCREENS_AT_ONCE) then flush(host); end
	replay_oldest(host);
end

-- What a host owed when the module left it is told in its name, else the numbers of all others would wait for it. Where the host
-- itself is gone nobody can: it stays on the disk.
local function tell_left(link, host)
	if host.barred then return; end
	if not prosody.hosts[host.name] then return disown(link, host); end
	resend_unspooled(host);
	replay_oldest(host);
end

local function tick_link(link, t)
	local late = collect_where(link.outstanding, function (rec) return t - rec.sent >= rec.host.try; end);
	for id, rec in pairs(late or {}) do
		link.probing = false;
		-- A probe from before it was found to be back says nothing of how it is now.
		if link.broken or rec.sent >= (link.back_at or 0) then link.fails, link.goods = link.fails + 1, 0; end
		if link.fails >= FAILURES then break_link(link, "three time-outs in a row"); end
		fail(link, id, rec, t);
	end
	give_up_overdue(link, t);
	if link.waiting[1] then
		local waiting = link.waiting;
		link.waiting = {};
		for i = 1, #waiting do
			local item = waiting[i];
			if t - item.at < item.host.hold_max then link.waiting[#link.waiting + 1] = item; else give_up(item); end
		end
	end
	local session = session_of(link.screen);
	local done = link.safe_done;
	if not session and not link.broken then lost(link); end
	if session then
		link.greeted = true;
	elseif not link.greeted and t - link.since > 5 then
		link.greeted = true;
		log("warn", "Screen %s has not connected yet; the outage rule applies", link.screen);
	end
	for _, host in pairs(link.hosts) do
		if host.barred then guarded(link, probe_barred, link, host, session, t); end
	end
	if link.broken then
		for _, host in pairs(link.hosts) do close_long_run(host, t); end
		if not session then return; end
		if t - (link.probed_at or 0) >= PROBE_EVERY then
			link.probing = false; -- the one before may still wait for its answer: a try may last longer
			probe(link);
		end
		return;
	end
	tell_run(link);
	if not link.announced then
		local host = speaker(link);
		if host then flush(host); end
	end
	if link.stale then keep_numbers(link); end
	if t - link.mark_at >= MARK_EVERY and (link.last > link.told_last or done > link.told_done) then
		local host = speaker(link);
		link.mark_at = t;
		if link.marked ~= link.last then
			link.marked = link.last;
			keep_numbers(link);
		end
		if host then flush(host, mark(link, t)); end
	end
	for _, host in pairs(link.hosts) do guarded(link, tell_host, host); end
	for _, host in pairs(state.left) do
		if host.link == link then guarded(link, tell_left, link, host); end
	end
end

local function tick()
	local t = now();
	state.ticked = t;
	for _, link in pairs(state.links) do guarded(link, tick_link, link, t); end
end

-- The module leaves the host (or the server stops): what waits is settled by the outage rule, now.
local function settle_host(host)
	local link = host.link;
	host.leaving = true;
	local mine = collect_where(link.outstanding, function (rec) return rec.host == host; end);
	for id, rec in pairs(mine or {}) do fail(link, id, rec, now()); end
	local items, count = take_pending(host);
	for i = 1, count do give_up(items[i]); end
	local is_mine = function (item) return item.host == host; end
	for n, item in pairs(collect_where(link.later, is_mine) or {}) do
		link.later[n] = nil;
		give_up(item);
	end
	local waiting = link.waiting;
	link.waiting = {};
	for i = 1, #waiting do
		if is_mine(waiting[i]) then give_up(waiting[i]); else link.waiting[#link.waiting + 1] = waiting[i]; end
	end
	close_run(host);
end

-- The last word of a source: nothing is numbered after it.
local function say_end(link)
	if link.stopping then return; end
	for _, host in pairs(link.hosts) do close_run(host); end
	link.stopping = true;
	link.marked = link.last;
	if link.kept then keep_numbers(link); end -- else nobody has heard of this run
	local host = speaker(link);
	if not host or not session_of(link.screen) or link.unreadable then return; end
	link.safe_done = link.done; -- nothing is on its way any more
	flush(host, mark(link, now(), true));
	for _, one in pairs(link.hosts) do replay_oldest(one); end
end

-- Tells what the host still owes; true when the screen has acknowledged all of it, or cannot now.
local function tell_rest(host)
	local link = host.link;
	if link.broken or host.barred or not session_of(link.screen) then return true; end
	resend_unspooled(host);
	replay_oldest(host);
	if host.unspooled[1] then return false; end
	for _, spool in ipairs(host.spools) do
		if spool.source == link.source and spool.size > 0 then return false; end
	end
	for _, rec in pairs(link.outstanding) do
		if rec.host == host and rec.apart then return false; end
	end
	return true;
end

return {
	tick = tick, settle_host = settle_host, say_end = say_end, tell_rest = tell_rest,
};
end
