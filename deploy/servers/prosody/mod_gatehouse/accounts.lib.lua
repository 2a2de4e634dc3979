-- SPDX-License-Identifier: MIT
-- Which account stands behind an address: each account gets a mark, a random id among its own data, which goes with it when it is
-- removed, whoever removes it (also a process of its own, such as prosodyctl). Another mark is another account by the same name.
local random_bytes = require "util.random".bytes;
local now = require "util.time".now;
local format = string.format;

local function fresh()
	return (random_bytes(16):gsub(".", function (one) return format("%02x", one:byte()); end));
end

-- Returns a function: user name -> mark of the account, or nil where none can be kept.
return function (module, state, host, owed, words)

if prosody.hosts[module.host].type ~= "local" then return function () end; end

local store = module:open_store("gatehouse_account");
local attribute = words.writer.attribute;

local function told(problem)
	if host.marks_refused then return; end
	host.marks_refused = true;
	module:log("warn", "Marks of accounts cannot be kept or read (%s): one that is removed and made anew is not told from the one before",
		problem);
end

-- The mark that is kept, nil where there is none; false where the storage does not say.
local function kept(username)
	local data, problem = store:get(username);
	if data == false or problem then
		told(problem or username);
		return false;
	end
	if data == nil then return; end
	if type(data.id) == "string" and data.id:match("^%x+$") then return data.id; end
	told(username);
	return false;
end

local function give(username)
	local id = fresh();
	local ok, problem = store:set(username, { id = id });
	-- Some storages (of anonymous people, for one) take everything and keep nothing.
	if not ok or kept(username) ~= id then return told(problem or username); end
	return id;
end

-- The mark; and whether it was given just now.
local function mark(username)
	local id = kept(username);
	if id == nil then
		id = give(username);
		return id, id ~= nil;
	end
	return id or nil, false;
end

local function report(username, event, id, at)
	owed.report(host, format("<account jid='%s' event='%s' id='%s' at='%s'/>", attribute(username.."@"..module.host), event, id, words.stamp(at)));
end

module:hook("user-registered", function (event)
	if event.host ~= module.host then return; end
	-- Also where the storage has left an old mark.
	local id = give(event.username);
	if id then report(event.username, "created", id, now()); end
end, 1000);

module:hook_global("user-deleted", function (event)
	if event.host ~= module.host then return; end
	report(event.username, "removed", kept(event.username) or fresh(), now());
	store:set(event.username, nil); -- not every storage removes what it has of an account
end, 1000);

-- An account that was made in silence is known before it gets its first message: as of when that was held.
module:hook("message/offline/handle", function (event)
	local id, is_new = mark(event.username);
	if not is_new then return; end
	local item = state.current;
	report(event.username, "seen", id, item and item.at or now());
end, 1000);

return mark;
end
