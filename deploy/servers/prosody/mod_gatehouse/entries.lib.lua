-- SPDX-License-Identifier: MIT
-- The ways in: clients and other servers through the filter of their sessions, components and privileged senders through
-- the events of the host they write to. Each puts what it takes into the queue of its sender.
local jid = require "util.jid";
local log = require "util.logger".init("gatehouse");
local jid_bare, jid_prep, prepped_split = jid.bare, jid.prep, jid.prepped_split;

return function (state, kinds, hold)

local post, route = prosody.core_post_stanza, prosody.core_route_stanza;
local released = state.released; -- stanzas that passed and are on their way in once more
local hosts = state.hosts;
local NONE = {}; -- of a host whose helper is an earlier one
local full_sessions, bare_sessions, served = prosody.full_sessions, prosody.bare_sessions, prosody.hosts;

-- The address as the server is going to read it: otherwise another spelling of Bob's would be judged as somebody else's. nil: it
-- is none, and the server says so itself.
local function prepared(to)
	if full_sessions[to] or bare_sessions[to] or served[to] then return to; end
	return jid_prep(to);
end

local function is_room_host(name)
	local there = prosody.hosts[name];
	return there and there.modules and there.modules.muc ~= nil or false;
end

-- How far a name is this server itself, and not a program that speaks as a component; see kinds.iq.
local function is_inside(name, host)
	local there = prosody.hosts[name];
	if not there then return nil; end
	if there.modules and there.modules.component then return (state.links[name] or host.trusted[name]) and "host" or nil; end
	return there.type == "local" and "host" or "service";
end

local function is_local(name) return prosody.hosts[name] ~= nil; end

-- It carries to another network: what people send to it is asked about, also by IQ.
local function is_transport(name, host) return (host.transports or NONE)[name] or false; end

-- What comes by its stream was asked about already, or never needs to be.
local function is_own_word(name, host) return state.links[name] or host.trusted[name] or is_transport(name, host); end

local WHERE = { is_room = is_room_host, is_local = is_local, is_inside = is_inside, is_transport = is_transport };

local function kind_of(host, stanza, bare)
	local name, kind = stanza.name, nil;
	if name == "message" then
		kind = kinds.message(stanza);
	elseif name == "presence" then
		kind = kinds.presence(stanza, WHERE, host);
	elseif name == "iq" then
		kind = kinds.iq(stanza, bare, WHERE, host);
	end
	return kind and host.asked[kind] and kind or nil;
end

-- A copy of who a client's session is, for what outlives it.
local function frozen_client(session)
	local copy = {
		type = "c2s", username = session.username, host = session.host, resource = session.resource, full_jid = session.full_jid,
		log = session.log, roster = session.roster, priority = 0, filter = function (_, data) return data; end,
	};
	function copy.send(stanza)
		if not stanza.attr.to then stanza.attr.to = copy.full_jid; end
		return post(prosody.hosts[copy.host], stanza);
	end
	return copy;
end

local function frozen_server(session)
	local copy = session.gatehouse_copy;
	if copy then return copy; end
	copy = {
		type = session.type, dummy = true, from_host = session.from_host, to_host = session.to_host, hosts = session.hosts,
		host = session.host, log = session.log, filter = function (_, data) return data; end,
	};
	function copy.send(stanza) return route(nil, stanza); end
	session.gatehouse_copy = copy;
	return copy;
end

-- XEP-0198: what is held is not handled yet.
local function uncount(session, queue, item)
	local handled = session.handled_stanza_count;
	if not handled then return; end
	session.handled_stanza_count = handled - 1;
	item.counted = true;
	queue.held = queue.held + 1;
end

local function take_client(stanza, session)
	local host = hosts[session.host];
	local full = session.full_jid;
	if not host or not full then return stanza; end
	local queue = session.gatehouse_queue;
	if not queue or queue.full ~= full then
		queue = { kind = "c2s", session = session, frozen = frozen_client(session), held = 0, full = full, bare = session.username.."@"..session.host };
		session.gatehouse_queue = queue;
	end
	local attr = stanza.attr;
	local to = attr.to;
	if to then
		to = prepared(to);
		if not to then return stanza; end
		attr.to = to;
	elseif stanza.name ~= "presence" then
		to = queue.bare;
	end
	local kind = kind_of(host, stanza, queue.bare);
	if not kind and not queue.first then return stanza; end
	-- All fields at once: the table need not grow. With more than 16 it would have room for 32.
	local item = {
		stanza = stanza, from = full, to = to, session = session, queue = queue, host = host, kind = kind, n = nil, try = nil, at = 0,
		bytes = 0, verdict = nil, answered = nil, next = nil, counted = nil, asking = nil,
	};
	uncount(session, queue, item);
	hold.hold(queue, host, item, kind);
	return nil;
