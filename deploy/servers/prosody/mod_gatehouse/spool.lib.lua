-- SPDX-License-Identifier: MIT
-- What must not be forgotten until the screen has acknowledged it, on disk: numbers given out (in blocks), settlements that
-- a verdict does not imply, and whole questions that were let through unscreened.
-- Below DATA/gatehouse/SCREEN/: `source` (a line with name and version; source, reserved up to, last mark; then the runs that
-- the screen has not acknowledged as announced, oldest first, a line each: source, announcement) and `spool-SOURCE-HOST`
-- (records: one line "kind n length", the element, a line end).
-- Survives kill -9; a power cut only where lua-posix or lua-luv offers fsync.
local logger = require "util.logger";
local lfs = require "lfs";
local format, gsub, match = string.format, string.gsub, string.match;
local log = logger.init("gatehouse");

local now = require "util.time".now;

local SOURCE_HEAD = "gatehouse-source 1\n";
local RUNS_KEPT = 256;

-- Prosody itself cannot fsync. Opens the file or folder anew: what is synced is the file, not who wrote it.
local function syncing_by(open, fsync, close)
	return function (path)
		local fd, err = open(path);
		if not fd then return false, err; end
		local ok;
		ok, err = fsync(fd);
		close(fd);
		return ok and true or false, err;
	end
end

local function find_sync()
	local found, unistd, fcntl = pcall(function () return require "posix.unistd", require "posix.fcntl"; end);
	if found then
		return syncing_by(function (path) return fcntl.open(path, fcntl.O_RDONLY); end, unistd.fsync, unistd.close), "lua-posix";
	end
	local luv;
	found, luv = pcall(require, "luv");
	if found then return syncing_by(function (path) return luv.fs_open(path, "r", 0); end, luv.fs_fsync, luv.fs_close), "lua-luv"; end
end
local sync, synced_by = find_sync();

local function escape(name)
	return (gsub(name, "[^%w.]", function (c) return format("%%%02x", c:byte()); end));
end

local function unescape(name)
	return (gsub(name, "%%(%x%x)", function (c) return string.char(tonumber(c, 16)); end));
end

local function folder(link)
	if link.folder then return link.folder; end
	local path = prosody.paths.data;
	for _, part in ipairs { "gatehouse", escape(link.screen) } do
		path = path.."/"..part;
		lfs.mkdir(path);
	end
	link.folder = path;
	return path;
end

-- What `source` says: this run, and the announcements that must not be forgotten. own: that of this run, if it is one of them.
local function write_source(file, link, own)
	local ok, err = file:write(SOURCE_HEAD, link.source, " ", link.reserved, " ", link.marked, "\n");
	for _, run in ipairs(link.untold) do
		if ok then ok, err = file:write(run.source, " ", run.xml, "\n"); end
	end
	if ok and own then ok, err = file:write(link.source, " ", own, "\n"); end
	return ok, err;
end

-- Replaces the file in one step; false when the disk does not take it. points: set by tests only.
local function keep_numbers(link, points, own)
	if points and points.before_reserve then points.before_reserve(link); end
	local path = folder(link).."/source";
	local file, err = io.open(path..".new", "w");
	local ok = file;
	if file then ok, err = write_source(file, link, own); end
	if file then
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

-- The run before this one, and those whose announcement the screen has not acknowledged: link.predecessor, link.untold.
local function read_source(link)
	link.untold = {};
	local file = io.open(folder(link).."/source");
	if not file then return; end
	local text = file:read("a") or "";
	file:close();
	local version, rest = match(text, "^gatehouse%-source (%d+)\n(.*)$");
	local source, reserved, mark, runs = match(version and rest or text, "^(%x+) (%d+) (%d+)\n(.*)$");
	if not source or #source ~= 32 then return; end
	link.predecessor = { source = source, reserved = tonumber(reserved), mark = tonumber(mark) };
	for earlier, xml in string.gmatch(runs, "(%x+) ([^\n]+)\n") do
		table.insert(link.untold, { source = earlier, xml = xml });
	end
	while #link.untold > RUNS_KEPT do
		log("error", "Too many runs in a row never reached screen %s: the start of run %s is not told", link.screen, link.untold[1].source);
		table.remove(link.untold, 1);
	end
end

local function new_spool(link, host_name, source, size)
	return {
		path = format("%s/spool-%s-%s", folder(link), source, escape(host_name)), source = source, host = host_name, folder = folder(link),
		size = size or 0, read = 0, acked = 0, inflight = false, records = 0,
	};
end

