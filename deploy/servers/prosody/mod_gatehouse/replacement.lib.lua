-- SPDX-License-Identifier: MIT
-- Reads the stanza of a replace verdict; nil when it is none or changes what it must keep.
local FORWARD = "urn:xmpp:forward:0";

-- Inside the server jabber:client has no xmlns attribute.
local function plain(node)
	if node.attr.xmlns ~= "jabber:client" then return; end
	node.attr.xmlns = nil;
	for i = 1, #node.tags do plain(node.tags[i]); end
end

local function origin_id(stanza)
	local tag = stanza:get_child("origin-id", "urn:xmpp:sid:0");
	return tag and tag.attr.id;
end

return function (verdict, item)
	local forwarded = verdict:get_child("forwarded", FORWARD);
	local stanza = forwarded and #forwarded.tags == 1 and forwarded.tags[1];
	local old = item.stanza;
	if not stanza or stanza.attr.xmlns ~= "jabber:client" or stanza.name ~= old.name then return nil; end
	plain(stanza);
	local new, was = stanza.attr, old.attr;
	if new.id ~= was.id or new.type ~= was.type or new.from ~= item.from or new.to ~= item.to then return nil; end
	if origin_id(stanza) ~= origin_id(old) then return nil; end
	new.from, new.to = was.from, was.to;
	return stanza;
end
