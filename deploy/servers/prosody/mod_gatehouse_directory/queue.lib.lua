-- SPDX-License-Identifier: MIT
-- Work that is to be done a little at a time: jobs in turns, so many stanzas a second, a few milliseconds at once. One job for a key.
local now = require "util.time".now;
local logger = require "util.logger";
local timer = require "util.timer";
local min = math.min;

local PAUSE, AT_ONCE = 0.01, 0.004; -- seconds between two looks, and of one look at most

-- rate: gives how many stanzas a second.
return function (rate)
	local queue = { jobs = {}, first = 1, last = 0, by_key = {}, count = 0, sent = 0 };
	local tokens, filled, ticking, stopped = 0, now(), false, false;
	local log = logger.init("gatehouse_directory");

	local function take_first()
		local job = queue.jobs[queue.first];
		queue.jobs[queue.first] = nil;
		queue.first = queue.first + 1;
		return job;
	end

	local function put_last(job)
		queue.last = queue.last + 1;
		queue.jobs[queue.last] = job;
	end

	local function finish(job)
		queue.count = queue.count - 1;
		if queue.by_key[job.key] == job then queue.by_key[job.key] = nil; end
	end

	local function work()
		local time, per_second = now(), rate();
		-- What was not used is not saved up for more than a tenth of a second.
		tokens = min(tokens + (time - filled) * per_second, per_second / 10 + 1);
		filled = time;
		local until_time = time + AT_ONCE;
		while queue.first <= queue.last and tokens > 0 and now() < until_time do
			local job = take_first();
			-- A few steps of one job, then the next one's turn. A step gives how many stanzas it sent, nil where nothing is left.
			local sent;
			local turn_ends = min(until_time, now() + 0.001);
			repeat
				local ok;
				ok, sent = pcall(job.step, job);
				if not ok then
					log("error", "In the queue, at %s: %s", job.key, sent);
					sent = nil;
				end
				if sent then
					tokens = tokens - sent;
					queue.sent = queue.sent + sent;
				end
			until not sent or tokens <= 0 or now() >= turn_ends;
			if sent then put_last(job); else finish(job); end
		end
		if queue.first > queue.last then queue.first, queue.last = 1, 0; end
	end

	local function tick()
		if stopped then return; end
		work();
		if queue.count > 0 then return PAUSE; end
		ticking = false;
	end

	-- Adds a job with a `step`, unless there is one with its key; then that one is given back.
	function queue.add(key, job)
		local known = queue.by_key[key];
		if known then return known; end
		job.key = key;
		queue.by_key[key] = job;
		queue.count = queue.count + 1;
		put_last(job);
		if not ticking then
			ticking = true;
			timer.add_task(0, tick);
		end
		return job;
	end

	function queue.find(key) return queue.by_key[key]; end

	function queue.stop() stopped = true; end

	return queue;
end
