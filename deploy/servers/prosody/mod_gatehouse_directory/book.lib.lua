-- SPDX-License-Identifier: MIT
-- What the component handed over: people, groups, members, walls. A book is changed in place while it is built; a change of one that is
-- in force is written into a second book that lies over it, and laid into it in one step when all of it is there.
local pairs, next = pairs, next;
local byte, sub = string.byte, string.sub;
local function fault(...) return ...; end

local FREE = byte("-");
local DEFAULTS = { cap = 2000, deleted = "back", presence = 2000 };
local BOUNDS = { people = 200000, groups = 20000, members = 2000000, walls = 1000, exceptions = 100000 };

-- people: JID -> one letter (- free, d disabled, g gone) and the name, in one string: there are many.
-- groups: id -> { id, name, order, shown, to = { id... }, members = set, count }; of: JID -> set of ids. false: gone, in a book that lies over another.
local function new(under)
	return {
		under = under, id = under and under.id or "", seq = under and under.seq or 0, policy = under and under.policy or DEFAULTS,
		people = {}, groups = {}, of = {}, walls = {},
		people_count = under and under.people_count or 0, groups_count = under and under.groups_count or 0,
		members_count = under and under.members_count or 0, walls_count = under and under.walls_count or 0,
		exceptions_count = under and under.exceptions_count or 0,
		-- What the change touches: groups, people who came or went or are called otherwise, or everything. reshaped: whom a group is shown to, its
		-- name or order, or a wall.
		touched = under and {} or nil, moved = under and {} or nil, touched_all = not under, reshaped = false,
	};
end

local function at(book, what, key)
	local value = book[what][key];
	if value == nil and book.under then value = book.under[what][key]; end
	return value or nil;
end

local function put(book, what, key, value)
	if value == nil and book.under then value = false; end
	book[what][key] = value;
end

local function copy(set)
	local all = {};
	for key, value in pairs(set) do all[key] = value; end
	return all;
end

-- The group, to be changed: in a book that lies over another, a copy of what is in force.
local function own_group(book, id)
	local group = at(book, "groups", id);
	if not group then return nil; end
	if book.under and not book.groups[id] then
		local mine = copy(group);
		mine.members = copy(group.members);
		book.groups[id] = mine;
		group = mine;
	end
	if book.touched then book.touched[id] = true; end
	return group;
end

local function own_memberships(book, jid)
	local of = at(book, "of", jid);
	if not of then
		of = {};
		book.of[jid] = of;
	elseif book.under and not book.of[jid] then
		of = copy(of);
		book.of[jid] = of;
	end
	return of;
end

local function touch_groups_of(book, jid)
	local of = book.touched and at(book, "of", jid);
	if of then
		for id in pairs(of) do book.touched[id] = true; end
	end
end

local function leave(book, group, jid)
	if not group.members[jid] then return; end
	if book.moved then book.moved[jid] = true; end
	group.members[jid] = nil;
	group.count = group.count - 1;
	book.members_count = book.members_count - 1;
	local of = own_memberships(book, jid);
	of[group.id] = nil;
	if next(of) == nil then put(book, "of", jid, nil); end
end

local function touch_wall(book, wall)
	if not book.touched or not wall then return; end
	book.reshaped = true;
	for _, side in pairs { wall.a, wall.b } do
		for _, id in pairs(side) do book.touched[id] = true; end
	end
end

-- One change each. They give nil, or why not: "resource-constraint", or "bad-request" and a reason.
local apply = {};

function apply.policy(book, op)
	book.policy = { cap = op.cap, deleted = op.deleted, presence = op.presence };
	book.touched_all = true;
end

function apply.person(book, op)
	local value = op.state..op.name;
	local before = at(book, "people", op.jid);
	if before == value then return; end
	if not before then
		if book.people_count >= BOUNDS.people then return "resource-constraint"; end
		book.people_count = book.people_count + 1;
	end
	put(book, "people", op.jid, value);
	if book.moved then book.moved[op.jid] = true; end
	touch_groups_of(book, op.jid);
end

function apply.gone(book, op)
	touch_groups_of(book, op.jid);
	for id in pairs(at(book, "of", op.jid) and copy(at(book, "of", op.jid)) or {}) do leave(book, own_group(book, id), op.jid); end
	if at(book, "people", op.jid) then
		book.people_count = book.people_count - 1;
		put(book, "people", op.jid, nil);
		if book.moved then book.moved[op.jid] = true; end
	end
