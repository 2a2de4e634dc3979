-- SPDX-License-Identifier: MIT
-- The folder of a screen below DATA/gatehouse/, the versions of the files in it, and how they reach the disk.
-- A file begins with a line of its name and version; those of the first helpers have none: version 0.
local lfs = require "lfs";
local format, gsub, match = string.format, string.gsub, string.match;

local VERSION = 1; -- what is written; 0 and 1 are read

-- The line with which a file begins.
local function head(name) return format("gatehouse-%s %d\n", name, VERSION); end

-- The version of a file that begins with this text, and the length of the line that says so. nil and why: not one of ours to read.
local function version_of(name, text)
	local line, what, version = match(text, "^(gatehouse%-(%l+) (%d+)[^\n]*\n)");
	if not line then return 0, 0; end
	if what ~= name then return nil, "it says that it is a "..what; end
	version = tonumber(version);
	if version > VERSION then
		return nil, format("it is of version %d, written by a later helper; this one reads up to %d", version, VERSION);
	end
	return version, #line;
end

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

-- Made where it is missing. Where it cannot be made: link.unreadable says why.
local function folder(link)
	if link.folder then return link.folder; end
	local path = prosody.paths.data;
	for _, part in ipairs { "gatehouse", escape(link.screen) } do
		path = path.."/"..part;
		local made, why = lfs.mkdir(path);
		if not made and lfs.attributes(path, "mode") ~= "directory" then
			link.unreadable = link.unreadable or format("the folder %s cannot be made (%s)", path, why or "?");
		end
	end
	link.folder = path;
	return path;
end

-- The names in a folder; nil and why where it cannot be read.
local function names_in(path)
	local ok, list, position = pcall(lfs.dir, path);
	if not ok then return nil, format("the folder %s cannot be read (%s)", path, list); end
	local names = {};
	for name in list, position do names[#names + 1] = name; end
	return names;
end

return {
	names_in = names_in, head = head, version_of = version_of, sync = sync, synced_by = synced_by, escape = escape, unescape = unescape, folder = folder,
};
