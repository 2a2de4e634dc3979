-- SPDX-License-Identifier: MIT
-- Questions on their way out: collected while some are under way, sent with what else is to be told.
local now = require "util.time".now;
local concat, move = table.concat, table.move;

local NS = "urn:gatehouse:screen:1";
local SCREENS_AT_ONCE = 3; -- more than this under way for a host: questions are collected
local QUESTIONS_PER_SCREEN, BYTES_PER_SCREEN, CHILDREN_PER_SCREEN = 64, 65536, 256;
local PIECES_KEPT = 4096;

-- code: lost, tick, filled by the other parts.
return function (state, code, links, words, owed)

local hex, keep_numbers, next_number, safe_done, session_of = links.hex, links.keep_numbers, links.next_number, links.safe_done, links.session_of;
local announcement, ask = words.announcement, words.ask;
local is_crowded, unaskable = owed.is_crowded, owed.unaskable;

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
	flush = flush, collect = collect, rule = rule, submit = submit, finish = finish, SCREENS_AT_ONCE = SCREENS_AT_ONCE,
};
end
