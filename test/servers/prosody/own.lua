-- SPDX-License-Identifier: MIT
-- Own tests of mod_gatehouse's parts that need no server: lua5.4 own.lua MODULE_FOLDER PROSODY_FOLDER SCRATCH_FOLDER
local folder, prosody_folder, scratch = arg[1], arg[2], arg[3];
package.path = prosody_folder.."/?.lua;"..package.path;
package.cpath = prosody_folder.."/?.so;"..package.cpath;
pcall(require, "loader"); -- Prosody 13 names its modules "prosody.util..." and brings this, which finds them; 0.12 has none

prosody = { paths = { data = scratch }, hosts = {} };
module = {};
function module:require(name)
	return assert(loadfile(folder.."/"..name..".lib.lua"))();
end

local st = require "util.stanza";
local parse = require "util.xml".parse;
local kinds, writer, errors = module:require "kinds", module:require "writer", module:require "errors";
local replacement, spool, texts = module:require "replacement", module:require "spool", module:require "texts";
local runs = module:require "runs";

local passed, failed = 0, 0;
local function check(ok, name)
	if ok then passed = passed + 1; else
		failed = failed + 1;
		print("FAILED "..name);
	end
end
local function equal(got, wanted, name)
	check(got == wanted, name..": got "..tostring(got)..", wanted "..tostring(wanted));
end

-- In the server jabber:client has no xmlns attribute.
local function read(xml)
	local stanza = assert(parse((xml:gsub("^<(%w+)", "<%1 xmlns='jabber:client'", 1))));
	local function plain(node)
		if node.attr.xmlns ~= "jabber:client" then return; end
		node.attr.xmlns = nil;
		for _, child in ipairs(node.tags) do plain(child); end
	end
	plain(stanza);
	return stanza;
end

local function is_room(host) return host == "rooms.corp"; end
local function is_local(host) return host == "rooms.corp" or host == "corp" or host == "irc.corp"; end
local function is_inside(host) return host == "corp" and "host" or (host == "rooms.corp" or host == "pubsub.corp" or host == "upload.corp") and "service" or nil; end
local function is_transport(host) return host == "irc.corp"; end
local WHERE = { is_room = is_room, is_local = is_local, is_inside = is_inside, is_transport = is_transport };
local function kind_of(stanza)
	if stanza.name == "message" then return kinds.message(stanza); end
	if stanza.name == "presence" then return kinds.presence(stanza, WHERE); end
	return kinds.iq(stanza, "alice@corp", WHERE);
end

