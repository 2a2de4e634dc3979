-- SPDX-License-Identifier: MIT
-- Holds what people send, asks a screen (an external component), obeys the answer and reports what was done.
-- The protocol: PROTOCOL.md. Options and limits: README.md.
local st = require "util.stanza";
local filters = require "util.filters";
local logger = require "util.logger";
local timer = require "util.timer";
local now = require "util.time".now;

local VERSION = "0.3.1";
local DOOR = 100000; -- before everything that could read, change or answer a stanza

local function node_name()
	local file = io.open("/proc/sys/kernel/hostname");
	local name = file and file:read("l");
	if file then file:close(); end
	return name and name ~= "" and name or "localhost";
end

-- Shared by all hosts of this server; what waits is in it and outlives a reload.
local state = module:shared("/*/gatehouse/state");
if not state.links then
	state.links, state.hosts, state.keyed, state.code = {}, {}, {}, {};
	state.released = setmetatable({}, { __mode = "k" });
	state.ticked = now();
	state.helper, state.software, state.node = VERSION, "Prosody "..prosody.version, node_name();
	state.timer = timer.add_task;
	-- Installed once and for ever: between unload and load of the module nothing passes unseen.
	state.filter = function (stanza, session)
		local take = state.code.take;
		if take and stanza then return take(stanza, session); end
		return stanza;
	end
	local function watch(session) filters.add_filter(session, "stanzas/in", state.filter, -100); end
	filters.add_filter_hook(watch);
	for _, session in pairs(prosody.full_sessions) do watch(session); end
	for session in pairs(prosody.incoming_s2s or {}) do watch(session); end
	for _, there in pairs(prosody.hosts) do
		for _, session in pairs(there.s2sout or {}) do watch(session); end
	end
	-- A timer that throws is dropped by Prosody, and with it every time-out.
	timer.add_task(0.25, function ()
		if state.code.tick then
			local ok, problem = pcall(state.code.tick);
			if not ok then logger.init("gatehouse")("error", "In the timer: %s", problem); end
		end
		return 0.25;
	end);
end
state.hearing = state.hearing or {}; -- how to stop hearing for them
state.left = state.left or {}; -- hosts that the module left: what the screen has not acknowledged yet is told all the same
state.points = module:shared("/*/gatehouse/points"); -- set by tests only

-- Presence of these types lets nobody in and asks for nothing.
local PLAIN_PRESENCE = { unavailable = true, unsubscribe = true, unsubscribed = true, subscribed = true, probe = true };

-- The host of a module that could not be loaded: what would be asked about goes back, with the little that is sure to be there.
local function turn_back(event)
	local origin, stanza, to_self = event.origin, event.stanza, event.to_self;
	local name, kind = stanza.name, stanza.attr.type;
	if origin.type == "local" then return; end
	if name == "iq" and (to_self or stanza.attr.to == module.host) then return; end
	if name == "presence" and (not stanza.attr.to or kind == "error" or PLAIN_PRESENCE[kind]) then
		stanza:maptags(function (tag) return (tag.name == "show" or tag.name == "priority") and tag or nil; end);
		return;
	end
	if kind ~= "error" and not (name == "iq" and kind == "result") then
		local send = origin.send or function (reply) prosody.core_route_stanza(prosody.hosts[module.host], reply); end
		send(st.error_reply(stanza, "wait", "resource-constraint",
			"Not delivered: the compliance service is not available at the moment. Please try again later."));
	end
	return true;
end

local function close(problem)
	module:log("error", "Nothing passes on %s: gatehouse cannot be loaded. Install it anew with all of its files, and restart Prosody. %s",
		module.host, problem);
	local host = state.hosts[module.host];
	if host then host.shut = "not loaded"; end
	for _, name in ipairs { "message", "presence", "iq" } do
		for _, address in ipairs { "bare", "full", "host" } do
			module:hook("pre-"..name.."/"..address, turn_back, DOOR);
			module:hook(name.."/"..address, turn_back, DOOR);
		end
	end
	module:hook("route/remote", function (event)
		local origin = event.origin;
		if origin and origin.type == "component" and origin.conn then return turn_back(event); end
	end, DOOR);
end

-- A module that does not load would let everything pass: whatever fails here closes the host.
local loaded, leave = xpcall(function () return module:require "host" (module, state); end, debug.traceback);
if not loaded then close(leave); end

function module.save()
	return { state = state }; -- keeps the shared table alive while no host has it
end

function module.restore() end

function module.unload()
	if module.reloading or not loaded then return; end
	leave();
end
