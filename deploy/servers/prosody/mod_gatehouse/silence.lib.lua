-- SPDX-License-Identifier: MIT
-- What is done when the screen says nothing, is gone, or does not take a host; and how it is found to be back.
local logger = require "util.logger";
local now = require "util.time".now;
local log = logger.init("gatehouse");

local GOOD_ANSWERS, FAILURES = 3, 3;

-- state: the table shared by all hosts; in it the newest loaded code. code: drain, filled by the other parts.
return function (state, code, links, words, sending, carried)

local disown, session_of, speaker, mark = links.disown, links.session_of, links.speaker, words.mark;
local collect, flush, rule = sending.collect, sending.flush, sending.rule;
local suspect, take_out = carried.suspect, carried.take_out;

local function break_link(link, why)
	if link.broken then return; end
	link.broken, link.goods = true, 0;
	log("warn", "Screen %s: %s; the outage rule applies", link.screen, why);
end

local function give_up(item)
	if item.verdict then return; end
	rule(item.host, item);
	local queue = item.queue;
	if queue.first == item then code.drain(queue); end
end

-- No answer came for a try that went to `asked`: another one where there is a new connection, else the rule.
local function unanswered(item, asked, t)
	if item.verdict then return; end -- given up before
	local host = item.host;
	local session = session_of(host.link.screen);
	if item.try < 2 and t - item.at < host.hold_max and session ~= asked and not host.leaving then
		host.link.waiting[#host.link.waiting + 1] = item;
		return;
	end
	give_up(item);
end

local function fail(link, id, rec, t)
	take_out(link, id, rec);
	for i = 1, rec.count do unanswered(rec.items[i], rec.session, t); end
end

local function take_pending(host)
	local items, count = host.pending, host.pending_count;
	host.pending, host.pending_count, host.pending_last, host.pending_bytes = {}, 0, 0, 0;
	return items, count;
end

-- What was asked over a connection that is gone.
local function settle_lost(link)
	local session, t = session_of(link.screen), now();
	if not session then link.session = nil; end
	local gone = {};
	for id, rec in pairs(link.outstanding) do
		if rec.session ~= session then gone[id] = rec; end
	end
	for id, rec in pairs(gone) do
		fail(link, id, rec, t);
		if rec.spool then suspect(rec); end
	end
	if session then return; end
	for _, host in pairs(link.hosts) do
		local items, count = take_pending(host);
		for i = 1, count do
			items[i].try = items[i].try - 1; -- never sent
			unanswered(items[i], false, t);
		end
	end
end

-- The connection is gone. What waits is looked at in a turn of its own, since this is called from inside writes.
local function lost(link)
	link.announced, link.session, link.probing = false, nil, false;
	break_link(link, "not connected");
	if link.losing then return; end
	link.losing = true;
	state.timer(0, function ()
		link.losing = false;
		state.code.settle_lost(link);
	end);
end

local function probe(link)
	if link.probing or link.unreadable then return; end
	local host = speaker(link);
	if not host then return; end
	link.probing, link.probed_at = true, now();
	flush(host, mark(link, link.probed_at));
end

-- The screen's component has come (again).
local function connected(link)
	local session = session_of(link.screen);
	if not session or session == link.session then return; end
	link.session = session;
	-- Prosody leaves Nagle's algorithm on: a question would wait up to 40 ms for the acknowledgement of the one before.
	if session.conn and session.conn.setoption then session.conn:setoption("tcp-nodelay", true); end
	link.announced, link.fails, link.goods, link.probing, link.broken = false, 0, 0, false, true;
	settle_lost(link);
	probe(link);
end

local function good(link)
	link.fails = 0;
	if not link.broken or link.stopping then return; end
	link.probing = false;
	link.goods = link.goods + 1;
	if link.goods < GOOD_ANSWERS then return probe(link); end
	link.broken, link.back_at = false, now();
	log("info", "Screen %s answers; questions are asked", link.screen);
	local waiting = link.waiting;
	link.waiting = {};
	for i = 1, #waiting do
		local item = waiting[i];
		item.try = item.try + 1;
		if not item.verdict and not collect(item.host, item) and item.queue.first == item then code.drain(item.queue); end
	end
end

-- The screen does not take this host: its own outage, and nobody else's. Its numbers do not hold `done` back: what is told
-- of them stays on the disk until the screen takes the host.
local function bar(link, id, rec)
	local host, t = rec.host, now();
	local probed = link.probing and rec.last ~= nil;
	host.barred_at = t;
	if not host.barred then
		host.barred = true;
		log("error", "Screen %s does not know host %s and answers nothing for it: add %s to `hosts:` in policy.yaml. "
			.."Until then the outage rule (%s) applies to this host", link.screen, host.name, host.name, host.on_outage);
		disown(link, host);
	end
	fail(link, id, rec, t);
	local items, count = take_pending(host);
	for i = 1, count do give_up(items[i]); end
	if probed then
		link.probing = false;
		if link.broken then probe(link); end
	end
end

local function unbar(link, host)
	host.barred = nil;
	log("info", "Screen %s takes host %s now", link.screen, host.name);
end

return {
	break_link = break_link, give_up = give_up, fail = fail, take_pending = take_pending, settle_lost = settle_lost, lost = lost,
	FAILURES = FAILURES, probe = probe, connected = connected, good = good, bar = bar, unbar = unbar,
};
end
