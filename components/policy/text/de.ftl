# SPDX-License-Identifier: Apache-2.0
policy-about = Beantwortet die Frage des Servers, ob etwas durch darf, und hält jede Frage fest, bevor es antwortet.
policy-refused = Dies wurde nicht zugestellt: Eine Regel der Firma lässt es nicht zu ({ $rule }).
policy-unreadable = Dies wurde nicht zugestellt: Es ließ sich nicht lesen.
policy-otherwise = Dies wurde nicht zugestellt: Keine Regel der Firma lässt es zu.
policy-stranger = Diese Adresse darf hier nicht fragen.
policy-busy = Zu viele Fragen sind in Arbeit, oder der Prozess hält an. Bitte noch einmal versuchen.
policy-not-kept = Dies ließ sich nicht festhalten. Bitte noch einmal versuchen.
policy-help-rules = Zeigt, welche Regeln gelten, wie oft jede seither entschied, und die letzte Regeldatei, die nicht angenommen wurde
policy-help-journal = Zeigt, wie voll das Journal ist, wie lange es reicht und wie weit seine Leser sind
policy-help-stats =
    Zeigt, wie viele Fragen seit dem Start beantwortet wurden und wie
    screens              was der Helfer im Server geschickt hat, mit Fragen oder Meldungen
    questions            beantwortete Fragen, mit jedem Versuch
    retries              Versuche nach dem ersten
    spooled              nach der Ausfallregel „open“ durchgelassen und danach gemeldet
    reports              was der Server getan hat, wie sein Helfer es meldet
    allow, refuse, replace   Entscheidungen
    too_late             Entscheidungen, auf die niemand mehr wartete
    faults               Regeln, die scheiterten; es galt die Ausfallregel des Hosts
    unreadable           Fragen, abgelehnt, weil sich ihre Nachricht nicht lesen ließ
    strangers            Sendungen von Hosts, die nicht in den Einstellungen stehen
    bad_screens          Sendungen, die sich nicht lesen ließen
    over_bounds          mit Fehler beantwortet, weil zu viel in Arbeit war
    not_kept             mit Fehler beantwortet, weil das Journal sie nicht annahm
    rules_refused        Regeldateien, die nicht angenommen wurden
    questions_in_work, characters_in_work   jetzt, nicht seit dem Start
    rule ID              wie oft diese Regel entschied, seit ihre Regeldatei gilt
