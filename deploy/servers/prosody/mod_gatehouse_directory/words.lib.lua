-- SPDX-License-Identifier: MIT
-- Reads the elements of a transfer (DIRECTORY.md section 4) into changes, and writes and reads these as lines of the file. Nothing that
-- comes through here holds a control character or, in an id or JID, white space: so a line needs no escapes.
local jid_prep, jid_split = require "util.jid".prep, require "util.jid".split;
local find, gmatch, match, format, concat = string.find, string.gmatch, string.match, string.format, table.concat;
local tonumber, type = tonumber, type;

local NS = "urn:gatehouse:directory:1";
local MOST_JIDS, MOST_TO, LONGEST_NAME, LONGEST_ID = 2000, 1000, 1023, 255;
local LOCKED = { disabled = "d", gone = "g" };
local SHOWN = { members = true, everybody = true, groups = true, nobody = true };

-- A whole number within bounds.
local function whole(value, least, most)
	if not value or not match(value, "^-?%d+$") or #value > 16 then return nil; end
	local number = tonumber(value);
	if number >= least and number <= most then return math.tointeger(number); end
end

local function is_id(value) return type(value) == "string" and #value >= 1 and #value <= LONGEST_ID and not find(value, "[%c%s]"); end

local function is_name(value, least) return type(value) == "string" and #value >= least and #value <= LONGEST_NAME and not find(value, "%c"); end

-- known: set of JIDs that were found right before.
local function is_person(jid, known)
	if type(jid) ~= "string" then return false; end
	if known[jid] then return true; end
	if #jid > 3071 or find(jid, "[%c%s/]") or jid_prep(jid) ~= jid then return false; end
	return (jid_split(jid)) ~= nil;
end

