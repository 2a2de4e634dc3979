-- SPDX-License-Identifier: MIT
-- Counts for Prosody's own statistics: prosody_mod_gatehouse/NAME, labelled with the host.
local OUTCOMES = { "released", "refused", "bounced", "unscreened", "gone", "screens", "reports_dropped", "unaskable", "closed_by_rule" };

return function (module, host)
	local counters, told = {}, {};
	for _, name in ipairs(OUTCOMES) do
		counters[name] = module:measure(name, "counter");
		told[name] = host.counted[name] or 0;
	end
	local in_flight, bytes = module:measure("in_flight", "amount"), module:measure("in_flight_bytes", "amount");
	local passing, passing_bytes = module:measure("passing", "amount"), module:measure("passing_bytes", "amount");
	local broken, spooled = module:measure("breaker_open", "amount"), module:measure("spool_bytes", "amount");
	module:hook_global("stats-update", function ()
		for name, count in pairs(host.counted) do
			if counters[name] and count > told[name] then
				counters[name](count - told[name]);
				told[name] = count;
			end
		end
		in_flight(host.inflight);
		bytes(host.bytes);
		passing(host.passing);
		passing_bytes(host.passing_bytes);
		broken((host.link.broken or host.barred) and 1 or 0);
		local size = 0;
		for _, spool in ipairs(host.spools) do size = size + spool.size - spool.acked; end
		spooled(size);
	end);
end
