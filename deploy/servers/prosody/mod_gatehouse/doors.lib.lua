-- SPDX-License-Identifier: MIT
-- What stands open beside the questions of a host: kinds that are switched off, and the modules that are loaded; and which components
-- it takes for transports. Which of them lets something past is the screen's to say.
local kinds = module:require "kinds";
local modulemanager = require "core.modulemanager";
local now = require "util.time".now;
local concat, format, sort = table.concat, string.format, table.sort;

local LARGEST = 8192; -- bytes of the whole report
local FRAME = 128; -- of them for all but the names
local LARGEST_TRANSPORTS = 1024; -- of the names of transports, which a host has not whose helper is an earlier one

-- state: the table shared by all hosts.
return function (state, words, owed)

local attribute, stamp, report = words.writer.attribute, words.stamp, owed.report;

local function sorted(set)
	local names = {};
	for name in pairs(set) do names[#names + 1] = name; end
	sort(names);
	return names;
end

local function switched_off(host)
	local off = {};
	for kind in pairs(kinds.all) do
		if not host.asked[kind] then off[kind] = true; end
	end
	return sorted(off);
end

-- On the host, for the whole server, and on the components of this server that do not ask (and so tell) themselves.
local function loaded_for(host)
	local loaded = {};
	local function add(name)
		for one in pairs(modulemanager.get_modules(name) or {}) do loaded[one] = true; end
	end
	add("*");
	add(host.name);
	for name, there in pairs(prosody.hosts) do
		if there.type == "component" and not state.hosts[name] then add(name); end
	end
	return sorted(loaded);
end

-- As many of the names as have room, and how many have not.
local function joined(names, room)
	local taken, size = {}, 0;
	for _, name in ipairs(names) do
		local text = attribute(name);
		if size + #text + 1 <= room then
			taken[#taken + 1] = text;
			size = size + #text + 1;
		end
	end
	return concat(taken, " "), #names - #taken;
end

-- The attributes of the report but its time.
local function described(host)
	local off = concat(switched_off(host), " ");
	local transports = joined(sorted(host.transports or {}), LARGEST_TRANSPORTS);
	local modules, omitted = joined(loaded_for(host), LARGEST - FRAME - #off - #transports);
	return concat {
		off ~= "" and format(" off='%s'", off) or "",
		modules ~= "" and format(" modules='%s'", modules) or "",
		transports ~= "" and format(" transports='%s'", transports) or "",
		omitted > 0 and format(" omitted='%d'", omitted) or "",
	};
end

-- Once for each connection of the screen, and again when it has changed; where there is room for a report.
local function tell(host)
	local session = host.link.session;
	if host.doors_told == session and not host.doors_changed or #host.reports >= host.max_reports then return; end
	local text = described(host);
	local is_news = host.doors_told ~= session or host.doors_text ~= text;
	host.doors_told, host.doors_changed, host.doors_text = session, nil, text;
	if is_news then report(host, format("<host at='%s'%s/>", stamp(now()), text)); end
end

-- Watches what is loaded; nothing of a run of this module before counts, its options may be others.
local function watch(module, host)
	local function changed() host.doors_changed = true; end
	host.doors_told, host.doors_changed = nil, nil;
	module:hook("module-loaded", changed);
	module:hook("module-unloaded", changed);
	module:hook_global("module-loaded", changed);
	module:hook_global("module-unloaded", changed);
	local function watch_component(name)
		local there = prosody.hosts[name];
		if there.type ~= "component" or name == module.host then return; end
		module:hook_object_event(there.events, "module-loaded", changed);
		module:hook_object_event(there.events, "module-unloaded", changed);
	end
	for name in pairs(prosody.hosts) do watch_component(name); end
	module:hook_global("host-activated", function (name)
		watch_component(name);
		changed();
	end);
	module:hook_global("host-deactivated", changed);
end

return { tell = tell, watch = watch };
end
