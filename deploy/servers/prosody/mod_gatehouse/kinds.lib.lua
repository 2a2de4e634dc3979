-- SPDX-License-Identifier: MIT
-- What is asked about: everything a person can send that another person can read. PROTOCOL.md section 5 is the page.
-- Each function gives the name of the kind (one of the words of gatehouse_ask), or nil when the stanza carries nothing.
local find, match = string.find, string.match;

local ALL = { message = true, error = true, status = true, subscription = true, join = true, iq = true, pep = true, vcard = true, room = true, file = true };

-- Attributes that the exact forms may carry, with the longest value taken for nothing but an identifier.
local STANZA_ATTR = { id = 128, to = 3071, from = 3071, type = 16, ["xml:lang"] = 35 };

local EMPTY = {}; -- children without attributes
local ID = { id = 128 };
-- namespace -> name -> allowed attributes. None of these has text or children.
local SIGNALS = {
	["http://jabber.org/protocol/chatstates"] = { active = EMPTY, composing = EMPTY, paused = EMPTY, inactive = EMPTY, gone = EMPTY };
	["urn:xmpp:receipts"] = { received = ID, request = EMPTY };
	["urn:xmpp:chat-markers:0"] = { received = ID, displayed = ID, acknowledged = ID, markable = EMPTY };
	["urn:xmpp:hints"] = { store = EMPTY, ["no-store"] = EMPTY, ["no-copy"] = EMPTY, ["no-permanent-store"] = EMPTY };
	["urn:xmpp:sid:0"] = { ["origin-id"] = ID };
};
local PRESENCE_PARTS = {
	["http://jabber.org/protocol/caps"] = { c = { node = 128, ver = 96, hash = 16, ext = 64 } };
	["urn:xmpp:idle:1"] = { idle = { since = 40 } };
};
local SHOW = { away = true, chat = true, dnd = true, xa = true };

local MUC = "http://jabber.org/protocol/muc";
local CONDITIONS = "urn:ietf:params:xml:ns:xmpp-stanzas";
-- RFC 6120 section 8.3.3
local CONDITION = {
	["bad-request"] = true, conflict = true, ["feature-not-implemented"] = true, forbidden = true, gone = true,
	["internal-server-error"] = true, ["item-not-found"] = true, ["jid-malformed"] = true, ["not-acceptable"] = true,
	["not-allowed"] = true, ["not-authorized"] = true, ["policy-violation"] = true, ["recipient-unavailable"] = true,
	redirect = true, ["registration-required"] = true, ["remote-server-not-found"] = true,
	["remote-server-timeout"] = true, ["resource-constraint"] = true, ["service-unavailable"] = true,
	["subscription-required"] = true, ["undefined-condition"] = true, ["unexpected-request"] = true,
};

