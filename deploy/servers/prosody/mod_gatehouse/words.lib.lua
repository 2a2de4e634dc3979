-- SPDX-License-Identifier: MIT
-- What the screen is told, as text: questions, marks, who we are.
local writer = module:require "writer";
local concat, floor, format, date = table.concat, math.floor, string.format, os.date;

local FORWARDED = "<forwarded xmlns='urn:xmpp:forward:0'>";

-- RFC 3339, UTC, milliseconds.
local stamp_second, stamp_text, stamp_at, stamp_whole;
local function stamp(t)
	if t == stamp_at then return stamp_whole; end
	local second = floor(t);
	if second ~= stamp_second then
		stamp_second, stamp_text = second, date("!%Y-%m-%dT%H:%M:%S", second);
	end
	stamp_at, stamp_whole = t, format("%s.%03dZ", stamp_text, floor((t - second) * 1000));
	return stamp_whole;
end

-- state: the table shared by all hosts.
return function (state)

-- Who we are: once per connection, and when a host came or went.
local function announcement(link, t)
	local hosts = {};
	for name in pairs(link.hosts) do hosts[#hosts + 1] = name; end
	table.sort(hosts);
	if hosts[1] then link.host_names = concat(hosts, " "); end -- what the last host leaves behind is told of in its name
	local before = link.predecessor;
	return concat {
		"<source at='", stamp(t), "' node='", writer.attribute(state.node), "' software='", writer.attribute(state.software),
		"' helper='", state.helper, "' hosts='", writer.attribute(link.host_names),
		link.outage_rules and "' outage-rules='"..(link.outage_rules.id or "damaged") or "",
		before and format("' predecessor='%s' predecessor-mark='%d' predecessor-reserved='%d", before.source, before.mark, before.reserved) or "",
		"'/>",
	};
end

-- Appends the question to buf behind index n; returns the last index used and about how many bytes it has; nil and why.
local function ask(item, buf, n)
	local try, direction, via = item.try, item.direction, item.via;
	buf[n + 1], buf[n + 2] = "<ask n='", item.n;
	n = n + 2;
	if try > 1 then
		buf[n + 1], buf[n + 2] = "' try='", try;
		n = n + 2;
	end
	if direction then
		buf[n + 1], buf[n + 2] = "' direction='", direction;
		n = n + 2;
	end
	if via then
		buf[n + 1], buf[n + 2] = "' via='", via;
		n = n + 2;
	end
	buf[n + 1], buf[n + 2], buf[n + 3], buf[n + 4] = "' at='", stamp(item.at), item.spooled and "' spooled='true'>" or "'>", FORWARDED;
	local last, size = writer.append(item.stanza, item.from, item.to, buf, n + 4, item.host.max_stanza);
	if not last then return nil, size; end
	buf[last + 1] = "</forwarded></ask>";
	return last + 1, size + 160;
end

local function question(item)
	local buf = {};
	local last, why = ask(item, buf, 0);
	if not last then return nil, why; end
	return concat(buf, "", 1, last);
end

local function mark(link, t, ending)
	return format("<mark last='%d' at='%s'%s/>", link.last, stamp(t), ending and " end='true'" or "");
end

return {
	writer = writer, stamp = stamp, announcement = announcement, ask = ask, question = question, mark = mark,
};
end
