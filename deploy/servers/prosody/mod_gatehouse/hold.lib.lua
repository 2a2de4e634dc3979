-- SPDX-License-Identifier: MIT
-- The queues: what a sender sent stays in the order it came, whatever waits for an answer in between. An item is
-- { stanza, from, to, session, frozen, direction, via, queue, host, next, verdict, n, try, at }.
local errors, writer = module:require "errors", module:require "writer";
local st = require "util.stanza";
local logger = require "util.logger";
local log = logger.init("gatehouse");
local pcall = pcall;

-- code: filled by the other parts before the first stanza comes.
return function (state, code)

local process, post, route = prosody.core_process_stanza, prosody.core_post_stanza, prosody.core_route_stanza;

local function guarded(what, ...)
	local ok, err = pcall(what, ...);
	if not ok then log("error", "While handing a stanza on: %s", err); end
	return ok;
end

-- Delivers to whoever sent the item.
local function send_back(item, stanza)
	local session = item.session;
	if item.queue.kind == "c2s" and not session.destroyed then return session.send(stanza); end
	if session.type == "component" and session.conn and not session.destroyed then return session.send(stanza); end
	local origin = prosody.hosts[item.host.name];
	if origin then return post(origin, stanza); end
	return route(nil, stanza);
end

-- Gives the stanza to the server, as if it had come just now. False: there is nobody left whose stanza it could be. What throws
-- in there may have delivered it before: the server has it, as where the thread of a client's session catches that.
local function hand_over(queue, item, stanza)
	if queue.enter then
		guarded(queue.enter, queue, item, stanza);
		return true;
	end
	local session = item.session;
	if not session.destroyed then
		session.thread:run(stanza);
		return true;
	end
	-- Presence to everybody is about a session that is gone.
	if stanza.name == "presence" and not stanza.attr.to then return false; end
	guarded(process, item.frozen or queue.frozen, stanza);
	return true;
end

local function refuse(queue, item, condition, texts)
	local replies, instead = errors.refusal(item.stanza, item.from, condition, texts, item.kind);
	-- Another server takes a presence error for a contact that is gone.
	local silent = instead and item.direction == "received" and item.stanza.name == "presence";
	for i = 1, silent and 0 or #replies do guarded(send_back, item, replies[i]); end
	if instead then hand_over(queue, item, instead); end
end

-- Lets it through and keeps it for the screen; false when it cannot be kept, then it must not pass.
local function pass_unscreened(queue, item)
	if not code.keep_unscreened(item) then return false; end
	local there = hand_over(queue, item, item.stanza);
	code.settle(item.host, item, there and "unscreened" or "gone", false);
	return true;
end

local function act(queue, item)
	local verdict, host = item.verdict, item.host;
	if verdict == "pass" then
		hand_over(queue, item, item.stanza);
		return;
	end
	state.current = item;
	if verdict == "allow" or verdict == "replace" then
		local there = hand_over(queue, item, item.replacement or item.stanza);
		code.settle(host, item, there and "released" or "gone", there and item.try == 1);
	elseif verdict == "refuse" then
		refuse(queue, item, item.condition, item.texts or host.texts.refused);
		code.settle(host, item, "refused", item.try == 1 and not item.degraded);
	elseif verdict == "unscreened" and pass_unscreened(queue, item) then
		state.current = nil;
		return;
	elseif item.verdict == "unaskable" then
		refuse(queue, item, "policy-violation", host.texts.unaskable);
		code.settle(host, item, "refused", false);
	else
		refuse(queue, item, "resource-constraint", host.texts[item.reason or "outage"]);
		if item.n then
			code.settle(host, item, "bounced", false);
		elseif not item.unnumbered then
			code.unasked(host, item.closed_by);
		end
	end
	state.current = nil;
end

-- Acting failed: the number must end all the same, and the queue go on.
local function act_failed(item, err)
	state.current = nil;
	log("error", "Acting on a verdict failed: %s", err);
	if item.n and item.host.link.open[item.n] == item then code.settle(item.host, item, "bounced", false); end
end

-- The item has left its queue; only now its memory counts no more.
local function let_go(item)
	code.finish(item);
	if not item.waited then return; end
	local host = item.host;
	host.passing, host.passing_bytes = host.passing - 1, host.passing_bytes - item.waited;
end

local function drain(queue)
	if queue.draining then return; end
	queue.draining = true;
	local item = queue.first;
	while item and item.verdict do
		queue.first = item.next;
		if not item.next then queue.last = nil; end
		if item.counted then
			queue.held = queue.held - 1;
			local session = item.session;
			local handled = session.handled_stanza_count;
			if handled then session.handled_stanza_count = handled + 1; end
		end
		local ok, err = pcall(act, queue, item);
		if not ok then act_failed(item, err); end
		let_go(item);
		item = queue.first;
	end
	queue.draining = false;
	if not item and queue.empty then queue.empty(queue); end
end

-- It has its verdict, and waits for what is before it. Over the bound only what its sender is told of it is held.
local function wait(host, item)
	if item.asking then return; end
	local stanza = item.stanza;
	local room = host.max_bytes - host.passing_bytes;
	local size = writer.measure(stanza, room);
	if host.passing >= host.max_questions or size > room then
		if item.verdict ~= "unaskable" then
			item.unnumbered = item.verdict == "pass";
			item.verdict, item.reason = "bounce", "full";
		end
		local short = st.stanza(stanza.name);
		for name, value in pairs(stanza.attr) do
			if #value <= 3071 then short.attr[name] = value; end
		end
		item.stanza = short;
		return;
	end
	item.waited = size;
	host.passing, host.passing_bytes = host.passing + 1, host.passing_bytes + size;
end

-- Puts an item at the end of its queue and asks about it (kind given), or lets it wait its turn.
local function hold(queue, host, item, kind)
	local last = queue.last;
	if last then last.next = item; else queue.first = item; end
	queue.last = item;
	item.queue, item.host, item.kind = queue, host, kind;
	if kind then
		local ok, err = pcall(code.submit, host, item);
		if not ok then
			log("error", "Asking failed: %s", err);
			item.verdict = "bounce";
		end
	else
		item.verdict = "pass";
	end
	if not item.verdict then return; end
	if queue.first == item then drain(queue); else wait(host, item); end
end

return { drain = drain, hold = hold };
end