local long = ("x"):rep(300);
local CASES = {
	-- messages
	{ "<message to='b@corp'><body>x</body></message>", "message" };
	{ "<message to='b@corp'/>", nil };
	{ "<message to='b@corp' type='chat' id='1'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", nil };
	{ "<message to='b@corp'><composing xmlns='http://jabber.org/protocol/chatstates'>psst</composing></message>", "message" };
	{ "<message to='b@corp'><composing xmlns='http://jabber.org/protocol/chatstates' say='psst'/></message>", "message" };
	{ "<message to='b@corp'><composing xmlns='http://jabber.org/protocol/chatstates'><x/></composing></message>", "message" };
	{ "<message to='b@corp'><psst xmlns='http://jabber.org/protocol/chatstates'/></message>", "message" };
	{ "<message to='b@corp'>psst<composing xmlns='http://jabber.org/protocol/chatstates'/></message>", "message" };
	{ "<message to='b@corp' say='psst'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", "message" };
	{ "<message to='b@corp' id='"..long.."'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", "message" };
	{ "<message to='b@corp' id='1'><received xmlns='urn:xmpp:receipts' id='7'/><store xmlns='urn:xmpp:hints'/></message>", nil };
	{ "<message to='b@corp' id='1'><received xmlns='urn:xmpp:receipts' id='"..long.."'/></message>", "message" };
	{ "<message to='b@corp'><displayed xmlns='urn:xmpp:chat-markers:0' id='7'/></message>", nil };
	{ "<message to='b@corp'><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='7'/></message>", nil };
	{ "<message to='b@corp'><origin-id xmlns='urn:xmpp:sid:0' id='psst'/><origin-id xmlns='urn:xmpp:sid:0' id='psst'/></message>", "message" };
	{ "<message to='b@corp'><origin-id xmlns='urn:xmpp:sid:0' id='"..("x"):rep(129).."'/></message>", "message" };
	{ "<message to='b@corp' id='"..("x"):rep(129).."'/>", "message" };
	{ "<message to='b@corp' type='error'><error type='cancel' by='"..long.."'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", "error" };
	{ "<message to='b@corp' type='error'><error type='cancel'><psst xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", "error" };
	{ "<message to='b@corp'><paused xmlns='http://jabber.org/protocol/chatstates'/><thread>psst</thread></message>", "message" };
	{ "<message to='b@corp'><x xmlns='jabber:x:conference' jid='r@rooms.corp' reason='psst'/></message>", "message" };
	{ "<message to='r@rooms.corp' type='groupchat'><subject>s</subject></message>", "message" };
	{ "<message to='b@corp'><retract xmlns='urn:xmpp:message-retract:1' id='7'/></message>", "message" };
	{ "<message to='b@corp' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", nil };
	{ "<message to='b@corp' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>psst</text></error></message>", "error" };
	{ "<message to='b@corp' type='error'><body>psst</body><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", "error" };
	{ "<message to='b@corp' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>psst</gone></error></message>", "error" };
	-- presence
	{ "<presence/>", nil };
	{ "<presence><show>away</show><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/></presence>", nil };
	{ "<presence><status>psst</status></presence>", "status" };
	{ "<presence><status/></presence>", nil };
	{ "<presence><show>psst</show></presence>", "status" };
	{ "<presence><priority>psst</priority></presence>", "status" };
	{ "<presence><nick xmlns='http://jabber.org/protocol/nick'>psst</nick></presence>", "status" };
	{ "<presence><x xmlns='vcard-temp:x:update'><photo>da39a3ee5e6b4b0d3255bfef95601890afd80709</photo></x></presence>", nil };
	{ "<presence><x xmlns='vcard-temp:x:update'><photo>psst</photo></x></presence>", "status" };
	{ "<presence><x xmlns='vcard-temp:x:update'><photo/></x></presence>", nil };
	{ "<presence><x xmlns='vcard-temp:x:update'><photo>aa</photo><photo>bb</photo></x></presence>", "status" };
	{ "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/></presence>", "status" };
	{ "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='"..long.."' ver='v'/></presence>", "status" };
	{ "<presence><show>away</show><show>dnd</show></presence>", "status" };
	{ "<presence to='b@corp' type='subscribe'/>", "subscription" };
	{ "<presence to='b@corp' type='subscribed'/>", nil };
	{ "<presence to='b@corp' type='unsubscribed'><status>psst</status></presence>", "status" };
	{ "<presence to='b@corp' type='probe'/>", nil };
	{ "<presence type='unavailable'/>", nil };
	{ "<presence type='unavailable'><status>psst</status></presence>", "status" };
	{ "<presence to='r@rooms.corp/nick'><x xmlns='http://jabber.org/protocol/muc'/></presence>", "join" };
	{ "<presence to='r@rooms.corp/psst'/>", "join" };
	{ "<presence to='r@rooms.elsewhere/psst'/>", "join" };
	{ "<presence to='r@rooms.corp/nick' type='unavailable'/>", nil };
	{ "<presence to='b@corp/desk'/>", nil };
	{ "<presence to='b@corp/desk'><status>psst</status></presence>", "status" };
	{ "<presence to='b@corp' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>", nil };
	{ "<presence to='b@corp' type='error'><status>psst</status></presence>", "error" };
	{ "<presence to='b@corp' type='error' say='psst'/>", "error" };
	{ "<presence to='b@corp' type='error'><x xmlns='http://jabber.org/protocol/muc' say='psst'/></presence>", "error" };
	-- IQs
	{ "<iq type='get' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'/></iq>", nil };
	{ "<iq type='get' id='1' to='b@corp/d'><ping xmlns='urn:xmpp:ping'/></iq>", nil };
	{ "<iq type='result' id='1' to='b@corp/d'/>", nil };
	{ "<iq type='result' id='1' to='b@corp/d'>psst</iq>", "iq" };
	{ "<iq type='result' id='"..long.."' to='b@corp/d'/>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><ping xmlns='urn:xmpp:ping'/><x xmlns='urn:x'>psst</x></iq>", "iq" };
	{ "<iq type='get' id='1' to='b@corp/d'><ping xmlns='urn:xmpp:ping'>psst</ping></iq>", "iq" };
	{ "<iq type='get' id='1' to='b@corp/d'><psst xmlns='urn:xmpp:ping'/></iq>", "iq" };
	{ "<iq type='set' id='1' to='b@corp/d'><ping xmlns='urn:xmpp:ping'/></iq>", "iq" };
	{ "<iq type='get' id='1' to='b@corp/d' say='psst'><ping xmlns='urn:xmpp:ping'/></iq>", "iq" };
	{ "<iq type='set' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'><name>psst</name></query></iq>", "iq" };
	{ "<iq type='get' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'><name>psst</name></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'><name>Gajim</name><version>1.8</version><os>Linux</os></query></iq>", nil };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'><name>"..long.."</name></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'><name>a</name><name>b</name></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'>psst<name>a</name></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'><psst/></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='jabber:iq:version'><name><x/></name></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><time xmlns='urn:xmpp:time'><tzo>-06:00</tzo><utc>2006-12-19T17:58:35Z</utc></time></iq>", nil };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='jabber:iq:last' seconds='903'>Heading home</query></iq>", nil };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='jabber:iq:last' seconds='903'>"..long.."</query></iq>", "iq" };
	{ "<iq type='get' id='1' to='b@corp/d'><query xmlns='http://jabber.org/protocol/disco#info' node='n'/></iq>", nil };
	{ "<iq type='get' id='1' to='b@corp/d'><query xmlns='http://jabber.org/protocol/disco#info' node='"..long.."'/></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc' name='Gajim'/><feature var='urn:xmpp:ping'/></query></iq>", nil };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='http://jabber.org/protocol/disco#info'>"..("<feature var='urn:x'/>"):rep(101).."</query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='http://jabber.org/protocol/disco#info'>"..("<feature var='"..("x"):rep(250).."'/>"):rep(20).."</query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data'/></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='b@corp/d'><query xmlns='http://jabber.org/protocol/disco#items'><item jid='b@corp' node='n' name='x'/></query></iq>", nil };
	-- without a person: another server, an external component, our own services
	{ "<iq type='get' id='1' to='elsewhere'><ping xmlns='urn:xmpp:ping'/></iq>", nil };
	{ "<iq type='get' id='1' to='elsewhere'><x xmlns='urn:x'>psst</x></iq>", "iq" };
	{ "<iq type='set' id='1' to='gateway.corp'><query xmlns='jabber:iq:register'><username>psst</username></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='elsewhere/psst'><x xmlns='urn:x'>psst</x></iq>", "iq" };
	{ "<iq type='error' id='1' to='elsewhere'><x xmlns='urn:x'>psst</x></iq>", "error" };
	{ "<iq type='set' id='1' to='pubsub.corp'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item>psst</item></publish></pubsub></iq>", "iq" };
	{ "<iq type='get' id='1' to='pubsub.corp'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'/></pubsub></iq>", nil };
	{ "<iq type='set' id='1' to='rooms.corp'><query xmlns='jabber:iq:register'><nick>psst</nick></query></iq>", "iq" };
	{ "<iq type='set' id='1' to='corp'><query xmlns='jabber:iq:register'><password>x</password></query></iq>", nil };
	{ "<iq type='result' id='1' to='b@corp/d'><x xmlns='urn:x'>psst</x></iq>", "iq" };
	{ "<iq type='set' id='1' to='b@corp/d'><x xmlns='urn:x'>psst</x></iq>", "iq" };
	{ "<iq type='error' id='1' to='b@corp/d'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", nil };
	{ "<iq type='error' id='1' to='b@corp/d'><x xmlns='urn:x'>psst</x><error type='cancel'/></iq>", "error" };
	{ "<iq type='set' id='1' to='b@corp/d'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'/></iq>", "file" };
	{ "<iq type='get' id='1' to='upload.corp'><request xmlns='urn:xmpp:http:upload:0' filename='psst.txt' size='1'/></iq>", "file" };
	{ "<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='b@corp' name='n'/></query></iq>", nil };
	{ "<iq type='set' id='1'><vCard xmlns='vcard-temp'><FN>psst</FN></vCard></iq>", "vcard" };
	{ "<iq type='set' id='1' to='alice@corp'><vCard xmlns='vcard-temp'><FN>psst</FN></vCard></iq>", "vcard" };
	{ "<iq type='get' id='1' to='b@corp'><vCard xmlns='vcard-temp'/></iq>", "iq" };
	{ "<iq type='set' id='1'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item/></publish></pubsub></iq>", "pep" };
	{ "<iq type='set' id='1'><pubsub xmlns='http://jabber.org/protocol/pubsub'><retract node='n'/></pubsub></iq>", nil };
	{ "<iq type='set' id='1'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='n'/></pubsub></iq>", "pep" };
	{ "<iq type='get' id='1'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'/></pubsub></iq>", nil };
	{ "<iq type='set' id='1' to='r@rooms.corp'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>", "room" };
	{ "<iq type='set' id='1' to='r@rooms.corp'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='n' role='none'><reason>psst</reason></item></query></iq>", "room" };
	{ "<iq type='get' id='1' to='r@rooms.corp'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>", nil };
	{ "<iq type='set' id='1' to='r@rooms.corp'><query xmlns='urn:xmpp:mam:2'/></iq>", nil };
	{ "<iq type='set' id='1' to='r@rooms.corp/nick'><x xmlns='urn:x'/></iq>", "iq" };
	{ "<iq type='set' id='1' to='r@elsewhere'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>", "iq" };
	{ "<iq type='get' id='1' to='corp'><x xmlns='urn:x'/></iq>", nil };
	{ "<iq type='set' id='1' to='corp/x@y'><x xmlns='urn:x'/></iq>", nil };
	-- to a transport
	{ "<iq type='set' id='1' to='#r%n@irc.corp'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='n' role='none'><reason>psst</reason></item></query></iq>", "iq" };
	{ "<iq type='set' id='1' to='#r%n@irc.corp'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='n' role='none'/></query></iq>", "iq" };
	{ "<iq type='set' id='1' to='#r%n@irc.corp'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>", "iq" };
	{ "<iq type='set' id='1' to='#r%n@irc.corp'><moderate xmlns='urn:xmpp:message-moderate:1' id='i'><reason>psst</reason></moderate></iq>", "iq" };
	{ "<iq type='set' id='1' to='irc.corp'><command xmlns='http://jabber.org/protocol/commands' node='n' action='execute'/></iq>", "iq" };
	{ "<iq type='set' id='1' to='irc.corp'><query xmlns='jabber:iq:register'><nick>psst</nick></query></iq>", "iq" };
	{ "<iq type='set' id='1' to='irc.corp'><query xmlns='jabber:iq:gateway'><prompt>psst</prompt></query></iq>", "iq" };
	{ "<iq type='result' id='1' to='irc.corp'><x xmlns='urn:x'>psst</x></iq>", "iq" };
	{ "<iq type='result' id='1' to='irc.corp'/>", nil };
	{ "<iq type='get' id='1' to='irc.corp'><ping xmlns='urn:xmpp:ping'/></iq>", nil };
	{ "<iq type='get' id='1' to='#r%n@irc.corp/nick'><ping xmlns='urn:xmpp:ping'/></iq>", nil };
	{ "<iq type='get' id='1' to='irc.corp'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", nil };
	{ "<iq type='get' id='1' to='n@irc.corp'><query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='http://jabber.org/protocol/rsm'><max>50</max><after>#a</after></set></query></iq>", nil };
	{ "<iq type='get' id='1' to='n@irc.corp'><query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='http://jabber.org/protocol/rsm'><max>50</max><psst/></set></query></iq>", "iq" };
	{ "<iq type='get' id='1' to='n@irc.corp'><query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='http://jabber.org/protocol/rsm'><after>"..long.."</after></set></query></iq>", "iq" };
	{ "<iq type='get' id='1' to='#r%n@irc.corp'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast'/></query></iq>", nil };
	{ "<iq type='get' id='1' to='#r%n@irc.corp'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast'><reason>psst</reason></item></query></iq>", "iq" };
	{ "<iq type='get' id='1' to='#r%n@irc.corp'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast' nick='psst'/></query></iq>", "iq" };
	{ "<iq type='get' id='1' to='#r%n@irc.corp'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>", nil };
	{ "<iq type='get' id='1' to='#r%n@irc.corp'><query xmlns='http://jabber.org/protocol/muc#owner'>psst</query></iq>", "iq" };
	{ "<iq type='get' id='1' to='irc.corp'><query xmlns='jabber:iq:register'/></iq>", nil };
	{ "<iq type='get' id='1' to='n@irc.corp'><vCard xmlns='vcard-temp'/></iq>", nil };
	{ "<iq type='set' id='1' to='#r%n@irc.corp'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'/></query></iq>", nil };
	{ "<iq type='set' id='1' to='#r%n@irc.corp'><query xmlns='urn:xmpp:mam:2'/><x xmlns='urn:x'>psst</x></iq>", "iq" };
	{ "<iq type='set' id='1' to='irc.corp'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'/></iq>", "file" };
	{ "<presence to='#r%n@irc.corp/psst'/>", "join" };
	{ "<presence to='#r%n@irc.corp'/>", nil };
};
for _, case in ipairs(CASES) do equal(kind_of(read(case[1])), case[2], case[1]:sub(1, 140)); end

