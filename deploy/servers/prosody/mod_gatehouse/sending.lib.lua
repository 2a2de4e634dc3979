-- SPDX-License-Identifier: MIT
-- Questions on their way out: collected while some are under way, sent with what else is to be told.
local outage = module:require "outage";
local logger = require "util.logger";
local now = require "util.time".now;
local log = logger.init("gatehouse");
local concat, move = table.concat, table.move;

local NS = "urn:gatehouse:screen:1";
local SCREENS_AT_ONCE = 3; -- more than this under way for a host: questions are collected
local QUESTIONS_PER_SCREEN, BYTES_PER_SCREEN, CHILDREN_PER_SCREEN = 64, 65536, 256;
local LARGEST_SCREEN = 4 * 1024 * 1024 - 128 * 1024; -- questions and reports; a screen reads 4 MiB
local PIECES_KEPT = 4096;

-- code: lost, tick, filled by the other parts.
return function (state, code, links, words, owed)

local hex, keep_numbers, next_number, session_of = links.hex, links.keep_numbers, links.next_number, links.session_of;
local announcement, ask = words.announcement, words.ask;
local is_crowded, unaskable = owed.is_crowded, owed.unaskable;

-- How many of the reports go beside `used` bytes of questions: 64 KiB of them, or one that is larger where it has room.
local function reports_that_fit(reports, most, used)
	local taken, size = 0, 0;
	while taken < most do
		local next_size = #reports[taken + 1];
		if size + next_size > BYTES_PER_SCREEN and (taken > 0 or used + next_size > LARGEST_SCREEN) then break; end
		taken, size = taken + 1, size + next_size;
	end
	return taken, size;
end

-- Appends reports behind index n of buf, at most `room` of them. Returns the last index used, and the reports.
local function take_reports(host, buf, n, room, used)
	local reports = host.reports;
	local waiting = #reports;
	if waiting == 0 then return n; end
	local taken, size = reports_that_fit(reports, math.min(waiting, room), used);
	if taken == 0 then return n; end
	move(reports, 1, taken, n + 1, buf);
	host.report_bytes = host.report_bytes - size;
	if taken == waiting then
		host.reports = {};
		return n + taken, reports;
	end
	host.reports = move(reports, taken + 1, waiting, 1, {});
	return n + taken, move(reports, 1, taken, 1, {});
end

-- Sends what was collected for the host, with reports beside it. extra: one more child. All is put together in the table of the
-- pieces: the head at index 0, the questions, the reports.
local function flush(host, extra)
	local link = host.link;
	local session = session_of(link.screen);
	if not session then return code.lost(link); end
	local t = now();
	local announced = not link.announced;
	local items, count, pieces, used = host.pending, host.pending_count, host.pending_pieces, host.pending_bytes;
	if not announced and not extra and count == 0 and not host.reports[1] then return; end
	local beside = (announced and 1 or 0) + (extra and 1 or 0);
	local n, reports = take_reports(host, pieces, host.pending_last, CHILDREN_PER_SCREEN - beside - count, used);
	local said = "";
	if announced then
		link.announced = true;
		if not link.kept then keep_numbers(link); end -- who is announced is known to the next run
		said = announcement(link, t);
	end
	if extra then said = said..extra; end
	if count > 0 then host.pending, host.pending_count, host.pending_last, host.pending_bytes = {}, 0, 0, 0; end
	local id, done = "gh-"..hex(12), link.safe_done;
	pieces[0] = "<iq type='set' from='"..host.name.."' to='"..link.screen.."' id='"..id.."'><screen xmlns='"..NS.."' source='"..link.source
		.."' done='"..done.."'>"..said;
	pieces[n + 1] = "</screen></iq>";
	local xml = concat(pieces, "", 0, n + 1);
	-- The table of pieces is used again; it lets go of them when it has grown.
	if n > PIECES_KEPT then host.pending_pieces = {}; end
	-- With more than 8 fields it would have room for 16.
	local rec = { host = host, items = items, count = count, reports = reports, sent = t, session = session, done = done };
	if announced then rec.announced = true; end
	if extra then rec.last = link.last; end
	link.outstanding[id] = rec;
	host.screens = host.screens + 1;
	host.counted.screens = (host.counted.screens or 0) + 1;
	if not session.send(xml) then return code.lost(link); end
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

-- The outage rule for an item, asked about or not. A rule of the screen may close an open host for it: item.closed_by, '' where
-- it is not known which one.
local function rule(host, item)
	if host.on_outage ~= "open" or host.shut then
		item.verdict = "bounce";
		return;
	end
	local ok, closed_by = pcall(outage.closed_by, host.link.outage_rules, item, host.name);
	if not ok then
		log("error", "Whether a rule is stricter than host %s: %s", host.name, closed_by);
		closed_by = "";
	end
	if not closed_by then
		item.verdict = "unscreened";
		return;
	end
	item.verdict, item.closed_by = "bounce", closed_by;
	host.counted.closed_by_rule = (host.counted.closed_by_rule or 0) + 1;
end

-- A new stanza. Gives the item its verdict at once where nobody is asked.
local function submit(host, item)
	local link = host.link;
	local t = now();
	item.at = t;
	if t - state.ticked > 0.5 then code.tick(); end -- under load Prosody's timers come late
	if link.stopping then
		item.verdict, item.unnumbered = "bounce", true; -- behind the closing mark there is no number
	elseif host.leaving then
		item.verdict = "bounce";
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
	flush = flush, collect = collect, rule = rule, submit = submit, finish = finish, SCREENS_AT_ONCE = SCREENS_AT_ONCE,
};
end
