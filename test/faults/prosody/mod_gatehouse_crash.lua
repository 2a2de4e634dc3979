-- SPDX-License-Identifier: MIT
-- For tests only: ends Prosody by SIGKILL at a point of mod_gatehouse that a file names.
local signal = require "util.signal";
local getpid = require "util.pposix".getpid;

local armed_file = os.getenv("GATEHOUSE_CRASH");
local points = module:shared("/*/gatehouse/points");

local function reached(name)
	local file = armed_file and io.open(armed_file);
	if not file then return; end
	local armed = file:read("l");
	file:close();
	if armed ~= name then return; end
	os.remove(armed_file);
	signal.kill(getpid(), "SIGKILL");
end

function points.answered() reached("after-answer-before-release"); end

-- Of each kind of record that a spool holds.
local KINDS = { a = "question", s = "settlement", o = "outage-count", i = "announcement" };
function points.before_spool(kind) reached("before-spool-of-"..KINDS[kind]); end
function points.after_spool(kind) reached("after-spool-of-"..KINDS[kind]); end

-- When the run writes of itself for the first time.
function points.before_reserve(link) if not link.kept then reached("before-first-write-of-run"); end end
function points.after_reserve(link) if not link.kept then reached("after-first-write-of-run"); end end
