# SPDX-License-Identifier: Apache-2.0
policy-about = Answers the server’s question, may this pass?, and records every question before it answers.
policy-refused = This was not delivered: a rule of the company does not allow it ({ $rule }).
policy-unreadable = This was not delivered: it could not be read.
policy-otherwise = This was not delivered: no rule of the company allows it.
policy-stranger = This address may not ask here.
policy-busy = Too many questions are in work, or the process is stopping. Please try again.
policy-not-kept = This could not be recorded. Please try again.
policy-door-off = not asked about and not recorded are { $kinds }: name them in gatehouse_ask (ejabberd: ask) of the host, or remove that option
policy-door-speaks = { $modules } may speak for people inside the server, which is neither asked about nor recorded: unload it, or use an external component, which is asked about
policy-door-utters = { $modules } may say for people what nobody is asked about, which is recorded: unload it, or see that only whom you trust can write there
policy-door-announces = { $modules } may speak in the name of the host, which is recorded and not asked about: unload it, or see that only whom you trust can write there
policy-door-files = { $modules } may move files that nobody looks into, only the offer is asked about: unload it, or refuse the kind file-offer by a rule
policy-door-rewrites = { $modules } may change what has been asked about, and the record does not show it: unload it, or see that its rules change nothing
policy-door-console = { $modules } may unload the helper and speak unasked for whoever gets in there: unload it, or see that only operators of the server get in
policy-door-untold = { $transports } carries to another network, and the host does not know it as a transport: name it in gatehouse_transports (ejabberd: transports) of the host and not as trusted, or part of what people ask of it passes unasked
policy-door-unnamed = { $transports } is a transport to the host and not in networks of policy.yaml: name it there, or rules on networks do not mean it and passwords that people set there are recorded
policy-door-omitted = { $count } of the modules loaded there are too many to be told of: compare the modules in its config with PROTOCOL.md section 9
policy-help-rules =
    Shows which rules are in force, how often each decided since then, and the last rule file that was not taken
    A rule that only tags, or says what is recorded, decides nothing and has no hits; gatehouse archive search --tag finds what it tagged
policy-help-journal = Shows how full the journal is, how long it lasts, and how far its readers are
policy-help-stats =
    Shows how many questions were answered since the start, and how
    screens              what the server’s helper sent, each with questions or reports
    questions            questions answered, with every try
    retries              tries after the first
    spooled              let through by the outage rule “open”, and told afterwards
    reports              what the server did, as its helper tells
    allow, refuse, replace   verdicts
    too_late             verdicts that came when nobody waited any more
    faults               rules that failed; the outage rule of the host applied
    unreadable           questions refused because their message could not be read, and reports left out for that
    strangers            screens of hosts that are not in the settings
    bad_screens          screens that could not be read
    over_bounds          screens answered with an error because too much was in work
    not_kept             screens answered with an error because the journal did not take them
    rules_refused        rule files that were not taken
    questions_in_work, characters_in_work   now, not since the start
    rule ID              how often this rule decided since its rule file came into force
