-- SPDX-License-Identifier: MIT
-- What the screen says, and what is done when it says nothing: verdicts, time-outs, second tries, the breaker.
local replacement = module:require "replacement";
local logger = require "util.logger";
local now = require "util.time".now;
local log = logger.init("gatehouse");

local NS = "urn:gatehouse:screen:1";
local GOOD_ANSWERS, FAILURES = 3, 3;
local MARK_EVERY, PROBE_EVERY = 4.5, 1; -- with the pace of the ticks a mark is out within 5 s
local RUN_KEPT_EVERY = 60;
local BARRED_PROBE_EVERY = 5;

return function (state, code, link_code)

local session_of, collect, rule, flush = link_code.session_of, link_code.collect, link_code.rule, link_code.flush;

local function break_link(link, why)
	if link.broken then return; end
	link.broken, link.goods = true, 0;
	log("warn", "Screen %s: %s; the outage rule applies", link.screen, why);
end

local function give_up(item)
	rule(item.host, item);
	local queue = item.queue;
	if queue.first == item then code.drain(queue); end
end

-- No answer came for a try that went to `asked`: another one where there is a new connection, else the rule.
local function unanswered(item, asked, t)
	local host = item.host;
	local session = session_of(host.link.screen);
	if item.try < 2 and t - item.at < host.hold_max and session ~= asked and not host.leaving then
		host.link.waiting[#host.link.waiting + 1] = item;
		return;
	end
	give_up(item);
end

local function take_out(link, id, rec)
	link.outstanding[id] = nil;
	local host = rec.host;
	if rec.spool then rec.spool.inflight, rec.spool.read = false, rec.spool.acked; end
	if rec.run then link.telling = false; end
	if rec.again then
		for i = 1, #rec.numbers do table.insert(host.unspooled, rec.again[i]); end
	end
	if rec.announced and rec.session == session_of(link.screen) then link.announced = false; end
	if rec.apart then return; end
	host.screens = host.screens - 1;
	local carried = rec.reports;
	if not carried then return; end
	if #carried + #host.reports <= host.max_reports then
		host.reports = table.move(host.reports, 1, #host.reports, #carried + 1, carried);
	else
		host.counted.reports_dropped = (host.counted.reports_dropped or 0) + #carried;
	end
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

local function acknowledged(link, rec)
	if rec.announced and not link.told then link.told, link.stale = true, true; end
	if rec.run then
		link.telling = false;
		return link_code.run_told(link, rec.run);
	end
	if not rec.apart then
		if rec.done > link.told_done then link.told_done = rec.done; end
		if rec.last and rec.last > link.told_last then link.told_last = rec.last; end
		return;
	end
	if rec.spool then
		local spool = rec.spool;
		if spool.wary_to and rec.place >= spool.wary_to then spool.most, spool.wary_to, spool.suspect = nil, nil, nil; end
		if link_code.spools.acknowledge(spool, rec.place) then rec.host.spool_refused = nil; end
		if rec.spool.source ~= link.source then return; end
	elseif rec.source and rec.source ~= link.source then
		return;
	end
	for i = 1, #rec.numbers do link.open[rec.numbers[i]] = nil; end
	link_code.advance(link);
end

-- The connection ended while these records were on their way. They go singly from then on; the one with which it ended a
-- second time is put aside, else it would end every connection to come.
local function suspect(rec)
	local spool = rec.spool;
	local again = spool.suspect == rec.from;
	spool.suspect = rec.from;
	if spool.most ~= 1 or not again then
		spool.most = 1;
		spool.wary_to = math.max(spool.wary_to or 0, rec.place);
		return;
	end
	log("error", "The connection of the screen ended twice at one record of %s; it is put aside as refused-...", spool.path);
	link_code.spools.put_aside(spool, rec.children);
	acknowledged(rec.host.link, rec);
	spool.read = spool.acked;
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
	local host = link_code.speaker(link);
	if not host then return; end
	link.probing, link.probed_at = true, now();
	flush(host, link_code.mark(link, link.probed_at));
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
	link.broken = false;
	log("info", "Screen %s answers; questions are asked", link.screen);
	local waiting = link.waiting;
	link.waiting = {};
	for i = 1, #waiting do
		local item = waiting[i];
		item.try = item.try + 1;
		if not collect(item.host, item) and item.queue.first == item then code.drain(item.queue); end
	end
end

local function read_texts(element)
	local texts;
	for child in element:childtags("text") do
		texts = texts or {};
		texts[(child.attr["xml:lang"] or "en"):lower()] = child:get_text() or "";
	end
	return texts;
end

-- What a verdict element says; nil: it is not understood and counts as no answer.
local function read_verdict(item, element)
	local action = element.attr.action;
	if action == "allow" or action == "later" then return action; end
	if action == "refuse" then
		item.condition, item.texts = element.attr.condition or "policy-violation", read_texts(element);
		return action;
	end
	if action == "replace" then
		item.replacement = replacement(element, item);
		if item.replacement then return action; end
		log("warn", "The replacement for number %d changes what it must keep, or is none: refused", item.n);
		item.condition, item.degraded = "policy-violation", true;
		return "refuse";
	end
end

local function apply(link, item, verdict)
	if verdict == "later" then
		link.later[item.n] = item;
		return;
	end
	item.answered = item.try;
	item.verdict = verdict;
end

local function named_verdicts(stanza)
	local verdicts = stanza.tags[1];
	if not verdicts or verdicts.name ~= "verdicts" or verdicts.attr.xmlns ~= NS then return {}; end
	local named = {};
	for i = 1, #verdicts.tags do
		local element = verdicts.tags[i];
		local n = tonumber(element.attr.n);
		if n and element.name == "verdict" and element.attr.xmlns == NS then named[n] = element; end
	end
	return named;
end

-- The screen cannot read what we sent, and would not the next time: reports are dropped, of the disk's records the one at
-- fault is found by sending them singly, and put aside.
local function leave_out(link, rec)
	local host, spool = rec.host, rec.spool;
	if rec.reports then
		host.counted.reports_dropped = (host.counted.reports_dropped or 0) + #rec.reports;
		rec.reports = nil;
	elseif rec.run then
		log("error", "The screen cannot read the announcement of the earlier run %s: %s", rec.run.source, rec.run.xml);
		link_code.run_told(link, rec.run);
	elseif spool and spool.most ~= 1 then
		spool.most = 1;
	elseif spool then
		log("error", "The screen cannot read a record of %s; it is put aside as refused-...", spool.path);
		link_code.spools.put_aside(spool, rec.children);
		spool.most = nil;
		acknowledged(link, rec);
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
		for n, value in pairs(link.open) do
			if value == host then link.open[n] = nil; end
		end
		link_code.advance(link);
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

-- An IQ of type result or error to one of our hosts. True: it is an answer to us (or pretends to be one).
local function answer(link, origin, stanza)
	local id = stanza.attr.id;
	local rec = id and link.outstanding[id];
	if not rec or rec.session ~= origin then return id ~= nil and id:sub(1, 3) == "gh-"; end
	local host, items, count = rec.host, rec.items, rec.count;
	if stanza.attr.type ~= "result" then
		local _, condition, text = stanza:get_error();
		if condition == "forbidden" then
			bar(link, id, rec);
			return true;
		end
		log("warn", "Screen %s answers with an error: %s %s", link.screen, condition, text or "");
		link.fails = link.fails + 1;
		if link.fails >= FAILURES then break_link(link, "three failures in a row"); end
		link.probing = false;
		if condition == "bad-request" then leave_out(link, rec); end
		fail(link, id, rec, now());
		return true;
	end
	link.outstanding[id] = nil;
	if not rec.apart then host.screens = host.screens - 1; end
	acknowledged(link, rec);
	if host.barred then unbar(link, host); end
	good(link);
	if rec.spool and rec.spool.most == 1 then link_code.replay(host, rec.spool); end
	if host.pending_count > 0 then flush(host); end
	if count == 0 then return true; end
	local named = stanza.tags[1] and named_verdicts(stanza);
	for i = 1, count do
		local item = items[i];
		local element = named and named[item.n];
		local verdict = "allow";
		if element then verdict = read_verdict(item, element); end
		if verdict then
			apply(link, item, verdict);
		else
			log("warn", "Verdict %q for number %d is not known here: no answer", element.attr.action, item.n);
			rule(host, item);
		end
	end
	if state.points.answered then state.points.answered(items, count); end
	for i = 1, count do
		local queue = items[i].queue;
		if queue.first == items[i] then code.drain(queue); end
	end
	return true;
end

-- Verdicts that were announced as later.
local function late_verdicts(link, verdicts)
	for i = 1, #verdicts.tags do
		local element = verdicts.tags[i];
		local n = tonumber(element.attr.n);
		local item = n and link.later[n];
		if item and element.name == "verdict" then
			local verdict = read_verdict(item, element);
			if verdict and verdict ~= "later" then
				link.later[n] = nil;
				apply(link, item, verdict);
				if item.queue.first == item then code.drain(item.queue); end
			end
		end
	end
end

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

local function replay_oldest(host)
	if host.barred then return; end
	local list = host.spools;
	while list[1] and list[1] ~= host.spool and list[1].size == 0 do table.remove(list, 1); end
	if list[1] then link_code.replay(host, list[1]); end
end

-- In a long outage: what was counted goes to the disk now and then, so that a crash forgets little of it.
local function close_long_run(host, t)
	local run = host.outage_run;
	if run and t - run.at >= RUN_KEPT_EVERY then link_code.close_run(host); end
end

local function tick_link(link, t)
	local late = collect_where(link.outstanding, function (rec) return t - rec.sent >= rec.host.try; end);
	for id, rec in pairs(late or {}) do
		link.fails, link.goods, link.probing = link.fails + 1, 0, false;
		if link.fails >= FAILURES then break_link(link, "three time-outs in a row"); end
		fail(link, id, rec, t);
	end
	local over = collect_where(link.later, function (item) return t - item.at >= item.host.hold_max; end);
	for n, item in pairs(over or {}) do
		link.later[n] = nil;
		give_up(item);
	end
	if link.waiting[1] then
		local waiting = link.waiting;
		link.waiting = {};
		for i = 1, #waiting do
			local item = waiting[i];
			if t - item.at < item.host.hold_max then link.waiting[#link.waiting + 1] = item; else give_up(item); end
		end
	end
	local session = session_of(link.screen);
	local done = link_code.safe_done(link, t);
	if not session and not link.broken then lost(link); end
	if not session and not link.greeted and t - link.since > 5 then
		link.greeted = true;
		log("warn", "Screen %s has not connected yet; the outage rule applies", link.screen);
	end
	for _, host in pairs(link.hosts) do
		if host.barred then
			close_long_run(host, t);
			if session and t - host.barred_at >= BARRED_PROBE_EVERY then
				host.barred_at = t;
				flush(host, link_code.mark(link, t));
			end
		end
	end
	if link.broken then
		for _, host in pairs(link.hosts) do close_long_run(host, t); end
		if not session then return; end
		if not link.probing and t - (link.probed_at or 0) >= PROBE_EVERY then probe(link); end
		return;
	end
	link_code.tell_run(link);
	if not link.announced then
		local host = link_code.speaker(link);
		if host then flush(host); end
	end
	if link.stale then link_code.keep_numbers(link); end
	if t - link.mark_at >= MARK_EVERY and (link.last > link.told_last or done > link.told_done) then
		local host = link_code.speaker(link);
		link.mark_at = t;
		if link.marked ~= link.last then
			link.marked = link.last;
			link_code.keep_numbers(link);
		end
		if host then flush(host, link_code.mark(link, t)); end
	end
	for _, host in pairs(link.hosts) do
		if not host.barred then
			link_code.close_run(host);
			link_code.resend_unspooled(host);
			if host.pending_count > 0 or (host.reports[1] and host.screens < link_code.SCREENS_AT_ONCE) then flush(host); end
			replay_oldest(host);
		end
	end
end

local function tick()
	local t = now();
	state.ticked = t;
	for _, link in pairs(state.links) do tick_link(link, t); end
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
	link_code.close_run(host);
end

-- The last word of a source: nothing is numbered after it.
local function say_end(link)
	if link.stopping then return; end
	for _, host in pairs(link.hosts) do link_code.close_run(host); end
	link.stopping = true;
	link.marked = link.last;
	if link.kept then link_code.keep_numbers(link); end -- else nobody has heard of this run
	local host = link_code.speaker(link);
	if not host or not session_of(link.screen) or link.unreadable then return; end
	link.seen_done, link.seen_at = link.done, 0; -- nothing is on its way any more
	flush(host, link_code.mark(link, now(), true));
	for _, one in pairs(link.hosts) do replay_oldest(one); end
end

-- Tells what the host still owes; true when the screen has acknowledged all of it, or cannot now.
local function tell_rest(host)
	local link = host.link;
	if link.broken or host.barred or not session_of(link.screen) then return true; end
	link_code.resend_unspooled(host);
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
	answer = answer, late_verdicts = late_verdicts, tick = tick, connected = connected, lost = lost, settle_lost = settle_lost,
	settle_host = settle_host, say_end = say_end, tell_rest = tell_rest,
};
end
