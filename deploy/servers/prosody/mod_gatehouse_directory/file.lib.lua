-- SPDX-License-Identifier: MIT
-- The state on disk, below DATA/gatehouse_directory/HOST/. `state` is a line of its version, then transfers: each is the parts that came
-- (`part BYTES SHA256`, then as many bytes of changes, a line each) and `commit ID SEQ`. What stands behind the last commit never happened.
-- `incoming` is a transfer that is under way: a whole state replaces `state` in one step, a change is written behind it.
local words = module:require "words";
local book_lib = module:require "book";
local lfs = require "lfs";
local sha256 = require "util.hashes".sha256;
local fault = words.fault;
local format, gsub, match, gmatch = string.format, string.gsub, string.match, string.gmatch;

local VERSION = 1;
local HEAD = format("gatehouse-directory %d\n", VERSION);
local SMALLEST_BOUND = 16 * 1024 * 1024; -- changes behind a whole state, before a new one is wanted

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
	return function () return true; end, nil;
end
local sync, synced_by = find_sync();

local function escape(name)
	return (gsub(name, "[^%w.]", function (c) return format("%%%02x", c:byte()); end));
end

-- The folder of a host; nil and why.
local function open(host)
	local path = prosody.paths.data;
	for _, part in ipairs { "gatehouse_directory", escape(host) } do
		path = path.."/"..part;
		local made, why = lfs.mkdir(path);
		if not made and lfs.attributes(path, "mode") ~= "directory" then return nil, format("the folder %s cannot be made (%s)", path, why or "?"); end
	end
	return { path = path, size = 0, whole = 0 };
end

-- One part of the file: its changes as text, "commit" with id and seq, nil where the file ends, false and why where it cannot be read.
local function next_block(file)
	local line = file:read("L");
	if not line then return nil; end
	local bytes, sum = match(line, "^part (%d+) (%x+)\n$");
	if bytes then
		local text = file:read(tonumber(bytes) + 1);
		if not text or #text ~= tonumber(bytes) + 1 then return false, "it ends in the middle of a part"; end
		text = text:sub(1, -2);
		if sha256(text, true) ~= sum then return false, "a part is damaged"; end
		return text, #line + #text + 1;
	end
	local id, seq = match(line, "^commit (%S+) (%d+)\n$");
	if id then return "commit", #line, id, tonumber(seq); end
	return false, "it is damaged or ends in the middle of a line";
end

local function apply_text(book, text)
	for line in gmatch(text, "[^\n]+") do
		local op = words.parse(line);
		if not op or book_lib.apply(book, op) then return false; end
	end
	return true;
end

-- Keeps of a book that cannot be trusted only who is locked out.
local function only_locked(book)
	local rest = book_lib.new();
	for jid, value in pairs(book.people) do
		if value and value:byte() ~= book_lib.FREE then rest.people[jid] = value; end
	end
	return rest;
end

-- Whatever can still be made out as a lock, newest last.
local function locks_in(path)
	local book = book_lib.new();
	for line in io.lines(path) do
		local op = match(line, "^person\t") and words.parse(line);
		if op then book_lib.apply(book, op); end
	end
	return only_locked(book);
end

local remake;

