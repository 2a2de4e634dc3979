-- SPDX-License-Identifier: MIT
-- Puts the parts together, and a host into service: which screen it asks, what it still owes, its hooks.
local async = require "util.async";
local st = require "util.stanza";
local jid_join = require "util.jid".join;
local timer = require "util.timer";
local now = require "util.time".now;

local NS = "urn:gatehouse:screen:1";

local kinds = module:require "kinds";

-- module: of the host. state: the table shared by all hosts. Returns what is to be done when the module leaves the host.
return function (module, state)

-- The parts know each other through this table; the newest loaded one is the one that timers and filters use.
local code = {};
local hold = module:require "hold" (state, code);
local words = module:require "words" (state);
local links = module:require "link" (state, words);
local owed = module:require "owed" (state, links, words);
local sending = module:require "sending" (state, code, links, words, owed);
local carried = module:require "carried" (code, links, owed);
local silence = module:require "silence" (state, code, links, words, sending, carried);
local answers = module:require "answers" (state, code, sending, carried, silence);
local doors = module:require "doors" (state, words, owed);
local clock = module:require "clock" (state, links, words, owed, sending, carried, silence, doors);
local entries = module:require "entries" (state, kinds, hold);
local outagefile = module:require "outagefile";
code.drain, code.tick, code.lost, code.settle_lost, code.take = hold.drain, clock.tick, silence.lost, silence.settle_lost, entries.take;
code.submit, code.settle, code.unasked, code.keep_unscreened = sending.submit, owed.settle, owed.unasked, owed.keep_unscreened;
code.finish, code.write_settlements, code.stroke, code.answer = sending.finish, owed.write_settlements, links.stroke, answers.answer;

local options = module:require "options" (module);
local host = state.hosts[module.host] or state.left[module.host] or {
	name = module.host, inflight = 0, passing = 0, passing_bytes = 0, bytes = 0, screens = 0, counted = {},
	pending = {}, pending_pieces = {}, pending_count = 0, pending_last = 0, pending_bytes = 0,
	reports = {}, report_bytes = 0, unspooled = {}, settling = {}, settled = {}, spools = {},
};
-- Lets the main loop run until the condition holds, at most for a time.
local function let_run(condition, seconds)
	if not async.ready() then return; end
	local wait, done = async.waiter();
	local until_time = now() + seconds;
	timer.add_task(0, function ()
		if condition() or now() >= until_time then return done(); end
		return 0.02;
	end);
	wait();
end

local function never() return false; end

-- What the sources' hosts still owe is told, as far as the screen answers within a second.
local function tell_rest(hosts)
	let_run(never, 0.06); -- what was handed over is written by the server
	for _, one in pairs(hosts) do owed.write_settlements(one, true); end
	let_run(function ()
		local all = true;
		for _, one in pairs(hosts) do
			if not clock.tell_rest(one) then all = false; end
		end
		return all;
	end, 1);
end

-- The host leaves its screen; with the last one the source ends in good order, and what comes later is another's. While the
-- screen is away the source stays, for the host that comes back.
local function part()
	local one = host.link;
	clock.settle_host(host);
	tell_rest { host };
	local name = next(one.hosts);
	if name == module.host and not next(one.hosts, name) and links.session_of(one.screen) then
		clock.say_end(one);
		if state.links[one.screen] == one then state.links[one.screen] = nil; end
	end
	owed.close_run(host); -- what was bounced meanwhile
	one.hosts[module.host] = nil;
	one.announced = false; -- the others say that it is gone
end

if host.link and host.link.screen ~= options.screen then part(); end
if host.link and (host.link.stopping or host.link.screen ~= options.screen) then
	if host.spool and host.spool.file then
		host.spool.file:close();
		host.spool.file = nil;
	end
	host.link, host.spool, host.spools, host.barred = nil, nil, {}, nil;
end
host.mistake, host.report_bytes = nil, host.report_bytes or 0;
host.outage_runs = host.outage_runs or { [""] = host.outage_run }; -- an earlier helper had one
for name, value in pairs(options) do host[name] = value; end
host.leaving = nil;
if not host.link then
	host.link = state.links[options.screen] or links.new_link(options.screen);
	local spools, problem = owed.spools.leftovers(host.link, module.host);
	for i, spool in ipairs(spools) do host.spools[i] = spool; end
	host.problem = host.link.unreadable or problem;
	if host.problem then
		module:log("error", "%s: nothing passes on %s until that is mended (a later helper, or the file moved away, or the folder made writable) "
			.."and Prosody is restarted", host.problem, module.host);
	end
end
if host.link.outage_rules == nil then outagefile.load(host.link); end
host.shut = host.problem or host.mistake;
if not host.link.hosts[module.host] then host.link.announced = false; end
host.link.hosts[module.host] = host;
state.hosts[module.host], state.left[module.host] = host, nil;
state.code = code;

