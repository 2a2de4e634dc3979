-- SPDX-License-Identifier: MIT
-- What the sender gets when a stanza is refused or bounced. PROTOCOL.md section 8.
local st = require "util.stanza";
local bare = require "util.jid".bare;
local kinds = module:require "kinds";
local match = string.match;

local STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";
local MUC = "http://jabber.org/protocol/muc";

-- RFC 6120 section 8.3.3: the type that goes with a condition. Conditions that clients read as "contact gone" or
-- "not in the room" are not here: they become policy-violation.
local TYPES = {
	["policy-violation"] = "modify", ["bad-request"] = "modify", ["jid-malformed"] = "modify", ["not-allowed"] = "cancel",
	["feature-not-implemented"] = "cancel", ["undefined-condition"] = "cancel", ["conflict"] = "cancel",
	["forbidden"] = "auth", ["not-authorized"] = "auth", ["registration-required"] = "auth", ["subscription-required"] = "auth",
	["resource-constraint"] = "wait", ["internal-server-error"] = "wait", ["unexpected-request"] = "wait",
};

-- The text for a language tag out of { [lang] = text }: the same tag, the same language, English, any.
local function choose(texts, lang)
	lang = (lang or "en"):lower();
	local short = match(lang, "^[^-]*");
	for _, wanted in ipairs { lang, short, "en" } do
		if texts[wanted] then return texts[wanted], wanted; end
	end
	for tag, text in pairs(texts) do
		if match(tag, "^[^-]*") == short then return text, tag; end
	end
	local tag, text = next(texts);
	return text, tag;
end

-- Adds <error/> to a reply.
local function put(reply, condition, texts, lang)
	if not TYPES[condition] then condition = "policy-violation"; end
	reply:tag("error", { type = TYPES[condition] }):tag(condition, { xmlns = STANZAS }):up();
	local text, tag = choose(texts, lang);
	if text then reply:text_tag("text", text, { xmlns = STANZAS, ["xml:lang"] = tag }); end
	return reply:up();
end

-- What goes back for a stanza that does not pass: a list (often of one) of stanzas to its sender, and as second value the
-- stanza that takes the refused one's place on its way, if there is one.
local function refusal(stanza, from, condition, texts, asked_as)
	local attr, name = stanza.attr, stanza.name;
	local kind, lang = attr.type, attr["xml:lang"];
	-- RFC 6120 section 8.3.1: an error is never answered with an error.
	if kind == "error" then
		if name ~= "iq" then return {}; end
		local plain = st.stanza("iq", { type = "error", id = attr.id, to = attr.to, from = from });
		return {}, put(plain, "policy-violation", {}, lang);
	end
	if name == "iq" and kind == "result" then
		-- Who asked gets exactly one answer: instead of the refused one an error.
		local answer = st.stanza("iq", { type = "error", id = attr.id, to = attr.to, from = from });
		return {}, put(answer, condition, {}, lang);
	end
	local reply = st.stanza(name, { type = "error", id = attr.id, from = attr.to or bare(from), to = from });
	if name ~= "presence" then return { put(reply, condition, texts, lang) }; end
	if asked_as == "join" then
		if stanza:get_child("x", MUC) then reply:tag("x", { xmlns = MUC }):up(); end
		return { put(reply, condition == "policy-violation" and "not-allowed" or condition, texts, lang) };
	end
	put(reply, condition, texts, lang);
	if kind == "subscribe" then
		return { reply, st.presence({ type = "unsubscribed", from = bare(attr.to), to = bare(from) }) };
	end
	-- Being there (or not any more, or allowing it) is no content: the presence goes on without what it says.
	local quiet = st.stanza(name);
	for name_of, value in pairs(attr) do
		if kinds.is_plain_attribute(name_of, value) then quiet.attr[name_of] = value; end
	end
	local seen = {};
	for i = 1, #stanza.tags do
		if kinds.is_quiet(stanza.tags[i], seen) then quiet:add_child(st.clone(stanza.tags[i])); end
	end
	return { reply }, quiet;
end

return { refusal = refusal, choose = choose };