end

-- Queues by name, for streams that carry many senders; each goes when it is empty.
local function empty(queue) state.keyed[queue.key] = nil; end

local function keyed(key, kind, enter)
	local queue = state.keyed[key];
	if not queue then
		queue = { kind = kind, key = key, enter = enter, empty = empty, held = 0 };
		state.keyed[key] = queue;
	end
	return queue;
end

-- What the components that answer, the trusted ones and transports exchange stays on this server. That a name does not resolve keeps
-- nobody from writing to it over a connection that he opened.
local function is_closed_to_servers(name)
	if state.links[name] then return true; end
	for _, host in pairs(hosts) do
		if host.trusted[name] or is_transport(name, host) then return true; end
	end
	return false;
end

local function take_server(stanza, session)
	local to, from = stanza.attr.to, stanza.attr.from;
	local to_node, to_host, to_resource = prepped_split(to);
	local host = to_host and hosts[to_host];
	if not host then
		if not to_host or not is_closed_to_servers(to_host) then return stanza; end
		log("debug", "Not for other servers: %s", stanza:top_tag());
		return nil;
	end
	local from_node, from_host, from_resource = prepped_split(from);
	-- What the server is going to turn away anyway it turns away itself.
	local status = from_host and session.hosts and session.hosts[from_host];
	if not status or not status.authed then return stanza; end
	local bare = jid.join(from_node, from_host);
	to = jid.join(to_node, to_host, to_resource);
	stanza.attr.to = to;
	local kind = kind_of(host, stanza, bare);
	local key = "s2s "..bare.." "..to_host;
	if not kind and not state.keyed[key] then return stanza; end
	local queue = keyed(key, "s2s");
	local item = {
		stanza = stanza, from = jid.join(from_node, from_host, from_resource), to = to,
		session = session, frozen = frozen_server(session), direction = "received", via = "s2s",
	};
	uncount(session, queue, item);
	hold.hold(queue, host, item, kind);
	return nil;
end

-- The filter of every session: nil holds the stanza.
local function take(stanza, session)
	if stanza.attr.xmlns then return stanza; end
	local kind = session.type;
	if kind == "c2s" then return take_client(stanza, session); end
	if kind == "s2sin" or kind == "s2sout" then return take_server(stanza, session); end
	return stanza;
end

-- A stanza that was held at a host's door goes in through it again.
local function enter_host(_, item, stanza)
	local origin = item.session;
	if origin.destroyed then origin = item.frozen; end
	released[stanza] = true;
	post(origin, stanza);
	released[stanza] = nil;
end

-- Once its own host has let it go, the recipient's still has a say.
local function enter_privileged(_, item, stanza)
	released[stanza] = "privileged";
	post(item.session, stanza, true);
	released[stanza] = nil;
end

local function enter_remote(_, item, stanza)
	released[stanza] = true;
	route(item.session.destroyed and item.frozen or item.session, stanza);
	released[stanza] = nil;
end

local function frozen_component(session)
	local name = session.host;
	return {
		type = "component", host = name, log = session.log, filter = function (_, data) return data; end,
		send = function (stanza) return route(nil, stanza); end,
	};
end

local function hold_at(host, key, enter, item)
	local attr = item.stanza.attr;
	if attr.to then
		local to = prepared(attr.to);
		if not to then return; end
		attr.to, item.to = to, to;
	end
	local kind = kind_of(host, item.stanza, jid_bare(item.from));
	if not kind and not state.keyed[key] then return; end
	hold.hold(keyed(key, "door", enter), host, item, kind);
	return true;
end

-- A message that mod_privilege is going to unwrap: what is in it comes by `privileged`.
local function is_privileged_wrapper(host, stanza)
	local child = stanza.tags[1];
	return stanza.name == "message" and stanza.attr.to == host.name and #stanza.tags == 1 and child.name == "privilege"
		and (child.attr.xmlns or ""):find("^urn:xmpp:privilege:") and prosody.hosts[host.name].modules.privilege;