-- Each kind can be switched off, alone, and then nothing else is. A stanza of each, and the options of a host that names the other nine.
do
	local TEN = { "message", "error", "status", "subscription", "join", "iq", "pep", "vcard", "room", "file" };
	local function options_of(given)
		local told = {};
		local host = { host = "corp", log = function (_, _, text) told[#told + 1] = text; end };
		function host:get_option(name, default) -- luacheck: ignore 212/self
			if given[name] == nil then return default; end
			return given[name];
		end
		return module:require "options"(host), told;
	end
	local function said_by(kind)
		for _, case in ipairs(CASES) do
			if case[2] == kind then return case[1]; end
		end
	end
	prosody.core_post_stanza, prosody.core_route_stanza = function () end, function () end;
	prosody.full_sessions, prosody.bare_sessions = {}, {};
	prosody.hosts = {
		corp = { type = "local", modules = {} }, ["rooms.corp"] = { type = "component", modules = { muc = {} } };
		["upload.corp"] = { type = "component", modules = {} }, ["pubsub.corp"] = { type = "component", modules = {} };
	};
	-- The kind that the entrance of a client's session puts the stanza to its queue with; nil: the stanza was not held.
	local function held_as(xml, options)
		local as;
		local host = { name = "corp", link = {}, asked = options.asked, trusted = options.trusted };
		local hold = { hold = function (_, _, _, kind) as = kind; end };
		local entries = assert(loadfile(folder.."/entries.lib.lua"))()({ released = {}, hosts = { corp = host }, links = {}, keyed = {} }, kinds, hold);
		local session = {
			type = "c2s", host = "corp", username = "alice", resource = "r", full_jid = "alice@corp/r", log = function () end;
			thread = { run = function () end }, send = function () end;
		};
		entries.take(read(xml), session);
		return as;
	end
	local count = 0;
	for _ in pairs(kinds.all) do count = count + 1; end
	equal(count, #TEN, "ten kinds");
	for _, off in ipairs(TEN) do
		local others = {};
		for _, kind in ipairs(TEN) do if kind ~= off then others[#others + 1] = kind; end end
		local options, told = options_of { gatehouse_screen = "policy", gatehouse_ask = others };
		equal(#told, 0, off.." switched off without a word");
		for _, kind in ipairs(TEN) do
			local wanted = nil;
			if kind ~= off then wanted = kind; end
			equal(held_as(said_by(kind), options), wanted, kind.." with "..off.." switched off");
		end
	end

	-- What holds where nothing is said, as the README has it.
	local options = options_of { gatehouse_screen = "policy" };
	local file = assert(io.open(folder.."/README.md"));
	local readme = file:read "a";
	file:close();
	local compared = 0;
	for name, default in readme:gmatch "\n  gatehouse_([%w_]+)%s+(%S+)" do
		local number = tonumber(default);
		if number then
			compared = compared + 1;
			equal(options[name], number, "default of "..name);
		end
	end
	equal(compared, 7, "numbers in the README's table");
	for name, number in pairs { try = 2, hold_max = 5, max_questions = 1000, max_bytes = 32 * 1024 * 1024, max_reports = 10000, spool_max_bytes = 256 * 1024 * 1024, max_stanza = 2 * 1024 * 1024 } do
		equal(options[name], number, "default of "..name.." in PROTOCOL.md");
	end
	equal(options.on_outage, readme:match '\n  gatehouse_on_outage%s+"(%a+)"', "default of on_outage");
	equal(options.on_outage, "closed", "default of on_outage");
	for _, kind in ipairs(TEN) do check(options.asked[kind] == true, kind.." is asked about"); end
	equal(readme:match "\n  gatehouse_ask%s+all kinds%s+{ ([^}]*) }", '"'..table.concat(TEN, '", "')..'"', "the README's kinds");
	equal(next(options.trusted), nil, "nobody is trusted");
	prosody.hosts = {};
end

-- The writer: what it writes stands alone and reads as the same.
local tricky = read("<message id='a&amp;b&#10;c&apos;d' type='chat' xml:lang='de'><body>&lt;&amp;&gt; ' \" ü &#13;</body>"
	.."<x xmlns='urn:x' xmlns:p='urn:p' p:k='v'><y xmlns=''><z xmlns='urn:x'/></y></x><html xmlns='urn:h'><message xmlns='jabber:client'><body>in</body></message></html></message>");
tricky:get_child("x", "urn:x").tags[1].attr.xmlns = ""; -- as the server's own reader has it
local text = writer.stanza(tricky, "a@corp/'r'", "b@corp");
local again = assert(parse(text));
equal(again.attr.from, "a@corp/'r'", "from");
equal(again.attr.to, "b@corp", "to");
equal(again.attr.id, "a&b\nc'd", "white space in an attribute");
equal(again:get_child_text("body"), "<&> ' \" ü \r", "text");
local x = again:get_child("x", "urn:x");
equal(x.attr["urn:p\1k"], "v", "an attribute with a namespace");
check(text:find("<y xmlns=''><z xmlns='urn:x'/></y>", 1, true), "no namespace, and one within: "..text);
equal(x.tags[1].tags[1].attr.xmlns, "urn:x", "namespace within none");
equal(again:get_child("html", "urn:h").tags[1].tags[1].attr.xmlns, "jabber:client", "a stanza within");
equal(tricky.attr.from, nil, "the stanza itself stays as it was");
equal(tricky.attr.xmlns, nil, "the stanza's namespace stays as it was");
equal(writer.stanza(st.presence(), "a@corp/r", nil), "<presence xmlns='jabber:client' from='a@corp/r'/>", "presence without to");
local apostrophes = writer.stanza(st.message({}, ("'"):rep(1000)), "a", "b");
check(#apostrophes < 1200, "an apostrophe in text stays one byte");

-- What would end a reader's stream is not written.
local function unwritable(xml, most) return writer.stanza(read(xml), "a@corp/r", "b@corp", most); end
equal(unwritable("<message>"..("<a>"):rep(99)..("</a>"):rep(99).."</message>") ~= nil, true, "100 levels");
for name, xml in pairs {
	["101 levels"] = "<message>"..("<a>"):rep(100)..("</a>"):rep(100).."</message>";
	["an element of XML's own namespace"] = "<message><xml:foo/></message>";
	["a namespace repeated to 40 MB"] = "<message><x xmlns:p='urn:"..("u"):rep(4000).."'>"..("<p:a/>"):rep(1200).."</x></message>";
	["a namespace that readers trim"] = "<message><x xmlns=' http://www.w3.org/XML/1998/namespace '/></message>";
	["one with a prefix that they trim"] = "<message><x xmlns:p='http://www.w3.org/XML/1998/namespace&#160;' p:a=''/></message>";
	["many references"] = "<message><x a='"..("&apos;"):rep(400000).."'/></message>";
} do
	local written, why = unwritable(xml);
	check(written == nil and type(why) == "string", name);
end
local deep = st.message({ to = "b@corp" });
for _ = 1, 85000 do deep:tag("a"); end
deep:reset();
equal(writer.stanza(deep, "a", "b"), nil, "85,000 levels");
check(writer.measure(deep, 1e9) > 85000 * 7, "85,000 levels are measured");
check(writer.measure(deep, 1000) < 2000, "measuring stops");
equal(deep.attr.xmlns, nil, "a refused stanza stays as it was");
equal(unwritable("<message><body>"..("x"):rep(1000).."</body></message>", 1000), nil, "over the bound");
check(unwritable("<message><body>"..("x"):rep(800).."</body></message>", 1000), "under the bound");
for name, broken in pairs {
	["a prefix that was never declared"] = st.message():tag("x", { ["p:q"] = "v" }):reset();
	["a namespaced attribute without a namespace"] = st.message():tag("x", { ["\1q"] = "v" }):reset();
	["a name with a prefix"] = st.message():tag("p:x"):reset();
	["the namespace of declarations"] = st.message():tag("x", { xmlns = "http://www.w3.org/2000/xmlns/" }):reset();
	["what is no text"] = setmetatable({ name = "message", attr = { id = false }, tags = {} }, st.stanza_mt);
} do equal(writer.stanza(broken, "a", "b"), nil, name); end
local spaced = writer.stanza(read("<message><x xml:space='preserve' xml:foo='bar'/></message>"), "a", "b");
check(spaced:find(" xml:foo='bar'", 1, true) and spaced:find(" xml:space='preserve'", 1, true), "attributes of XML's own namespace: "..spaced);

-- Errors.
local function refusal(xml, condition)
	local stanza = read(xml);
	return errors.refusal(stanza, "a@corp/r", condition or "policy-violation", { en = "no", de = "nein" }, kind_of(stanza));
end
local replies, instead = refusal("<message to='b@corp' id='1' xml:lang='de-AT'><body/></message>");
equal(#replies, 1, "one error for a message");
equal(replies[1]:get_child("error"):get_child_text("text", "urn:ietf:params:xml:ns:xmpp-stanzas"), "nein", "text by language");
equal(replies[1].attr.to, "a@corp/r", "to whom");
equal(instead, nil, "nothing goes on");
equal(select(2, refusal("<message to='b@corp'><body/></message>", "service-unavailable")[1]:get_error()), "policy-violation", "no condition that reads as contact gone");
equal(#refusal("<message to='b@corp' type='error'><body/></message>"), 0, "no error for an error");
replies = refusal("<presence to='b@corp' type='subscribe'/>");
equal(#replies, 2, "a refused subscription gets two");
equal(replies[2].attr.type, "unsubscribed", "the second is unsubscribed");
replies = refusal("<presence to='r@rooms.corp/n'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
equal(select(2, replies[1]:get_error()), "not-allowed", "a refused join");
check(replies[1]:get_child("x", "http://jabber.org/protocol/muc"), "a refused join carries the muc element");
replies, instead = refusal("<iq type='result' to='b@corp/d' id='7'><x xmlns='urn:x'/></iq>");
equal(#replies, 0, "no error for a result");
equal(instead.attr.type, "error", "who asked gets an error in place of the result");
equal(instead.attr.id, "7", "and it is the answer");
equal(instead.attr.to, "b@corp/d", "to who asked");
replies, instead = refusal("<presence say='psst'><show>away</show><show>psst</show><status>psst</status><priority>1</priority>psst<nick xmlns='n'>psst</nick></presence>");
equal(#replies, 1, "a refused status gets an error");
check(not tostring(instead):find("psst", 1, true) and instead:get_child_text("show") == "away", "being there goes on without what it says: "..tostring(instead));

replies, instead = refusal("<presence to='b@corp' type='unsubscribed'><status>psst</status></presence>");
check(instead and instead.attr.type == "unsubscribed" and #instead == 0, "unsubscribed goes on without its text");
equal(select(2, refusal("<presence to='r@rooms.corp/psst'/>")[1]:get_error()), "not-allowed", "a refused change of nick");

-- However deep it is, it can be refused.
local deep_presence = st.presence();
deep_presence:tag("show"):text("away"):up();
for _ = 1, 85000 do deep_presence:tag("a"); end
deep_presence:reset();
replies, instead = errors.refusal(deep_presence, "a@corp/r", "policy-violation", { en = "no" }, "status");
check(#replies == 1 and #instead.tags == 1 and instead:get_child_text("show") == "away", "a deep presence goes on without what it says");

-- What waits behind another is bounded by bytes: above the bound only what its sender is told is held, in order.
do
	local sent, submitted, finished = {}, {}, 0;
	prosody.core_process_stanza = function () end
	local code = {
		submit = function (_, item) submitted[#submitted + 1] = item; item.asking = true; end;
		settle = function () end; unasked = function () end; finish = function (item) item.asking = nil; finished = finished + 1; end;
	};
	local hold = assert(loadfile(folder.."/hold.lib.lua"))()({}, code);
	local host = { name = "corp", passing = 0, passing_bytes = 0, max_questions = 10, max_bytes = 1000, link = { open = {} } };
	host.texts = { full = { en = "full" }, outage = { en = "out" }, refused = { en = "no" } };
	local handed = {};
	local session = { thread = { run = function (_, stanza) handed[#handed + 1] = stanza; end }, send = function (stanza) sent[#sent + 1] = stanza; end };
	local queue = { kind = "c2s", held = 0 };
	local function came(kind, size)
		local item = { stanza = st.message({ to = "b@corp", id = tostring(size) }):body(("x"):rep(size)), from = "a@corp/r", session = session };
		hold.hold(queue, host, item, kind);
		return item;
	end
	local head = came("message", 10);
	came(nil, 600);
	local over = came(nil, 601);
	check(host.passing == 1 and host.passing_bytes > 600 and host.passing_bytes < 1000, "what waits is counted by bytes");
	equal(#over.stanza.tags, 0, "above the bound its content is let go");
	equal(#handed + #sent, 0, "and it waits its turn");
	head.verdict, head.try = "allow", 1;
	hold.drain(queue);
	check(#handed == 2 and #sent == 1 and sent[1].attr.id == "601", "in order: two go, one is told");
	check(host.passing == 0 and host.passing_bytes == 0 and finished == 3, "nothing is held any more");
	-- A mistake while asking ends in an error to the sender, not in a queue that stands for ever.
	code.submit = function () error("broken"); end
	came("message", 20);
	check(#sent == 2 and not queue.first and not queue.draining, "asking that fails is bounced");
	-- What throws while it is handed on may have been delivered before: it is not told of as gone.
	local told;
	code.submit = function (_, item) item.n, item.try, item.verdict = 1, 1, "allow"; end
	code.settle = function (_, _, outcome) told = outcome; end
	local door = { kind = "door", held = 0, enter = function (_, _, stanza) handed[#handed + 1] = stanza; error("broken"); end };
	hold.hold(door, host, { stanza = st.message({ to = "b@corp", id = "t" }):body("x"), from = "a@corp/r", session = session }, "message");
	check(told == "released" and handed[#handed].attr.id == "t" and not door.first, "a fault behind the door: "..tostring(told));
end

-- Texts: both languages have the same, none is empty.
for name, value in pairs(texts.en) do check(value ~= "" and (texts.de[name] or "") ~= "", "text "..name); end
for name in pairs(texts.de) do check(texts.en[name], "text "..name.." in English"); end

-- Replacements.
local function verdict(xml)
	return st.stanza("verdict", { xmlns = "urn:gatehouse:screen:1" }):tag("forwarded", { xmlns = "urn:xmpp:forward:0" }):add_child(assert(parse(xml))):reset();
end
local old = read("<message id='1' type='chat' to='b@corp'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>");
local item = { stanza = old, from = "a@corp/r", to = "b@corp" };
local function replaced(attrs, children)
	return replacement(verdict("<message xmlns='jabber:client' "..attrs..">"..(children or "<body>y</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>").."</message>"), item);
end
local good = replaced("id='1' type='chat' from='a@corp/r' to='b@corp'");
check(good and good:get_child_text("body") == "y" and good.attr.xmlns == nil and good.tags[1].attr.xmlns == nil, "a good replacement");
for _, attrs in ipairs { "id='2' type='chat' from='a@corp/r' to='b@corp'", "id='1' type='normal' from='a@corp/r' to='b@corp'", "id='1' from='a@corp/r' to='b@corp'",
	"id='1' type='chat' from='c@corp/r' to='b@corp'", "id='1' type='chat' from='a@corp/r' to='c@corp'", "id='1' type='chat' from='a@corp/r'" } do
	equal(replaced(attrs), nil, "a replacement with "..attrs);
end
equal(replaced("id='1' type='chat' from='a@corp/r' to='b@corp'", "<body>y</body>"), nil, "a replacement without the origin-id");
equal(replacement(verdict("<presence xmlns='jabber:client' id='1' type='chat' from='a@corp/r' to='b@corp'/>"), item), nil, "another kind of stanza");

-- What is told as done: only what was done before a whole turn of the main loop, however long one turn is.
do
	local timers = {};
	local state = { links = {}, timer = function (_, what) timers[#timers + 1] = what; end };
	local links = assert(loadfile(folder.."/link.lib.lua"))()(state, { announcement = function () return ""; end });
	state.code = { stroke = links.stroke };
	local one = links.new_link("policy.turns");
	local function strike()
		local due = timers;
		timers = {};
		for _, what in ipairs(due) do
			if what() then timers[#timers + 1] = what; end
		end
	end
	one.last = 3;
	one.open[2] = {};
	links.advance(one);
	equal(one.safe_done, 0, "what was done in this turn is not told");
	local until_time = os.clock() + 0.12;
	repeat links.advance(one); until os.clock() > until_time;
	equal(one.safe_done, 0, "nor after a long turn");
	strike();
	equal(one.safe_done, 0, "nor in the turn of the first stroke");
	one.open[2] = nil;
	links.advance(one);
	strike();
	equal(one.safe_done, 1, "after the second stroke what was done before the first");
	strike();
	equal(one.safe_done, 3, "then the rest");
	strike();
	equal(#timers, 0, "and the timer rests");
end

-- The spool.
local link = { screen = "policy.x/../y", source = ("ab"):rep(16), reserved = 2000, marked = 1500, untold = { { source = ("ef"):rep(16), xml = "<source a='1'/>" } } };
check(runs.keep_numbers(link, nil, "<source a='2'/>"), "numbers are kept");
local successor = { screen = link.screen, source = ("cd"):rep(16) };
runs.read_source(successor);
equal(#successor.untold, 2, "two that are not told of");
equal(successor.untold[1].source, ("ef"):rep(16), "the oldest first");
equal(successor.untold[2].source, link.source, "then the predecessor");
equal(successor.untold[2].xml, "<source a='2'/>", "its announcement");
equal(successor.predecessor.source, link.source, "predecessor");
equal(successor.predecessor.reserved, 2000, "predecessor's reserved");
equal(successor.predecessor.mark, 1500, "predecessor's mark");
local one = spool.new_spool(link, "corp.example", link.source);
check(one.path:sub(1, #scratch) == scratch and not one.path:find("/../", 1, true), "nothing leaves the folder: "..one.path);
for n = 1, 5 do check(spool.append(one, 1000, "a", n, "<ask n='"..n.."'>\n"..n.."\n</ask>"), "append "..n); end
equal(spool.append(one, one.size + 10, "a", 6, "<ask>too long for the bound</ask>"), false, "the bound");
local list, place = spool.read(one, 3, 1e6);
equal(#list, 3, "three at most");
equal(list[3].xml, "<ask n='3'>\n3\n</ask>", "what was written");
one.read = place;
check(not spool.acknowledge(one, place), "not all is acknowledged");
-- kill -9 in the middle of a write
local file = assert(io.open(one.path, "ab"));
file:write("a 6 500\n<ask n='6'>cut");
file:close();
local found = spool.leftovers(successor, "corp.example");
equal(#found, 1, "one left over");
equal(#spool.leftovers(successor, "other.example"), 0, "none for another host");
local lost = spool.orphans(function () return false; end);
equal(#lost, 1, "one that nobody will send");
equal(lost[1].host, "corp.example", "of which host");
equal(lost[1].screen, link.screen, "for which screen");
equal(#spool.orphans(function (screen, host) return screen == link.screen and host == "corp.example"; end), 0, "none when its host asks");
list = spool.read(found[1], 100, 1e6);
equal(#list, 5, "what is whole is read");
equal(list[5].n, 5, "up to the last whole one");
check(spool.acknowledge(found[1], found[1].size), "all acknowledged");
equal(io.open(one.path), nil, "the file is gone");

print(("%d passed, %d failed"):format(passed, failed));
os.exit(failed == 0 and passed > 100 and 0 or 1);
