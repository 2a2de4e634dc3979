# SPDX-License-Identifier: Apache-2.0
policy-about = Answers the server’s question, may this pass?, and records every question before it answers.
policy-refused = This was not delivered: a rule of the company does not allow it ({ $rule }).
policy-unreadable = This was not delivered: it could not be read.
policy-otherwise = This was not delivered: no rule of the company allows it.
policy-stranger = This address may not ask here.
policy-busy = Too many questions are in work, or the process is stopping. Please try again.
policy-not-kept = This could not be recorded. Please try again.
policy-help-rules = Shows which rules are in force, how often each decided since then, and the last rule file that was not taken
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
    unreadable           questions refused because their message could not be read
    strangers            screens of hosts that are not in the settings
    bad_screens          screens that could not be read
    over_bounds          screens answered with an error because too much was in work
    not_kept             screens answered with an error because the journal did not take them
    rules_refused        rule files that were not taken
    questions_in_work, characters_in_work   now, not since the start
    rule ID              how often this rule decided since its rule file came into force
