-- SPDX-License-Identifier: MIT
-- The way to one screen, shared by all hosts that name the screen: its numbers, up to where they are done, who speaks over it.
-- Holds no module of Prosody's: the state outlives a reload, and the newest loaded code works on it.
local runs = module:require "runs";
local now = require "util.time".now;
local hex_of = require "util.hex";
local random_bytes = require "util.random".bytes;

local SETTLE_AFTER = 0.05; -- by then what was handed over has left for its socket, see settle
local BLOCK = 1000;
local to_hex = hex_of.encode or hex_of.to;

local function hex(bytes) return to_hex(random_bytes(bytes)); end

-- state: the table shared by all hosts.
return function (state, words)

local announcement = words.announcement;

local function session_of(screen)
	local host = prosody.hosts[screen];
	local component = host and host.modules and host.modules.component;
	local session = component and component.session;
	if session and session.type == "component" and not session.destroyed then return session; end
end

local function new_link(screen)
	local link = {
		screen = screen, source = hex(16), last = 0, reserved = 0, done = 0,
		open = {},        -- n -> item: not settled; n -> host: its settlement is not acknowledged
		outstanding = {}, -- id of the IQ -> what went with it
		hosts = {},       -- host name -> host
		later = {},       -- n -> item whose verdict is to come by itself
		waiting = {},     -- items for whose second try there is no connection yet
		since = now(), fails = 0, goods = 0, broken = true, announced = false, mark_at = 0,
		marked = 0,       -- the last mark on disk
		kept = false, told = false, -- the announcement is on disk; the screen has acknowledged it
		told_last = 0, told_done = 0, -- what the screen has acknowledged of `mark` and `done`
		seen_done = 0, safe_done = 0,
	};
	runs.read_source(link);
	state.links[screen] = link;
	return link;
end

-- Puts what the next run must know on disk. The announcement is part of it until the screen has acknowledged it: who was before
-- us stands nowhere else from then on.
local function keep_numbers(link)
	link.stale = nil;
	if not runs.keep_numbers(link, state.points, not link.told and announcement(link, now()) or nil) then return false; end
	link.kept = true;
	return true;
end

-- The last of `count` new numbers; nil when the disk does not take the reservation that must come first.
local function next_number(link, count)
	local before = link.last;
	local last = before + (count or 1);
	if last > link.reserved then
		local reserved = link.reserved;
		link.reserved = math.max(before + BLOCK, last);
		if not keep_numbers(link) then
			link.reserved = reserved;
			return nil;
		end
	end
	link.last = last;
	return last;
end

-- What is told as done is what was done at the stroke before the last one of a timer: a turn of the main loop lies between, in which
-- what was handed over is written to its recipient. In the turn itself, however long it is, the server may still die with it.
local function stroke(link)
	link.safe_done, link.seen_done = link.seen_done, link.done;
	if link.safe_done < link.done then return SETTLE_AFTER; end
	link.stroking = false;
end

local function advance(link)
	local open, done, last = link.open, link.done, link.last;
	while done < last and open[done + 1] == nil do done = done + 1; end
	link.done = done;
	if link.stroking or link.safe_done == done then return; end
	link.stroking = true;
	state.timer(SETTLE_AFTER, function () return state.code.stroke(link); end);
end

-- What is told of the host's numbers does not hold `done` back any more.
local function disown(link, host)
	for n, value in pairs(link.open) do
		if value == host then link.open[n] = nil; end
	end
	advance(link);
end

-- A host whose word the screen takes, each time another one; nil: there is none.
local function speaker(link)
	local name = link.spoke;
	if name and not link.hosts[name] then name = nil; end
	for _ = 1, 2 do
		repeat name = next(link.hosts, name); until not name or not link.hosts[name].barred;
		if name then
			link.spoke = name;
			return link.hosts[name];
		end
	end
end

return {
	hex = hex, session_of = session_of, new_link = new_link, keep_numbers = keep_numbers, next_number = next_number, advance = advance,
	disown = disown, stroke = stroke, speaker = speaker, SETTLE_AFTER = SETTLE_AFTER,
};
end
