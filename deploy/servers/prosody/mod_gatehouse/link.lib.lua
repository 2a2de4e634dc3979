-- SPDX-License-Identifier: MIT
-- The way to one screen: numbers, questions out, answers in, what is under way. Shared by all hosts that name the screen.
-- Holds no module of Prosody's: the state outlives a reload, and the newest loaded code works on it.
local writer = module:require "writer";
local spools, runs = module:require "spool", module:require "runs";
local logger = require "util.logger";
local now = require "util.time".now;
local hex_of = require "util.hex";
local random_bytes = require "util.random".bytes;
local concat, floor, format, date, move = table.concat, math.floor, string.format, os.date, table.move;

local NS = "urn:gatehouse:screen:1";
local FORWARDED = "<forwarded xmlns='urn:xmpp:forward:0'>";
local SETTLE_AFTER = 0.05; -- by then what was handed over has left for its socket, see settle
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
		open = {},        -- n -> item: not settled; n -> host: its settlement is not acknowledged
		outstanding = {}, -- id of the IQ -> what went with it
		hosts = {},       -- host name -> host
		later = {},       -- n -> item whose verdict is to come by itself
		waiting = {},     -- items for whose second try there is no connection yet
		since = now(), fails = 0, goods = 0, broken = true, announced = false, mark_at = 0,
		marked = 0,       -- the last mark on disk
		kept = false, told = false, -- the announcement is on disk; the screen has acknowledged it
		told_last = 0, told_done = 0, -- what the screen has acknowledged of `mark` and `done`
		seen_at = 0, seen_done = 0, safe_done = 0,
	};
	runs.read_source(link);
	state.links[screen] = link;
	return link;
end