local synced_by = module:require "disk".synced_by;
if synced_by then
	module:log("info", "What is kept for the screen is synced to the disk (%s): it survives a power cut", synced_by);
else
	module:log(host.on_outage == "open" and "warn" or "info",
		"Nothing offers fsync for %s (lua-luv, or lua-posix where it serves this Lua): what is kept survives a crash of Prosody, not a power cut", _VERSION);
end

module:log("info", "Screen %s is asked; when it does not answer, this host is %s", host.link.screen, host.on_outage);
entries.hook(module, host);
timer.add_task(5, function ()
	if state.orphans_told then return; end
	state.orphans_told = true;
	local wanted = function (screen, name)
		local one = state.hosts[name] or state.left[name];
		return one and one.link and one.link.screen == screen;
	end
	for _, orphan in ipairs(owed.spools.orphans(wanted)) do
		module:log("warn", "%s was kept for screen %s by host %s, which does not ask it any more, and is not told: "
			.."load gatehouse with that screen on that host again, or rename the file to end in the name of the host that took its place, else remove it",
			orphan.path, orphan.screen, orphan.host);
	end
end);

module:require "reports" (module, state, host, owed, words);
doors.watch(module, host);
module:require "measures" (module, host);

-- Verdicts count only from the component's own session.
module:hook("iq/host", function (event)
	local origin, stanza = event.origin, event.stanza;
	if origin.type ~= "component" or not origin.conn then return; end
	local kind = stanza.attr.type;
	if kind == "result" or kind == "error" then
		if origin.host == host.link.screen and answers.answer(host.link, origin, stanza) then return true; end
	elseif kind == "set" then
		local payload = stanza.tags[1];
		local name = payload and payload.attr.xmlns == NS and payload.name;
		if name ~= "verdicts" and name ~= "outage-rules" then return; end
		if origin ~= links.session_of(host.link.screen) then
			origin.send(st.error_reply(stanza, "auth", "forbidden"));
		elseif name == "outage-rules" then
			local fault, condition, why = outagefile.told(host.link, payload);
			origin.send(fault and st.error_reply(stanza, fault, condition, why) or st.reply(stanza));
		else
			origin.send(st.reply(stanza));
			if payload.attr.source == host.link.source then answers.late_verdicts(host.link, payload); end
		end
		return true;
	end
end, 1000000);

for _, xmlns in ipairs { "urn:xmpp:sm:2", "urn:xmpp:sm:3" } do
	module:hook_tag(xmlns, "resume", function (session, stanza)
		if not session.username or session.full_jid or not stanza.attr.previd then return; end
		local tokens = module:shared("/*/smacks/resumption-tokens");
		local old = tokens[jid_join(session.username, session.host, stanza.attr.previd)];
		if old then entries.count_held(old); end
	end, 10);
end

local function hook_screen()
	local there = prosody.hosts[options.screen];
	if not there then return; end
	module:hook_object_event(there.events, "component-authenticated", function () silence.connected(host.link); end, -10);
	module:hook_object_event(there.events, "component-disconnected", function () silence.lost(host.link); end, -10);
	silence.connected(host.link);
end
hook_screen();
module:hook_global("host-activated", function (name) if name == options.screen then hook_screen(); end end);

-- Before the sessions are closed: who sent what waits learns that it did not go, and the source ends in good order.
-- A signal comes in the middle of anything, also of a write that would then forget ours: so first another turn.
module:hook_global("server-stopping", function ()
	if host.leaving then return; end
	let_run(function () return true; end, 0);
	clock.settle_host(host);
	for name in pairs(host.link.hosts) do
		if not state.hosts[name].leaving then return; end
	end
	tell_rest(host.link.hosts);
	clock.say_end(host.link);
	let_run(function () return next(host.link.outstanding) == nil; end, 1);
end, 50);

-- After the module has left, the answers to what is still told in the host's name.
local function hear_on()
	local name, there = module.host, prosody.hosts[module.host];
	if not there or state.hearing[name] then return; end
	local function heard(event)
		local left, origin, stanza = state.left[name], event.origin, event.stanza;
		local kind = stanza.attr.type;
		if not left or not left.link or origin.type ~= "component" or not origin.conn or origin.host ~= left.link.screen then return; end
		if (kind == "result" or kind == "error") and state.code.answer(left.link, origin, stanza) then return true; end
	end
	there.events.add_handler("iq/host", heard, 1000000);
	state.hearing[name] = function () there.events.remove_handler("iq/host", heard); end
end

if state.hearing[module.host] then
	state.hearing[module.host]();
	state.hearing[module.host] = nil;
end

return function ()
	part();
	state.hosts[module.host], state.left[module.host] = nil, host;
	hear_on();
end
end
