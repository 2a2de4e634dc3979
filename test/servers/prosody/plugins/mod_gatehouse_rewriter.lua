-- SPDX-License-Identifier: MIT
-- For tests only: a module behind mod_gatehouse that changes what passes, as mod_firewall may.
module:hook("message/bare", function (event)
	local body = event.stanza:get_child("body");
	if body and body:get_text() == "as written" then body[1] = "as changed"; end
end, 10);