local function jids_of(text, known)
	local jids = {};
	for jid in gmatch(text or "", "%S+") do
		if not is_person(jid, known) then return nil, "a bare JID, as the server prepares it, is wanted, not "..format("%q", jid); end
		jids[#jids + 1] = jid;
		if #jids > MOST_JIDS then return nil, "more than "..MOST_JIDS.." JIDs"; end
	end
	return jids;
end

local function ids_of(element, name, most)
	local ids = {};
	for child in element:childtags(name, NS) do
		if not is_id(child.attr.group) then return nil; end
		ids[#ids + 1] = child.attr.group;
	end
	if #ids < 1 or #ids > most then return nil; end
	return ids;
end

-- Each gives a change, or nil and why not.
local read = {};

function read.policy(element)
	local attr = element.attr;
	local cap, presence = whole(attr.cap or "2000", 0, 10000), whole(attr.presence or "2000", 10, 100000);
	local deleted = attr.deleted or "back";
	if not cap then return nil, "cap: 0 to 10000 is wanted"; end
	if not presence then return nil, "presence: 10 to 100000 is wanted"; end
	if deleted ~= "back" and deleted ~= "away" then return nil, "deleted: back or away is wanted"; end
	return { what = "policy", cap = cap, deleted = deleted, presence = presence };
end

function read.person(element, known)
	local attr = element.attr;
	if not is_person(attr.jid, known) then return nil, "jid: a bare JID, as the server prepares it, is wanted"; end
	local name = attr.name or "";
	if not is_name(name, 0) then return nil, "name: up to 1023 bytes without control characters are wanted"; end
	local state = "-";
	if attr.locked then state = LOCKED[attr.locked]; end
	if not state then return nil, "locked: disabled or gone is wanted"; end
	return { what = "person", jid = attr.jid, name = name, state = state };
end

function read.gone(element, known)
	if not is_person(element.attr.jid, known) then return nil, "jid: a bare JID, as the server prepares it, is wanted"; end
	return { what = "gone", jid = element.attr.jid };
end

function read.group(element)
	local attr = element.attr;
	if not is_id(attr.id) then return nil, "id: 1 to 255 bytes without white space are wanted"; end
	if attr.gone == "true" then return { what = "no_group", id = attr.id }; end
	if attr.gone then return nil, "gone: true is wanted"; end
	if not is_name(attr.name, 1) then return nil, "name: 1 to 1023 bytes without control characters are wanted"; end
	local order, shown = whole(attr.order or "0", -1e9, 1e9), attr.shown or "members";
	if not order then return nil, "order: a whole number is wanted"; end
	if not SHOWN[shown] then return nil, "shown: members, everybody, groups or nobody is wanted"; end
	local to = {};
	if shown == "groups" then
		to = ids_of(element, "to", MOST_TO);
		if not to then return nil, "to: 1 to 1000 with a group are wanted"; end
	end
	return { what = "group", id = attr.id, name = attr.name, order = order, shown = shown, to = to };
end

function read.join(element, known)
	if not is_id(element.attr.group) then return nil, "group: an id is wanted"; end
	local jids, why = jids_of(element:get_text(), known);
	if not jids then return nil, why; end
	return { what = element.name, id = element.attr.group, jids = jids };
end
read.part = read.join;

function read.wall(element, known)
	local attr = element.attr;
	if not is_id(attr.id) then return nil, "id: 1 to 255 bytes without white space are wanted"; end
	if attr.gone == "true" then return { what = "no_wall", id = attr.id }; end
	if attr.gone then return nil, "gone: true is wanted"; end
	local a, b = ids_of(element, "a", MOST_TO), ids_of(element, "b", MOST_TO);
	if not a or not b then return nil, "a, b: 1 to 1000 of each with a group are wanted"; end
	local except = {};
	for child in element:childtags("except", NS) do
		if not is_person(child.attr.a, known) or not is_person(child.attr.b, known) then return nil, "except: two bare JIDs are wanted"; end
		except[#except + 1] = child.attr.a;
		except[#except + 1] = child.attr.b;
	end
	return { what = "wall", id = attr.id, a = a, b = b, except = except };
end

local write = {
	policy = function (op) return format("policy\t%d\t%s\t%d", op.cap, op.deleted, op.presence); end;
	person = function (op) return "person\t"..op.jid.."\t"..op.state.."\t"..op.name; end;
	gone = function (op) return "gone\t"..op.jid; end;
	group = function (op) return format("group\t%s\t%d\t%s\t%s\t%s", op.id, op.order, op.shown, concat(op.to, " "), op.name); end;
	no_group = function (op) return "no_group\t"..op.id; end;
	join = function (op) return "join\t"..op.id.."\t"..concat(op.jids, " "); end;
	part = function (op) return "part\t"..op.id.."\t"..concat(op.jids, " "); end;
	wall = function (op) return "wall\t"..op.id.."\t"..concat(op.a, " ").."\t"..concat(op.b, " ").."\t"..concat(op.except, " "); end;
	no_wall = function (op) return "no_wall\t"..op.id; end;
};

local function split(text)
	local list = {};
	for word in gmatch(text, "%S+") do list[#list + 1] = word; end
	return list;
end

local parse = {
	policy = function (rest)
		local cap, deleted, presence = match(rest, "^(%d+)\t(%l+)\t(%d+)$");
		return cap and { what = "policy", cap = tonumber(cap), deleted = deleted, presence = tonumber(presence) };
	end;
	person = function (rest)
		local jid, state, name = match(rest, "^([^\t]+)\t([-dg])\t(.*)$");
		return jid and { what = "person", jid = jid, state = state, name = name };
	end;
	gone = function (rest) return { what = "gone", jid = rest }; end;
	group = function (rest)
		local id, order, shown, to, name = match(rest, "^([^\t]+)\t(-?%d+)\t(%l+)\t([^\t]*)\t(.+)$");
		return id and { what = "group", id = id, order = tonumber(order), shown = shown, to = split(to), name = name };
	end;
	no_group = function (rest) return { what = "no_group", id = rest }; end;
	join = function (rest)
		local id, jids = match(rest, "^([^\t]+)\t(.*)$");
		return id and { what = "join", id = id, jids = split(jids) };
	end;
	part = function (rest)
		local id, jids = match(rest, "^([^\t]+)\t(.*)$");
		return id and { what = "part", id = id, jids = split(jids) };
	end;
	wall = function (rest)
		local id, a, b, except = match(rest, "^([^\t]+)\t([^\t]*)\t([^\t]*)\t([^\t]*)$");
		return id and { what = "wall", id = id, a = split(a), b = split(b), except = split(except) };
	end;
	no_wall = function (rest) return { what = "no_wall", id = rest }; end;
};

return {
	-- Marks what the component is told, which tells its operator; people read other texts.
	fault = function (...) return ...; end;
	NS = NS, whole = whole, is_person = is_person,
	-- A child of `state` as a change; nil and why it is none.
	read = function (element, known)
		local reader = element.attr.xmlns == NS and read[element.name];
		if not reader then return nil, "not known here"; end
		return reader(element, known);
	end;
	write = function (op) return write[op.what](op); end;
	parse = function (line)
		local what, rest = match(line, "^([%l_]+)\t(.*)$");
		local parser = what and parse[what];
		return parser and parser(rest) or nil;
	end;
};
