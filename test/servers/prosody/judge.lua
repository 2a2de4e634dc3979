-- SPDX-License-Identifier: MIT
-- mod_gatehouse's pure parts behind a pipe, for tests that compare helpers: lua5.4 judge.lua MODULE_FOLDER PROSODY_FOLDER
-- A frame is its length (4 bytes) and fields, each of which has its length before it. The first one says what is wanted.
local folder, prosody_folder = arg[1], arg[2];
package.path = prosody_folder.."/?.lua;"..package.path;
package.cpath = prosody_folder.."/?.so;"..package.cpath;
pcall(require, "loader"); -- Prosody 13

module = {};
function module:require(name) -- luacheck: ignore 212/self
	return assert(loadfile(folder.."/"..name..".lib.lua"))();
end
local new_stream = require "util.xmppstream".new;
local kinds, writer, errors = module:require "kinds", module:require "writer", module:require "errors";

-- As a client's stream gives it to the server.
local STREAM = "http://etherx.jabber.org/streams";
local stream;
local function open()
	local one = { notopen = true };
	local callbacks = { default_ns = "jabber:client", stream_ns = STREAM, stream_tag = "stream" };
	function callbacks.streamopened() one.notopen = nil; end
	function callbacks.error(_, what) one.fault = what; end
	function callbacks.handlestanza(_, stanza) one.stanza = stanza; end
	one.feed = new_stream(one, callbacks);
	assert(one.feed:feed("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='"..STREAM.."' to='corp' xml:lang='none'>"));
	return one;
end
local function read(xml)
	stream = stream or open();
	local one = stream;
	one.stanza = nil;
	stream = nil; -- what is unfinished must not run into the next
	assert(one.feed:feed(xml));
	stream = one;
	local stanza = assert(one.stanza, one.fault);
	if stanza.attr["xml:lang"] == "none" then stanza.attr["xml:lang"] = nil; end -- of the stream
	return stanza;
end

local function is_room(host) return host == "rooms.corp"; end
local function is_local(host) return host == "rooms.corp" or host == "corp" or host == "irc.corp"; end
local SERVICE = { ["rooms.corp"] = true, ["pubsub.corp"] = true, ["upload.corp"] = true };
local function is_inside(host) return host == "corp" and "host" or SERVICE[host] and "service" or nil; end
local function is_transport(host) return host == "irc.corp"; end
local WHERE = { is_room = is_room, is_local = is_local, is_inside = is_inside, is_transport = is_transport };
local function kind_of(stanza)
	if stanza.name == "message" then return kinds.message(stanza) or "none"; end
	if stanza.name == "presence" then return kinds.presence(stanza, WHERE) or "none"; end
	return kinds.iq(stanza, "alice@corp", WHERE) or "none";
end

local function write(stanza) return assert(writer.stanza(stanza, stanza.attr.from, stanza.attr.to)); end

local wanted = {};
function wanted.kind(xml)
	local ok, stanza = pcall(read, xml);
	return { ok and kind_of(stanza) or "unreadable" }; -- Prosody would end the stream
end
-- The kind, the text of the question (with "+" before it, or "-" and why there is none), what takes its place, the answers.
function wanted.whole(xml, condition)
	local stanza = read(xml);
	local kind = kind_of(stanza);
	local question, why = writer.stanza(stanza, stanza.attr.from, stanza.attr.to);
	local texts = { en = "no", de = "nein", fr = "non" };
	local replies, instead = errors.refusal(stanza, "alice@corp/r", condition, texts, kind ~= "none" and kind or nil);
	local out = { kind, question and "+"..question or "-"..why, instead and write(instead) or "" };
	for _, reply in ipairs(replies) do out[#out + 1] = write(reply); end
	return out;
end

io.stdin:setvbuf("full");
while true do
	local head = io.read(4);
	if not head then break; end
	local frame, fields, place = io.read((string.unpack(">I4", head))), {}, 1;
	while place <= #frame do fields[#fields + 1], place = string.unpack(">s4", frame, place); end
	local out = {};
	for i, field in ipairs(wanted[fields[1]](table.unpack(fields, 2))) do out[i] = string.pack(">s4", field); end
	io.write(string.pack(">s4", table.concat(out)));
	io.flush();
end
