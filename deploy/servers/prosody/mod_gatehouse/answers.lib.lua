-- SPDX-License-Identifier: MIT
-- What the screen says: verdicts, at once or later.
local replacement = module:require "replacement";
local logger = require "util.logger";
local now = require "util.time".now;
local log = logger.init("gatehouse");

local NS = "urn:gatehouse:screen:1";

-- code: drain, filled by the other parts.
return function (state, code, sending, carried, silence)

local collect, flush, rule = sending.collect, sending.flush, sending.rule;
local acknowledged, leave_out, replay, take_out = carried.acknowledged, carried.leave_out, carried.replay, carried.take_out;
local bar, break_link, fail, good, unbar = silence.bar, silence.break_link, silence.fail, silence.good, silence.unbar;
local FAILURES = silence.FAILURES;

local function read_texts(element)
	local texts;
	for child in element:childtags("text") do
		texts = texts or {};
		texts[(child.attr["xml:lang"] or "en"):lower()] = child:get_text() or "";
	end
	return texts;
end

-- What a verdict element says; nil: it is not understood and counts as no answer.
local function read_verdict(item, element)
	local action = element.attr.action;
	if action == "allow" or action == "later" then return action; end
	if action == "refuse" then
		item.condition, item.texts = element.attr.condition or "policy-violation", read_texts(element);
		return action;
	end
	if action == "replace" then
		item.replacement = replacement(element, item);
		if item.replacement then return action; end
		log("warn", "The replacement for number %d changes what it must keep, or is none: refused", item.n);
		item.condition, item.degraded = "policy-violation", true;
		return "refuse";
	end
end

local function apply(link, item, verdict)
	if verdict == "later" then
		link.later[item.n] = item;
		return;
	end
	item.answered = item.try;
	item.verdict = verdict;
end

local function named_verdicts(stanza)
	local verdicts = stanza.tags[1];
	if not verdicts or verdicts.name ~= "verdicts" or verdicts.attr.xmlns ~= NS then return {}; end
	local named = {};
	for i = 1, #verdicts.tags do
		local element = verdicts.tags[i];
		local n = tonumber(element.attr.n);
		if n and element.name == "verdict" and element.attr.xmlns == NS then named[n] = element; end
	end
	return named;
end

-- Whether the reports beside the questions may be what the screen cannot read; once for each question.
local function may_be_reports(rec)
	if not rec.reports then return false; end
	for i = 1, rec.count do
		if rec.items[i].asked_again then return false; end
	end
	return true;
end

-- The screen could not read what stood beside the questions. Nothing of that screen counts, so they are asked as for the first time.
local function ask_again(link, id, rec)
	leave_out(link, rec);
	take_out(link, id, rec);
	if rec.last then link.probing = false; end
	for i = 1, rec.count do
		local item = rec.items[i];
		if not item.verdict then
			item.asked_again = true;
			if not collect(item.host, item) and item.queue.first == item then code.drain(item.queue); end
		end
	end
end

-- An IQ of type result or error to one of our hosts. True: it is an answer to us (or pretends to be one).
local function answer(link, origin, stanza)
	local id = stanza.attr.id;
	local rec = id and link.outstanding[id];
	if not rec or rec.session ~= origin then return id ~= nil and id:sub(1, 3) == "gh-"; end
	local host, items, count = rec.host, rec.items, rec.count;
	if stanza.attr.type ~= "result" then
		local _, condition, text = stanza:get_error();
		if condition == "forbidden" then
			bar(link, id, rec);
			return true;
		end
		log("warn", "Screen %s answers with an error: %s %s", link.screen, condition, text or "");
		if condition == "bad-request" and may_be_reports(rec) then
			ask_again(link, id, rec);
			return true;
		end
		link.fails = link.fails + 1;
		if link.fails >= FAILURES then break_link(link, "three failures in a row"); end
		link.probing = false;
		if condition == "bad-request" then leave_out(link, rec); end
		fail(link, id, rec, now());
		return true;
	end
	link.outstanding[id] = nil;
	if not rec.apart then host.screens = host.screens - 1; end
	acknowledged(link, rec);
	if host.barred then unbar(link, host); end
	good(link);
	if rec.spool and rec.spool.most == 1 then replay(host, rec.spool); end
	if host.pending_count > 0 then flush(host); end
	if count == 0 then return true; end
	local named = stanza.tags[1] and named_verdicts(stanza);
	for i = 1, count do
		local item = items[i];
		local element = named and named[item.n];
		local given_up = item.verdict ~= nil;
		local verdict = "allow";
		if element and not given_up then verdict = read_verdict(item, element); end
		if given_up then
			log("debug", "The answer for number %d comes too late", item.n);
		elseif verdict then
			apply(link, item, verdict);
		else
			log("warn", "Verdict %q for number %d is not known here: no answer", element.attr.action, item.n);
			rule(host, item);
		end
	end
	if state.points.answered then state.points.answered(items, count); end
	for i = 1, count do
		local queue = items[i].queue;
		if queue.first == items[i] then code.drain(queue); end
	end
	return true;
end

-- Verdicts that were announced as later.
local function late_verdicts(link, verdicts)
	for i = 1, #verdicts.tags do
		local element = verdicts.tags[i];
		local n = tonumber(element.attr.n);
		local item = n and link.later[n];
		if item and element.name == "verdict" then
			local verdict = read_verdict(item, element);
			if verdict and verdict ~= "later" then
				link.later[n] = nil;
				apply(link, item, verdict);
				if item.queue.first == item then code.drain(item.queue); end
			end
		end
	end
end

return {
	answer = answer, late_verdicts = late_verdicts,
};
end