-- Asking these of a person, or answering, tells no more than what the software is: a get with the empty element, a result of
-- this shape and no other. name: of the element; asks, tells: its attributes in a get and in a result; text: its longest text;
-- parts: children of a result, each { attributes, longest text, how many at most }.
local LINE, WORD, MANY = 256, 64, 100;
local LONGEST_RESULT = 4096; -- of all attributes and texts together
local FEATURES = {
	name = "query", asks = { node = LINE }, tells = { node = LINE },
	parts = {
		identity = { { category = WORD, type = WORD, name = LINE, ["xml:lang"] = 35 }, 0, 8 },
		feature = { { var = LINE }, 0, MANY },
	},
};
local PLAIN_IQ = {
	["urn:xmpp:ping"] = { name = "ping", asks = EMPTY, tells = EMPTY, parts = EMPTY },
	["jabber:iq:version"] = {
		name = "query", asks = EMPTY, tells = EMPTY, parts = { name = { EMPTY, LINE, 1 }, version = { EMPTY, LINE, 1 }, os = { EMPTY, LINE, 1 } },
	},
	["urn:xmpp:time"] = { name = "time", asks = EMPTY, tells = EMPTY, parts = { tzo = { EMPTY, 16, 1 }, utc = { EMPTY, 40, 1 } } },
	["jabber:iq:time"] = {
		name = "query", asks = EMPTY, tells = EMPTY, parts = { utc = { EMPTY, 40, 1 }, tz = { EMPTY, 40, 1 }, display = { EMPTY, 80, 1 } },
	},
	["jabber:iq:last"] = { name = "query", asks = EMPTY, tells = { seconds = 16 }, text = LINE, parts = EMPTY },
	["http://jabber.org/protocol/disco#info"] = FEATURES,
	["http://jabber.org/protocol/disco#items"] = {
		name = "query", asks = { node = LINE }, tells = { node = LINE },
		parts = { item = { { jid = 3071, node = LINE, name = LINE }, 0, MANY } },
	},
};
local FILE_IQ = {
	["urn:xmpp:jingle:1"] = true, ["http://jabber.org/protocol/si"] = true, ["http://jabber.org/protocol/ibb"] = true,
	["http://jabber.org/protocol/bytestreams"] = true, ["jabber:iq:oob"] = true,
	["urn:xmpp:http:upload:0"] = true, ["urn:xmpp:http:upload"] = true,
};
-- What a person asks a room or an archive for himself, also with a set.
local READING_IQ = {
	["urn:xmpp:mam:1"] = true, ["urn:xmpp:mam:2"] = true, ["http://jabber.org/protocol/muc#unique"] = true, ["urn:xmpp:mam:2#extended"] = true,
};
-- What a person asks a transport with a get, and nobody at the network reads: the empty element of this name.
local EMPTY_GET = {
	["http://jabber.org/protocol/muc#owner"] = "query", ["jabber:iq:register"] = "query", ["jabber:iq:gateway"] = "query",
	["jabber:iq:search"] = "query", ["vcard-temp"] = "vCard",
};
local MUC_ADMIN, DISCO_ITEMS = "http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/disco#items";
local RSM = "http://jabber.org/protocol/rsm";
local PAGE = { max = 10, after = LINE, before = LINE, index = 10 }; -- with the longest text of each
local PUBSUB, PUBSUB_OWNER = "http://jabber.org/protocol/pubsub", "http://jabber.org/protocol/pubsub#owner";

