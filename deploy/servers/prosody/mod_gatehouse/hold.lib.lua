-- SPDX-License-Identifier: MIT
-- The queues: what a sender sent stays in the order it came, whatever waits for an answer in between.
local errors = module:require "errors";
local logger = require "util.logger";
local log = logger.init("gatehouse");
local pcall = pcall;

return function (state, link_code)

local process, post = prosody.core_process_stanza, prosody.core_post_stanza;

-- Delivers to whoever sent the item.
local function send_back(item, stanza)
	local queue = item.queue;
	local session = queue.session;
	if queue.kind == "c2s" and session and not session.destroyed then return session.send(stanza); end
	local origin = prosody.hosts[item.host.name] or prosody.hosts[queue.host];
	return post(origin, stanza);
end

local function guarded(what, ...)
	local ok, err = pcall(what, ...);
	if not ok then log("error", "While handing a stanza on: %s", err); end
	return ok;
end

-- Gives the stanza to the server, as if it had come just now. False: there is nobody left whose stanza it could be.
local function hand_over(queue, item, stanza)
	local session = queue.session;
	if queue.enter then return guarded(queue.enter, queue, item, stanza); end
	if not session.destroyed then
		session.thread:run(stanza);
		return true;
	end
	if stanza.attr.xmlns then return false; end
	-- Presence to everybody is about a session that is gone.
	if stanza.name == "presence" and not stanza.attr.to then return false; end
	return guarded(process, queue.frozen, stanza);
end

local function act(queue, item)
	local verdict, host = item.verdict, item.host;
	if verdict == "pass" then return hand_over(queue, item, item.stanza); end
	state.current = item;
	if verdict == "allow" or verdict == "replace" then
		local there = hand_over(queue, item, item.replacement or item.stanza);
		link_code().settle(host, item, there and "released" or "gone", there and item.try == 1);
	elseif verdict == "unscreened" then
		local there;
		if state.code.spool then
			there = state.code.spool(host, item, hand_over);
		else
			there = hand_over(queue, item, item.stanza);
			if item.unasked then link_code().unasked(host, item, "unscreened"); else link_code().settle(host, item, there and "unscreened" or "gone"); end
		end
	else
		local refused = verdict == "refuse";
		local condition = refused and item.condition or "resource-constraint";
		local texts = refused and item.texts or host.texts[refused and "refused" or item.reason or "outage"];
		local replies, instead = errors.refusal(item.stanza, item.from, condition, texts);
		for i = 1, #replies do guarded(send_back, item, replies[i]); end
		if instead then hand_over(queue, item, instead); end
		if item.unasked then
			link_code().unasked(host, item, "bounced");
		else
			link_code().settle(host, item, refused and "refused" or "bounced", refused and item.try == 1);
		end
	end
	state.current = nil;
end

local function drain(queue)
	if queue.draining then return; end
	queue.draining = true;
	local item = queue.first;
	while item and item.verdict do
		queue.first = item.next;
		if not item.next then queue.last = nil; end
		local session = queue.session;
		if item.counted and session then
			queue.held = queue.held - 1;
			local handled = session.handled_stanza_count;
			if handled then session.handled_stanza_count = handled + 1; end
		end
		act(queue, item);
		item = queue.first;
	end
	queue.draining = false;
	if not item and queue.empty then queue.empty(queue); end
end

-- Puts an item at the end of its queue and asks about it (kind given), or lets it wait its turn.
local function hold(queue, host, item, kind)
	local last = queue.last;
	if last then last.next = item; else queue.first = item; end
	queue.last = item;
	item.queue, item.host = queue, host;
	if kind then link_code().submit(host, item); else item.verdict = "pass"; end
	if queue.first == item and item.verdict then drain(queue); end
end

return { drain = drain, hold = hold };
end
