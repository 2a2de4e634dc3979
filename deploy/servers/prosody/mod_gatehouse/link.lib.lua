-- SPDX-License-Identifier: MIT
-- The way to one screen: numbers, questions in, answers out, what is under way, the breaker. Shared by all hosts that name
-- the screen. Holds no module of Prosody's: the state outlives a reload, the newest loaded code works on it.
local writer = module:require "writer";
local replacement = module:require "replacement";
local logger = require "util.logger";
local now = require "util.time".now;
local random_hex = require "util.hex".to;
local random_bytes = require "util.random".bytes;
local concat, floor, format, date = table.concat, math.floor, string.format, os.date;

local NS = "urn:gatehouse:screen:1";
local FORWARDED = "<forwarded xmlns='urn:xmpp:forward:0'>";
local SCREENS_AT_ONCE = 3; -- more than this under way for a host: questions are collected
local QUESTIONS_PER_SCREEN, BYTES_PER_SCREEN, CHILDREN_PER_SCREEN = 64, 65536, 256;
local BLOCK = 1000;
local log = logger.init("gatehouse");

-- stamp(t): RFC 3339, UTC, milliseconds
local stamp_second, stamp_text;
local function stamp(t)
	local second = floor(t);
	if second ~= stamp_second then
		stamp_second, stamp_text = second, date("!%Y-%m-%dT%H:%M:%S", second);
	end
	return format("%s.%03dZ", stamp_text, floor((t - second) * 1000));
end

-- state: the table shared by all hosts. drain(queue): goes on with a queue whose first item has its verdict.
return function (state, drain)

local function hex(bytes) return random_hex(random_bytes(bytes)); end

local function session_of(screen)
	local host = prosody.hosts[screen];
	local component = host and host.modules and host.modules.component;
	local session = component and component.session;
	if session and session.type == "component" and not session.destroyed then return session; end
end

local function new_link(screen)
	local link = {
		screen = screen, source = hex(16), last = 0, reserved = 0, done = 0,
		open = {},        -- n -> item or true: not settled, or its settlement not acknowledged
		outstanding = {}, -- id of the IQ -> what went with it
		hosts = {},       -- host name -> host
		fails = 0, goods = 0, broken = true, announced = false, marked = 0, mark_at = 0,
	};
	state.links[screen] = link;
	return link;
end

local function reserve(link)
	link.reserved = link.last + BLOCK;
	if link.keep then link.keep(link); end
end

local function next_number(link)
	local n = link.last + 1;
	link.last = n;
	if n > link.reserved then reserve(link); end
	return n;
end

local function advance(link)
	local open, done, last = link.open, link.done, link.last;
	while done < last and open[done + 1] == nil do done = done + 1; end
	link.done = done;
end

