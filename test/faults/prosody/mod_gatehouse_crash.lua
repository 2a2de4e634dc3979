-- SPDX-License-Identifier: MIT
-- For tests only: ends Prosody by SIGKILL at a point of mod_gatehouse that a file names.
local signal = require "util.signal";
local getpid = require "util.pposix".getpid;

local armed_file = os.getenv("GATEHOUSE_CRASH");
local points = module:shared("/*/gatehouse/points");

local function crash_point(name)
	return function ()
		local file = armed_file and io.open(armed_file);
		if not file then return; end
		local armed = file:read("l");
		file:close();
		if armed ~= name then return; end
		os.remove(armed_file);
		signal.kill(getpid(), "SIGKILL");
	end
end

points.answered = crash_point("after-answer-before-release");
points.before_spool = crash_point("before-spool");
points.after_spool = crash_point("after-spool");
