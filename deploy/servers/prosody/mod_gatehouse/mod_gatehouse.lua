-- SPDX-License-Identifier: MIT
-- Holds what people send, asks a screen (an external component), obeys the answer and reports what was done.
-- Page of the protocol: ../../PROTOCOL.md. Options and limits: README.md.
local st = require "util.stanza";
local filters = require "util.filters";
local timer = require "util.timer";
local now = require "util.time".now;

local VERSION = "0.1.0";
local NS = "urn:gatehouse:screen:1";

local kinds = module:require "kinds";
local own_texts = module:require "texts";

-- Shared by all hosts of this server; what waits is in it and outlives a reload.
local state = module:shared("/*/gatehouse/state");
if not state.links then
	state.links, state.hosts, state.code, state.ticked = {}, {}, {}, now();
	state.keyed = {};
	state.helper = VERSION;
	state.software = "Prosody "..prosody.version;
	state.node = (function ()
		local file = io.open("/proc/sys/kernel/hostname");
		local name = file and file:read("l");
		if file then file:close(); end
		return name and name ~= "" and name or "localhost";
	end)();
	-- Installed once and for ever: between unload and load of the module nothing passes unseen.
	state.filter = function (stanza, session)
		local take = state.code.take;
		if take and stanza then return take(stanza, session); end
		return stanza;
	end
	state.timer = timer.add_task;
	filters.add_filter_hook(function (session) filters.add_filter(session, "stanzas/in", state.filter, -100); end);
	timer.add_task(0.25, function () local tick = state.code.tick; if tick then tick(); end return 0.25; end);
end
state.points = module:shared("/*/gatehouse/points"); -- set by tests only

local link, hold;
hold = module:require "hold" (state, function () return link; end);
link = module:require "link" (state, hold.drain);

local screen = module:get_option_string("gatehouse_screen");
if not screen then error("gatehouse_screen is not set: the JID of the component that answers", 0); end

local asked = {};
for kind in module:get_option_set("gatehouse_ask", { "message", "error", "status", "subscription", "join", "iq", "pep", "vcard", "room", "file" }) do
	if not kinds.all[kind] then error("gatehouse_ask: there is no kind "..kind, 0); end
	asked[kind] = true;
end

local function texts_by_name()
	local by_name, own = {}, module:get_option("gatehouse_texts", {});
	for _, source in ipairs { own_texts, own } do
		for lang, texts in pairs(source) do
			for name, text in pairs(texts) do
				by_name[name] = by_name[name] or {};
				by_name[name][lang] = text;
			end
		end
	end
	return by_name;
end

local host = state.hosts[module.host] or {
	name = module.host, inflight = 0, bytes = 0, screens = 0, screens_sent = 0,
	pending = {}, pending_texts = {}, pending_count = 0, pending_bytes = 0,
	reports = {}, reports_dropped = 0, counted = {},
};
if host.link and host.link.screen ~= screen then
	host.link.hosts[module.host] = nil;
	host.link = nil;
end
host.link = host.link or state.links[screen] or link.new_link(screen);
host.link.hosts[module.host] = host;
host.asked = asked;
host.texts = texts_by_name();
host.on_outage = module:get_option_string("gatehouse_on_outage", "closed");
if host.on_outage ~= "closed" and host.on_outage ~= "open" then error("gatehouse_on_outage: closed or open", 0); end
host.try = module:get_option_number("gatehouse_try", 2);
host.hold_max = module:get_option_number("gatehouse_hold_max", 5);
host.max_questions = module:get_option_number("gatehouse_max_questions", 1000);
host.max_bytes = module:get_option_number("gatehouse_max_bytes", 32 * 1024 * 1024);
host.max_reports = module:get_option_number("gatehouse_max_reports", 10000);
state.hosts[module.host] = host;

local function is_room_host(name)
	local there = prosody.hosts[name];
	return there and there.modules and there.modules.muc ~= nil or false;
end

local function kind_of(stanza, own_bare)
	local name = stanza.name;
	if name == "message" then return kinds.message(stanza); end
	if name == "presence" then return kinds.presence(stanza); end
	if name == "iq" then return kinds.iq(stanza, own_bare, is_room_host); end
end