local function only(attr, allowed)
	for k, v in pairs(attr) do
		local longest = allowed[k];
		if k ~= "xmlns" and not (longest and #v <= longest) then return false; end
	end
	return true;
end

local function is_plain_attribute(name, value)
	local longest = STANZA_ATTR[name];
	return longest and #value <= longest;
end

-- Text between the elements, which none of these has.
local function has_text(node)
	for i = 1, #node do
		local child = node[i];
		if not child.name and find(child, "%S") then return true; end
	end
	return false;
end

local function bare_stanza(stanza)
	if not only(stanza.attr, STANZA_ATTR) then return false; end
	return not has_text(stanza);
end

local function exactly(child, known)
	local names = known[child.attr.xmlns];
	local allowed = names and names[child.name];
	return allowed and #child == 0 and only(child.attr, allowed);
end

-- True the first time a name is seen: of what says nothing once, fifty would say something.
local function first_time(seen, child)
	local key = (child.attr.xmlns or "").."\1"..child.name;
	if seen[key] then return false; end
	seen[key] = true;
	return true;
end

local function is_short(node, longest)
	local size = 0;
	for i = 1, #node do
		if node[i].name then return false; end
		size = size + #node[i];
	end
	return size <= longest;
end

-- What a get asks, or a result answers, about software.
local function plain_iq(stanza, kind)
	local tags = stanza.tags;
	local child = tags[1];
	local known = PLAIN_IQ[child.attr.xmlns];
	if not known or #tags > 1 or child.name ~= known.name or not bare_stanza(stanza) then return false; end
	if kind == "get" then return #child == 0 and only(child.attr, known.asks); end
	if kind ~= "result" or not only(child.attr, known.tells) then return false; end
	if known.text then return is_short(child, known.text); end
	if has_text(child) then return false; end
	local counts, size = {}, 0;
	for i = 1, #child.tags do
		local part = child.tags[i];
		local shape = part.attr.xmlns == child.attr.xmlns and known.parts[part.name];
		if not shape or not only(part.attr, shape[1]) or not is_short(part, shape[2]) then return false; end
		counts[shape] = (counts[shape] or 0) + 1;
		if counts[shape] > shape[3] then return false; end
		for k, v in pairs(part.attr) do
			if k ~= "xmlns" then size = size + #v; end
		end
		if size > LONGEST_RESULT then return false; end
	end
	return true;
end

-- An error without text of its own and without what it answers.
local function plain_error(child)
	if child.name ~= "error" or child.attr.xmlns or not only(child.attr, { type = 16, by = 128, code = 3 }) then return false; end
	if #child > 8 then return false; end
	for i = 1, #child do
		local part = child[i];
		if not part.name then
			if find(part, "%S") then return false; end
		elseif part.attr.xmlns ~= CONDITIONS or part.name == "text" or not CONDITION[part.name] or #part > 0 or not only(part.attr, EMPTY) then
			return false;
		end
	end
	return true;
end

local function message(stanza)
	local tags = stanza.tags;
	local is_error = stanza.attr.type == "error";
	local kind = is_error and "error" or "message";
	local first = tags[1];
	if first and first.name == "body" and not is_error then return kind; end -- the common case
	if not bare_stanza(stanza) then return kind; end
	local seen = tags[2] and {};
	for i = 1, #tags do
		local child = tags[i];
		if not exactly(child, SIGNALS) and not (is_error and plain_error(child)) or seen and not first_time(seen, child) then return kind; end
	end
	return nil; -- also a message without any child: nothing to read
end

local function short_text(child, longest)
	return #child.tags == 0 and only(child.attr, EMPTY) and #child:get_text() <= longest and child:get_text();
end

-- One child of a presence that says nothing but known words, hashes and times. seen: those before it in the same presence.
local function is_quiet(child, seen)
	local name, xmlns = child.name, child.attr.xmlns;
	if seen and not first_time(seen, child) then return false; end
	if not xmlns then
		if name == "priority" then return match(short_text(child, 4) or "no", "^%s*%-?%d*%s*$") ~= nil; end
		if name == "show" then
			local show = short_text(child, 8);
			return show and (show == "" or SHOW[show]) or false;
		end
		return name == "status" and #child == 0 and only(child.attr, { ["xml:lang"] = 35 });
	end
	if xmlns == "vcard-temp:x:update" and name == "x" then
		if #child > 1 or not only(child.attr, EMPTY) then return false; end
		-- a hash (XEP-0153), 40 hexadecimal digits
		for j = 1, #child do
			local photo = child[j];
			local hash = photo.name == "photo" and short_text(photo, 40);
			if not hash or find(hash, "[^%x]") then return false; end
		end
		return true;
	end
	return exactly(child, PRESENCE_PARTS) or false;
end

local function quiet_presence(stanza)
	if not bare_stanza(stanza) then return false; end
	local seen = {};
	for i = 1, #stanza.tags do
		if not is_quiet(stanza.tags[i], seen) then return false; end
	end
	return true;
end

-- where, below: is_room(domain), whether an internal room service lives there; is_local(domain): whether it is of this server;
-- is_inside(domain, host): "host" where it is a host of accounts of this server, or a component that is trusted: nobody else reads
-- what goes there; "service" for another of the server's own; nil for all that is outside of it; is_transport(domain, host).
local function presence(stanza, where, asking)
	local attr = stanza.attr;
	local kind, to = attr.type, attr.to;
	if kind == "subscribe" then return "subscription"; end
	if not to then return not quiet_presence(stanza) and "status" or nil; end
	if kind == "error" then
		if not bare_stanza(stanza) then return "error"; end
		local seen = {};
		for i = 1, #stanza.tags do
			local child = stanza.tags[i];
			if not plain_error(child) and not (child.attr.xmlns == MUC and child.name == "x" and #child == 0 and only(child.attr, EMPTY))
				or not first_time(seen, child) then
				return "error";
			end
		end
		return nil;
	end
	if kind == nil then
		if stanza:get_child("x", MUC) then return "join"; end
		local host = match(to, "([^@/]*)/") -- in a room this is a change of nick
		if host and (where.is_room(host) or not where.is_local(host) or where.is_transport(host, asking)) then return "join"; end
	end
	return not quiet_presence(stanza) and "status" or nil;
end

-- to is nil or own bare JID: the sender's own account
local function own_iq(stanza, child)
	if stanza.attr.type ~= "set" or not child then return nil; end
	local xmlns = child.attr.xmlns;
	if xmlns == "vcard-temp" then return "vcard"; end
	if xmlns == PUBSUB or xmlns == PUBSUB_OWNER then
		for i = 1, #child.tags do
			local name = child.tags[i].name;
			if name == "publish" or name == "configure" or name == "create" then return "pep"; end
		end
	end
	return nil;
end

-- XEP-0059 around a list: numbers, and where the page begins.
local function page(set)
	if set.name ~= "set" or set.attr.xmlns ~= RSM or has_text(set) or not only(set.attr, EMPTY) then return false; end
	local seen = {};
	for i = 1, #set.tags do
		local part = set.tags[i];
		local longest = part.attr.xmlns == RSM and PAGE[part.name];
		if not longest or not first_time(seen, part) or not only(part.attr, EMPTY) or not is_short(part, longest) then return false; end
	end
	return true;
end

-- What a person reads at a transport: nothing in these is for anybody at the network.
local function reads_transport(stanza, kind, child)
	local xmlns = child.attr.xmlns;
	if #stanza.tags > 1 or not bare_stanza(stanza) then return false; end
	if READING_IQ[xmlns] then return kind == "get" or kind == "set"; end
	if kind ~= "get" then return false; end
	if EMPTY_GET[xmlns] == child.name then return #child == 0 and only(child.attr, EMPTY); end
	local inner = child.tags[1];
	if child.name ~= "query" or #child.tags ~= 1 or has_text(child) then return false; end
	if xmlns == MUC_ADMIN then
		return only(child.attr, EMPTY) and inner.name == "item" and inner.attr.xmlns == MUC_ADMIN and #inner == 0
			and only(inner.attr, { role = 16, affiliation = 16 });
	end
	return xmlns == DISCO_ITEMS and only(child.attr, { node = LINE }) and page(inner);
end

-- own_bare: the sender; host: the one that asks
local function iq(stanza, own_bare, where, host)
	local attr, child = stanza.attr, stanza.tags[1];
	local to, kind = attr.to, attr.type;
	if not to or to == own_bare then return own_iq(stanza, child); end
	local xmlns = child and child.attr.xmlns;
	if (kind == "get" or kind == "set") and FILE_IQ[xmlns] then return "file"; end
	local node_end = find(to, "@", 1, true);
	local is_service = not node_end or (find(to, "/", 1, true) or #to) < node_end;
	local domain = match(to, "^[^/]*");
	if not is_service then domain = match(domain, "@(.*)$"); end
	local is_transport = where.is_transport(domain, host);
	local inside = is_service and not is_transport and where.is_inside(domain, host);
	if inside then return inside == "service" and kind == "set" and not READING_IQ[xmlns] and "iq" or nil; end
	if not child then return not bare_stanza(stanza) and "iq" or nil; end
	if kind == "error" then
		if not bare_stanza(stanza) then return "error"; end
		for i = 1, #stanza.tags do
			if i > 1 or not plain_error(stanza.tags[i]) then return "error"; end
		end
		return nil;
	end
	if plain_iq(stanza, kind) then return nil; end
	if is_transport then return not reads_transport(stanza, kind, child) and "iq" or nil; end
	if not is_service and not find(to, "/", 1, true) and where.is_room(domain) then
		if READING_IQ[xmlns] or kind == "get" or kind == "result" then return nil; end
		return "room";
	end
	return "iq";
end

return { message = message, presence = presence, iq = iq, is_quiet = is_quiet, is_plain_attribute = is_plain_attribute, all = ALL };
