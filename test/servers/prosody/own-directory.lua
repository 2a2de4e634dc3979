-- SPDX-License-Identifier: MIT
-- Own tests of mod_gatehouse_directory's parts that need no server: lua5.4 own-directory.lua MODULE_FOLDER PROSODY_FOLDER SCRATCH_FOLDER
local folder, prosody_folder, scratch = arg[1], arg[2], arg[3];
package.path = prosody_folder.."/?.lua;"..package.path;
package.cpath = prosody_folder.."/?.so;"..package.cpath;
pcall(require, "loader"); -- Prosody 13 names its modules "prosody.util..." and brings this, which finds them; 0.12 has none

prosody = { paths = { data = scratch }, hosts = {}, full_sessions = {} };
module = {};
function module:require(name)
	return assert(loadfile(folder.."/"..name..".lib.lua"))();
end
local book_lib, sight, file, words = module:require "book", module:require "sight", module:require "file", module:require "words";

local passed, failed = 0, 0;
local function check(ok, name)
	if ok then passed = passed + 1; else
		failed = failed + 1;
		print("FAILED "..name);
	end
end

-- The same at each run, and at each version of Lua.
local seed = 20261122;
local function random(n)
	seed = (seed * 1103515245 + 12345) % 2147483648;
	return (seed // 65536) % n + 1;
end
local function one_of(list) return list[random(#list)]; end

local PEOPLE, GROUPS = {}, {};
for i = 1, 12 do PEOPLE[i] = "p"..i.."@corp"; end
for i = 1, 6 do GROUPS[i] = "g"..i; end

local function random_op(book)
	local what = random(20);
	if what <= 5 then return { what = "person", jid = one_of(PEOPLE), name = one_of { "", "A", "B" }, state = one_of { "-", "-", "-", "d" } }; end
	if what == 6 then return { what = "gone", jid = one_of(PEOPLE) }; end
	if what <= 9 then
		local shown = one_of { "members", "members", "everybody", "groups", "nobody" };
		return { what = "group", id = one_of(GROUPS), name = one_of { "X", "Y", "Z" }, order = random(3), shown = shown,
			to = shown == "groups" and { one_of(GROUPS) } or {} };
	end
	if what == 10 then return { what = "no_group", id = one_of(GROUPS) }; end
	if what <= 17 then
		local id = one_of(GROUPS);
		if not (book.groups[id] or book.groups[id] == nil and book.under and book.under.groups[id]) then return nil; end
		return { what = what <= 15 and "join" or "part", id = id, jids = { one_of(PEOPLE), one_of(PEOPLE), one_of(PEOPLE) } };
	end
	if what == 18 then
		return { what = "wall", id = "w"..random(2), a = { one_of(GROUPS) }, b = { one_of(GROUPS) }, except = random(2) == 1 and { one_of(PEOPLE), one_of(PEOPLE) } or {} };
	end
	if what == 19 then return { what = "no_wall", id = "w"..random(2) }; end
	return { what = "policy", cap = one_of { 2, 4, 2000 }, deleted = "back", presence = 2000 };
end

local function texts_of(book, jid)
	local all = {};
	for other, text in pairs(sight.view(book, jid).items) do
		if other ~= jid then all[other] = text; end
	end
	return all;
end

local function same(a, b)
	for key, value in pairs(a) do if b[key] ~= value then return false; end end
	for key in pairs(b) do if a[key] == nil then return false; end end
	return true;
end

-- A change laid over a book gives what the same changes give from the beginning; who sees something else is looked at; and what is told
-- of one pair is what the whole view says.
local rounds, as_rebuilt, noticed, consistent, parsed, one_by_one, by_one = 400, 0, 0, 0, 0, 0, 0;
for _ = 1, rounds do
	local lines, book = {}, book_lib.new();
	local function apply(target)
		local op = random_op(target);
		if not op then return; end
		local line = words.write(op);
		local again = words.parse(line);
		if again and words.write(again) == line and book_lib.apply(target, op) == nil then
			lines[#lines + 1] = line;
			parsed = parsed + 1;
		end
	end
	for _ = 1, 40 do apply(book); end
	local ok_rebuilt, ok_noticed, ok_consistent, ok_one = true, true, true, true;
	for _ = 1, 3 do
		local before = {};
		for _, jid in ipairs(PEOPLE) do before[jid] = texts_of(book, jid); end
		local change = book_lib.new(book);
		for _ = 1, random(4) do apply(change); end
		book = book_lib.settle(change);
		local wide = sight.widen(book, change.touched);
		local moved = 0;
		for _ in pairs(change.moved) do moved = moved + 1; end
		local only_moved = not change.touched_all and not change.reshaped and not sight.near_cap(book, wide, moved);
		local rebuilt = book_lib.new();
		for _, line in ipairs(lines) do book_lib.apply(rebuilt, words.parse(line)); end
		for _, jid in ipairs(PEOPLE) do
			local now = texts_of(book, jid);
			ok_rebuilt = ok_rebuilt and same(now, texts_of(rebuilt, jid)) and book.people_count == rebuilt.people_count
				and book.groups_count == rebuilt.groups_count and book.members_count == rebuilt.members_count and book.walls_count == rebuilt.walls_count;
			if not same(now, before[jid]) then
				ok_noticed = ok_noticed and (change.touched_all or change.moved[jid] or sight.concerns(book, wide, jid));
			end
			if only_moved and not change.moved[jid] then
				for _, other in ipairs(PEOPLE) do
					if now[other] ~= before[jid][other] then
						by_one = by_one + 1;
						ok_one = ok_one and change.moved[other] ~= nil;
					end
				end
			end
			local _, everybody, has = sight.candidates(book, jid);
			for _, other in ipairs(PEOPLE) do
				if other ~= jid then
					local text, sees = sight.pair(book, jid, other), sight.sees(book, jid, other);
					ok_consistent = ok_consistent and text == now[other] and sees == (text ~= nil)
						and (not text or (text:sub(1, 1) == "b") == sight.sees(book, other, jid))
						and (not sight.sees(book, other, jid) or everybody or has[other] ~= nil);
				end
			end
		end
	end
	one_by_one = one_by_one + (ok_one and 1 or 0);
	as_rebuilt, noticed, consistent = as_rebuilt + (ok_rebuilt and 1 or 0), noticed + (ok_noticed and 1 or 0), consistent + (ok_consistent and 1 or 0);
end
check(as_rebuilt == rounds, "a change gives what the whole gives: "..as_rebuilt.." of "..rounds);
check(noticed == rounds, "who sees something else is looked at: "..noticed.." of "..rounds);
check(consistent == rounds, "one pair is as in the view: "..consistent.." of "..rounds);
check(one_by_one == rounds and by_one > 50, "where only people came or went, only they look different: "..one_by_one.." of "..rounds.." ("..by_one..")");
check(parsed > 10000, "changes are written and read: "..parsed);

-- The file: what was committed, whichever byte it ends at.
local function read_all(path)
	local f = assert(io.open(path, "rb"));
	local text = f:read("a");
	f:close();
	return text;
end
local function write_all(path, text)
	local f = assert(io.open(path, "wb"));
	f:write(text);
	f:close();
end
local place = assert(file.open("corp.example"));
local path = place.path.."/state";
local function hand(seq, whole, lines)
	check(file.begin(place), "begins");
	check(file.add(place, lines), "adds");
	check(file.commit(place, "s", seq, whole), "commits");
end
local function loaded()
	local there = assert(file.open("corp.example"));
	return file.load(there);
end
check(loaded().id == "", "nothing is there at first");
hand(1, true, { "person\ta@corp\t-\tAnn", "person\tb@corp\td\tBob" });
local first = #read_all(path);
hand(2, false, { "person\tc@corp\t-\tCid" });
local second = #read_all(path);
hand(3, false, { "person\ta@corp\tg\tAnn" });
local text = read_all(path);
local right = 0;
for length = first, #text do
	write_all(path, text:sub(1, length));
	local book, why = loaded();
	local wanted = length == #text and 3 or length >= second and 2 or 1;
	if not why and book.seq == wanted and book_lib.locked(book, "b@corp") == "d" and (book_lib.locked(book, "a@corp") == "g") == (wanted == 3) then right = right + 1; end
end
check(right == #text - first + 1, "cut off at any byte it is a state that was: "..right.." of "..(#text - first + 1));
local guarded = 0;
for at = 1, #text do
	write_all(path, text:sub(1, at - 1)..string.char((text:byte(at) + 1) % 256)..text:sub(at + 1));
	local ok, book, why = pcall(loaded);
	-- Either it is known that it is damaged, or it is a state that was, or it is one whose last transfer cannot be told from one that was cut off.
	if ok and (why and book.id == "" or not why and book.seq <= 3 and (book.seq < 3 or book_lib.locked(book, "a@corp") == "g")) then guarded = guarded + 1; end
end
check(guarded >= #text - 16, "one wrong byte makes no other state: "..guarded.." of "..#text);
write_all(path, (text:gsub("gatehouse%-directory 1", "gatehouse-directory 2")));
local book, why = loaded();
check(why ~= nil and book_lib.locked(book, "a@corp") == "g" and book.id == "", "of a later version only the locks hold");
os.remove(path);

-- The lock, on whatever a module for passwords gives.
package.loaded["core.sessionmanager"], package.loaded["prosody.core.sessionmanager"] = { destroy_session = function () end }, nil;
local hooks = {};
module.host = "corp";
function module:hook(name, handler) hooks[name] = handler; end
function module:hook_tag(xmlns, name, handler) hooks[xmlns.." "..name] = handler; end
function module:log() end
function module:shared() return {}; end
local state = { book = book_lib.new(), counted = { refused_logins = 0, ended_sessions = 0 } };
for _, line in ipairs { "person\talice@corp\td\t", "person\tbob@corp\t-\t" } do book_lib.apply(state.book, words.parse(line)); end
local function new_handler(mechanism)
	local handler = { mechanism = mechanism };
	function handler.process(self, name)
		self.username = name;
		return "success", "proof";
	end
	function handler.clean_clone() return new_handler(mechanism); end
	return handler;
end
local provider = { name = "any" };
function provider.get_sasl_handler() return new_handler("EXTERNAL"); end
function provider.test_password() return true; end
prosody.hosts.corp = { users = provider, sessions = {} };
local before = provider.get_sasl_handler;
local lock = assert(module:require "lock")(module, state, { disabled = "no" }, function () end);
for name, wanted in pairs { alice = "failure", ALICE = "failure", bob = "success", nobody = "success" } do
	local handler = provider.get_sasl_handler();
	local status, ret = handler:process(name);
	check(status == wanted and (wanted == "success" or ret == "account-disabled"), "SASL, whatever its mechanism: "..name);
	check(handler:clean_clone():process(name) == wanted, "a second try: "..name);
	check((provider.test_password(name, "x") == true) == (wanted == "success"), "test_password: "..name);
	local session = { username = name, sasl_handler = new_handler("HT-SHA-256-NONE") };
	check((hooks["pre-resource-bind"] { session = session } == false) == (wanted == "failure"), "bind: "..name);
	hooks["urn:xmpp:sasl:2 authenticate"](session);
	check(session.sasl_handler:process(name) == wanted, "a handler of another module: "..name);
	local closed;
	local resumed = { username = name, send = function () end, close = function () closed = true; end };
	hooks["urn:xmpp:sm:3 resume"](resumed);
	check((closed == true) == (wanted == "failure"), "resumption: "..name);
end
lock.leave();
check(provider.get_sasl_handler == before, "gives the provider back as it was");

print(passed.." passed, "..failed.." failed");