-- A copy of who the session is, for what outlives it.
local function freeze(session)
	local frozen = {
		type = "c2s", username = session.username, host = session.host, resource = session.resource, full_jid = session.full_jid,
		log = session.log, roster = session.roster, priority = 0, filter = function (_, data) return data; end,
	};
	function frozen.send(stanza)
		if not stanza.attr.to then stanza.attr.to = frozen.full_jid; end
		return prosody.core_post_stanza(prosody.hosts[frozen.host], stanza);
	end
	return frozen;
end

local function queue_of(session)
	local queue = session.gatehouse_queue;
	if queue and queue.frozen.full_jid == session.full_jid then return queue; end
	queue = { kind = "c2s", session = session, host = session.host, frozen = freeze(session), held = 0,
		bare = session.username.."@"..session.host };
	session.gatehouse_queue = queue;
	return queue;
end

-- The filter of every session: nil holds the stanza.
local function take(stanza, session)
	if session.type ~= "c2s" or stanza.attr.xmlns then return stanza; end
	local sender_host = state.hosts[session.host];
	if not sender_host or not session.full_jid then return stanza; end
	local queue = session.gatehouse_queue;
	local bare = queue and queue.bare or session.username.."@"..session.host;
	local kind = kind_of(stanza, bare);
	if kind and not sender_host.asked[kind] then kind = nil; end
	if not kind and not (queue and queue.first) then return stanza; end
	queue = queue_of(session);
	local attr = stanza.attr;
	local item = { stanza = stanza, from = session.full_jid, to = attr.to or (stanza.name ~= "presence" and bare or nil) };
	local handled = session.handled_stanza_count;
	if handled then -- XEP-0198: what is held is not handled yet
		session.handled_stanza_count = handled - 1;
		item.counted = true;
		queue.held = queue.held + 1;
	end
	hold.hold(queue, sender_host, item, kind);
	return nil;
end

state.code.take, state.code.tick, state.code.settle_lost, state.code.close_run = take, link.tick, link.settle_lost, link.close_run;

for _, session in pairs(prosody.full_sessions) do
	filters.add_filter(session, "stanzas/in", state.filter, -100);
end

module:hook("iq/host", function (event)
	local origin, stanza = event.origin, event.stanza;
	if origin.type ~= "component" then return; end
	local kind = stanza.attr.type;
	if kind == "result" or kind == "error" then
		if link.answer(host.link, origin, stanza) then return true; end
	elseif kind == "set" then
		local verdicts = stanza.tags[1];
		if verdicts and verdicts.name == "verdicts" and verdicts.attr.xmlns == NS then
			if origin ~= link.session_of(host.link.screen) then
				origin.send(st.error_reply(stanza, "auth", "forbidden"));
			else
				origin.send(st.reply(stanza));
				if verdicts.attr.source == host.link.source then link.late_verdicts(host.link, verdicts); end
			end
			return true;
		end
	end
end, 1000000);

-- XEP-0198: to a client that comes back, what is held counts as handled, else it sends it again.
for _, xmlns in ipairs { "urn:xmpp:sm:2", "urn:xmpp:sm:3" } do
	module:hook_tag(xmlns, "resume", function (session, stanza)
		local tokens = module:shared("/*/smacks/resumption-tokens");
		local old = session.username and stanza.attr.previd
			and tokens[require "util.jid".join(session.username, session.host, stanza.attr.previd)];
		local queue = old and not session.full_jid and old.gatehouse_queue;
		if not queue or queue.held == 0 or not old.handled_stanza_count then return; end
		local item = queue.first;
		while item do
			item.counted = nil;
			item = item.next;
		end
		old.handled_stanza_count = old.handled_stanza_count + queue.held;
		queue.held = 0;
	end, 10);
end

local function screen_events()
	local screen_host = prosody.hosts[screen];
	if not screen_host then return false; end
	module:hook_object_event(screen_host.events, "component-authenticated", function () link.connected(host.link); end, -10);
	module:hook_object_event(screen_host.events, "component-disconnected", function () link.lost(host.link); end, -10);
	if link.session_of(screen) then link.connected(host.link); end
	return true;
end
if not screen_events() then
	module:hook_global("host-activated", function (name) if name == screen then screen_events(); end end);
end

function module.save()
	return { state = state }; -- keeps the shared table alive while no host has it
end

function module.restore() end
