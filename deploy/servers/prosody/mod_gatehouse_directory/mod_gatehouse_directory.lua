-- SPDX-License-Identifier: MIT
-- Rosters, a login lock, and publishing for users, as the component directory hands them over.
-- The protocol: DIRECTORY.md. Options and limits: README.md.
local st = require "util.stanza";

local VERSION, PROTOCOL = "0.3.1", "1";
local FEATURES = table.concat({ "roster", "lock", "walls", "publish", "vcard", "rooms" }, " ");

local file, words = module:require "file", module:require "words";
local texts = module:require "texts";

local component = module:get_option_string("gatehouse_directory");
if not component or component == "" then
	module:log("error", "gatehouse_directory is not set (the JID of the component directory): nothing is taken from it on %s; what is on disk holds",
		module.host);
	component = nil;
end
local language = module:get_option_string("gatehouse_directory_language", "en");
if not texts[language] then
	module:log("error", "gatehouse_directory_language: there are no texts in %q, taken as \"en\"", language);
	language = "en";
end
texts = texts[language];

local state = {
	host = module.host, told = {}, changes = 0,
	counted = { transfers = 0, refused_logins = 0, ended_sessions = 0, published = 0, refused_transfers = 0 },
};

local place, problem = file.open(module.host);
if place then
	state.place = place;
	state.book, problem = file.load(place);
	state.damaged = problem and true or nil;
else
	state.book, state.damaged = module:require "book".new(), true;
end
if problem then
	module:log("error", "%s: on %s only what can be read as a lock holds, until the component directory hands over a whole state", problem, module.host);
end
if place and place.dirty then module:log("error", "The state in %s cannot be written anew: %s", place.path, place.dirty); end
if file.synced_by then
	module:log("info", "The state of the directory is synced to the disk (%s): it survives a power cut", file.synced_by);
else
	module:log("info", "Nothing offers fsync for %s (lua-luv, or lua-posix where it serves this Lua): the state survives a crash of Prosody, not a power cut",
		_VERSION);
end

local rosters = module:require "rosters" (state, module:open_store("gatehouse_directory"));

module:hook("roster-load", function (event) rosters.take(event.roster, event.username); end, -10);

-- Nothing that is provisioned reaches the store of rosters, whoever writes there.
module:hook("store-opened", function (event)
	if event.store_name == "roster" then event.store = rosters.guarded(event.store); end
end, -10);

local queue = module:require "queue" (function () return state.book.policy.presence; end);
local listing = module:require "listing" (state, rosters);
local review;
local presence = module:require "presence" (module, state, rosters, queue, function (info) review.tell(info); end);
review = module:require "review" (module, state, rosters, listing, queue, presence);
module:require "asked" (module, state, rosters, listing, presence, review, texts);
local lock = module:require "lock" (module, state, texts, presence.remember);
local behalf = module:require "behalf" (module, words);
local rooms = module:require "rooms" (state, words);
local transfer = module:require "transfer" (state, function (book)
	state.counted.transfers = state.counted.transfers + 1;
	lock.end_sessions();
	review.review(book);
end);

-- Who is logged in already, and what the server keeps at hand of others.
local function each_roster(act)
	local host = prosody.hosts[module.host];
	for username, user in pairs(host.sessions) do
		if user.roster then act(user.roster, username); end
	end
	if host.roster_cache then
		for jid, roster in host.roster_cache:items() do act(roster, rosters.username(jid)); end
	end
end
each_roster(rosters.take);
lock.end_sessions();

-- The stream on which the component itself has authenticated.
local function its_session()
	local there = component and prosody.hosts[component];
	local session = there and there.modules and there.modules.component and there.modules.component.session;
	if session and session.type == "component" and not session.destroyed then return session; end
end

local function describe(reply)
	local book = state.book;
	return reply:tag("state", {
		xmlns = words.NS, version = PROTOCOL, id = state.damaged and "" or book.id, seq = string.format("%d", state.damaged and 0 or book.seq),
		people = string.format("%d", book.people_count), groups = string.format("%d", book.groups_count),
		waiting = string.format("%d", queue.count), server = "Prosody "..prosody.version, helper = VERSION, features = FEATURES,
		damaged = state.damaged and "true" or nil,
	}):reset();
end

local function take(origin, stanza, element)
	if not state.place then return st.error_reply(stanza, "wait", "resource-constraint", problem); end
	local kind, condition, text = transfer.take(origin, element);
	if kind then
		state.counted.refused_transfers = state.counted.refused_transfers + 1;
		module:log("warn", "A state is refused: %s (%s)", condition, text);
		return st.error_reply(stanza, kind, condition, text);
	end
	local reply = st.reply(stanza);
	return condition and describe(reply) or reply;
end

module:hook("iq/host", function (event)
	local origin, stanza = event.origin, event.stanza;
	local element, kind = stanza.tags[1], stanza.attr.type;
	if kind ~= "get" and kind ~= "set" or not element or element.attr.xmlns ~= words.NS then return; end
	local reply;
	if origin.type ~= "component" or not origin.conn or origin ~= its_session() then
		reply = st.error_reply(stanza, "auth", "forbidden");
	elseif element.name == "state" then
		reply = kind == "get" and describe(st.reply(stanza)) or take(origin, stanza, element);
	else
		reply = behalf(stanza, element) or rooms(stanza, element);
		if reply and reply.attr.type == "result" then state.counted.published = state.counted.published + 1; end
		reply = reply or st.error_reply(stanza, "cancel", "feature-not-implemented");
	end
	origin.send(reply);
	return true;
end, 1000);

local function hook_component()
	local there = component and prosody.hosts[component];
	if there then module:hook_object_event(there.events, "component-disconnected", function () transfer.lost(); end); end
end
hook_component();
module:hook_global("host-activated", function (name) if name == component then hook_component(); end end);

local measured, told = {}, {};
for name in pairs(state.counted) do measured[name], told[name] = module:measure(name, "counter"), 0; end
local people, groups, waiting = module:measure("people", "amount"), module:measure("groups", "amount"), module:measure("waiting", "amount");
local sent, told_sent, damaged = module:measure("presence_sent", "counter"), 0, module:measure("damaged", "amount");
module:hook_global("stats-update", function ()
	for name, count in pairs(state.counted) do
		if count > told[name] then measured[name](count - told[name]); end
		told[name] = count;
	end
	if queue.sent > told_sent then sent(queue.sent - told_sent); end
	told_sent = queue.sent;
	people(state.book.people_count);
	groups(state.book.groups_count);
	waiting(queue.count);
	damaged(state.damaged and 1 or 0);
end);

function module.save() return { told = state.told, counted = state.counted }; end

function module.restore(saved)
	state.told = saved.told or {};
	for name, count in pairs(saved.counted or {}) do
		if state.counted[name] then state.counted[name], told[name] = count, count; end
	end
	review.review();
end

function module.unload()
	transfer.lost();
	queue.stop();
	lock.leave();
	each_roster(rosters.give_back);
end