policy-allow-alone = allow has no details
policy-and-more = { $names } and { $more } more
policy-at = { $place }: { $wanted }
policy-host-ended = its helper has stopped: is the server stopping, or was the module unloaded?
policy-host-silent = its helper fell silent and owes a mark: is the module still loaded there?
policy-host-unheard = no helper has reported for it: is the module loaded there, and was the server restarted since?
policy-id-reserved = "{ $id }" has a meaning of its own; another id is wanted
policy-id-twice = "{ $id }" is the id of an earlier rule; another is wanted
policy-journal-alarmed = the journal is more than 80 % full: does the archive run and follow it? (`gatehouse policy journal` says who reads, and how many hours are left)
policy-journal-fails = the journal takes nothing
policy-journal-full = the journal is full and takes nothing more: does the archive run and follow it? (`gatehouse policy journal` says who reads)
policy-journal-warned = the journal is more than 50 % full: does the archive run and follow it? (`gatehouse policy journal` says who reads, and how many hours are left)
policy-key-near = no such key; is { $near } meant?
policy-key-unknown = no such key; known here: { $known }
policy-not-built = not built yet in this version
policy-rules-refused = the rule file is refused ({ $place }; `gatehouse policy rules` says why); the rules of { $at } are in force
policy-rules-unreadable = a readable rule file is wanted ({ $cause })
policy-rules-unrecorded = this rule set cannot be put on record, so it is not in force ({ $cause })
policy-stranger-advice = asks and is not in hosts of policy.yaml, so nothing of it is recorded: add it there and restart policy, or unload the module
policy-stream-closed = the stream to the server is closed
policy-stream-connecting = the stream to the server is connecting
policy-stream-down = the stream to the server is down
policy-transport-away = asks nothing: the transport does not run, is not let in by the server (`gatehouse status` says what is wrong with it), or is set not to ask
policy-too-many-words = more letters than the matcher holds ({ $most }): fewer or shorter words are wanted
policy-wanted-10-ms = at least 10 ms are wanted
policy-wanted-a-host = at least one host is wanted
policy-wanted-a-language = at least one language is wanted
policy-wanted-address = an address is wanted, such as alice@corp.example
policy-wanted-bare-address = an address without a resource is wanted
policy-wanted-below-answer = at most the size of an answer is wanted
policy-wanted-bytes = at most { $most } bytes are wanted
policy-wanted-characters = at most { $most } characters are wanted
policy-wanted-choice-near = one of { $choices } is wanted; is { $near } meant?
policy-wanted-condition = at least one condition is wanted, or always
policy-wanted-condition-list = a list of conditions is wanted
policy-wanted-conditions = conditions are wanted, such as words: [...], or always
policy-wanted-domain = a domain is wanted, such as { $example }
policy-wanted-entry = at least one entry is wanted
policy-wanted-id = lower-case letters, digits, dots, dashes and underscores are wanted
policy-wanted-language = a language is wanted, such as en or de-AT
policy-wanted-levels = at most { $most } levels of conditions are wanted
policy-wanted-no-control = a text without control characters is wanted
policy-wanted-one-action = exactly one of { $choices } is wanted
policy-wanted-other-host = a host other than this component's own domain is wanted
policy-wanted-pattern = an address is wanted, such as alice@corp.example, corp.example or *@corp.example
policy-wanted-plain-address = an address holds no spaces, quotes or brackets
policy-wanted-quotes = a text is wanted; put it in quotes
policy-wanted-refusal = condition and text are wanted below it
policy-wanted-replacement = mask and text are wanted below it
policy-wanted-room = true, false, or addresses of rooms are wanted
policy-wanted-network = the kind of a network is wanted, in lower case, such as irc
policy-wanted-network-host = a domain is wanted that stands in hosts too: the transport asks there about what comes in
policy-wanted-network-once = each domain stands here once
policy-wanted-rooms-domain = a domain without @ is wanted, such as rooms.corp.example
policy-wanted-rule = a rule with id, when and then is wanted
policy-otherwise-alone = allow or refuse alone is wanted; what has conditions, a text, tags, or says what is recorded, is a rule: the last one, with when: always for all that is left
policy-wanted-rule-file = a file with version, otherwise and rules is wanted
policy-wanted-rules = a list of rules is wanted
policy-wanted-rules-file = a readable rule file is wanted; { $file } cannot be read ({ $code })
policy-wanted-rules-most = at most { $most } rules are wanted
policy-wanted-texts = texts by language are wanted, such as en: ..., de: ...
policy-wanted-utf-8 = a file in UTF-8 is wanted
policy-wanted-version = version: 1 is wanted; this program reads no other
policy-wanted-words = at most { $most } words in all rules are wanted
policy-wanted-words-condition = replace masks words; a words condition (not under not) is wanted in when
policy-word-not-built = { $word }: not built yet in this version
policy-doors-unknown = the stream to the server is not up, so it cannot be known which hosts ask
policy-example-matches = this example is to pass, and the condition of its rule holds for it
policy-example-found = this example is to pass, and the condition of its rule holds for it: { $found } was found
policy-example-open = this example is to pass, and the condition of its rule may hold for it: it says nothing of from, to or whatever else decides, such as { "{" } to: bob@corp.example, text: hello { "}" }
policy-example-passes = this example is to match, and the condition of its rule does not hold for it
policy-explain-no-stanza = --xml: one message, presence or iq in XML is wanted
policy-explain-not-asked = { $host } is no host of the settings ({ $hosts }): no server would ask about this. Is --received missing, or an address misspelt?
policy-explain-no-host = --host: a host of the settings is wanted: { $hosts }
policy-help-explain =
    Says what the rules in force would say of a message, which rule decides, on what grounds, and where it found what
    action, rule         what would be answered, and by which rule (otherwise: none decided)
    text LANGUAGE        what the sender would read of a refusal
    becomes PLACE        what the recipient would read in the place of a text
    rule ID              each rule that holds on the way, and what it does
    ground of ID         each part of the condition of the rule that decides, with yes or no
    found by ID          what it found: the text of the message, its place, and the characters from and to
    tags, record         what is noted beside the verdict