-- Spools that earlier runs left for this host, oldest first.
local function leftovers(link, host_name)
	local found = {};
	local wanted = escape(host_name);
	for name in lfs.dir(folder(link)) do
		local source, escaped = match(name, "^spool%-(%x+)%-(.*)$");
		if source and escaped == wanted and source ~= link.source then
			local path = folder(link).."/"..name;
			local spool = new_spool(link, unescape(escaped), source, lfs.attributes(path, "size"));
			spool.born = lfs.attributes(path, "modification");
			found[#found + 1] = spool;
		end
	end
	table.sort(found, function (a, b) return a.born < b.born; end);
	return found;
end

-- Spools that nobody here will send: of hosts, or for screens, that are no longer set up. wanted(screen, host): who is.
-- A list of { path, screen, host }.
local function orphans(wanted)
	local found = {};
	local root = prosody.paths.data.."/gatehouse";
	if lfs.attributes(root, "mode") ~= "directory" then return found; end
	for screen in lfs.dir(root) do
		local path = root.."/"..screen;
		if not match(screen, "^%.+$") and lfs.attributes(path, "mode") == "directory" then
			for name in lfs.dir(path) do
				local host = match(name, "^spool%-%x+%-(.*)$");
				if host and not wanted(unescape(screen), unescape(host)) then
					found[#found + 1] = { path = path.."/"..name, screen = unescape(screen), host = unescape(host) };
				end
			end
		end
	end
	return found;
end

-- Appends a record. False when the bound is reached or the disk refuses it; then nothing of it counts.
local function append(spool, max_bytes, kind, n, xml)
	local frame = format("%s %d %d\n%s\n", kind, n, #xml, xml);
	if max_bytes and spool.size + #frame > max_bytes then return false, "full"; end
	if spool.full then return false, "a write failed"; end
	if not spool.file then
		local file, err = io.open(spool.path, "ab");
		if not file then return false, err; end
		spool.file = file;
	end
	local ok, err = spool.file:write(frame);
	if ok then ok, err = spool.file:flush(); end
	if ok and sync then
		ok, err = sync(spool.path);
		if ok and spool.size == 0 then ok, err = sync(spool.folder); end
	end
	if not ok then
		-- Part of it may be there, and what came behind would not be found: nothing more until this file is acknowledged.
		spool.file:close();
		spool.file = nil;
		if spool.size > 0 then spool.full = true; else os.remove(spool.path); end
		return false, err;
	end
	spool.size = spool.size + #frame;
	spool.records = spool.records + 1;
	return true;
end

-- Up to `most` records or `bytes` from where reading stands: list of { kind, n, xml }, and the place behind them.
local function read(spool, most, bytes)
	local file = io.open(spool.path, "rb");
	if not file then
		spool.read = spool.size;
		return {}, spool.size;
	end
	file:seek("set", spool.read);
	local list, place, taken = {}, spool.read, 0;
	while #list < most and taken < bytes and place < spool.size do
		local head = file:read("L");
		local kind, n, length = match(head or "", "^(%l) (%d+) (%d+)\n$");
		local xml = kind and file:read(tonumber(length) + 1);
		if not xml or #xml ~= tonumber(length) + 1 or xml:sub(-1) ~= "\n" then
			log("error", "%s: unreadable from byte %d on (a write that was cut off); %d bytes are left out", spool.path, place, spool.size - place);
			spool.size = place;
			break;
		end
		list[#list + 1] = { kind = kind, n = tonumber(n), xml = xml:sub(1, -2) };
		place = place + #head + #xml;
		taken = taken + #xml;
	end
	file:close();
	return list, place;
end

-- Everything up to the place is acknowledged. True: the spool is empty, its file gone.
local function acknowledge(spool, place)
	spool.acked, spool.inflight = place, false;
	if place < spool.size then return false; end
	if spool.file then spool.file:close(); spool.file = nil; end
	os.remove(spool.path);
	spool.size, spool.read, spool.acked, spool.records, spool.full = 0, 0, 0, 0, nil;
	return true;
end

-- What the screen does not take stays on the disk for a person to look at.
local function put_aside(spool, elements)
	local file, err = io.open((spool.path:gsub("/spool%-([^/]*)$", "/refused-%1")), "ab");
	local ok = file and file:write(table.concat(elements, "\n"), "\n");
	if file then file:close(); end
	if not ok then log("error", "Nor can it be put aside: %s", err or "disk full?"); end
end

return {
	put_aside = put_aside, keep_numbers = keep_numbers, read_source = read_source, new_spool = new_spool, leftovers = leftovers, orphans = orphans,
	append = append, read = read, acknowledge = acknowledge, synced_by = synced_by,
};
