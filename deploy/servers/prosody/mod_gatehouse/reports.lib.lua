-- SPDX-License-Identifier: MIT
-- What the screen is told beside questions: who is logged in, who is in which room, which archive id a released message got,
-- what the server itself said.
local jid_bare = require "util.jid".bare;
local now = require "util.time".now;
local format = string.format;

local SID = "urn:xmpp:sid:0";
local LONGEST_ID = 1023; -- bytes

return function (module, state, host, owed, words)

local writer, stamp, report = words.writer, words.stamp, owed.report;
local attribute = writer.attribute;
local mark = module:require "accounts" (module, state, host, owed, words);

local function session(event, what)
	local one = event.session;
	if not one.full_jid then return; end
	local via = one.bosh_version and "bosh" or one.websocket_request and "websocket" or "c2s";
	local id = what == "started" and one.username and mark(one.username);
	report(host, format("<session jid='%s' via='%s' event='%s'%s at='%s'/>", attribute(one.full_jid), via, what,
		id and format(" account='%s'", id) or "", stamp(now())));
end

module:hook("resource-bind", function (event) session(event, "started"); end);
module:hook("resource-unbind", function (event) session(event, "ended"); end);

local function occupant(room, nick, jid, what)
	if not room or not nick or not jid then return; end
	report(host, format("<occupant room='%s' nick='%s' jid='%s' event='%s' at='%s'/>", attribute(room),
		attribute(nick:match("/(.*)$") or nick), attribute(jid), what, stamp(now())));
end

module:hook("muc-occupant-joined", function (event)
	occupant(event.room.jid, event.nick, event.occupant and event.occupant.bare_jid, "joined");
end, -1000);
module:hook("muc-occupant-left", function (event)
	occupant(event.room.jid, event.nick, event.occupant and event.occupant.bare_jid, "left");
end, -1000);

-- A change of nick: the room tells of the old one as left (unless another session keeps it); the new one is told when its
-- presence goes out, since only then nothing is in the way of it any more.
local renamed = setmetatable({}, { __mode = "k" });
module:hook("muc-occupant-pre-change", function (event)
	-- With the `x` of a join the room says joined by itself.
	if event.is_first_session and not event.stanza:get_child("x", "http://jabber.org/protocol/muc") then
		renamed[event.dest_occupant] = true;
	end
end, -1000);
module:hook("muc-broadcast-presence", function (event)
	local one = event.occupant;
	if not one or not renamed[one] then return; end
	renamed[one] = nil;
	occupant(event.room.jid, one.nick, one.bare_jid, "joined");
end, -1000);

-- Loaded into a running server: who stands in its rooms already. For a screen the rooms of another run are empty at first.
local muc = prosody.hosts[module.host].modules.muc;
if muc and muc.each_room then
	for room in muc.each_room(true) do
		for nick, one in room:each_occupant() do occupant(room.jid, nick, one.bare_jid, "joined"); end
	end
end

-- The item whose stanza is being handed over right now is the one an archive gives an id to.
local function stanza_id(by, id)
	local item = state.current;
	if not item or not item.n or not by or not id then return; end
	id = tostring(id);
	if id == "" or #id > LONGEST_ID then return; end
	report(item.host, format("<stanza-id n='%d' by='%s' id='%s' at='%s'/>", item.n, attribute(by), attribute(id), stamp(now())));
end

module:hook("archive-message-added", function (event)
	if event.for_user and event.id then stanza_id(event.for_user.."@"..module.host, event.id); end
end);
-- Who speaks in a room may put ids into his message that say they are the room's. Only the room's archive takes them out, and
-- only an id that was not there before it is the archive's.
module:hook("muc-broadcast-message", function (event)
	local brought;
	for tag in event.stanza:childtags("stanza-id", SID) do
		brought = brought or {};
		if tag.attr.id then brought[tag.attr.id] = true; end
	end
	event.gatehouse_brought = brought;
end, 100000);
-- Behind the room's archive, before the copies go out.
module:hook("muc-broadcast-message", function (event)
	if not prosody.hosts[module.host].modules.muc_mam then return; end
	local brought = event.gatehouse_brought;
	for tag in event.stanza:childtags("stanza-id", SID) do
		local id = tag.attr.id;
		if id and tag.attr.by == event.room.jid and not (brought and brought[id]) then stanza_id(tag.attr.by, id); end
	end
end, -1000);

-- Said by the server itself: from a host, by no session.
local function observe(event)
	local stanza = event.stanza;
	local from = stanza.attr.from;
	if not from or stanza.attr.type == "error" or event.origin.type ~= "local" or event.origin.conn or not prosody.hosts[from] then return; end
	if not stanza:get_child("body") and not stanza:get_child("subject") then return; end
	local xml = writer.stanza(stanza, from, stanza.attr.to or jid_bare(from), host.max_stanza);
	if not xml then
		host.counted.reports_dropped = (host.counted.reports_dropped or 0) + 1;
		return;
	end
	report(host, format("<observed at='%s'><forwarded xmlns='urn:xmpp:forward:0'>%s</forwarded></observed>", stamp(now()), xml));
end
module:hook("message/bare", observe, 99999);
module:hook("message/full", observe, 99999);

end
