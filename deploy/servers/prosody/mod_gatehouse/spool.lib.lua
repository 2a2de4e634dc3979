-- SPDX-License-Identifier: MIT
-- What must not be forgotten until the screen has acknowledged it, on disk: settlements that a verdict does not imply, and whole
-- questions that were let through unscreened. `spool-SOURCE-HOST`: a line with name and version, then records: one line
-- "kind n length", the element, a line end. Survives kill -9; a power cut only where lua-posix or lua-luv offers fsync.
local disk = module:require "disk";
local logger = require "util.logger";
local lfs = require "lfs";
local escape, unescape, folder, names_in, sync, version_of = disk.escape, disk.unescape, disk.folder, disk.names_in, disk.sync, disk.version_of;
local format, match = string.format, string.match;
local log = logger.init("gatehouse");

local HEAD = disk.head("spool");

local function new_spool(link, host_name, source, size)
	return {
		path = format("%s/spool-%s-%s", folder(link), source, escape(host_name)), source = source, host = host_name, folder = folder(link),
		size = size or 0, read = 0, acked = 0, inflight = false, records = 0,
	};
end

-- nil: these are records. Why it is not for us to read, else.
local function unreadable(path)
	local file = io.open(path, "rb");
	if not file then return; end
	local line = file:read("L") or "";
	file:close();
	local version, why = version_of("spool", line);
	return not version and format("%s cannot be read (%s)", path, why) or nil;
end

-- Spools that earlier runs left for this host, oldest first; and why one of them cannot be read.
local function leftovers(link, host_name)
	local wanted = escape(host_name);
	local found, names, problem = {}, names_in(folder(link));
	for _, name in ipairs(names or {}) do
		local source, escaped = match(name, "^spool%-(%x+)%-(.*)$");
		if source and escaped == wanted and source ~= link.source then
			local path = folder(link).."/"..name;
			local spool = new_spool(link, unescape(escaped), source, lfs.attributes(path, "size"));
			spool.born = lfs.attributes(path, "modification");
			local why = unreadable(path);
			if why then problem = why; else found[#found + 1] = spool; end
		end
	end
	table.sort(found, function (a, b) return a.born < b.born; end);
	return found, problem;
end

-- Spools that nobody here will send: of hosts, or for screens, that are no longer set up. wanted(screen, host): who is.
-- A list of { path, screen, host }.
local function orphans(wanted)
	local found = {};
	local root = prosody.paths.data.."/gatehouse";
	for _, screen in ipairs(names_in(root) or {}) do
		local path = root.."/"..screen;
		if not match(screen, "^%.+$") and lfs.attributes(path, "mode") == "directory" then
			for _, name in ipairs(names_in(path) or {}) do
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
	local frame = format("%s%s %d %d\n%s\n", spool.size == 0 and HEAD or "", kind, n, #xml, xml);
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
		local line = file:read("L");
		if place == 0 and line == HEAD then
			place = #HEAD;
			line = file:read("L");
		end
		local kind, n, length = match(line or "", "^(%l) (%d+) (%d+)\n$");
		local xml = kind and file:read(tonumber(length) + 1);
		if not xml or #xml ~= tonumber(length) + 1 or xml:sub(-1) ~= "\n" then
			log("error", "%s: unreadable from byte %d on (a write that was cut off); %d bytes are left out", spool.path, place, spool.size - place);
			spool.size = place;
			break;
		end
		list[#list + 1] = { kind = kind, n = tonumber(n), xml = xml:sub(1, -2) };
		place = place + #line + #xml;
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
	put_aside = put_aside, new_spool = new_spool, leftovers = leftovers, orphans = orphans,
	append = append, read = read, acknowledge = acknowledge,
};
