-- SPDX-License-Identifier: MIT
-- The file `outage`: what the screen has told last of what is closed while it is away, as its own words with their SHA-256 above
-- them. It is for the time when the screen is not there to say it again, a restart of the server in that time included.
local disk, outage = module:require "disk", module:require "outage";
local lfs = require "lfs";
local logger = require "util.logger";
local parse = require "util.xml".parse;
local sha256 = require "util.hashes".sha256;
local folder, head, sync, version_of = disk.folder, disk.head, disk.sync, disk.version_of;
local match, sub = string.match, string.sub;
local log = logger.init("gatehouse");

-- What the file says: the rules, or nil and why they cannot be taken from it.
local function read_text(text)
	local version, size = version_of("outage", text);
	if not version then return nil, size; end
	local sum, xml = match(text, "^(%x+)\n(.*)\n$", size + 1);
	if version == 0 or not sum or sha256(xml, true) ~= sum then return nil, "it is none of ours, or damaged"; end
	local ok, element = pcall(parse, xml);
	if not ok or not element then return nil, "it is damaged"; end
	return outage.read(element);
end

-- Puts what the file says into link.outage_rules: false where there is none. What is there and cannot be read closes every host
-- that is open, until the screen has told its rules anew.
local function load(link)
	local path = folder(link).."/outage";
	local file, why = io.open(path, "rb");
	link.outage_rules = false;
	local rules;
	if file then
		rules, why = read_text(file:read("a") or "");
		file:close();
	elseif not lfs.attributes(path, "mode") then
		return;
	end
	if not rules then
		log("error", "%s cannot be read (%s): while screen %s is away, nothing passes on its hosts, also not on open ones, until it has told its rules anew",
			path, why or "?", link.screen);
	end
	link.outage_rules = rules or { damaged = true };
end

-- Replaces the file in one step. false and why: the disk does not take it.
local function keep(link, xml)
	local path = folder(link).."/outage";
	local file, err = io.open(path..".new", "wb");
	local ok = file;
	if file then
		ok, err = file:write(head("outage"), sha256(xml, true), "\n", xml, "\n");
		if ok then ok, err = file:flush(); end
		file:close();
		if ok and sync then ok, err = sync(path..".new"); end
	end
	if ok then ok, err = os.rename(path..".new", path); end
	if ok and sync then ok, err = sync(folder(link)); end
	return ok and true or false, err;
end

-- The screen tells its rules. They hold from now on, here also where the disk does not take them. nil: they are kept; else type,
-- condition and text of the error that the screen gets.
local function told(link, element)
	local rules, why, condition = outage.read(element);
	if not rules then
		log("error", "Screen %s tells what is closed while it is away in words that cannot be taken (%s): what it told before stays", link.screen, why);
		return condition == "bad-request" and "modify" or "cancel", condition, why;
	end
	link.outage_rules = rules;
	local kept, problem = keep(link, tostring(element));
	if kept then
		log("info", "Screen %s tells what is closed while it is away: %d rows (%s)", link.screen, #rules.rows, sub(rules.id, 1, 12));
		return;
	end
	log("error", "What is closed while screen %s is away cannot be kept in %s/outage (%s): a restart of the server would forget it",
		link.screen, folder(link), problem or "disk full?");
	return "wait", "resource-constraint", problem;
end

return { load = load, told = told };