end

-- To whom a group was shown before it changes.
local function touch_viewers(book, group)
	if not book.touched then return; end
	if group.shown == "everybody" then book.touched_all = true; end
	for _, id in pairs(group.to or {}) do book.touched[id] = true; end
end

function apply.group(book, op)
	local group = own_group(book, op.id);
	if group then
		touch_viewers(book, group);
		book.reshaped = true;
	else
		if book.groups_count >= BOUNDS.groups then return "resource-constraint"; end
		book.groups_count = book.groups_count + 1;
		group = { id = op.id, members = {}, count = 0 };
		put(book, "groups", op.id, group);
		if book.touched then book.touched[op.id] = true; end
	end
	group.name, group.order, group.shown, group.to = op.name, op.order, op.shown, op.to;
end

function apply.no_group(book, op)
	local group = own_group(book, op.id);
	if not group then return; end
	touch_viewers(book, group);
	book.reshaped = true;
	for jid in pairs(copy(group.members)) do leave(book, group, jid); end
	book.groups_count = book.groups_count - 1;
	put(book, "groups", op.id, nil);
end

function apply.join(book, op)
	local group = own_group(book, op.id);
	if not group then return fault("bad-request", "there is no group "..op.id); end
	for i = 1, #op.jids do
		local jid = op.jids[i];
		if not group.members[jid] then
			if book.members_count >= BOUNDS.members then return "resource-constraint"; end
			group.members[jid] = true;
			if book.moved then book.moved[jid] = true; end
			group.count = group.count + 1;
			book.members_count = book.members_count + 1;
			own_memberships(book, jid)[op.id] = true;
			touch_groups_of(book, jid);
		end
	end
end

function apply.part(book, op)
	local group = own_group(book, op.id);
	if not group then return fault("bad-request", "there is no group "..op.id); end
	for i = 1, #op.jids do
		touch_groups_of(book, op.jids[i]);
		leave(book, group, op.jids[i]);
	end
end

function apply.wall(book, op)
	local before = at(book, "walls", op.id);
	if not before then
		if book.walls_count >= BOUNDS.walls then return "resource-constraint"; end
		book.walls_count = book.walls_count + 1;
	end
	local exceptions = book.exceptions_count - (before and before.exceptions or 0) + #op.except // 2;
	if exceptions > BOUNDS.exceptions then return "resource-constraint"; end
	book.exceptions_count = exceptions;
	local wall = { id = op.id, a = op.a, b = op.b, except = {}, exceptions = #op.except // 2 };
	for i = 1, #op.except, 2 do
		for one = 0, 1 do
			local jid, other = op.except[i + one], op.except[i + 1 - one];
			wall.except[jid] = wall.except[jid] or {};
			wall.except[jid][other] = true;
		end
	end
	touch_wall(book, before);
	touch_wall(book, wall);
	put(book, "walls", op.id, wall);
end

function apply.no_wall(book, op)
	local before = at(book, "walls", op.id);
	if not before then return; end
	touch_wall(book, before);
	book.walls_count, book.exceptions_count = book.walls_count - 1, book.exceptions_count - before.exceptions;
	put(book, "walls", op.id, nil);
end

-- Lays a book into the one that it lies over, which is then the newer state; or gives the book that stands alone.
local function settle(book)
	local under = book.under;
	if not under then return book; end
	for _, what in pairs { "people", "groups", "of", "walls" } do
		for key, value in pairs(book[what]) do under[what][key] = value or nil; end
	end
	for _, what in pairs { "id", "seq", "policy", "people_count", "groups_count", "members_count", "walls_count", "exceptions_count" } do
		under[what] = book[what];
	end
	under.derived = nil;
	return under;
end

-- Whether the person is locked out: "d" or "g", else nil.
local function locked(book, jid)
	local value = book.people[jid];
	if value and byte(value) ~= FREE then return sub(value, 1, 1); end
end

return {
	new = new, settle = settle, locked = locked, FREE = FREE, DEFAULTS = DEFAULTS,
	apply = function (book, op) return apply[op.what](book, op); end,
};
