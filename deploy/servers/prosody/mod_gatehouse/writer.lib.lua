-- SPDX-License-Identifier: MIT
-- Writes a stanza as text that stands alone: every namespace is declared inside it, the addresses are those given, and
-- reading the text gives the same characters again (line ends and tabs in attributes as references). What a reader of
-- streams would not take, by depth, size or namespaces, is not written: one sender must not end everybody's stream.
local byte, concat, find, gsub, match = string.byte, table.concat, string.find, string.gsub, string.match;
local pairs, pcall = pairs, pcall;

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

-- Deeper than this nobody nests what people read; the readers of streams stop somewhat later, and end the stream then.
local DEEPEST = 100;
local LARGEST = 2 * 1024 * 1024; -- bytes, where the caller names no other bound
local XML, XMLNS = "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/";

local left; -- bytes that may still be written

-- Whether a declaration may name it. Readers trim white space of any kind, so what begins or ends with such is another name to them.
local function is_legal(ns)
	local first, last = byte(ns, 1), byte(ns, -1);
	return first and first > 32 and first < 127 and last > 32 and last < 127 and ns ~= XML and ns ~= XMLNS;
end

-- Appends the element to buf behind index n, piece by piece: no string is made that is not already there. parentns is the
-- namespace in force. Returns the last index used; nil and why where the element is one that would end a reader's stream.
local function element(t, buf, n, parentns, depth)
	if depth > DEEPEST then return nil, "nested too deeply"; end
	local name, attr = t.name, t.attr;
	local ns = attr.xmlns or parentns;
	if find(name, ":", 1, true) then return nil, "a name with a colon"; end
	local size = 2 * #name + 5;
	buf[n + 1], buf[n + 2] = "<", name;
	n = n + 2;
	if ns ~= parentns then
		if ns ~= "" and not is_legal(ns) then return nil, "a namespace that cannot be declared"; end
		local written = attribute(ns);
		size = size + #written + 9;
		buf[n + 1], buf[n + 2], buf[n + 3] = " xmlns='", written, "'";
		n = n + 3;
	end
	local prefixes = 0;
	for k, v in pairs(attr) do
		if k ~= "xmlns" then
			local before = " ";
			if find(k, "[\1:]") then
				local uri, plain = match(k, "^([^\1]*)\1(.*)$");
				if uri == XML then
					before, k = " xml:", plain;
				elseif uri then
					if not is_legal(uri) then return nil, "a namespace that cannot be declared"; end
					prefixes = prefixes + 1;
					before, k = " xmlns:ns"..prefixes.."='"..attribute(uri).."' ns"..prefixes..":", plain;
				elseif not find(k, "^xml:[^:]+$") then
					return nil, "an attribute whose prefix is not declared";
				end
			end
			v = attribute(v);
			size = size + #before + #k + #v + 3;
			buf[n + 1], buf[n + 2], buf[n + 3], buf[n + 4], buf[n + 5] = before, k, "='", v, "'";
			n = n + 5;
		end
	end
	left = left - size;
	if left < 0 then return nil, "too large"; end
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
			local last, why = element(child, buf, n, ns, depth + 1);
			if not last then return nil, why; end
			n = last;
		else
			child = text(child);
			left = left - #child;
			if left < 0 then return nil, "too large"; end
			n = n + 1;
			buf[n] = child;
		end
	end
	buf[n + 1], buf[n + 2], buf[n + 3] = "</", name, ">";
	return n + 3;
end

-- Appends the stanza in jabber:client with these addresses (to may be nil: none is written). Returns the last index used and
-- the bytes written (a few more at most); nil and why where it cannot be written, or not within `most` bytes.
local function append(t, from, to, buf, n, most)
	local attr = t.attr;
	local old_from, old_to, old_ns = attr.from, attr.to, attr.xmlns;
	attr.from, attr.to, attr.xmlns = from, to, "jabber:client";
	most = most or LARGEST;
	left = most;
	local ok, last, why = pcall(element, t, buf, n, nil, 1);
	attr.from, attr.to, attr.xmlns = old_from, old_to, old_ns;
	if not ok then return nil, last; end
	if not last then return nil, why; end
	return last, most - left;
end

-- The same as one string; nil and why.
local function stanza(t, from, to, most)
	local buf = {};
	local last, why = append(t, from, to, buf, 0, most);
	if not last then return nil, why; end
	return concat(buf, "", 1, last);
end

-- About how many bytes the stanza holds, however deep it is; counting stops above `most`.
local function measure(t, most)
	local stack, height, size = { t }, 1, 0;
	while height > 0 and size <= most do
		local one = stack[height];
		height = height - 1;
		size = size + 2 * #one.name + 5;
		for k, v in pairs(one.attr) do size = size + #k + #v + 4; end
		for i = 1, #one do
			local child = one[i];
			if child.name then
				height = height + 1;
				stack[height] = child;
			else
				size = size + #child;
			end
		end
	end
	return size;
end

return { append = append, stanza = stanza, measure = measure, attribute = attribute, text = text };
