-- SPDX-License-Identifier: MIT
-- What screens of their own carry (what was kept on disk or in memory, earlier runs), and what becomes of what a screen carried:
-- it is acknowledged, told again, or left out.
local logger = require "util.logger";
local now = require "util.time".now;
local concat = table.concat;
local log = logger.init("gatehouse");

local NS = "urn:gatehouse:screen:1";
local RECORDS_PER_REPLAY, BYTES_PER_SCREEN = 200, 65536;

-- code: lost, filled by the other parts.
return function (code, links, owed)

local advance, hex, session_of, speaker = links.advance, links.hex, links.session_of, links.speaker;
local spools = owed.spools;

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

local function replay_oldest(host)
	if host.barred then return; end
	local list = host.spools;
	while list[1] and list[1] ~= host.spool and list[1].size == 0 do table.remove(list, 1); end
	if list[1] then replay(host, list[1]); end
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
	local bytes = host.report_bytes;
	for i = 1, #carried do bytes = bytes + #carried[i]; end
	if #carried + #host.reports <= host.max_reports and bytes <= host.max_bytes then
		host.reports, host.report_bytes = table.move(host.reports, 1, #host.reports, #carried + 1, carried), bytes;
	else
		host.counted.reports_dropped = (host.counted.reports_dropped or 0) + #carried;
	end
end

local function acknowledged(link, rec)
	if rec.announced and not link.told then link.told, link.stale = true, true; end
	if rec.run then
		link.telling = false;
		return run_told(link, rec.run);
	end
	if not rec.apart then
		if rec.done > link.told_done then link.told_done = rec.done; end
		if rec.last and rec.last > link.told_last then link.told_last = rec.last; end
		return;
	end
	if rec.spool then
		local spool = rec.spool;
		if spool.wary_to and rec.place >= spool.wary_to then spool.most, spool.wary_to, spool.suspect = nil, nil, nil; end
		if spools.acknowledge(spool, rec.place) then rec.host.spool_refused = nil; end
		if rec.spool.source ~= link.source then return; end
	elseif rec.source and rec.source ~= link.source then
		return;
	end
	for i = 1, #rec.numbers do link.open[rec.numbers[i]] = nil; end
	advance(link);
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
	spools.put_aside(spool, rec.children);
	acknowledged(rec.host.link, rec);
	spool.read = spool.acked;
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
		run_told(link, rec.run);
	elseif spool and spool.most ~= 1 then
		spool.most = 1;
	elseif spool then
		log("error", "The screen cannot read a record of %s; it is put aside as refused-...", spool.path);
		spools.put_aside(spool, rec.children);
		spool.most = nil;
		acknowledged(link, rec);
	end
end

return {
	tell_run = tell_run, resend_unspooled = resend_unspooled, replay = replay, replay_oldest = replay_oldest, take_out = take_out,
	acknowledged = acknowledged, suspect = suspect, leave_out = leave_out,
};
end
