-- SPDX-License-Identifier: MIT
-- The file `source`: which run of the helper this is, how far its numbers are reserved, its last mark; and the runs that the
-- screen has not acknowledged as announced, oldest first, a line each: source, announcement. Replaced in one step.
local disk = module:require "disk";
local lfs = require "lfs";
local logger = require "util.logger";
local now = require "util.time".now;
local folder, head, sync, version_of = disk.folder, disk.head, disk.sync, disk.version_of;
local format, match = string.format, string.match;
local log = logger.init("gatehouse");

local RUNS_KEPT = 256;

-- What `source` says: this run, and the announcements that must not be forgotten. own: that of this run, if it is one of them.
local function write_source(file, link, own)
	local ok, err = file:write(head("source"), link.source, " ", link.reserved, " ", link.marked, "\n");
	for _, run in ipairs(link.untold) do
		if ok then ok, err = file:write(run.source, " ", run.xml, "\n"); end
	end
	if ok and own then ok, err = file:write(link.source, " ", own, "\n"); end
	return ok, err;
end

-- Replaces the file in one step; false when the disk does not take it. points: set by tests only.
local function keep_numbers(link, points, own)
	if link.unreadable then return false; end
	if points and points.before_reserve then points.before_reserve(link); end
	local path = folder(link).."/source";
	local file, err = io.open(path..".new", "w");
	local ok = file;
	if file then
		ok, err = write_source(file, link, own);
		if ok then ok, err = file:flush(); end
		file:close();
		if ok and sync then ok, err = sync(path..".new"); end
	end
	if points and points.in_reserve then points.in_reserve(link); end
	if ok then ok, err = os.rename(path..".new", path); end
	if ok and sync then ok, err = sync(folder(link)); end
	if not ok and now() - (link.complained or 0) > 60 then
		link.complained = now();
		log("error", "Cannot keep the reserved numbers in %s: %s", path, err or "disk full?");
	end
	if points and points.after_reserve then points.after_reserve(link); end
	return ok and true or false;
end

-- The run before this one, and those whose announcement the screen has not acknowledged: link.predecessor, link.untold. Why it
-- cannot be read: link.unreadable; then nothing is numbered, since the numbers of the next run might be told of as another's.
local function read_source(link)
	link.untold = {};
	local path = folder(link).."/source";
	local file, why = io.open(path);
	if not file then
		-- Missing is no fault, what is there and cannot be opened is.
		if lfs.attributes(path, "mode") then link.unreadable = link.unreadable or format("%s cannot be read (%s)", path, why); end
		return;
	end
	local text = file:read("a") or "";
	file:close();
	if text == "" then
		log("error", "%s/source is empty (a power cut?): how far the run before went is not known", folder(link));
		return;
	end
	local version, size = version_of("source", text);
	local source, reserved, mark, runs;
	if version then source, reserved, mark, runs = match(text, "^(%x+) (%d+) (%d+)\n(.*)$", size + 1); end
	if not source or #source ~= 32 then
		link.unreadable = format("%s/source cannot be read (%s)", folder(link), version and "it is none of ours, or damaged" or size);
		return;
	end
	link.predecessor = { source = source, reserved = tonumber(reserved), mark = tonumber(mark) };
	for earlier, xml in string.gmatch(runs, "(%x+) ([^\n]+)\n") do
		table.insert(link.untold, { source = earlier, xml = xml });
	end
	while #link.untold > RUNS_KEPT do
		log("error", "Too many runs in a row never reached screen %s: the start of run %s is not told", link.screen, link.untold[1].source);
		table.remove(link.untold, 1);
	end
end

return { keep_numbers = keep_numbers, read_source = read_source };