-- The book that is on disk; the second value is why it is not to be trusted (then it holds only who is locked out).
local function load(place)
	local path = place.path.."/state";
	os.remove(place.path.."/incoming");
	local file, err = io.open(path, "rb");
	if not file then
		if lfs.attributes(path, "mode") then return book_lib.new(), fault(format("%s cannot be read (%s)", path, err or "?")); end
		return book_lib.new();
	end
	if file:read("L") ~= HEAD then
		file:close();
		return locks_in(path), fault(format("%s is of a later version, or damaged", path));
	end
	local book, good, size, parts = book_lib.new(), #HEAD, #HEAD, {};
	local tail;
	while true do
		local text, length, id, seq = next_block(file);
		if not text then
			tail = text == false and length or parts[1] and fault("a transfer was not ended") or nil;
			break;
		end
		size = size + length;
		if text == "commit" and id then
			for _, part in ipairs(parts) do
				if not apply_text(book, part) then
					file:close();
					return locks_in(path), fault(format("%s holds a change that cannot be read", path));
				end
			end
			book.id, book.seq, parts, good = id, seq, {}, size;
			if place.whole == 0 then place.whole = size; end
		else
			parts[#parts + 1] = text;
		end
	end
	local rest = tail and file:read("a") or "";
	file:close();
	-- A tail without its commit is a transfer that was cut off. With a commit behind it something else has happened to the file.
	if tail and ("\n"..rest):find("\ncommit %S+ %d+\n") then return locks_in(path), fault(format("%s: %s", path, tail)); end
	place.size = good;
	if tail or good > 2 * place.whole + SMALLEST_BOUND // 4 then
		local ok, why = remake(place, book);
		if not ok then place.dirty = why or "?"; end
	end
	return book;
end

local function block(text) return format("part %d %s\n%s\n", #text, sha256(text, true), text); end

-- Writes the whole book anew.
function remake(place, book)
	local path = place.path.."/state.new";
	local file, err = io.open(path, "wb");
	if not file then return false, err; end
	local size, lines, held = #HEAD, {}, 0;
	local ok = file:write(HEAD);
	local function flush()
		if held == 0 then return; end
		local text = block(table.concat(lines, "\n"));
		if ok then ok, err = file:write(text); end
		size, lines, held = size + #text, {}, 0;
	end
	local function line(op)
		lines[#lines + 1] = words.write(op);
		held = held + #lines[#lines];
		if held > 65536 then flush(); end
	end
	local policy = book.policy;
	line { what = "policy", cap = policy.cap, deleted = policy.deleted, presence = policy.presence };
	for jid, value in pairs(book.people) do line { what = "person", jid = jid, state = value:sub(1, 1), name = value:sub(2) }; end
	for _, group in pairs(book.groups) do
		line { what = "group", id = group.id, order = group.order, shown = group.shown, to = group.to, name = group.name };
		local jids = {};
		for jid in pairs(group.members) do jids[#jids + 1] = jid; end
		if jids[1] then line { what = "join", id = group.id, jids = jids }; end
	end
	for _, wall in pairs(book.walls) do
		local except = {};
		for jid, others in pairs(wall.except) do
			for other in pairs(others) do
				if jid <= other then
					except[#except + 1] = jid;
					except[#except + 1] = other;
				end
			end
		end
		line { what = "wall", id = wall.id, a = wall.a, b = wall.b, except = except };
	end
	flush();
	local commit = format("commit %s %d\n", book.id, book.seq);
	if ok then ok, err = file:write(commit); end
	if ok then ok, err = file:flush(); end
	file:close();
	if ok then ok, err = sync(path); end
	if ok then ok, err = os.rename(path, place.path.."/state"); end
	if not ok then return false, err; end
	sync(place.path);
	place.size, place.whole, place.dirty = size + #commit, size + #commit, nil;
	return true;
end

-- Begins a transfer. false: the disk does not take it.
local function begin(place)
	if place.file then place.file:close(); end
	local file, err = io.open(place.path.."/incoming", "wb");
	place.file, place.incoming = file, #HEAD;
	if not file then return false, err; end
	return file:write(HEAD) and true or false;
end

local function drop(place)
	if place.file then place.file:close(); end
	place.file = nil;
	os.remove(place.path.."/incoming");
end

-- Adds the changes of one part, as lines.
local function add(place, lines)
	if not lines[1] then return true; end
	local text = block(table.concat(lines, "\n"));
	place.incoming = place.incoming + #text;
	local ok, err = place.file:write(text);
	if ok then ok, err = place.file:flush(); end
	return ok and true or false, err;
end

-- Writes what came behind the state that is there.
local function append(place)
	local from, err = io.open(place.path.."/incoming", "rb");
	if not from then return false, err; end
	local to;
	to, err = io.open(place.path.."/state", "ab");
	if not to then
		from:close();
		return false, err;
	end
	from:seek("set", #HEAD);
	local ok = true;
	for text in function () return from:read(65536); end do
		ok, err = to:write(text);
		if not ok then break; end
	end
	if ok then ok, err = to:flush(); end
	from:close();
	to:close();
	if ok then ok, err = sync(place.path.."/state"); end
	-- What is half there has no commit; it must not get one from what would be written behind it.
	if not ok then place.dirty = err or "?"; end
	return ok and true or false, err;
end

-- Ends a transfer: from here on the state on disk is the new one. false and why: it is the old one still.
local function commit(place, id, seq, is_whole)
	local line = format("commit %s %d\n", id, seq);
	local ok, err = place.file:write(line);
	if ok then ok, err = place.file:flush(); end
	place.file:close();
	place.file, place.incoming = nil, place.incoming + #line;
	if ok and is_whole then
		ok, err = sync(place.path.."/incoming");
		if ok then ok, err = os.rename(place.path.."/incoming", place.path.."/state"); end
		if ok then
			sync(place.path);
			place.size, place.whole, place.dirty = place.incoming, place.incoming, nil;
		end
	elseif ok then
		ok, err = append(place);
		if ok then place.size = place.size + place.incoming - #HEAD; end
		os.remove(place.path.."/incoming");
	end
	if not ok then drop(place); end
	return ok and true or false, err;
end

-- Whether a change can be written behind what is there, or a whole state is wanted.
local function takes_changes(place)
	return not place.dirty and place.size <= math.max(4 * place.whole, SMALLEST_BOUND);
end

return {
	open = open, load = load, begin = begin, add = add, commit = commit, drop = drop, takes_changes = takes_changes, synced_by = synced_by,
};
