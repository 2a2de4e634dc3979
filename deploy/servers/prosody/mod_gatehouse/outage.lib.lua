-- SPDX-License-Identifier: MIT
-- What an open host closes while its screen is away: the rows that the screen has told, and whether a stanza is meant by one of
-- them. PROTOCOL.md section 13. A condition has three answers: true, false, and nil for what is not known here. Only a clear no
-- lets pass: whatever cannot be read, is new, or would take too long, is not known.
local find, match, sub = string.find, string.match, string.sub;
local concat, format = table.concat, string.format;

local NS = "urn:gatehouse:screen:1";
local CLIENT, MUC, ADDRESSES = "jabber:client", "http://jabber.org/protocol/muc", "http://jabber.org/protocol/address";
local ROOM_PARTS = { [MUC] = true, [MUC.."#owner"] = true, [MUC.."#admin"] = true, [MUC.."#user"] = true };

local VERSION = 1; -- of the table
local ROWS, CONDITIONS, LEVELS, STARS = 1000, 5000, 64, 2000; -- a table that has more is none
local DEEPEST_CHILD = 8;
local STEPS = 10000; -- for one stanza: conditions, patterns with a star, children looked at

-- Patterns of addresses: user@domain, domain (everybody there), with * for anything.
local function read_patterns(text, counts)
	local patterns = { bares = {}, domains = {}, stars = {} };
	for pattern in string.gmatch(text, "%S+") do
		local at = find(pattern, "@", 1, true);
		if find(pattern, "*", 1, true) then
			counts.stars = counts.stars + 1;
			if counts.stars > STARS then error("at most "..STARS.." patterns with a star", 0); end
			local pieces = {};
			for piece in string.gmatch(pattern.."*", "([^*]*)%*") do pieces[#pieces + 1] = piece; end
			patterns.stars[#patterns.stars + 1] = { pieces = pieces, over = at and "bare" or "domain" };
			patterns[at and "bare_stars" or "domain_stars"] = true;
		elseif at then
			patterns.bares[pattern] = true;
		else
			patterns.domains[pattern] = true;
		end
	end
	patterns.needs_bare = patterns.bare_stars or next(patterns.bares) ~= nil;
	patterns.needs_domain = patterns.domain_stars or next(patterns.domains) ~= nil;
	return patterns;
end

-- Names with a space between them; of namespaces, those that end in * are beginnings. nil: none is given.
local function read_names(text)
	if not text then return nil; end
	local names = { exact = {}, beginnings = {} };
	for name in string.gmatch(text, "%S+") do
		if sub(name, -1) == "*" then names.beginnings[#names.beginnings + 1] = sub(name, 1, -2); else names.exact[name] = true; end
	end
	return names;
end

local NONE = {};
-- The attributes that a condition may have, whether it holds conditions (how many: a number, or any) or text.
local SHAPES = {
	always = { NONE }, all = { NONE, "any" }, any = { NONE, "any" }, ["not"] = { NONE, 1 }, maybe = { NONE, 1 },
	defined = { { name = true } }, direction = { { is = true } }, stanza = { { is = true } }, type = { { is = true } },
	host = { NONE, "text" }, from = { NONE, "text" }, to = { NONE, "text" }, room = { NONE, "text" },
	child = { { ns = true, name = true, except = true, levels = true, starts = true } },
};

-- What is new in it could make it narrower or wider: it is not known as a whole.
local function is_known(element, shape)
	if not shape or element.attr.xmlns ~= NS then return false; end
	for name in pairs(element.attr) do
		if name ~= "xmlns" and not shape[1][name] then return false; end
	end
	if not element.attr.is and (element.name == "direction" or element.name == "stanza") then return false; end
	return shape[2] == 1 or shape[2] == "any" or #element.tags == 0;
end

local function read_condition(element, depth, counts)
	counts.conditions = counts.conditions + 1;
	if counts.conditions > CONDITIONS then error("at most "..CONDITIONS.." conditions", 0); end
	if depth > LEVELS then error("at most "..LEVELS.." levels", 0); end
	local shape, attr = SHAPES[element.name], element.attr;
	if not is_known(element, shape) then return { op = "unknown" }; end
	local node = { op = element.name, is = attr.is };
	if shape[2] == "text" then
		node.who = read_patterns(concat(element), counts);
		node.some = not match(concat(element), "^%s*$"); -- <room/>: any room
	elseif shape[2] then
		if shape[2] == 1 and #element.tags ~= 1 then error("one condition below "..element.name, 0); end
		for i, below in ipairs(element.tags) do node[i] = read_condition(below, depth + 1, counts); end
	elseif element.name == "defined" then
		local of = counts.defined[attr.name];
		if not of then return { op = "unknown" }; end
		node.of = of;
	elseif element.name == "child" then
		node.ns, node.name, node.except, node.starts = read_names(attr.ns), read_names(attr.name), read_names(attr.except), attr.starts;
		node.levels = tonumber(attr.levels or 1);
		if not node.levels or node.levels < 1 or node.levels > DEEPEST_CHILD then return { op = "unknown" }; end
	end
	return node;
end

local function read_rows(element)
	local counts, rows = { conditions = 0, stars = 0, defined = {} }, {};
	for _, row in ipairs(element.tags) do
		local what = row.attr.xmlns == NS and row.name;
		if what == "define" then
			-- It may name what was defined before it, so there are no circles.
			if #row.tags ~= 1 or not row.attr.name then error("a name, and one condition below define", 0); end
			counts.defined[row.attr.name] = read_condition(row.tags[1], 1, counts);
		elseif what == "closed" or what == "allow" then
			if #rows == ROWS then error("at most "..ROWS.." rows", 0); end
			if #row.tags ~= 1 then error("one condition below "..what, 0); end
			local rule = row.attr.rule;
			if what == "closed" and (not rule or rule == "" or #rule > 64) then error("closed with rule, 1 to 64 bytes", 0); end
			rows[#rows + 1] = { rule = what == "closed" and rule or nil, when = read_condition(row.tags[1], 1, counts) };
		elseif what then
			-- Nobody here knows whom it means.
			rows[#rows + 1] = { rule = row.attr.rule or what, when = { op = "unknown" } };
		end
	end
	return { rows = rows, rooms = read_patterns(element.attr.rooms or "", counts) };
end

-- Reads <outage-rules/>: { id, rows, rooms }. nil, why, and the condition of RFC 6120 where it cannot be taken.
local function read(element)
	local attr = element.attr;
	if not match(attr.id or "", "^[%w-]+$") or #attr.id > 64 then return nil, "wanted: an id of 1 to 64 letters, digits, dashes", "bad-request"; end
	if attr.version and attr.version ~= tostring(VERSION) then
		return nil, format("wanted: version %d", VERSION), "feature-not-implemented";
	end
	local ok, rules = pcall(read_rows, element);
	if not ok then return nil, format("wanted: %s", rules), "bad-request"; end
	rules.id = attr.id;
	return rules;
end

-- Written as the screen writes them when it compares: lower case, ASCII, no dot at the end, no encoded labels. Others may have
-- another spelling there.
local function is_plain(address)
	return not find(address, "[\0-\32A-Z\127-\255]") and sub(address, -1) ~= "." and not find(address, "xn--", 1, true);
end

local function parts_of(address)
	local bare = match(address, "^[^/]*");
	local domain = match(bare, "@(.*)$") or bare;
	return { bare = bare, domain = domain, bare_plain = is_plain(bare), domain_plain = is_plain(domain) };
end

-- What stands between the stars, in this order. The leftmost fit of each is as good as any.
local function fits(text, pieces)
	local first, last = pieces[1], pieces[#pieces];
	if sub(text, 1, #first) ~= first or #text < #first + #last or last ~= "" and sub(text, -#last) ~= last then return false; end
	local place, stop = #first + 1, #text - #last;
	for i = 2, #pieces - 1 do
		local _, found = find(text, pieces[i], place, true);
		if not found then
			if pieces[i] ~= "" then return false; end
		elseif found > stop then
			return false;
		else
			place = found + 1;
		end
	end
	return true;
end

local function among(address, patterns, look)
	if patterns.bares[address.bare] and address.bare_plain or patterns.domains[address.domain] and address.domain_plain then return true; end
	for i = 1, #patterns.stars do
		local star = patterns.stars[i];
		look.left = look.left - 1;
		if look.left < 0 then return nil; end
		if star.over == "bare" then
			if address.bare_plain and fits(address.bare, star.pieces) then return true; end
		elseif address.domain_plain and fits(address.domain, star.pieces) then
			return true;
		end
	end
	if not address.bare_plain and patterns.needs_bare or not address.domain_plain and patterns.needs_domain then return nil; end
	return false;
end

local function is_named(names, name)
	if names.exact[name] then return true; end
	for i = 1, #names.beginnings do
		local beginning = names.beginnings[i];
		if sub(name, 1, #beginning) == beginning then return true; end
	end
	return false;
end

local function own_text(element)
	local texts = {};
	for i = 1, #element do
		if type(element[i]) == "string" then texts[#texts + 1] = element[i]; end
	end
	return concat(texts);
end

local function is_meant(tag, ns, node)
	return (not node.ns or is_named(node.ns, ns)) and (not node.name or is_named(node.name, tag.name))
		and not (node.except and is_named(node.except, tag.name))
		and (not node.starts or sub(own_text(tag), 1, #node.starts) == node.starts);
end

local function has_child(element, ns, node, level, look)
	for i = 1, #element.tags do
		local tag = element.tags[i];
		local own = tag.attr.xmlns or ns;
		look.left = look.left - 1;
		if look.left < 0 then return nil; end
		if is_meant(tag, own, node) then return true; end
		if level < node.levels then
			local below = has_child(tag, own, node, level + 1, look);
			if below ~= false then return below; end
		end
	end
	return false;
end

-- The addresses of the stanza; people may be named inside as well.
local function names_others(look)
	local stanza = look.item.stanza;
	if stanza.name ~= "message" then return false; end
	for i = 1, #stanza.tags do
		local ns = stanza.tags[i].attr.xmlns;
		if ns == MUC.."#user" or ns == ADDRESSES then return true; end
	end
	return false;
end

-- The room that it goes to or comes from: its parts; false: none. nil: not known.
local function find_room(look)
	local item = look.item;
	local there, here = look.to, look.from;
	if item.direction == "received" then there, here = here, there; end
	if item.stanza.name == "message" and item.stanza.attr.type == "groupchat" then return there or nil; end
	local unknown = false;
	for _, address in ipairs { there or here, there and here or nil } do
		if find(address.bare, "@", 1, true) then
			local is_room = among(address, look.rooms, look);
			if is_room then
				if unknown then return nil; end
				return address;
			end
			if is_room == nil then unknown = true; end
		end
	end
	if unknown then return nil; end
	for i = 1, #item.stanza.tags do
		if ROOM_PARTS[item.stanza.tags[i].attr.xmlns] then return there or false; end
	end
	return false;
end

local CHECK = {};

local function holds(node, look)
	look.left = look.left - 1;
	if look.left < 0 then return nil; end
	return CHECK[node.op](node, look);
end

function CHECK.always() return true; end

function CHECK.unknown() return nil; end

CHECK["not"] = function (node, look)
	local inner = holds(node[1], look);
	if inner == nil then return nil; end
	return not inner;
end

-- At most: where this does not hold, what is meant does not either; where it does, that is open.
function CHECK.maybe(node, look)
	if holds(node[1], look) == false then return false; end
	return nil;
end

function CHECK.all(node, look)
	local result = true;
	for i = 1, #node do
		local one = holds(node[i], look);
		if one == false then return false; end
		if one == nil then result = nil; end
	end
	return result;
end

function CHECK.any(node, look)
	local result = false;
	for i = 1, #node do
		local one = holds(node[i], look);
		if one then return true; end
		if one == nil then result = nil; end
	end
	return result;
end

-- Looked for once in a stanza.
function CHECK.defined(node, look)
	local of, known = node.of, look.known;
	local answer = known[of];
	if answer ~= nil then return answer; end
	if look.open[of] then return nil; end
	answer = holds(of, look);
	if answer == nil then look.open[of] = true; else known[of] = answer; end
	return answer;
end

function CHECK.direction(node, look) return (look.item.direction or "sent") == node.is; end

function CHECK.stanza(node, look) return look.item.stanza.name == node.is; end

-- Without `is`: no type is given.
function CHECK.type(node, look) return look.item.stanza.attr.type == node.is; end

function CHECK.host(node, look) return among(look.host, node.who, look); end

function CHECK.from(node, look) return among(look.from, node.who, look); end

function CHECK.to(node, look)
	local meant = look.to and among(look.to, node.who, look);
	if not meant and names_others(look) then return nil; end
	if look.to then return meant; end
	return false;
end

function CHECK.room(node, look)
	if not look.room_known then look.room, look.room_known = find_room(look), true; end
	local room = look.room;
	if room == nil then return nil; end
	if not room then return false; end
	return not node.some or among(room, node.who, look);
end

function CHECK.child(node, look)
	local stanza = look.item.stanza;
	return has_child(stanza, stanza.attr.xmlns or CLIENT, node, 1, look);
end

-- The id of the rule by which an open host closes for this item; nil: it is not meant by any. rules: as read gives it, { damaged }, or
-- false where nothing was ever told.
local function closed_by(rules, item, host_name)
	if not rules then return nil; end
	if rules.damaged then return ""; end
	local rows = rules.rows;
	if not rows[1] then return nil; end
	local look = {
		item = item, rooms = rules.rooms, host = parts_of(host_name), from = parts_of(item.from), left = STEPS, known = {}, open = {},
	};
	if item.to and item.to ~= "" then look.to = parts_of(item.to); end
	for i = 1, #rows do
		local row = rows[i];
		local answer = holds(row.when, look);
		if row.rule then
			if answer ~= false then return row.rule; end
		elseif answer then
			return nil; -- allowed, whatever stands below
		end
	end
	return nil;
end

return { read = read, closed_by = closed_by };
