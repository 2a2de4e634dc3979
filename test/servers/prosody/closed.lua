-- SPDX-License-Identifier: MIT
-- The helper's own answer to "is this closed while the screen is away?", a line for each question:
-- lua5.4 closed.lua MODULE_FOLDER PROSODY_FOLDER. T <outage-rules/> sets the table; S DIRECTION HOST FROM TO STANZA asks, tabs
-- between; the answer is the id of the rule, or - . M asks how many µs the last stanza takes.
local folder, prosody_folder = arg[1], arg[2];
package.path = prosody_folder.."/?.lua;"..package.path;
package.cpath = prosody_folder.."/?.so;"..package.cpath;
pcall(require, "loader");
module = {};
local parse = require "util.xml".parse;
local outage = assert(loadfile(folder.."/outage.lib.lua"))();

-- In the server jabber:client has no xmlns attribute.
local function plain(node)
	if node.attr.xmlns ~= "jabber:client" then return; end
	node.attr.xmlns = nil;
	for _, child in ipairs(node.tags) do plain(child); end
end

local rules, item, host;
io.stdout:setvbuf("line");
for line in io.lines() do
	local what, rest = line:match("^(%u)\t?(.*)$");
	if what == "T" then
		local why, condition;
		rules, why, condition = outage.read(assert(parse(rest)));
		print(rules and "ok "..rules.id or condition.." "..why);
	elseif what == "S" then
		local direction, from, to, xml;
		direction, host, from, to, xml = rest:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$");
		local stanza = assert(parse(xml));
		plain(stanza);
		item = { stanza = stanza, from = from, to = to ~= "" and to or nil, direction = direction == "received" and direction or nil };
		print(outage.closed_by(rules, item, host) or "-");
	else
		local before = os.clock();
		for _ = 1, 20 do outage.closed_by(rules, item, host); end
		print(string.format("%.0f", (os.clock() - before) / 20 * 1000000));
	end
end
