-- SPDX-License-Identifier: MIT
-- What the component does for a user from inside the server: PEP items and vCards, by the server's own handlers, as if the user had asked.
local st = require "util.stanza";
local jid_split = require "util.jid".split;
local user_exists = require "core.usermanager".user_exists;
local new_id = require "util.id".medium;
local core_process = prosody.core_post_stanza;

local PUBSUB, VCARD = "http://jabber.org/protocol/pubsub", "vcard-temp";
local MOST_ITEMS, MOST_BYTES = 1000, 256 * 1024;

return function (module, words)

local NS, fault = words.NS, words.fault;

-- The server's answer to an IQ of the user to the own account; nil where none came at once.
local function ask_as(username, kind, payload)
	local jid = username.."@"..module.host;
	local answer;
	local origin = {
		type = "c2s", username = username, host = module.host, full_jid = jid.."/gatehouse", resource = "gatehouse", log = module._log,
		send = function (reply)
			if st.is_stanza(reply) and reply.name == "iq" then answer = reply; end
			return true;
		end,
	};
	core_process(origin, st.iq({ type = kind, id = new_id(), from = origin.full_jid, to = jid }):add_child(payload));
	return answer;
end

-- An error of the server's own, passed on.
local function pass_on(stanza, answer)
	if not answer then return st.error_reply(stanza, "cancel", "internal-server-error"); end
	local kind, condition, text = answer:get_error();
	return st.error_reply(stanza, kind, condition, text);
end

local function is_error(answer) return not answer or answer.attr.type == "error"; end

-- As a parser gives it: every element names its namespace.
local function begin(what, node) return st.stanza("pubsub", { xmlns = PUBSUB }):tag(what, { xmlns = PUBSUB, node = node }); end

-- The first element below, by names from the top; the server's own answers name no namespace again.
local function find(element, ...)
	for _, name in ipairs { ... } do
		local found;
		for _, child in ipairs(element and element.tags or {}) do
			if child.name == name then
				found = child;
				break;
			end
		end
		element = found;
	end
	return element;
end

local function publish(stanza, element, username)
	local node, id = element.attr.node, element.attr.id;
	local options, payload;
	for _, child in ipairs(element.tags) do
		if child.name == "options" and child.attr.xmlns == NS then
			options = child:get_child("x", "jabber:x:data");
		elseif payload then
			return st.error_reply(stanza, fault("modify", "bad-request", "one payload is wanted"));
		else
			payload = child;
		end
	end
	if not payload then return st.error_reply(stanza, fault("modify", "bad-request", "a payload is wanted")); end
	if #tostring(payload) > MOST_BYTES then return st.error_reply(stanza, fault("modify", "resource-constraint", "the payload is over 256 KiB")); end
	local pubsub = begin("publish", node):tag("item", { xmlns = PUBSUB, id = id }):add_child(payload):up():up();
	if options then pubsub:tag("publish-options", { xmlns = PUBSUB }):add_child(options):up(); end
	local answer = ask_as(username, "set", pubsub:reset());
	if is_error(answer) then return pass_on(stanza, answer); end
	local item = find(answer, "pubsub", "publish", "item");
	return st.reply(stanza):tag("publish", { xmlns = NS, jid = element.attr.jid, node = node, id = item and item.attr.id or id });
end

local function retract(stanza, element, username)
	local node, id = element.attr.node, element.attr.id;
	if not id or id == "" then return st.error_reply(stanza, fault("modify", "bad-request", "an id is wanted")); end
	local pubsub = begin("retract", node);
	pubsub.tags[1].attr.notify = "true";
	local answer = ask_as(username, "set", pubsub:tag("item", { xmlns = PUBSUB, id = id }):reset());
	if is_error(answer) then return pass_on(stanza, answer); end
	return st.reply(stanza);
end

local function read(stanza, element, username)
	local node, id = element.attr.node, element.attr.id;
	local most = words.whole(element.attr.max or "100", 1, MOST_ITEMS);
	if not most then return st.error_reply(stanza, fault("modify", "bad-request", "max: 1 to 1000 is wanted")); end
	local pubsub = begin("items", node);
	if id then pubsub:tag("item", { xmlns = PUBSUB, id = id }):up(); end
	local answer = ask_as(username, "get", pubsub:reset());
	if is_error(answer) then return pass_on(stanza, answer); end
	local items = find(answer, "pubsub", "items");
	local list = items and items.tags or {};
	local reply = st.reply(stanza):tag("read", { xmlns = NS, jid = element.attr.jid, node = node });
	local from, bytes, truncated = math.max(1, #list - most + 1), 0, false;
	-- The newest are kept where there is no room for all.
	local kept = {};
	for i = #list, from, -1 do
		local payload = list[i].tags[1];
		bytes = bytes + #tostring(list[i]);
		if bytes > MOST_BYTES then
			truncated = true;
			break;
		end
		table.insert(kept, 1, { list[i].attr.id, payload });
	end
	for _, one in ipairs(kept) do
		reply:tag("item", { id = one[1] });
		if one[2] then reply:add_child(one[2]); end
		reply:up();
	end
	if truncated then reply.tags[1].attr.truncated = "true"; end
	return reply:reset();
end

local function vcard(stanza, element, username)
	if stanza.attr.type == "get" then
		local answer = ask_as(username, "get", st.stanza("vCard", { xmlns = VCARD }));
		local reply = st.reply(stanza):tag("vcard", { xmlns = NS, jid = element.attr.jid });
		if is_error(answer) then
			local _, condition = (answer or stanza):get_error();
			if answer and condition == "item-not-found" then return reply:reset(); end
			return pass_on(stanza, answer);
		end
		local card = answer:get_child("vCard", VCARD);
		if card and card.tags[1] then reply:add_child(card); end
		return reply:reset();
	end
	local card = element:get_child("vCard", VCARD);
	if not card then return st.error_reply(stanza, fault("modify", "bad-request", "a vCard is wanted")); end
	if #tostring(card) > MOST_BYTES then return st.error_reply(stanza, fault("modify", "resource-constraint", "the vCard is over 256 KiB")); end
	local answer = ask_as(username, "set", card);
	if is_error(answer) then return pass_on(stanza, answer); end
	return st.reply(stanza);
end

local HANDLERS = {
	publish = { "set", publish, true }; retract = { "set", retract, true }; read = { "get", read, true }; vcard = { nil, vcard, false };
};

-- The answer to a request of section 8; nil where it is none.
return function (stanza, element)
	local handler = HANDLERS[element.name];
	if not handler or handler[1] and handler[1] ~= stanza.attr.type then return nil; end
	local jid, node = element.attr.jid, element.attr.node;
	if not words.is_person(jid, {}) then
		return st.error_reply(stanza, fault("modify", "bad-request", "jid: a bare JID, as the server prepares it, is wanted"));
	end
	if handler[3] and (not node or node == "" or #node > 1023) then return st.error_reply(stanza, fault("modify", "bad-request", "node is wanted")); end
	local username, host = jid_split(jid);
	if host ~= module.host or not user_exists(username, host) then
		return st.error_reply(stanza, fault("cancel", "item-not-found", "no account of this host"));
	end
	return handler[2](stanza, element, username);
end
end
