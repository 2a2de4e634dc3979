-- SPDX-License-Identifier: MIT
-- What a user's clients get: the list of contacts, its version, and what they were told of it last.
local sight = module:require "sight";
local stanza_mt = require "util.stanza".stanza_mt;
local format, pairs, setmetatable, sub, type = string.format, pairs, setmetatable, string.sub, type;

-- state: { book, changes }
return function (state, rosters)

local displayed, face, is_away, parts_of = rosters.displayed, rosters.face, rosters.is_away, rosters.parts_of;

local function group_of(name) return setmetatable({ name = "group", attr = {}, tags = {}, name }, stanza_mt); end

local function element_of(jid, subscription, ask, name, groups)
	local element = { name = "item", attr = { jid = jid, subscription = subscription, ask = ask, name = name }, tags = {} };
	for i = 1, #groups do
		local group = group_of(groups[i]);
		element[i], element.tags[i] = group, group;
	end
	return setmetatable(element, stanza_mt);
end

-- Elements of a view that more than one user has are made once, for some thousands of contacts: at a time when all log in it is the same ones.
local MOST_ELEMENTS = 20000;
local shared, shared_count, shared_book = setmetatable({}, { __mode = "k" }), 0, nil;

local function elements_of(known)
	if shared_book ~= state.changes then shared, shared_count, shared_book = setmetatable({}, { __mode = "k" }), 0, state.changes; end
	local elements = shared[known];
	if elements == nil then
		shared[known] = false; -- seen once
	elseif elements == false and shared_count < MOST_ELEMENTS then
		elements = {};
		shared[known] = elements;
	end
	return elements or nil;
end

-- All that the user's clients get: a list of elements, and its version.
local function listed(info)
	local book = state.book;
	local known = sight.view(book, info.jid);
	local list, sum = {}, sight.view_weight(known);
	local mine = known.items[info.jid];
	if mine then sum = sum - sight.weight(info.jid, mine); end
	local function add(jid, text)
		local subscription, ask, name, groups = displayed(info, jid, text);
		if subscription then list[#list + 1] = element_of(jid, subscription, ask, name, groups); end
	end
	local elements = elements_of(known);
	for jid, text in pairs(known.items) do
		if jid ~= info.jid then
			if info.own[jid] or info.over[jid] then
				local seen = face(info, jid, text);
				sum = sum - sight.weight(jid, text) + (seen and sight.weight(jid, seen) or 0);
				if seen then add(jid, not is_away(info, jid) and text or nil); end
			else
				local element = elements and elements[jid];
				if not element then
					local name, groups = parts_of(text);
					element = element_of(jid, sub(text, 1, 1) == "b" and "both" or "to", nil, name, groups);
					if elements then
						elements[jid] = element;
						shared_count = shared_count + 1;
					end
				end
				list[#list + 1] = element;
			end
		end
	end
	for jid, own in pairs(info.own) do
		if type(own) == "table" and not known.items[jid] then
			local seen = face(info, jid, nil);
			sum = sum + sight.weight(jid, seen);
			add(jid, nil);
		end
	end
	return list, "gh"..format("%016x", sum), known;
end

-- What the clients were told of what is provisioned: a view, and what was different since. sum: of the weights of these texts.
local function told_of(info)
	local known = sight.view(state.book, info.jid);
	local sum = sight.view_weight(known);
	local mine = known.items[info.jid];
	if mine then sum = sum - sight.weight(info.jid, mine); end
	return { view = known, patch = {}, patched = 0, sum = sum };
end

local function told_text(told, jid)
	local text = told.patch[jid];
	if text == nil then text = told.view.items[jid]; end
	return text or nil;
end

-- The version of what was told, with what the user has and changed.
local function version(info, told)
	local sum = told.sum;
	local function put_right(jid)
		local text = told_text(told, jid);
		local seen = face(info, jid, text);
		sum = sum - (text and sight.weight(jid, text) or 0) + (seen and sight.weight(jid, seen) or 0);
	end
	for jid, own in pairs(info.own) do
		if type(own) == "table" then put_right(jid); end
	end
	for jid in pairs(info.over) do
		if told_text(told, jid) and not info.own[jid] and jid ~= info.jid then put_right(jid); end
	end
	return "gh"..format("%016x", sum);
end

return { listed = listed, told_of = told_of, told_text = told_text, version = version };
end
