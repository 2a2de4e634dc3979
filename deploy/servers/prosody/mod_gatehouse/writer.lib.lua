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

-- Appends the element to buf from index n on; parentns is the namespace in force. Returns the last index used.
local function element(t, buf, n, parentns)
	local name, attr = t.name, t.attr;
	local ns = attr.xmlns or parentns;
	n = n + 1;
	buf[n] = ns == parentns and "<"..name or "<"..name.." xmlns='"..attribute(ns).."'";
	local prefixes = 0;
	for k, v in pairs(attr) do
		if k ~= "xmlns" then
			n = n + 1;
			if find(k, "\1", 1, true) then
				local uri, plain = match(k, "^([^\1]*)\1(.*)$");
				prefixes = prefixes + 1;
				buf[n] = " xmlns:ns"..prefixes.."='"..attribute(uri).."' ns"..prefixes..":"..plain.."='"..attribute(v).."'";
			else
				buf[n] = " "..k.."='"..attribute(v).."'";
			end
		end
	end
	local children = #t;
	n = n + 1;
	if children == 0 then
		buf[n] = "/>";
		return n;
	end
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
	n = n + 1;
	buf[n] = "</"..name..">";
	return n;
end

local buf = {}; -- used again for each stanza; writing never yields

-- The stanza in jabber:client with these addresses (to may be nil: none is written).
local function stanza(t, from, to)
	local attr = t.attr;
	local old_from, old_to, old_ns = attr.from, attr.to, attr.xmlns;
	attr.from, attr.to, attr.xmlns = from, to, "jabber:client";
	local n = element(t, buf, 0, nil);
	attr.from, attr.to, attr.xmlns = old_from, old_to, old_ns;
	return concat(buf, "", 1, n);
end

return { stanza = stanza, attribute = attribute, text = text };
