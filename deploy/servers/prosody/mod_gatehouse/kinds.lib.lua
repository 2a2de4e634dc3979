-- SPDX-License-Identifier: MIT
-- What is asked about: everything a person can send that another person can read. PROTOCOL.md section 5 is the page.
-- Each function gives the name of the kind (one of the words of gatehouse_ask), or nil when the stanza carries nothing.
local find, match = string.find, string.match;

local ALL = { message = true, error = true, status = true, subscription = true, join = true, iq = true, pep = true, vcard = true, room = true, file = true };

-- Attributes that the exact forms may carry, with the longest value taken for nothing but an identifier.
local STANZA_ATTR = { id = 256, to = 3071, from = 3071, type = 16, ["xml:lang"] = 35 };

local EMPTY = {}; -- children without attributes
local ID = { id = 256 };
-- namespace -> name -> allowed attributes. None of these has text or children.
local SIGNALS = {
	["http://jabber.org/protocol/chatstates"] = { active = EMPTY, composing = EMPTY, paused = EMPTY, inactive = EMPTY, gone = EMPTY };
	["urn:xmpp:receipts"] = { received = ID, request = EMPTY };
	["urn:xmpp:chat-markers:0"] = { received = ID, displayed = ID, acknowledged = ID, markable = EMPTY };
	["urn:xmpp:hints"] = { store = EMPTY, ["no-store"] = EMPTY, ["no-copy"] = EMPTY, ["no-permanent-store"] = EMPTY };
	["urn:xmpp:sid:0"] = { ["origin-id"] = ID };
};
local PRESENCE_PARTS = {
	["http://jabber.org/protocol/caps"] = { c = { node = 256, ver = 128, hash = 32, ext = 64 } };
	["urn:xmpp:idle:1"] = { idle = { since = 40 } };
};
local SHOW = { away = true, chat = true, dnd = true, xa = true };

local MUC = "http://jabber.org/protocol/muc";
local CONDITIONS = "urn:ietf:params:xml:ns:xmpp-stanzas";

-- Asking these of a person, or answering, tells no more than what the software is.
local PLAIN_IQ = {
	["urn:xmpp:ping"] = true, ["jabber:iq:version"] = true, ["urn:xmpp:time"] = true, ["jabber:iq:time"] = true, ["jabber:iq:last"] = true,
	["http://jabber.org/protocol/disco#info"] = true, ["http://jabber.org/protocol/disco#items"] = true,
};
local FILE_IQ = {
	["urn:xmpp:jingle:1"] = true, ["http://jabber.org/protocol/si"] = true, ["http://jabber.org/protocol/ibb"] = true,
	["http://jabber.org/protocol/bytestreams"] = true, ["jabber:iq:oob"] = true,
	["urn:xmpp:http:upload:0"] = true, ["urn:xmpp:http:upload"] = true,
};
-- What a person asks a room or an archive for himself.
local READING_IQ = {
	["urn:xmpp:mam:1"] = true, ["urn:xmpp:mam:2"] = true, ["http://jabber.org/protocol/muc#unique"] = true, ["urn:xmpp:mam:2#extended"] = true,
};
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

local function bare_stanza(stanza)
	if not only(stanza.attr, STANZA_ATTR) then return false; end
	for i = 1, #stanza do
		local child = stanza[i];
		if not child.name and find(child, "%S") then return false; end
	end
	return true;
end

local function exactly(child, known)
	local names = known[child.attr.xmlns];
	local allowed = names and names[child.name];
	return allowed and #child == 0 and only(child.attr, allowed);
end

-- An error without text of its own and without what it answers.
local function plain_error(child)
	if child.name ~= "error" or child.attr.xmlns or not only(child.attr, { type = 16, by = 3071, code = 3 }) then return false; end
	for i = 1, #child do
		local part = child[i];
		if not part.name then
			if find(part, "%S") then return false; end
		elseif part.attr.xmlns ~= CONDITIONS or part.name == "text" or #part > 0 or not only(part.attr, EMPTY) then
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
	for i = 1, #tags do
		local child = tags[i];
		if not exactly(child, SIGNALS) and not (is_error and plain_error(child)) then return kind; end
	end
	return nil; -- also a message without any child: nothing to read
end

local function short_text(child, longest)
	return #child.tags == 0 and only(child.attr, EMPTY) and #child:get_text() <= longest and child:get_text();
end

-- One child of a presence that says nothing but known words, hashes and times.
local function is_quiet(child)
	local name, xmlns = child.name, child.attr.xmlns;
	if not xmlns then
		if name == "priority" then return match(short_text(child, 4) or "no", "^%s*%-?%d*%s*$") ~= nil; end
		if name == "show" then
			local show = short_text(child, 8);
			return show and (show == "" or SHOW[show]) or false;
		end
		return name == "status" and #child == 0 and only(child.attr, { ["xml:lang"] = 35 });
	end
	if xmlns == "vcard-temp:x:update" and name == "x" then
		if not only(child.attr, EMPTY) then return false; end
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
	for i = 1, #stanza.tags do
		if not is_quiet(stanza.tags[i]) then return false; end
	end
	return true;
end

local function presence(stanza, is_room, is_local)
	local attr = stanza.attr;
	local kind, to = attr.type, attr.to;
	if kind == "subscribe" then return "subscription"; end
	if not to then return not quiet_presence(stanza) and "status" or nil; end
	if kind == "error" then
		for i = 1, #stanza.tags do
			local child = stanza.tags[i];
			if not plain_error(child) and not (child.attr.xmlns == MUC and #child == 0) then return "error"; end
		end
		return nil;
	end
	if kind == nil then
		if stanza:get_child("x", MUC) then return "join"; end
		local host = match(to, "([^@/]*)/") -- in a room this is a change of nick
		if host and (is_room(host) or not is_local(host)) then return "join"; end
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

-- own_bare: the sender; is_room(host): whether an internal room service lives there
local function iq(stanza, own_bare, is_room)
	local attr, child = stanza.attr, stanza.tags[1];
	local to = attr.to;
	if not to or to == own_bare then return own_iq(stanza, child); end
	local kind = attr.type;
	local xmlns = child and child.attr.xmlns;
	if (kind == "get" or kind == "set") and FILE_IQ[xmlns] then return "file"; end
	local node_end = find(to, "@", 1, true);
	if not node_end or (find(to, "/", 1, true) or #to) < node_end then return nil; end -- a server or service, no person
	if not child then return nil; end
	if kind == "error" then
		for i = 1, #stanza.tags do
			if not plain_error(stanza.tags[i]) then return "error"; end
		end
		return nil;
	end
	if PLAIN_IQ[xmlns] then return nil; end
	if not find(to, "/", 1, true) and is_room(match(to, "@([^/]*)")) then
		if READING_IQ[xmlns] or kind == "get" or kind == "result" then return nil; end
		return "room";
	end
	return "iq";
end

return { message = message, presence = presence, iq = iq, is_quiet = is_quiet, is_plain_attribute = is_plain_attribute, all = ALL };
