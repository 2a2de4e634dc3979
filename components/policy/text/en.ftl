# SPDX-License-Identifier: Apache-2.0
policy-about = Answers the server’s question, may this pass?, and records every question before it answers.
policy-refused = This was not delivered: a rule of the company does not allow it ({ $rule }).
policy-unreadable = This was not delivered: it could not be read.
policy-otherwise = This was not delivered: no rule of the company allows it.
policy-stranger = This address may not ask here.
policy-busy = Too many questions are in work, or the process is stopping. Please try again.
policy-not-kept = This could not be recorded. Please try again.
policy-help-rules = Shows which rules are in force and the last rule file that was not taken
policy-help-journal = Shows how full the journal is, how long it lasts, and how far its readers are
policy-help-stats = Shows how many questions were answered, and how