-- Who we are: once per connection, and when a host came or went.
local function announcement(link, t)
	local hosts = {};
	for name in pairs(link.hosts) do hosts[#hosts + 1] = name; end
	table.sort(hosts);
	if hosts[1] then link.host_names = concat(hosts, " "); end -- what the last host leaves behind is told of in its name
	local before = link.predecessor;
	return concat {
		"<source at='", stamp(t), "' node='", writer.attribute(state.node), "' software='", writer.attribute(state.software),
		"' helper='", state.helper, "' hosts='", writer.attribute(link.host_names),
		before and format("' predecessor='%s' predecessor-mark='%d' predecessor-reserved='%d", before.source, before.mark, before.reserved) or "",
		"'/>",
	};
end

-- Puts what the next run must know on disk. The announcement is part of it until the screen has acknowledged it: who was before
-- us stands nowhere else from then on.
local function keep_numbers(link)
	link.stale = nil;
	if not runs.keep_numbers(link, state.points, not link.told and announcement(link, now()) or nil) then return false; end
	link.kept = true;
	return true;
end

-- The last of `count` new numbers; nil when the disk does not take the reservation that must come first.
local function next_number(link, count)
	local before = link.last;
	local last = before + (count or 1);
	if last > link.reserved then
		local reserved = link.reserved;
		link.reserved = math.max(before + BLOCK, last);
		if not keep_numbers(link) then
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

-- What is told as done: as it stood in an earlier turn of the main loop, since what is handed over in this one is not yet
-- written to its recipient, and the server may die before it is.
local function safe_done(link, t)
	if t - link.seen_at >= SETTLE_AFTER then
		link.safe_done, link.seen_done, link.seen_at = link.seen_done, link.done, t;
	end
	return link.safe_done;
end

-- A host whose word the screen takes, each time another one; nil: there is none.
local function speaker(link)
	local name = link.spoke;
	if name and not link.hosts[name] then name = nil; end
	for _ = 1, 2 do
		repeat name = next(link.hosts, name); until not name or not link.hosts[name].barred;
		if name then
			link.spoke = name;
			return link.hosts[name];
		end
	end
end

-- Appends the question to buf behind index n; returns the last index used and about how many bytes it has; nil and why.
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
	local last, size = writer.append(item.stanza, item.from, item.to, buf, n + 4, item.host.max_stanza);
	if not last then return nil, size; end
	buf[last + 1] = "</forwarded></ask>";
	return last + 1, size + 160;
end

local function question(item)
	local buf = {};
	local last, why = ask(item, buf, 0);
	if not last then return nil, why; end
	return concat(buf, "", 1, last);
end

-- The question cannot be put: the stanza is refused, unasked.
local function unaskable(item, why)
	local host, t = item.host, now();
	item.verdict = "unaskable";
	host.counted.unaskable = (host.counted.unaskable or 0) + 1;
	if t - (host.unaskable_at or 0) < 10 then return; end
	host.unaskable_at = t;
	log("warn", "A %s from %s cannot be asked about and is refused (%s)", item.stanza.name, item.from, why);
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

-- Writes the settlements that have waited long enough, or all of them. What the disk (or its bound) refuses stays in memory.
local function write_settlements(host, all)
	for _, name in ipairs(all and { "settled", "settling" } or { "settled" }) do
		local list = host[name];
		host[name] = {};
		for i = 1, #list do
			local entry = list[i];
			if not keep(host, "s", entry.n, entry.xml, host.spool_max_bytes * 1.125) then
				if not host.unspooled[1] then log("warn", "Settlements of host %s (from number %d on) are kept in memory only", host.name, entry.n); end
				host.unspooled[#host.unspooled + 1] = entry;
			end
		end
	end
	if not all then host.settled, host.settling = host.settling, {}; end
	return host.settled[1] ~= nil;
end

-- Settlements are written at the second stroke after they were made: then the turn of the main loop is over in which the
-- server wrote the stanza to its recipient's socket. What dies with the process before that stays undecided, which is true.
local function settle_soon()
	if state.settling then return; end
	state.settling = true;
	state.timer(SETTLE_AFTER, function ()
		local more = false;
		for _, hosts in ipairs { state.hosts, state.left } do
			for _, host in pairs(hosts) do
				if host.link and state.code.write_settlements(host) then more = true; end
			end
		end
		if more then return SETTLE_AFTER; end
		state.settling = false;
	end);
end

-- So many settlements wait in memory that the host takes nothing new.
local function is_crowded(host)
	return #host.unspooled + #host.settling + #host.settled >= host.max_reports;
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
	link.open[n] = not host.barred and host or nil;
	if host.barred then advance(link); end
	local list = host.settling;
	list[#list + 1] = {
		n = n, source = link.source,
		xml = format("<settle n='%d' try='%d' outcome='%s' at='%s'/>", n, item.answered or 0, outcome, stamp(now())),
	};
	settle_soon();
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
		link.open[numbers.first] = not host.barred and host or nil;
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
	local xml, unwritable = question(item);
	if not xml then
		unaskable(item, unwritable);
		return false;
	end
	if points.before_spool then points.before_spool(item); end
	local kept, why = keep(host, "a", item.n, xml, host.spool_max_bytes);
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
	local announced = not link.announced;
	if announced then
		link.announced = true;
		if not link.kept then keep_numbers(link); end -- who is announced is known to the next run
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
		local room, taken, size = math.min(waiting, CHILDREN_PER_SCREEN - n + 1 - children), 0, 0;
		while taken < room and size < BYTES_PER_SCREEN do
			taken = taken + 1;
			size = size + #reports[taken];
		end
		move(reports, 1, taken, n + 1, buf);
		n = n + taken;
		carried = taken == waiting and reports or move(reports, 1, taken, 1, {});
		host.reports = taken == waiting and {} or move(reports, taken + 1, waiting, 1, {});
	end
	if n == 1 then return; end
	local id = "gh-"..hex(12);
	local done = safe_done(link, t);
	buf[1] = concat {
		"<iq type='set' from='", host.name, "' to='", link.screen, "' id='", id, "'><screen xmlns='", NS, "' source='", link.source,
		"' done='", done, "'>",
	};
	buf[n + 1] = "</screen></iq>";
	link.outstanding[id] = {
		announced = announced,
		host = host, items = items, count = count, reports = carried, sent = t, session = session, last = extra and link.last, done = done,
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

-- Announces the runs before this one of which the screen has not heard, one at a time, oldest first.
local function tell_run(link)
	local run = link.untold[1];
	local host = run and not link.telling and speaker(link);
	if not host then return; end
	link.telling = send_apart(host, run.source, { run.xml }, { numbers = {}, source = run.source, run = run });
end

-- The run is announced, or never will be.
local function run_told(link, run)
	if link.untold[1] == run then table.remove(link.untold, 1); end
	link.stale = true;
end

-- Settlements that the disk refused: from memory, until acknowledged.
local function resend_unspooled(host)
	local list = host.unspooled;
	if not list[1] or not session_of(host.link.screen) then return; end
	local children, numbers, rest = {}, {}, {};
	local source, again = list[1].source, {};
	for _, entry in ipairs(list) do
		local i = #again + 1;
		if i > RECORDS_PER_REPLAY or entry.source ~= source then
			rest[#rest + 1] = entry;
		else
			again[i], children[i], numbers[i] = entry, entry.xml, entry.n;
		end
	end
	host.unspooled = rest;
	send_apart(host, source, children, { again = again, numbers = numbers, source = source });
end

-- Sends what a spool holds, one screen at a time.
local function replay(host, spool)
	if spool.inflight or spool.read >= spool.size or not session_of(host.link.screen) then return; end
	local from = spool.read;
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
	send_apart(host, spool.source, children, { spool = spool, from = from, place = place, numbers = numbers, children = children });
end

-- Puts the question to what goes next. False: it cannot be put, and the item has its verdict.
local function collect(host, item)
	local last, size = ask(item, host.pending_pieces, host.pending_last);
	if not last then
		unaskable(item, size);
		return false;
	end
	host.pending_last = last;
	host.bytes = host.bytes + size - (item.bytes or 0);
	item.bytes = size;
	local count = host.pending_count + 1;
	host.pending_count = count;
	host.pending[count] = item;
	size = host.pending_bytes + size;
	host.pending_bytes = size;
	if host.screens < SCREENS_AT_ONCE or count >= QUESTIONS_PER_SCREEN or size >= BYTES_PER_SCREEN then flush(host); end
	return true;
end

-- The outage rule for an item, asked about or not.
local function rule(host, item)
	item.verdict = host.on_outage == "open" and not host.shut and "unscreened" or "bounce";
end

-- A new stanza. Gives the item its verdict at once where nobody is asked.
local function submit(host, item)
	local link = host.link;
	local t = now();
	item.at = t;
	if t - state.ticked > 0.5 then code.tick(); end -- under load Prosody's timers come late
	if link.stopping or host.leaving then
		item.verdict, item.unnumbered = "bounce", true;
	elseif host.inflight >= host.max_questions or host.bytes >= host.max_bytes or host.unspooled[1] and is_crowded(host) then
		item.verdict, item.reason = "bounce", "full";
	elseif link.broken or host.barred or host.shut then
		rule(host, item);
	else
		local n = next_number(link);
		if not n then item.verdict = "bounce"; return; end
		item.n, item.try, item.asking = n, 1, true;
		link.open[n] = item;
		host.inflight = host.inflight + 1;
		collect(host, item);
	end
end

-- The item has left its queue: until then it is held, whatever its verdict.
local function finish(item)
	if not item.asking then return; end
	item.asking = nil;
	local host = item.host;
	host.inflight = host.inflight - 1;
	host.bytes = host.bytes - (item.bytes or 0);
	item.bytes = 0;
end

return {
	new_link = new_link, session_of = session_of, submit = submit, settle = settle, unasked = unasked, report = report,
	keep_unscreened = keep_unscreened, flush = flush, replay = replay, resend_unspooled = resend_unspooled, collect = collect, finish = finish, rule = rule,
	write_settlements = write_settlements, safe_done = safe_done, speaker = speaker,
	keep_numbers = keep_numbers, tell_run = tell_run, run_told = run_told,
	advance = advance, close_run = close_run, mark = mark, stamp = stamp, writer = writer, spools = spools,
	SCREENS_AT_ONCE = SCREENS_AT_ONCE,
};
end
