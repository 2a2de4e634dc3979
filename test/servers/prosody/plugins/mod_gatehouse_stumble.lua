-- SPDX-License-Identifier: MIT
-- For tests only: puts a screen and a host into the shared table of mod_gatehouse over which its timer stumbles.
local state = module:shared("/*/gatehouse/state");
local function put(link, host)
	state.links["aa-broken"] = link;
	for _, one in pairs(state.links) do
		if one.hosts then one.hosts["aa-broken.example"] = host; end
	end
end
module:hook_global("server-started", function () put({}, { barred = true, barred_at = {} }); end);
module:hook_global("server-stopping", function () put(nil, nil); end, 1000);
