# SPDX-License-Identifier: Apache-2.0
policy-about = Beantwortet die Frage des Servers, ob etwas durch darf, und hält jede Frage fest, bevor es antwortet.
policy-refused = Dies wurde nicht zugestellt: Eine Regel der Firma lässt es nicht zu ({ $rule }).
policy-unreadable = Dies wurde nicht zugestellt: Es ließ sich nicht lesen.
policy-otherwise = Dies wurde nicht zugestellt: Keine Regel der Firma lässt es zu.
policy-stranger = Diese Adresse darf hier nicht fragen.
policy-busy = Zu viele Fragen sind in Arbeit, oder der Prozess hält an. Bitte noch einmal versuchen.
policy-not-kept = Dies ließ sich nicht festhalten. Bitte noch einmal versuchen.
policy-help-rules = Zeigt, welche Regeln gelten, und die letzte Regeldatei, die nicht angenommen wurde
policy-help-journal = Zeigt, wie voll das Journal ist, wie lange es reicht und wie weit seine Leser sind
policy-help-stats = Zeigt, wie viele Fragen beantwortet wurden und wie
