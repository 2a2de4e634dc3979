-- SPDX-License-Identifier: MIT
-- The way to one screen: numbers, questions out, answers in, what is under way. Shared by all hosts that name the screen.
-- Holds no module of Prosody's: the state outlives a reload, and the newest loaded code works on it.
local writer = module:require "writer";
local spools = module:require "spool";
local logger = require "util.logger";
local now = require "util.time".now;
local hex_of = require "util.hex";
local random_bytes = require "util.random".bytes;
local concat, floor, format, date, move = table.concat, math.floor, string.format, os.date, table.move;

local NS = "urn:gatehouse:screen:1";
local FORWARDED = "<forwarded xmlns='urn:xmpp:forward:0'>";
local SCREENS_AT_ONCE = 3; -- more than this under way for a host: questions are collected
local QUESTIONS_PER_SCREEN, BYTES_PER_SCREEN, CHILDREN_PER_SCREEN = 64, 65536, 256;
local RECORDS_PER_REPLAY = 200;
local PIECES_KEPT = 4096;
local BLOCK = 1000;
local log = logger.init("gatehouse");
local to_hex = hex_of.encode or hex_of.to;

local function hex(bytes) return to_hex(random_bytes(bytes)); end

-- RFC 3339, UTC, milliseconds.
local stamp_second, stamp_text, stamp_at, stamp_whole;
local function stamp(t)
	if t == stamp_at then return stamp_whole; end
	local second = floor(t);
	if second ~= stamp_second then
		stamp_second, stamp_text = second, date("!%Y-%m-%dT%H:%M:%S", second);
	end
	stamp_at, stamp_whole = t, format("%s.%03dZ", stamp_text, floor((t - second) * 1000));
	return stamp_whole;
end

-- state: the table shared by all hosts. code: drain, lost and the like, filled by the other parts.
return function (state, code)

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
		later = {},       -- n -> item whose verdict is to come by itself
		waiting = {},     -- items for whose second try there is no connection yet
		fails = 0, goods = 0, broken = true, announced = false, mark_at = 0,
		marked = 0,       -- the last mark on disk
		told_last = 0, told_done = 0, -- what the screen has acknowledged of `mark` and `done`
	};
	spools.read_predecessor(link);
	state.links[screen] = link;
	return link;
end

-- The last of `count` new numbers; nil when the disk does not take the reservation that must come first.
local function next_number(link, count)
	local before = link.last;
	local last = before + (count or 1);
	if last > link.reserved then
		local reserved = link.reserved;
		link.reserved = math.max(before + BLOCK, last);
		if not spools.keep_numbers(link, state.points) then
			link.reserved = reserved;
			return nil;
		end
	end
	link.last = last;
	return last;
end

local function advance(link)
	local open, done, last = link.open, link.done, link.last;
	while done < last and open[done + 1] == nil do done = done + 1; end
	link.done = done;
end

-- Appends the question to buf behind index n; returns the last index used.
local function ask(item, buf, n)
	local try, direction, via = item.try, item.direction, item.via;
	buf[n + 1], buf[n + 2] = "<ask n='", item.n;
	n = n + 2;
	if try > 1 then
		buf[n + 1], buf[n + 2] = "' try='", try;
		n = n + 2;
	end
	if direction then
		buf[n + 1], buf[n + 2] = "' direction='", direction;
		n = n + 2;
	end
	if via then
		buf[n + 1], buf[n + 2] = "' via='", via;
		n = n + 2;
	end
	buf[n + 1], buf[n + 2], buf[n + 3], buf[n + 4] = "' at='", stamp(item.at), item.spooled and "' spooled='true'>" or "'>", FORWARDED;
	n = writer.append(item.stanza, item.from, item.to, buf, n + 4) + 1;
	buf[n] = "</forwarded></ask>";
	return n;
end

local function question(item)
	local buf = {};
	return concat(buf, "", 1, ask(item, buf, 0));
end

-- Who we are: once per connection.
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

local function mark(link, t, ending)
	return format("<mark last='%d' at='%s'%s/>", link.last, stamp(t), ending and " end='true'" or "");
end

-- A report that may be lost with the process; it waits until the result of the screen that carried it.
local function report(host, xml)
	local reports = host.reports;
	local count = #reports;
	if count >= host.max_reports then
		host.counted.reports_dropped = (host.counted.reports_dropped or 0) + 1;
		return;
	end
	reports[count + 1] = xml;
end

