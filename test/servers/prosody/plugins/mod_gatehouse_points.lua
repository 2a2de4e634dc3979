-- SPDX-License-Identifier: MIT
-- For tests only: ends the server with SIGKILL at the named crash point of mod_gatehouse. gatehouse_crash_at = "answered",
-- "before_spool", "after_spool": when a stanza says CRASH; "before_reserve", "in_reserve", "after_reserve": at the second block;
-- "first_before_reserve" and so on: when the run writes its numbers for the first time.
local signal = require "util.signal";
local pposix = require "util.pposix";

local at = module:get_option_string("gatehouse_crash_at");
local points = module:shared("/*/gatehouse/points");

local function die() signal.kill(pposix.getpid(), "SIGKILL"); end

local function crash(what)
	if tostring(what):find("CRASH", 1, true) then die(); end
end

if at == "answered" then
	function points.answered(items, count)
		for i = 1, count do crash(items[i].stanza); end
	end
elseif at and at:find("^first_") then
	points[at:sub(7)] = die;
elseif at and at:find("_reserve$") then
	points[at] = function (link)
		if link.reserved > 1000 then die(); end
	end
elseif at then
	points[at] = function (_, xml) crash(xml); end
end
