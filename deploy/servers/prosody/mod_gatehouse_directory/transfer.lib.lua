-- SPDX-License-Identifier: MIT
-- A state as it comes, in parts: DIRECTORY.md section 4. What came has no effect before the last part is on disk.
local book_lib = module:require "book";
local file = module:require "file";
local words = module:require "words";
local fault = words.fault;
local format, match = string.format, string.match;

local MOST_CHILDREN, LAST_SEQ = 1000, 9007199254740991;

-- state: { book, place, damaged }. in_force: called with the book that was laid over, when the change is in force.
return function (state, in_force)

local transfer; -- what is under way: { origin, id, seq, whole, next, book, known }

local function drop()
	if not transfer then return; end
	transfer = nil;
	file.drop(state.place);
end

local function fail(...)
	drop();
	return ...;
end

local function begin(origin, attr, seq, base)
	drop();
	local book = state.book;
	if base then
		if state.damaged or book.id ~= attr.id or book.seq ~= base then
			return fault("cancel", "conflict", format("the base is %s %d, and %s %d is held", attr.id, base, book.id == "" and "nothing" or book.id, book.seq));
		end
		if not file.takes_changes(state.place) then return fault("cancel", "conflict", "a whole state is wanted, to write the file anew"); end
	end
	local ok, why = file.begin(state.place);
	if not ok then return fault("wait", "resource-constraint", "the disk does not take it: "..(why or "?")); end
	transfer = { origin = origin, id = attr.id, seq = seq, base = base, next = 1, book = book_lib.new(base and book or nil), known = {} };
end

-- Takes a part. nil: it is taken, and true where it was the last; else type, condition and text of the error.
local function take(origin, element)
	local attr = element.attr;
	local part, seq = words.whole(attr.part, 1, 1e9), words.whole(attr.seq, 0, LAST_SEQ);
	local base = attr.base and words.whole(attr.base, 0, LAST_SEQ);
	if not attr.id or not match(attr.id, "^[%w%-]+$") or #attr.id > 64 then
		return fail(fault("modify", "bad-request", "id: 1 to 64 letters, digits, dashes are wanted"));
	end
	if not part or not seq or attr.base and not base then return fail(fault("modify", "bad-request", "part, seq, base: whole numbers are wanted")); end
	if attr.last and attr.last ~= "true" then return fail(fault("modify", "bad-request", "last: true is wanted")); end
	local count = #element.tags;
	if count > MOST_CHILDREN or count == 0 and not attr.last then return fail(fault("modify", "bad-request", "1 to 1000 children are wanted")); end
	if part == 1 then
		local kind, condition, text = begin(origin, attr, seq, base);
		if kind then return kind, condition, text; end
	elseif not transfer or transfer.origin ~= origin or transfer.id ~= attr.id or transfer.seq ~= seq or transfer.base ~= base or transfer.next ~= part then
		return fail(fault("cancel", "conflict", format("part %d does not follow", part)));
	end
	local lines = {};
	for i = 1, count do
		local child = element.tags[i];
		local op, why = words.read(child, transfer.known);
		local condition;
		if op then condition, why = book_lib.apply(transfer.book, op); end
		if condition == "resource-constraint" then return fail(fault("wait", condition, "more than this helper holds")); end
		if not op or condition then return fail(fault("modify", "bad-request", format("child %d, %s: %s", i, child.name, why))); end
		if op.what == "person" then transfer.known[op.jid] = true; end
		lines[i] = words.write(op);
	end
	local ok, why = file.add(state.place, lines);
	if ok and attr.last then ok, why = file.commit(state.place, attr.id, seq, not base); end
	if not ok then return fail(fault("wait", "resource-constraint", "the disk does not take it: "..(why or "?"))); end
	if not attr.last then
		transfer.next = part + 1;
		return nil, false;
	end
	local book = transfer.book;
	transfer = nil;
	book.id, book.seq = attr.id, seq;
	state.book, state.damaged = book_lib.settle(book), nil;
	in_force(book);
	return nil, true;
end

return {
	take = take,
	-- The component's stream has ended.
	lost = function (origin)
		if transfer and (not origin or transfer.origin == origin) then drop(); end
	end,
};
end