-- A report waits until the result of the screen that carried it. n: the number whose done it holds back.
local function report(host, xml, n)
	local reports = host.reports;
	if #reports >= host.max_reports and not n then
		host.reports_dropped = host.reports_dropped + 1;
		return;
	end
	reports[#reports + 1] = { xml = xml, n = n };
end

-- n is settled. Implied by its only try's verdict: only the number moves. Otherwise the screen is told first.
local function settle(host, item, outcome, implied)
	local link = host.link;
	host.counted[outcome] = (host.counted[outcome] or 0) + 1;
	if implied then
		link.open[item.n] = nil;
		if item.n == link.done + 1 then advance(link); end
	else
		link.open[item.n] = true;
		report(host, format("<settle n='%d' try='%d' outcome='%s' at='%s'/>", item.n, item.answered or item.try or 0, outcome, stamp(now())), item.n);
	end
end

local function question(item)
	return concat {
		"<ask n='", item.n, item.try > 1 and "' try='"..item.try or "",
		item.direction and "' direction='"..item.direction or "", item.via and "' via='"..item.via or "",
		"' at='", stamp(item.at), item.spooled and "' spooled='true'>" or "'>", FORWARDED,
		writer.stanza(item.stanza, item.from, item.to), "</forwarded></ask>",
	};
end

-- The announcement, once per connection.
local function announcement(link, t)
	local hosts = {};
	for name in pairs(link.hosts) do hosts[#hosts + 1] = name; end
	table.sort(hosts);
	local before = link.predecessor;
	return concat {
		"<source at='", stamp(t), "' node='", writer.attribute(state.node), "' software='", writer.attribute(state.software),
		"' helper='", state.helper, "' hosts='", writer.attribute(concat(hosts, " ")),
		before and format("' predecessor='%s' predecessor-mark='%d' predecessor-reserved='%d", before.source, before.mark, before.reserved) or "",
		"'/>",
	};
end

local lost;

-- Sends what was collected for the host, with reports beside it. extra: one more child.
local function flush(host, extra)
	local link = host.link;
	local session = session_of(link.screen);
	if not session then return lost(link); end
	local t = now();
	local buf, n, children = {}, 1, 0;
	if not link.announced then
		link.announced = true;
		n, children = n + 1, children + 1;
		buf[n] = announcement(link, t);
	end
	if extra then n, children = n + 1, children + 1; buf[n] = extra; end
	local items, count = host.pending, host.pending_count;
	if count > 0 then
		local texts = host.pending_texts;
		for i = 1, count do buf[n + i] = texts[i]; end
		n, children = n + count, children + count;
		host.pending, host.pending_texts, host.pending_count, host.pending_bytes = {}, {}, 0, 0;
	end
	local reports, carried = host.reports, nil;
	if reports[1] then
		carried = {};
		local taken = 0;
		for i = 1, #reports do
			if children >= CHILDREN_PER_SCREEN then break; end
			n, children, taken = n + 1, children + 1, i;
			buf[n] = reports[i].xml;
			carried[i] = reports[i];
		end
		host.reports = taken < #reports and table.move(reports, taken + 1, #reports, 1, {}) or {};
	end
	if children == 0 then return true; end
	local id = "gh-"..hex(12);
	buf[1] = concat {
		"<iq type='set' from='", host.name, "' to='", link.screen, "' id='", id, "'><screen xmlns='", NS, "' source='", link.source,
		"' done='", link.done, "'>",
	};
	buf[n + 1] = "</screen></iq>";
	link.outstanding[id] = { host = host, items = items, count = count, reports = carried, sent = t, session = session };
	host.screens = host.screens + 1;
	host.screens_sent = host.screens_sent + 1;
	local ok = session.send(concat(buf));
	if ok == nil or ok == false then return lost(link); end
	return true;
end

local function collect(host, item)
	local text = question(item);
	item.bytes = #text;
	host.bytes = host.bytes + #text;
	local count = host.pending_count + 1;
	host.pending_count = count;
	host.pending[count] = item;
	host.pending_texts[count] = text;
	host.pending_bytes = host.pending_bytes + #text;
	if host.screens < SCREENS_AT_ONCE or count >= QUESTIONS_PER_SCREEN or host.pending_bytes >= BYTES_PER_SCREEN then
		flush(host);
	end
end

-- One number without a question: neighbours of one host and outcome become one report.
local function unasked(host, item, outcome)
	local link = host.link;
	local n = next_number(link);
	item.n = n;
	host.counted[outcome] = (host.counted[outcome] or 0) + 1;
	local run = host.outage_run;
	if run and run.outcome == outcome and run.last == n - 1 then
		run.last, run.count = n, run.count + 1;
	else
		if run then state.code.close_run(host); end
		host.outage_run = { first = n, last = n, count = 1, outcome = outcome, at = now() };
		link.open[n] = true;
	end
end

local function close_run(host)
	local run = host.outage_run;
	if not run then return; end
	host.outage_run = nil;
	report(host, format("<outage from='%d' to='%d' count='%d' outcome='%s' at='%s'/>", run.first, run.last, run.count, run.outcome, stamp(run.at)), run.first);
end

-- The outage rule for an item that was or was not asked about.
local function rule(host, item)
	if host.on_outage == "open" then
		item.verdict = "unscreened";
	else
		item.verdict = "bounce";
	end
end

-- A new stanza. Gives the item its verdict at once when the rule says so.
local function submit(host, item)
	local link = host.link;
	item.at = now();
	if item.at - state.ticked > 0.5 then state.code.tick(); end
	if host.inflight >= host.max_questions or host.bytes >= host.max_bytes then
		item.verdict, item.reason, item.unasked = "bounce", "full", true;
		return;
	end
	if link.broken then
		item.unasked = true;
		rule(host, item);
		return;
	end
	item.n, item.try = next_number(link), 1;
	link.open[item.n] = item;
	host.inflight = host.inflight + 1;
	collect(host, item);
end

local function finish(host, item)
	host.inflight = host.inflight - 1;
	host.bytes = host.bytes - (item.bytes or 0);
	item.later = nil;
	item.finished = true;
end

-- No answer will come for this try: another one where there is somebody new to ask, else the rule.
local function unanswered(host, item, t)
	host.bytes = host.bytes - (item.bytes or 0);
	item.bytes = 0;
	local link = host.link;
	local session = session_of(link.screen);
	if t - item.at < host.hold_max and item.try < 2 then
		if session and session ~= item.session then
			item.try = item.try + 1;
			return collect(host, item);
		elseif not session then
			link.waiting = link.waiting or {};
			link.waiting[#link.waiting + 1] = item;
			return;
		end
	end
	finish(host, item);
	rule(host, item);
	drain(item.queue);
end

local function break_link(link, why)
	if link.broken then return; end
	link.broken, link.goods, link.broken_at = true, 0, now();
	log("warn", "Screen %s: %s; the outage rule applies", link.screen, why);
end

local function give_back(rec)
	rec.host.screens = rec.host.screens - 1;
	if rec.reports then
		local list = rec.reports;
		table.move(rec.host.reports, 1, #rec.host.reports, #list + 1, list);
		rec.host.reports = list;
	end
end

local function fail(link, id, rec, t)
	link.outstanding[id] = nil;
	give_back(rec);
	for i = 1, rec.count do
		local item = rec.items[i];
		item.session = rec.session;
		unanswered(rec.host, item, t);
	end
end

-- The connection is gone. What waits is looked at in a turn of its own: this is called from inside writes.
function lost(link)
	link.announced, link.session, link.probing = false, nil, false;
	break_link(link, "not connected");
	if link.losing then return; end
	link.losing = true;
	state.timer(0, function ()
		link.losing = false;
		state.code.settle_lost(link);
	end);
end

local function settle_lost(link)
	local session, t = session_of(link.screen), now();
	if not session then link.session = nil; end
	local gone = {};
	for id, rec in pairs(link.outstanding) do
		if rec.session ~= session then gone[id] = rec; end
	end
	for id, rec in pairs(gone) do fail(link, id, rec, t); end
	for _, host in pairs(link.hosts) do
		if not session and host.pending_count > 0 then
			local items, count = host.pending, host.pending_count;
			host.pending, host.pending_texts, host.pending_count, host.pending_bytes = {}, {}, 0, 0;
			for i = 1, count do
				items[i].try = items[i].try - 1; -- never sent
				unanswered(host, items[i], t);
			end
		end
	end
end

local function probe(link)
	local _, host = next(link.hosts);
	if not host or link.probing then return; end
	link.probing = true;
	link.probed_at = now();
	flush(host, format("<mark last='%d' at='%s'/>", link.last, stamp(link.probed_at)));
end

-- The screen's component has come (again).
local function connected(link)
	local session = session_of(link.screen);
	if not session or session == link.session then return; end
	link.session = session;
	link.announced, link.fails, link.goods, link.probing = false, 0, 0, false;
	if not link.broken then link.broken = true; end
	settle_lost(link);
	probe(link);
end

local GOOD_ANSWERS = 3;

local function good(link)
	link.fails = 0;
	if not link.broken then return; end
	link.probing = false;
	link.goods = link.goods + 1;
	if link.goods < GOOD_ANSWERS then return probe(link); end
	link.broken = false;
	log("info", "Screen %s answers; questions are asked", link.screen);
	local waiting = link.waiting;
	link.waiting = nil;
	for i = 1, waiting and #waiting or 0 do
		local item = waiting[i];
		item.try = item.try + 1;
		collect(item.host, item);
	end
	for _, host in pairs(link.hosts) do close_run(host); end
end

-- What the item's verdict element says. Anything that is not understood counts as no answer: nil.
local function read_verdict(item, element)
	local action = element.attr.action;
	if action == "allow" then return "allow"; end
	if action == "refuse" then
		local texts, any = {}, false;
		for child in element:childtags("text") do
			texts[(child.attr["xml:lang"] or "en"):lower()] = child:get_text() or "";
			any = true;
		end
		item.condition, item.texts = element.attr.condition or "policy-violation", any and texts or nil;
		return "refuse";
	end
	if action == "replace" then
		local stanza = replacement(element, item);
		if stanza then
			item.replacement = stanza;
			return "replace";
		end
		log("warn", "Replacement for number %d changes what it must keep, or is none: refused", item.n);
		item.condition = "policy-violation";
		return "refuse";
	end
	if action == "later" then return "later"; end
end

local function apply(host, item, verdict)
	if verdict == "later" then
		item.later = true;
		host.link.later = host.link.later or {};
		host.link.later[item.n] = item;
		return;
	end
	if host.link.later then host.link.later[item.n] = nil; end
	finish(host, item);
	item.answered = item.try;
	item.verdict = verdict;
end

-- An IQ answer of the screen. True: it was one of ours (or pretends to be).
local function answer(link, origin, stanza)
	local id = stanza.attr.id;
	local rec = link.outstanding[id];
	if not rec or rec.session ~= origin then return false; end
	local host, items = rec.host, rec.items;
	link.outstanding[id] = nil;
	if stanza.attr.type ~= "result" then
		log("warn", "Screen %s answers with an error: %s", link.screen, (select(2, stanza:get_error())));
		link.fails = link.fails + 1;
		if link.fails >= 3 then break_link(link, "three failures in a row"); end
		link.probing = false;
		fail(link, id, rec, now());
		return true;
	end
	host.screens = host.screens - 1;
	local open = link.open;
	local carried = rec.reports;
	if carried then
		for i = 1, #carried do
			local n = carried[i].n;
			if n then open[n] = nil; end
		end
		advance(link);
	end
	local verdicts = stanza.tags[1];
	local named;
	if verdicts and verdicts.name == "verdicts" and verdicts.attr.xmlns == NS then
		named = {};
		for i = 1, #verdicts.tags do
			local element = verdicts.tags[i];
			local n = tonumber(element.attr.n);
			if element.name == "verdict" and n then named[n] = element; end
		end
	end
	good(link);
	if host.pending_count > 0 then flush(host); end
	for i = 1, rec.count do
		local item = items[i];
		local element = named and named[item.n];
		if not element then
			apply(host, item, "allow");
		else
			local verdict = read_verdict(item, element);
			if verdict then
				apply(host, item, verdict);
			else
				log("warn", "Unknown verdict %q for number %d counts as no answer", element.attr.action, item.n);
				item.session = rec.session;
				item.try = 2;
				unanswered(host, item, now());
			end
		end
	end
	if state.points.answered then state.points.answered(items, rec.count); end
	for i = 1, rec.count do
		local queue = items[i].queue;
		if queue.first == items[i] then drain(queue); end
	end
	return true;
end

-- Verdicts that were announced as later.
local function late_verdicts(link, verdicts)
	for i = 1, #verdicts.tags do
		local element = verdicts.tags[i];
		local n = tonumber(element.attr.n);
		local item = n and link.later and link.later[n];
		if item and element.name == "verdict" then
			local verdict = read_verdict(item, element);
			if verdict and verdict ~= "later" then
				apply(item.host, item, verdict);
				drain(item.queue);
			end
		end
	end
end

local function tick()
	local t = now();
	state.ticked = t;
	for _, link in pairs(state.links) do
		local late;
		for id, rec in pairs(link.outstanding) do
			if t - rec.sent >= rec.host.try then late = late or {}; late[id] = rec; end
		end
		if late then
			for id, rec in pairs(late) do
				link.fails = link.fails + 1;
				link.probing = false;
				if link.fails >= 3 or link.broken then break_link(link, "three time-outs in a row"); end
				fail(link, id, rec, t);
			end
		end
		if link.later then
			local over;
			for n, item in pairs(link.later) do
				if t - item.at >= item.host.hold_max then over = over or {}; over[n] = item; end
			end
			for n, item in pairs(over or {}) do
				link.later[n] = nil;
				item.try = 2;
				unanswered(item.host, item, t);
			end
		end
		if link.waiting then
			local kept = {};
			for _, item in ipairs(link.waiting) do
				if t - item.at < math.min(item.host.hold_max, item.host.try * 2) then
					kept[#kept + 1] = item;
				else
					finish(item.host, item);
					rule(item.host, item);
					drain(item.queue);
				end
			end
			link.waiting = kept[1] and kept or nil;
		end
		local session = session_of(link.screen);
		if link.broken then
			if session and not link.probing and t - (link.probed_at or 0) >= 1 then probe(link); end
		elseif not session then
			lost(link);
		else
			local marked = false;
			if t - link.mark_at >= 5 and link.last > link.marked then
				local _, host = next(link.hosts);
				if host then
					link.mark_at, link.marked, marked = t, link.last, true;
					flush(host, format("<mark last='%d' at='%s'/>", link.last, stamp(t)));
				end
			end
			for _, host in pairs(link.hosts) do
				close_run(host);
				if host.pending_count > 0 or (host.reports[1] and host.screens < SCREENS_AT_ONCE) then flush(host); end
			end
			if marked and link.keep then link.keep(link); end
		end
	end
end

return {
	new_link = new_link, session_of = session_of, submit = submit, settle = settle, unasked = unasked, report = report,
	answer = answer, late_verdicts = late_verdicts, tick = tick, connected = connected, lost = lost, settle_lost = settle_lost,
	close_run = close_run, flush = flush, stamp = stamp, rule = rule, finish = finish,
};
end