local function spool_of(host)
	local spool = host.spool;
	if not spool then
		spool = spools.new_spool(host.link, host.name, host.link.source);
		host.spool = spool;
		host.spools[#host.spools + 1] = spool;
	end
	return spool;
end

-- A record that outlives the process. False: it cannot be kept.
local function keep(host, kind, n, xml, bound)
	local spool = spool_of(host);
	if spool.size == 0 and not spools.append(spool, nil, "i", 0, announcement(host.link, now())) then return false; end
	return spools.append(spool, bound, kind, n, xml);
end

-- The item is settled. Implied by its only try's verdict: only the number moves. Otherwise the screen is told, and what is
-- done stays below the number until it has acknowledged that.
local function settle(host, item, outcome, implied)
	local link, n = host.link, item.n;
	local counted = host.counted;
	counted[outcome] = (counted[outcome] or 0) + 1;
	if implied then
		link.open[n] = nil;
		if n == link.done + 1 then advance(link); end
		return;
	end
	link.open[n] = true;
	local xml = format("<settle n='%d' try='%d' outcome='%s' at='%s'/>", n, item.answered or 0, outcome, stamp(now()));
	if not keep(host, "s", n, xml) then
		log("warn", "The settlement of number %d is kept in memory only", n);
		host.unspooled[#host.unspooled + 1] = { xml = xml, n = n };
	end
end

-- Numbers for what was counted without a question, all at once: one report, however many there were and whatever other hosts
-- did meanwhile. False: the disk does not take it; then it goes on counting.
local function close_run(host)
	local run = host.outage_run;
	if not run then return true; end
	local link, numbers = host.link, run.numbers;
	if not numbers then
		local last = next_number(link, run.count);
		if not last then return false; end
		numbers = { first = last - run.count + 1, last = last, count = run.count };
		run.numbers, run.count = numbers, 0;
		link.open[numbers.first] = true;
	end
	local xml = format("<outage from='%d' to='%d' count='%d' outcome='bounced' at='%s'/>", numbers.first, numbers.last, numbers.count, stamp(run.at));
	if not keep(host, "o", numbers.first, xml) then return false; end
	run.numbers = nil;
	if run.count == 0 then host.outage_run = nil; end
	return true;
end

-- Counts what is bounced without a question.
local function unasked(host)
	local counted = host.counted;
	counted.bounced = (counted.bounced or 0) + 1;
	local run = host.outage_run;
	if run then run.count = run.count + 1; else host.outage_run = { count = 1, at = now() }; end
end

-- The outage rule, open: the question goes to the spool before the stanza goes on.
local function keep_unscreened(item)
	local host = item.host;
	local link = host.link;
	local points = state.points;
	if host.spool_refused and not item.n then return false; end
	if not item.n then
		item.n = next_number(link);
		if not item.n then return false; end
		link.open[item.n] = item;
	end
	item.try = (item.try or 0) + 1;
	item.spooled = true;
	if points.before_spool then points.before_spool(item); end
	local kept, why = keep(host, "a", item.n, question(item), host.spool_max_bytes);
	if points.after_spool then points.after_spool(item); end
	if not kept and not host.spool_refused then
		host.spool_refused = true;
		log("error", "Host %s is closed: nothing more can be kept for the screen (%s)", host.name, why or "bound reached");
	end
	return kept;
end

-- Sends what was collected for the host, with reports beside it. extra: one more child.
local function flush(host, extra)
	local link = host.link;
	local session = session_of(link.screen);
	if not session then return code.lost(link); end
	local t = now();
	local buf, n, children = {}, 1, 0; -- buf[1] is the head; children beside one for each piece
	if not link.announced then
		link.announced = true;
		n = n + 1;
		buf[n] = announcement(link, t);
	end
	if extra then n = n + 1; buf[n] = extra; end
	local items, count = host.pending, host.pending_count;
	if count > 0 then
		n, children = n + 1, children + count - 1;
		buf[n] = concat(host.pending_pieces, "", 1, host.pending_last);
		-- The table of pieces is used again; it lets go of them when it has grown.
		if host.pending_last > PIECES_KEPT then host.pending_pieces = {}; end
		host.pending, host.pending_count, host.pending_last, host.pending_bytes = {}, 0, 0, 0;
	end
	local reports, carried = host.reports, nil;
	local waiting = #reports;
	if waiting > 0 then
		local taken = math.min(waiting, CHILDREN_PER_SCREEN - n + 1 - children);
		move(reports, 1, taken, n + 1, buf);
		n = n + taken;
		carried = taken == waiting and reports or move(reports, 1, taken, 1, {});
		host.reports = taken == waiting and {} or move(reports, taken + 1, waiting, 1, {});
	end
	if n == 1 then return; end
	local id = "gh-"..hex(12);
	buf[1] = concat {
		"<iq type='set' from='", host.name, "' to='", link.screen, "' id='", id, "'><screen xmlns='", NS, "' source='", link.source,
		"' done='", link.done, "'>",
	};
	buf[n + 1] = "</screen></iq>";
	link.outstanding[id] = {
		host = host, items = items, count = count, reports = carried, sent = t, session = session, last = extra and link.last, done = link.done,
	};
	host.screens = host.screens + 1;
	host.counted.screens = (host.counted.screens or 0) + 1;
	if not session.send(concat(buf)) then return code.lost(link); end
end

local function send_apart(host, source, children, rec)
	local link = host.link;
	local session = session_of(link.screen);
	if not session then return false; end
	local id = "gh-"..hex(12);
	rec.host, rec.items, rec.count, rec.sent, rec.session, rec.apart = host, {}, 0, now(), session, true;
	link.outstanding[id] = rec;
	host.counted.screens = (host.counted.screens or 0) + 1;
	local ok = session.send(concat {
		"<iq type='set' from='", host.name, "' to='", link.screen, "' id='", id, "'><screen xmlns='", NS, "' source='", source, "'>",
		concat(children), "</screen></iq>",
	});
	if not ok then code.lost(link); end
	return true;
end

-- Settlements that the disk refused: from memory, until acknowledged.
local function resend_unspooled(host)
	local list = host.unspooled;
	if not list[1] or not session_of(host.link.screen) then return; end
	local children, numbers, rest = {}, {}, {};
	for i, entry in ipairs(list) do
		if i > RECORDS_PER_REPLAY then rest[#rest + 1] = entry; else children[i], numbers[i] = entry.xml, entry.n; end
	end
	host.unspooled = rest;
	send_apart(host, host.link.source, children, { again = list, numbers = numbers });
end

-- Sends what a spool holds, one screen at a time.
local function replay(host, spool)
	if spool.inflight or spool.read >= spool.size or not session_of(host.link.screen) then return; end
	local records, place = spools.read(spool, spool.most or RECORDS_PER_REPLAY, BYTES_PER_SCREEN);
	spool.read = place;
	if not records[1] then
		spools.acknowledge(spool, place);
		return;
	end
	local children, numbers = {}, {};
	for i, record in ipairs(records) do
		children[i] = record.xml;
		if record.kind ~= "a" and record.n > 0 then numbers[#numbers + 1] = record.n; end
	end
	spool.inflight = true;
	send_apart(host, spool.source, children, { spool = spool, place = place, numbers = numbers, children = children });
end

local function collect(host, item)
	local pieces, before = host.pending_pieces, host.pending_last;
	local last = ask(item, pieces, before);
	local size = 0;
	for i = before + 1, last do
		local piece = pieces[i];
		size = size + (type(piece) == "string" and #piece or 8);
	end
	host.pending_last = last;
	item.bytes = size;
	host.bytes = host.bytes + size;
	local count = host.pending_count + 1;
	host.pending_count = count;
	host.pending[count] = item;
	size = host.pending_bytes + size;
	host.pending_bytes = size;
	if host.screens < SCREENS_AT_ONCE or count >= QUESTIONS_PER_SCREEN or size >= BYTES_PER_SCREEN then flush(host); end
end

-- The outage rule for an item, asked about or not.
local function rule(host, item)
	item.verdict = host.on_outage == "open" and "unscreened" or "bounce";
end

-- A new stanza. Gives the item its verdict at once where nobody is asked.
local function submit(host, item)
	local link = host.link;
	local t = now();
	item.at = t;
	if t - state.ticked > 0.5 then code.tick(); end -- under load Prosody's timers come late
	if link.stopping then
		item.verdict, item.unnumbered = "bounce", true;
	elseif host.inflight >= host.max_questions or host.bytes >= host.max_bytes then
		item.verdict, item.reason = "bounce", "full";
	elseif link.broken then
		rule(host, item);
	else
		local n = next_number(link);
		if not n then item.verdict = "bounce"; return; end
		item.n, item.try = n, 1;
		link.open[n] = item;
		host.inflight = host.inflight + 1;
		collect(host, item);
	end
end

-- No longer under way.
local function finish(item)
	local host = item.host;
	host.inflight = host.inflight - 1;
	host.bytes = host.bytes - item.bytes;
	item.bytes = 0;
end

return {
	new_link = new_link, session_of = session_of, submit = submit, settle = settle, unasked = unasked, report = report,
	keep_unscreened = keep_unscreened, flush = flush, replay = replay, resend_unspooled = resend_unspooled, collect = collect, finish = finish, rule = rule,
	advance = advance, close_run = close_run, mark = mark, stamp = stamp, writer = writer, spools = spools,
	SCREENS_AT_ONCE = SCREENS_AT_ONCE,
};
end