end

-- XEP-0356: a component speaks as one of our people; mod_privilege makes an origin without session of it.
local function speaks_for_person(origin) return origin.type == "c2s" and not origin.full_jid and not origin.conn; end

local function answerable(origin, host)
	if origin.send then return; end
	function origin.send(reply) return post(prosody.hosts[host.name], reply); end
end

-- External components, and people of a host whose screen is another one or none.
local function at_door(host, event)
	local origin, stanza = event.origin, event.stanza;
	if released[stanza] and released[stanza] ~= "privileged" then return; end
	local from = stanza.attr.from;
	if origin.type == "component" then
		if not origin.conn or is_own_word(origin.host, host) then return; end
		if is_privileged_wrapper(host, stanza) then return; end
		local item = {
			stanza = stanza, from = from, to = stanza.attr.to, session = origin, frozen = frozen_component(origin),
			direction = "received", via = "component",
		};
		return hold_at(host, "component "..jid_bare(from).." "..host.name, enter_host, item);
	end
	if origin.type == "c2s" and origin.full_jid then
		local own = hosts[origin.host];
		if own and own.link == host.link then return; end
		-- Presence to many is one stanza used again and again: only messages, IQs and joins are stopped here.
		if stanza.name == "presence" and not (stanza.attr.type == nil and stanza:get_child("x", "http://jabber.org/protocol/muc")) then return; end
		local item = {
			stanza = stanza, from = from, to = stanza.attr.to or jid_bare(from), session = origin, frozen = frozen_client(origin),
			direction = "received",
		};
		return hold_at(host, "local "..from.." "..host.name, enter_host, item);
	end
	if speaks_for_person(origin) and from then
		local own = hosts[jid.host(from)];
		if own and own.link == host.link then return; end
		answerable(origin, host);
		local item = { stanza = stanza, from = from, to = stanza.attr.to, session = origin, direction = "received", via = "component" };
		return hold_at(host, "privileged "..jid_bare(from).." "..host.name, enter_host, item);
	end
end

-- What a component says for one of ours.
local function privileged(host, event)
	local origin, stanza = event.origin, event.stanza;
	if not speaks_for_person(origin) or released[stanza] then return; end
	local from = stanza.attr.from;
	if not from or jid.host(from) ~= host.name then return; end
	answerable(origin, host);
	local item = { stanza = stanza, from = from, to = stanza.attr.to or from, session = origin, via = "component" };
	return hold_at(host, "privileged "..jid_bare(from), enter_privileged, item);
end

-- A component of ours writes to another server.
local function outbound(host, event)
	local origin, stanza = event.origin, event.stanza;
	-- mod_dialback sends without an origin.
	if not origin or origin.type ~= "component" or not origin.conn or released[stanza] then return; end
	if is_own_word(origin.host, host) then return; end
	local from = stanza.attr.from;
	local item = { stanza = stanza, from = from, to = stanza.attr.to, session = origin, frozen = frozen_component(origin), via = "component" };
	return hold_at(host, "remote "..jid_bare(from), enter_remote, item);
end

-- Hooks the doors of the module's host. Before everything else that could read, change or answer the stanza.
local PRIORITY = 100000;
local function hook(module, host)
	for _, name in ipairs { "message", "presence", "iq" } do
		for _, address in ipairs { "bare", "full", "host" } do
			module:hook(name.."/"..address, function (event) return at_door(host, event); end, PRIORITY);
		end
	end
	for _, address in ipairs { "bare", "full", "host" } do
		module:hook("pre-message/"..address, function (event) return privileged(host, event); end, PRIORITY);
	end
	module:hook("route/remote", function (event) return outbound(host, event); end, PRIORITY);
end

-- XEP-0198: to a client that comes back, what is held counts as handled, else it sends it again.
local function count_held(old)
	local queue = old.gatehouse_queue;
	if not queue or queue.held == 0 or not old.handled_stanza_count then return; end
	local item = queue.first;
	while item do
		item.counted = nil;
		item = item.next;
	end
	old.handled_stanza_count = old.handled_stanza_count + queue.held;
	queue.held = 0;
end

return { take = take, hook = hook, count_held = count_held };
end
