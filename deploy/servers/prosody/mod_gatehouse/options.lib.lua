-- SPDX-License-Identifier: MIT
-- Reads the options of a host. A mistake closes the host and is said in the log, with what to do: a module that does not load, or
-- a timer that stumbles over a word where a number is wanted, would let everything pass.
local kinds, own_texts = module:require "kinds", module:require "texts";
local format = string.format;

local NO_SCREEN = "screen-not-set.gatehouse.invalid"; -- a component that nobody can be
local KIB, MIB = 1024, 1024 * 1024;
-- What a screen reads in one piece is 4 MiB: beside one large question up to 64 KiB of smaller ones, as much of reports, the frame.
local LARGEST_STANZA = 4 * MIB - 256 * KIB;
local SMALLEST_STANZA = 2 * MIB;

-- Name and default of the number options. least: the smallest that makes sense.
local NUMBERS = {
	{ "try", 2, 0.01 }, { "hold_max", 5, 0.01 }, { "max_questions", 1000, 1 }, { "max_bytes", 32 * MIB, 1 }, { "max_reports", 10000, 1 },
	{ "spool_max_bytes", 256 * MIB, 1 },
};

local function is_list_of_strings(value)
	local count = 0;
	for _, one in pairs(value) do
		count = count + 1;
		if type(one) ~= "string" then return false; end
	end
	return count == #value;
end

local function texts_by_name(given)
	local by_name = {};
	for _, source in ipairs { own_texts, given } do
		for lang, texts in pairs(source) do
			for name, text in pairs(texts) do
				by_name[name] = by_name[name] or {};
				by_name[name][lang] = text;
			end
		end
	end
	return by_name;
end

local function are_texts(value)
	if type(value) ~= "table" then return false; end
	for lang, texts in pairs(value) do
		if type(lang) ~= "string" or type(texts) ~= "table" then return false; end
		for name, text in pairs(texts) do
			if type(name) ~= "string" or type(text) ~= "string" then return false; end
		end
	end
	return true;
end

-- module: of the host. options.mistake: what closes the host, nil where nothing does.
return function (module)
	local options = { asked = {}, trusted = {}, transports = {} };

	local function mistaken(name, value, wanted)
		module:log("error", "%s is %s; wanted is %s: nothing passes on %s until this is mended and the config and the module are reloaded, or Prosody is restarted",
			name, type(value) == "string" and format("%q", value) or tostring(value), wanted, module.host);
		options.mistake = options.mistake or name;
	end

	local function number(name, default, least)
		local value = module:get_option(name);
		if value == nil then return default; end
		local read = type(value) ~= "table" and tonumber(value) or nil;
		if read and read >= least and read < math.huge then return read; end
		mistaken(name, value, format("a number from %g", least));
		return default;
	end

	-- A string, or a list of them.
	local function words(name)
		local value = module:get_option(name);
		if value == nil or type(value) == "table" and is_list_of_strings(value) then return value; end
		if type(value) == "string" then return { value }; end
		mistaken(name, value, "a list of words such as { \"one\", \"another\" }");
	end

	for _, one in ipairs(NUMBERS) do options[one[1]] = number("gatehouse_"..one[1], one[2], one[3]); end

	-- What a client sends may grow sixfold when it is written.
	local client_limit = number("c2s_stanza_size_limit", 256 * KIB, 1);
	options.max_stanza = number("gatehouse_max_stanza", math.max(SMALLEST_STANZA, 6 * client_limit), 1);
	if options.max_stanza > LARGEST_STANZA then
		module:log("warn", "A question of %d bytes (gatehouse_max_stanza, or 6 times c2s_stanza_size_limit) is more than a screen reads: "
			.."on %s what is larger than %d bytes as written is refused", options.max_stanza, module.host, LARGEST_STANZA);
		options.max_stanza = LARGEST_STANZA;
	end

	options.screen = module:get_option("gatehouse_screen");
	if type(options.screen) ~= "string" or options.screen == "" then
		if options.screen == nil then
			module:log("error", "gatehouse_screen is not set (the JID of the component that answers): "
				.."nothing passes on %s until it is set and Prosody restarted", module.host);
		else
			mistaken("gatehouse_screen", options.screen, "the JID of the component that answers");
		end
		options.screen, options.on_outage = NO_SCREEN, "closed";
	end

	local on_outage = module:get_option("gatehouse_on_outage", "closed");
	if on_outage ~= "closed" and on_outage ~= "open" then
		module:log("error", "gatehouse_on_outage is %q; \"closed\" or \"open\" is wanted: taken as \"closed\"", tostring(on_outage));
		on_outage = "closed";
	end
	options.on_outage = options.on_outage or on_outage;

	local asked = words("gatehouse_ask");
	for _, kind in ipairs(asked or {}) do
		if kinds.all[kind] then
			options.asked[kind] = true;
		else
			module:log("error", "gatehouse_ask: there is no kind %q: every kind is asked about", kind);
			asked = nil;
		end
	end
	if not asked then
		for kind in pairs(kinds.all) do options.asked[kind] = true; end
	end

	for _, component in ipairs(words("gatehouse_trusted") or {}) do options.trusted[component] = true; end
	-- Of a name in both lists more is asked.
	for _, component in ipairs(words("gatehouse_transports") or {}) do
		options.transports[component], options.trusted[component] = true, nil;
	end

	local texts = module:get_option("gatehouse_texts", {});
	if not are_texts(texts) then
		mistaken("gatehouse_texts", texts, "texts by language, such as { de = { outage = \"...\" } }");
		texts = {};
	end
	options.texts = texts_by_name(texts);
	return options;
end
