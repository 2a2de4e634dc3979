-- SPDX-License-Identifier: MIT
-- Who is locked cannot log in, by no mechanism, and ends: DIRECTORY.md section 6.
local book_lib = module:require "book";
local sessionmanager = require "core.sessionmanager";
local st = require "util.stanza";
local nodeprep = require "util.encodings".stringprep.nodeprep;
local jid_join = require "util.jid".join;
local errors = require "util.error";

local SASL2, CONDITION = "urn:xmpp:sasl:2", "account-disabled";
local AT_ONCE, PAUSE = 50, 0.02; -- sessions that are ended in one go, seconds to the next

-- remember: called with each session that is about to be ended.
return function (module, state, texts, remember)

local counted = state.counted;

-- Whether the account of this name is locked. The name may be as a client wrote it.
local function is_locked(username)
	local prepared = type(username) == "string" and nodeprep(username);
	return prepared and book_lib.locked(state.book, prepared.."@"..module.host) ~= nil or false;
end

local function refuse(username)
	counted.refused_logins = counted.refused_logins + 1;
	module:log("info", "The login of %s is refused: the directory says that the account is disabled", tostring(username));
end

-- A SASL handler, of whatever mechanisms, that does not succeed for who is locked: after the proof, so that nobody learns more than before.
local function guard(handler)
	if type(handler) ~= "table" or rawget(handler, "gatehouse_guarded") then return handler; end
	local process, clone = handler.process, handler.clean_clone;
	handler.gatehouse_guarded = true;
	function handler.process(self, ...)
		local status, ret, text = process(self, ...);
		if status == "success" and is_locked(self.username) then
			refuse(self.username);
			return "failure", CONDITION, texts.disabled;
		end
		return status, ret, text;
	end
	if clone then
		function handler.clean_clone(self, ...)
			-- The clone is made of what the handler was made of; ours comes on top again.
			return guard(clone(self, ...));
		end
	end
	return handler;
end

local guarded = {}; -- provider -> what it had

-- Between the server and whatever checks passwords for this host. The provider stays the same table: the server tells it by that.
local function guard_provider()
	local provider = prosody.hosts[module.host].users;
	if not provider or guarded[provider] or provider.name == "null" then return; end
	local before = {};
	for _, name in ipairs { "get_sasl_handler", "test_password", "is_enabled" } do before[name] = rawget(provider, name) or false; end
	guarded[provider] = before;
	local get_sasl_handler, test_password, is_enabled = provider.get_sasl_handler, provider.test_password, before.is_enabled;
	provider.get_sasl_handler = function (...) return guard(get_sasl_handler(...)); end
	provider.test_password = function (username, ...)
		local ok, why, condition = test_password(username, ...);
		if ok and is_locked(username) then
			refuse(username);
			return nil, "account disabled", CONDITION;
		end
		return ok, why, condition;
	end
	if is_enabled then
		provider.is_enabled = function (username, ...)
			if is_locked(username) then return false; end
			return is_enabled(username, ...);
		end
	end
end

local function leave()
	for provider, before in pairs(guarded) do
		for name, value in pairs(before) do provider[name] = value or nil; end
	end
end

guard_provider();
module:hook("item-added/auth-provider", guard_provider, -10);

-- Handlers that do not come from the provider, such as that of FAST.
module:hook_tag(SASL2, "authenticate", function (session)
	if session.sasl_handler then guard(session.sasl_handler); end
end, 50);

-- Whatever came past all of these gets no resource and resumes nothing.
module:hook("pre-resource-bind", function (event)
	if not is_locked(event.session.username) then return; end
	refuse(event.session.username);
	event.error = errors.new({ type = "auth", condition = "not-authorized", text = texts.disabled });
	return false;
end, 100);

for _, xmlns in ipairs { "urn:xmpp:sm:2", "urn:xmpp:sm:3" } do
	module:hook_tag(xmlns, "resume", function (session)
		if not session.username or not is_locked(session.username) then return; end
		refuse(session.username);
		session.send(st.stanza("failed", { xmlns = xmlns }):tag("item-not-found", { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }));
		session:close({ condition = "not-authorized", text = texts.disabled });
		return true;
	end, 100);
end

-- Ends a session, also one that only waits to be resumed.
local function end_session(session)
	counted.ended_sessions = counted.ended_sessions + 1;
	remember(session);
	if session.hibernating then
		local tokens = module:shared("/*/smacks/resumption-tokens");
		if session.resumption_token then tokens[jid_join(session.username, session.host, session.resumption_token)] = nil; end
		session.resumption_token = nil;
		if session.hibernating_watchdog then
			session.hibernating_watchdog:cancel();
			session.hibernating_watchdog = nil;
		end
		sessionmanager.destroy_session(session, texts.disabled);
	else
		session:close({ condition = "not-authorized", text = texts.disabled });
		-- A connection that takes nothing any more would keep it.
		if not session.destroyed and prosody.full_sessions[session.full_jid] == session and session.hibernating then end_session(session); end
	end
end

-- All sessions of who is locked now.
local function end_sessions()
	local ending = {};
	for username, user in pairs(prosody.hosts[module.host].sessions) do
		if is_locked(username) then
			for _, session in pairs(user.sessions) do ending[#ending + 1] = session; end
		end
	end
	-- Many at once would stop the server for the time that it takes.
	local at = 0;
	local function some()
		for _ = 1, AT_ONCE do
			at = at + 1;
			local session = ending[at];
			if not session then return; end
			if not session.destroyed and is_locked(session.username) then end_session(session); end
		end
		return PAUSE;
	end
	if some() then module:add_timer(PAUSE, some); end
end

return { end_sessions = end_sessions, leave = leave, is_locked = is_locked };
end
