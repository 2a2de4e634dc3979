# SPDX-License-Identifier: Apache-2.0
archive-about = Keeps what passed and what did not, finds it again, and shows what is missing.
archive-show = Shows one record: every try, what became of it, who was in the room, what it is about. The look is recorded.
archive-show-id = Id of the record, such as 9d0c5a11-4711.
archive-search = Finds records by words, people and time, newest first. The search is recorded.
archive-words = Words that must all be in the text; "a phrase" in quotes, word* for any ending.
archive-person = Address of one who sent it, received it or is named in it. Where several people had the address one after the other, all of them; alice@corp.example#2 is the second one only.
archive-peer = Address of another one, as well; with #2 as for --person.
archive-since = Sent at this time or later.
archive-until = Sent at this time or before.
archive-limit = The most lines to show.
archive-reason = Why you look; recorded with the look.
archive-tail = Shows records as they come, until you stop it. The look is recorded.
archive-stats = Counts and states; no contents.
archive-gaps = What is missing: numbers without record, unknown tails, sources that ended without their closing mark.
archive-gaps-all = Those that were closed as well.
archive-identities = Who had an address one after the other, as the server told of its accounts; without an address, those that several had.
archive-identities-address = Bare address, such as alice@corp.example.
archive-identities-none = Of { $address } no account was told of.
archive-identities-one = No address is known to have had more than one account.
archive-identities-several = { $address } had { $count } identities: { $names }. The column “who” says which it was; ask for one of them to see it alone.
archive-access = Who has looked at what, or wanted to without the right, newest first. The look is recorded.
archive-access-user = Only looks of this user.
archive-backup = Copies the store while it is in use, and checks the copy.
archive-backup-path = Folder for the copy, in a folder that the archive may write; it must not exist. Without it a new folder beside the store.
archive-backup-unit = bytes
archive-backup-failed = No backup at { $path }: { $cause }. As a service the archive may write in { $folder } only: leave the path out, or add the folder to ReadWritePaths= of its unit.
archive-no-id = “{ $id }” is no id of a record. An id looks like 9d0c5a11-4711.
archive-not-found = There is no record { $id }.
archive-several = More than one record fits: { $ids }
archive-unrecorded = Your look could not be recorded, so nothing is shown. The log of the process says why.
archive-looked = That { $user } looked at this record is on record.
archive-hits =
    { $hits ->
        [one] One hit, { $shown } shown.
       *[other] { $hits } hits, { $shown } shown.
    }
archive-hits-capped = More than { $bound } hits, { $shown } shown.
archive-try = Try { $try } at { $at }: { $verdict } by rule { $rule }, { $size } bytes, SHA-256 { $sha256 }
archive-unasked = It was never asked about, so its contents are not recorded: the server did not deliver it ({ $settlement }, outage rule). { $count } of the numbers { $from } to { $to } ended so, told at { $at }.
archive-no-contents = No contents of it are recorded; what the server said of it: { $settlement }. `gatehouse archive gaps` lists what is missing.
archive-occupant = In the room: { $nick } ({ $jid })
archive-occupant-unsure = Perhaps in the room, the server was restarted since: { $nick } ({ $jid })
archive-concerns = Its { $kind } is about { $id }
archive-followed-by = Later { $kind }: { $id }
archive-note = Note: { $note }
archive-stanza = Stanza as it was asked about:
archive-replacement = Stanza that took its place:
archive-nothing-missing = Nothing is missing.
archive-host-not-known = No virtual host { $host } is known here: nothing was recorded for it, and no server has named it.
archive-room = Only in this room.
archive-domain = Only where the sender's or the recipient's address is of this domain.
archive-verdict = Only with this verdict: allow, refuse, replace, none.
archive-settlement = Only what became this: released, refused, bounced, unscreened, gone, undecided, originated.
archive-rule = Only what this rule decided.
archive-one-of = For { $name } one of { $wanted } is wanted.
archive-reason-wanted = A reason is wanted: --reason "...". It is recorded.
archive-export = Writes what a search finds into a new folder, with a manifest and SHA256SUMS. The export is recorded.
archive-export-format = jsonl: one file, a JSON object a record. eml: a mail a record.
archive-export-path = Folder for the export, in a folder that the archive may write; it must not exist. Without it a new folder beside the store.
archive-export-unit = records
archive-export-failed = No export at { $path }: { $cause }. As a service the archive may write in { $folder } only: leave the path out, or add the folder to ReadWritePaths= of its unit.
archive-erase = Takes away the content of one record for ever. That there was one, between whom and when, and who erased it and why, stays.
archive-erase-reason = Why it is erased; stays with the record.
archive-erase-unit = seconds until the journal { $journal } has given it up
archive-erase-held = Nothing was erased: the journal { $journal } still holds this record. It gives it up when its process runs and everyone who follows it has read it. Try again then.
archive-erase-wiping = It is erased. A search that was running before still keeps the old state in a file beside the store; when it has ended, the next commit wipes that too.
archive-erase-beyond = Earlier backups and exports, the archive of the server itself, and what people hold in their clients are not touched.
archive-erased = Its content was erased at { $at } by { $user }: { $reason }
archive-journal-not-opened = not opened yet
archive-journal-wrong = the journal { $name } cannot be followed ({ $cause })
archive-wanted-4-mib = at least 4 MiB are wanted
archive-wanted-10-s = at most 10 s are wanted
archive-wanted-domain = a domain is wanted, such as archive.gatehouse.internal
archive-wanted-journal-once = each journal once is wanted
archive-wanted-other-journal = another journal than the archive's own is wanted; that one is always followed
archive-host = Only this virtual host; without it all for which you have the right.
archive-erase-other-host = { $id } is a record of another virtual host: an officer of that host can erase it.
