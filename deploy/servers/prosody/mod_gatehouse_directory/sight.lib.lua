-- SPDX-License-Identifier: MIT
-- Who sees whom, from a book alone: section 5 of DIRECTORY.md. What is worked out is kept beside the book until it changes, and shared by
-- people of the same groups: no pair of people is stored.
local book_lib = module:require "book";
local sha256 = require "util.hashes".sha256;
local FREE = book_lib.FREE;
local byte, sub, concat, sort, unpack = string.byte, string.sub, table.concat, table.sort, string.unpack;
local pairs = pairs;

-- What holds for all: the order of the groups, who is shown what, which groups a wall keeps apart.
local function derive(book)
	local derived = book.derived;
	if derived then return derived; end
	derived = { rank = {}, everybody = {}, shown_to = {}, against = nil, taken = {}, takings = {}, views = {}, texts = {}, live = {} };
	local ordered = {};
	for _, group in pairs(book.groups) do
		ordered[#ordered + 1] = group;
		if group.shown == "everybody" then
			derived.everybody[#derived.everybody + 1] = group;
		elseif group.shown == "groups" then
			for _, id in pairs(group.to) do
				local list = derived.shown_to[id];
				if not list then
					list = {};
					derived.shown_to[id] = list;
				end
				list[#list + 1] = group;
			end
		end
	end
	sort(ordered, function (a, b)
		if a.order ~= b.order then return a.order < b.order; end
		return a.id < b.id;
	end);
	for i = 1, #ordered do derived.rank[ordered[i].id] = i; end
	for _, wall in pairs(book.walls) do
		derived.against = derived.against or {};
		for one, other in pairs { [wall.a] = wall.b, [wall.b] = wall.a } do
			for _, id in pairs(one) do
				local list = derived.against[id];
				if not list then
					list = {};
					derived.against[id] = list;
				end
				for _, opposite in pairs(other) do list[#list + 1] = { wall = wall, id = opposite }; end
			end
		end
	end
	book.derived = derived;
	return derived;
end

local function is_free(book, jid)
	local value = book.people[jid];
	return value ~= nil and byte(value) == FREE;
end

-- The walls that somebody stands at: a list of { wall, set of those behind it }, or nil.
local function walls_of(book, jid)
	local against = derive(book).against;
	local of = against and book.of[jid];
	if not of then return nil; end
	local list;
	for id in pairs(of) do
		for _, one in pairs(against[id] or {}) do
			local group = book.groups[one.id];
			if group then
				list = list or {};
				list[#list + 1] = { wall = one.wall, members = group.members };
			end
		end
	end
	return list;
end

local function is_walled(list, jid, other)
	for i = 1, #list do
		local one = list[i];
		if one.members[other] then
			local except = one.wall.except[jid];
			if not (except and except[other]) then return true; end
		end
	end
	return false;
end

local function walled(book, jid, other)
	local list = walls_of(book, jid);
	return list ~= nil and is_walled(list, jid, other);
end

-- The groups shown to somebody, in order.
local function shown(book, jid)
	local derived = derive(book);
	local of, rank = book.of[jid], derived.rank;
	local list, has = {}, {};
	local function add(group)
		if not has[group] then
			has[group] = true;
			list[#list + 1] = group;
		end
	end
	for i = 1, #derived.everybody do add(derived.everybody[i]); end
	for id in pairs(of or {}) do
		local group = book.groups[id];
		if group.shown == "members" then add(group); end
		local more = derived.shown_to[id];
		for i = 1, more and #more or 0 do add(more[i]); end
	end
	sort(list, function (a, b) return rank[a.id] < rank[b.id]; end);
	return list;
end

-- What two people must have in common to see the same: the groups shown, their own, and to be named in no exception of a wall they stand at.
local function signature(book, jid, list)
	local rank = derive(book).rank;
	local words, own = {}, {};
	for i = 1, #list do words[i] = rank[list[i].id]; end
	for id in pairs(book.of[jid] or {}) do own[#own + 1] = rank[id]; end
	sort(own);
	local walls = walls_of(book, jid);
	local alone = "";
	for i = 1, walls and #walls or 0 do
		if walls[i].wall.except[jid] then alone = jid; end
	end
	return concat(words, " ").."|"..concat(own, " ").."|"..alone;
end

local NOBODY = { groups = {}, set = {}, items = {} };

-- Of these groups those with which there are no more contacts than the cap, tried in order.
local function under_cap(book, jid, list)
	local contacts, count, kept = {}, 0, {};
	local cap, walls = book.policy.cap, walls_of(book, jid);
	for i = 1, #list do
		local fresh, room = {}, cap - count;
		for other in pairs(list[i].members) do
			if other ~= jid and not contacts[other] and is_free(book, other) and not (walls and is_walled(walls, jid, other)) then
				fresh[#fresh + 1] = other;
				if #fresh > room then break; end
			end
		end
		if #fresh <= room then
			kept[#kept + 1] = list[i];
			count = count + #fresh;
			for n = 1, #fresh do contacts[fresh[n]] = true; end
		end
	end
	return kept;
end

-- The groups that are in somebody's roster: those shown, without those that would take it over the cap.
local function taken(book, jid)
	local derived = derive(book);
	local known = derived.taken[jid];
	if known then return known; end
	if not is_free(book, jid) then return NOBODY; end
	local list = shown(book, jid);
	local cap, sum = book.policy.cap, 0;
	for i = 1, #list do sum = sum + list[i].count; end
	local key = sum > cap and signature(book, jid, list) or nil;
	known = key and derived.takings[key];
	if not known then
		known = { groups = sum > cap and under_cap(book, jid, list) or list, set = {}, shown = list, key = key };
		for i = 1, #known.groups do known.set[known.groups[i].id] = true; end
		if key then derived.takings[key] = known; end
	end
	derived.taken[jid] = known;
	return known;
end

-- Whether somebody sees somebody else. even_locked: as if the other one were not locked.
local function sees(book, jid, other, even_locked)
	local of = book.of[other];
	if not of or jid == other or not book.people[other] or not (even_locked or is_free(book, other)) then return false; end
	local set = taken(book, jid).set;
	for id in pairs(of) do
		if set[id] then return not walled(book, jid, other); end
	end
	return false;
end

-- What a contact looks like, as one text: b or t (both, to), name, groups, by lines. nil: it is not seen.
local function pair(book, jid, other)
	if jid == other or not is_free(book, other) then return nil; end
	local of = book.of[other];
	if not of then return nil; end
	local groups = taken(book, jid).groups;
	local words, has = nil, {};
	for i = 1, #groups do
		if of[groups[i].id] then
			words = words or { "", sub(book.people[other], 2) };
			local name = groups[i].name;
			if not has[name] then
				has[name] = true;
				words[#words + 1] = name;
			end
		end
	end
	if not words or walled(book, jid, other) then return nil; end
	words[1] = sees(book, other, jid) and "b" or "t";
	return concat(words, "\n");
end

-- All that somebody sees: JID -> text as of pair. Shared: who looks may be in it too, and is to be left out.
local function view(book, jid)
	local derived = derive(book);
	local mine = taken(book, jid);
	if not mine.groups[1] then return NOBODY; end
	mine.key = mine.key or signature(book, jid, mine.shown);
	local known = derived.views[mine.key];
	if known then return known; end
	local items, texts = {}, derived.texts;
	local walls = walls_of(book, jid);
	-- The same groups are taken together again and again: what stands for a set of names is made once.
	local after = {};
	local groups, people = mine.groups, book.people;
	for i = 1, #groups do
		local name = groups[i].name;
		for other in pairs(groups[i].members) do
			local before = items[other];
			if before == nil then
				local person = people[other];
				if person and byte(person) == FREE and not (walls and is_walled(walls, jid, other)) then items[other] = name; end
			else
				local known_after = after[before];
				if not known_after then
					known_after = {};
					after[before] = known_after;
				end
				local both = known_after[name];
				if not both then
					both = ("\n"..before.."\n"):find("\n"..name.."\n", 1, true) and before or before.."\n"..name;
					known_after[name] = both;
				end
				items[other] = both;
			end
		end
	end
	local own = book.of[jid] or {};
	for other, names in pairs(items) do
		local letter = "t";
		local set = taken(book, other).set;
		for id in pairs(own) do
			if set[id] then
				letter = "b";
				break;
			end
		end
		local text = letter.."\n"..sub(people[other], 2).."\n"..names;
		local kept = texts[text];
		if not kept then
			texts[text] = text;
			kept = text;
		end
		items[other] = kept;
	end
	known = { items = items, key = mine.key };
	derived.views[mine.key] = known;
	return known;
end

-- What stands for a contact in the version of a roster: 64 bits, to be added up in any order.
local function weight(jid, text) return (unpack("<i8", sha256(jid.."\0"..text))); end

local function view_weight(known)
	if not known.weight then
		local sum = 0;
		for jid, text in pairs(known.items or {}) do sum = sum + weight(jid, text); end
		known.weight = sum;
	end
	return known.weight;
end

-- Everybody who may see somebody, a list without doubles: members of groups that hold both, and members of those it is shown to. Who really
-- does is known by `sees`. everybody: whether one of the groups is shown to all.
local function candidates(book, jid)
	local of = book.of[jid];
	local list, has, everybody = {}, { [jid] = true }, false;
	local function add(members)
		for other in pairs(members) do
			if not has[other] then
				has[other] = true;
				list[#list + 1] = other;
			end
		end
	end
	local derived, cap = derive(book), book.policy.cap;
	for id in pairs(of or {}) do
		local group = book.groups[id];
		-- A group of more people than the cap is in nobody's roster (walls may make it less for some).
		local live = derived.live[id];
		if not live then
			live = 0;
			for other in pairs(group.members) do
				if is_free(book, other) then live = live + 1; end
			end
			derived.live[id] = live;
		end
		if live - 1 <= cap or derived.against then
			if group.shown == "everybody" then everybody = true; end
			if group.shown == "members" then add(group.members); end
			if group.shown == "groups" then
				for _, to in pairs(group.to) do
					if book.groups[to] then add(book.groups[to].members); end
				end
			end
		end
	end
	return list, everybody, has;
end

-- Whether what was touched may change what somebody sees. touched: set of group ids.
local function concerns(book, touched, jid)
	for id in pairs(book.of[jid] or {}) do
		if touched[id] then return true; end
	end
	local derived = derive(book);
	for i = 1, #derived.everybody do
		if touched[derived.everybody[i].id] then return true; end
	end
	for id in pairs(book.of[jid] or {}) do
		local list = derived.shown_to[id];
		for i = 1, list and #list or 0 do
			if touched[list[i].id] then return true; end
		end
	end
	return false;
end

-- Whether somebody to whom one of the groups is shown has so many contacts that the cap may have to do with it. margin: how many may have come or gone.
local function near_cap(book, touched, margin)
	local derived, cap = derive(book), book.policy.cap;
	local everywhere, looked_at = 0, {};
	for i = 1, #derived.everybody do everywhere = everywhere + derived.everybody[i].count; end
	local function is_near(jid)
		if looked_at[jid] then return false; end
		looked_at[jid] = true;
		local sum = everywhere + margin;
		for id in pairs(book.of[jid] or {}) do
			local group = book.groups[id];
			if group.shown == "members" then sum = sum + group.count; end
			local list = derived.shown_to[id];
			for i = 1, list and #list or 0 do sum = sum + list[i].count; end
		end
		return sum > cap;
	end
	for id in pairs(touched) do
		local group = book.groups[id];
		if group then
			if group.shown == "everybody" then return true; end
			for jid in pairs(group.shown == "members" and group.members or {}) do
				if is_near(jid) then return true; end
			end
			for _, to in pairs(group.shown == "groups" and group.to or {}) do
				for jid in pairs(book.groups[to] and book.groups[to].members or {}) do
					if is_near(jid) then return true; end
				end
			end
		end
	end
	return false;
end

-- The groups that were touched, and those whose viewers are members of one that was.
local function widen(book, touched)
	local derived = derive(book);
	local all = {};
	for id in pairs(touched) do
		all[id] = true;
		for _, group in pairs(derived.shown_to[id] or {}) do all[group.id] = true; end
	end
	return all;
end

return {
	taken = taken, sees = sees, pair = pair, view = view, weight = weight, view_weight = view_weight, candidates = candidates,
	concerns = concerns, near_cap = near_cap, widen = widen, is_free = is_free, walled = walled,
};
