-- SPDX-License-Identifier: MIT
-- Writes a stanza as text that stands alone: every namespace is declared inside it, the addresses are those given, and
-- reading the text gives the same characters again (line ends and tabs in attributes as references).
local concat, find, gsub, match, pairs = table.concat, string.find, string.gsub, string.match, pairs;

local text_map = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\r"] = "&#13;" };
local attr_map = { ["&"] = "&amp;", ["<"] = "&lt;", ["'"] = "&apos;", ["\n"] = "&#10;", ["\t"] = "&#9;", ["\r"] = "&#13;" };

local function attribute(value)
	if find(value, "[&<'\n\t\r]") then return (gsub(value, "[&<'\n\t\r]", attr_map)); end
	return value;
end

local function text(value)
	if find(value, "[&<>\r]") then return (gsub(value, "[&<>\r]", text_map)); end
	return value;
end

-- Appends the element to buf behind index n, piece by piece: no string is made that is not already there. parentns is the
-- namespace in force. Returns the last index used.
local function element(t, buf, n, parentns)
	local name, attr = t.name, t.attr;
	local ns = attr.xmlns or parentns;
	buf[n + 1], buf[n + 2] = "<", name;
	n = n + 2;
	if ns ~= parentns then
		buf[n + 1], buf[n + 2], buf[n + 3] = " xmlns='", attribute(ns), "'";
		n = n + 3;
	end
	local prefixes = 0;
	for k, v in pairs(attr) do
		if k ~= "xmlns" then
			if find(k, "\1", 1, true) then
				local uri, plain = match(k, "^([^\1]*)\1(.*)$");
				prefixes = prefixes + 1;
				buf[n + 1] = " xmlns:ns"..prefixes.."='"..attribute(uri).."' ns"..prefixes..":";
				k = plain;
			else
				buf[n + 1] = " ";
			end
			buf[n + 2], buf[n + 3], buf[n + 4], buf[n + 5] = k, "='", attribute(v), "'";
			n = n + 5;
		end
	end
	local children = #t;
	if children == 0 then
		buf[n + 1] = "/>";
		return n + 1;
	end
	n = n + 1;
	buf[n] = ">";
	for i = 1, children do
		local child = t[i];
		if child.name then
			n = element(child, buf, n, ns);
		else
			n = n + 1;
			buf[n] = text(child);
		end
	end
	buf[n + 1], buf[n + 2], buf[n + 3] = "</", name, ">";
	return n + 3;
end

-- Appends the stanza in jabber:client with these addresses (to may be nil: none is written).
local function append(t, from, to, buf, n)
	local attr = t.attr;
	local old_from, old_to, old_ns = attr.from, attr.to, attr.xmlns;
	attr.from, attr.to, attr.xmlns = from, to, "jabber:client";
	n = element(t, buf, n, nil);
	attr.from, attr.to, attr.xmlns = old_from, old_to, old_ns;
	return n;
end

-- The same as one string.
local function stanza(t, from, to)
	local buf = {};
	return concat(buf, "", 1, append(t, from, to, buf, 0));
end

return { append = append, stanza = stanza, attribute = attribute, text = text };
