-- SPDX-License-Identifier: MIT
-- For tests only: a module that speaks in a user's name inside the server, as HTTP APIs and gateways do.
local st = require "util.stanza";

function speak(from, to, words) -- luacheck: ignore 131
	module:send(st.message({ from = from, to = to, type = "chat" }):body(words));
end