policy-help-explain-from = who sends it, such as alice@corp.example
policy-help-explain-host = the virtual host that asks; default: the domain of the one side or the other
policy-help-explain-network = it comes from a network of this kind, such as irc; --from is its address at the transport
policy-help-explain-server = with --network: which network of that kind
policy-help-explain-account = with --network: the login there of who says it
policy-help-explain-received = as it comes in from elsewhere; default: as one of our own people sends it
policy-help-explain-text = the text of the message
policy-help-explain-to = whom it is for, or the room
policy-help-explain-xml = a whole stanza in XML, in the place of --text
policy-line-of-file = { $at }: { $wanted }
policy-pattern-empty = this expression fits the empty text, so it would fit every text
policy-pattern-large = a smaller expression is wanted: this one, with its counts written out, has more than { $most } parts
policy-wanted-address-or-list = an address, or list with the name of a list, is wanted
policy-wanted-closed = closed is wanted: a rule can only be stricter than its host
policy-wanted-entries-or-file = a list of entries, or the name of a file with an entry a line, is wanted
policy-wanted-example = a text is wanted, or text, from, to, host, direction, room, kind, from.group and other words of conditions on people below it
policy-wanted-known-lexicon = no lexicon "{ $name }" is named under lexicons
policy-wanted-known-list = no list "{ $name }" is named under lists
policy-wanted-named = names are wanted, each with a list or the name of a file
policy-wanted-named-file = a readable file is wanted; { $file } cannot be read ({ $code })
policy-wanted-pattern-re2 = a regular expression in the syntax of RE2 is wanted ({ $fault })
policy-wanted-shorter-term = at most 200 characters are wanted in a term
policy-wanted-standing = at most { $most } regular expressions without three fixed characters side by side are wanted: each costs something with every message
policy-wanted-true-false = true or false is wanted
policy-wanted-visible-term = a term with a visible character is wanted
policy-note-outage-addresses = rules with on_outage: closed have many addresses: in an outage a condition with more than { $most } of them is left out, and the others of its rule decide
policy-note-outage-all = in an outage everything that no earlier rule allows is refused at { $hosts }, also where gatehouse_on_outage is open there: rule { $rule } says on_outage: closed, and without its texts its conditions fit everything. Conditions such as to, kind or direction beside the texts make it less
policy-note-outage-exceptions = rules with on_outage: closed are so large that what earlier rules allow is no exception from them in an outage
policy-note-outage-full = rules with on_outage: closed are too many or too large to be held by the server: in an outage everything is refused, also where gatehouse_on_outage is open
policy-note-outage-texts = { $rules }: on_outage: closed, and looks at texts, which nobody reads in an outage: then everything is refused that fits the other conditions, whatever it says
policy-note-address-name = from or to: { $name } alone means everybody at a host of that name; a person is written with the host, such as { $name }@corp.example
policy-note-network-unknown = network: { $network } stands in a rule, and no transport of that kind in networks of policy.yaml: nothing comes from there or goes there
policy-outage-failed = its helper does not hold the rules with on_outage: closed yet: see the log of the server; it is told them again every half minute
policy-outage-unknown = its helper is older than rules with on_outage: closed, so in an outage the host's own rule applies alone: install the helper of this version
policy-people-unknown = rules or walls ask who people are, and nobody says so: does the process directory run, and may this one read its snapshot?
policy-people-fault = the snapshot of people in { $folder } cannot be read; what was read before stays in force
policy-people-stale = people and groups were last confirmed at { $at }: does the process directory run and reach the directory?
policy-group-unknown = rules or walls name the group { $group }, and the directory has none by that name: is it misspelt?
policy-example-same-group = an example says from.group and to.group; whether they share one follows from that
policy-walled = This was not delivered: the company keeps you and somebody it would reach apart.
policy-wall-unknown = This was not delivered: it cannot be told just now whom it would reach. Please try again later.
policy-walls-rooms-unknown = { $hosts }: who stands in the rooms there is not known, so walls refuse what people behind one say or join there: restart that server, or load its module again
policy-wanted-walls = a list of walls is wanted
policy-wanted-wall = a wall with id, a and b is wanted
policy-wall-of-one = another group than a is wanted
policy-wanted-exception = jids and until are wanted below it
policy-wanted-until = a day such as 2026-12-31, or a time with its zone such as 2026-12-31T18:00Z, is wanted
