-- SPDX-License-Identifier: MIT
-- What the screen is owed: reports, how numbers ended where no verdict implies it, what was let through unscreened. What must not
-- be forgotten waits on the disk.
local spools = module:require "spool";
local logger = require "util.logger";
local now = require "util.time".now;
local format = string.format;
local log = logger.init("gatehouse");

-- state: the table shared by all hosts; in it the newest loaded code.
return function (state, links, words)

local advance, next_number, SETTLE_AFTER = links.advance, links.next_number, links.SETTLE_AFTER;
local announcement, question, stamp = words.announcement, words.question, words.stamp;

-- A report that may be lost with the process; it waits until the result of the screen that carried it.
local function report(host, xml)
	local reports = host.reports;
	local count, bytes = #reports, host.report_bytes + #xml;
	if count >= host.max_reports or bytes > host.max_bytes then
		host.counted.reports_dropped = (host.counted.reports_dropped or 0) + 1;
		return;
	end
	reports[count + 1], host.report_bytes = xml, bytes;
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

local function append(spool, bound, kind, n, xml)
	local points = state.points;
	if points.before_spool then points.before_spool(kind, xml); end
	local kept, why = spools.append(spool, bound, kind, n, xml);
	if points.after_spool then points.after_spool(kind, xml); end
	return kept, why;
end

-- A record that outlives the process. False: it cannot be kept.
local function keep(host, kind, n, xml, bound)
	local spool = spool_of(host);
	if spool.size == 0 and not append(spool, nil, "i", 0, announcement(host.link, now())) then return false; end
	return append(spool, bound, kind, n, xml);
end

-- Writes the settlements that have waited long enough, or all of them. What the disk (or its bound) refuses stays in memory.
local function write_settlements(host, all)
	if not host.link then return false; end
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
				local ok, waits = pcall(state.code.write_settlements, host);
				if not ok then log("error", "Writing the settlements of host %s: %s", host.name or "?", waits); end
				if ok and waits then more = true; end
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

-- The rule of the screen by which an open host was closed.
local function by_rule(id) return id and id ~= "" and " rule='"..words.writer.attribute(id).."'" or ""; end

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
		xml = format("<settle n='%d' try='%d' outcome='%s'%s at='%s'/>", n, item.answered or 0, outcome, by_rule(item.closed_by), stamp(now())),
	};
	settle_soon();
end

-- Numbers for what was counted without a question, all at once: one report for each rule that closed (rule '' where it was the
-- host's own), however many there were and whatever other hosts did meanwhile. False: the disk does not take it; then it goes on
-- counting.
local function close_one(host, rule, run)
	local link, numbers = host.link, run.numbers;
	if not numbers then
		local last = next_number(link, run.count);
		if not last then return false; end
		numbers = { first = last - run.count + 1, last = last, count = run.count };
		run.numbers, run.count = numbers, 0;
		link.open[numbers.first] = not host.barred and host or nil;
	end
	local xml = format("<outage from='%d' to='%d' count='%d' outcome='bounced'%s at='%s'/>", numbers.first, numbers.last, numbers.count,
		by_rule(rule), stamp(run.at));
	if not keep(host, "o", numbers.first, xml) then return false; end
	run.numbers = nil;
	if run.count == 0 then host.outage_runs[rule] = nil; end
	return true;
end

local function close_run(host)
	if not next(host.outage_runs) then return true; end
	local rules = {};
	for rule in pairs(host.outage_runs) do rules[#rules + 1] = rule; end
	table.sort(rules);
	local all = true;
	for _, rule in ipairs(rules) do
		if not close_one(host, rule, host.outage_runs[rule]) then all = false; end
	end
	return all;
end

-- Counts what is bounced without a question. Rules are as many as the screen's table has.
local function unasked(host, rule)
	local counted, runs = host.counted, host.outage_runs;
	counted.bounced = (counted.bounced or 0) + 1;
	rule = rule or "";
	local run = runs[rule];
	if run then run.count = run.count + 1; else runs[rule] = { count = 1, at = now() }; end
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

-- The outage rule, open: the question goes to the spool before the stanza goes on.
local function keep_unscreened(item)
	local host = item.host;
	local link = host.link;
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
	local kept, why = keep(host, "a", item.n, xml, host.spool_max_bytes);
	if not kept and not host.spool_refused then
		host.spool_refused = true;
		log("error", "Host %s is closed: nothing more can be kept for the screen (%s)", host.name, why or "bound reached");
	end
	return kept;
end

return {
	report = report, write_settlements = write_settlements, is_crowded = is_crowded, settle = settle, close_run = close_run, unasked = unasked,
	unaskable = unaskable, keep_unscreened = keep_unscreened, spools = spools,
};
end
