# SPDX-License-Identifier: Apache-2.0
policy-about = Beantwortet die Frage des Servers, ob etwas durch darf, und hält jede Frage fest, bevor es antwortet.
policy-refused = Dies wurde nicht zugestellt: Eine Regel der Firma lässt es nicht zu ({ $rule }).
policy-unreadable = Dies wurde nicht zugestellt: Es ließ sich nicht lesen.
policy-otherwise = Dies wurde nicht zugestellt: Keine Regel der Firma lässt es zu.
policy-stranger = Diese Adresse darf hier nicht fragen.
policy-busy = Zu viele Fragen sind in Arbeit, oder der Prozess hält an. Bitte noch einmal versuchen.
policy-not-kept = Dies ließ sich nicht festhalten. Bitte noch einmal versuchen.
policy-door-off = weder gefragt noch festgehalten wird bei { $kinds }: in gatehouse_ask (ejabberd: ask) des Hosts nennen, oder diese Option entfernen
policy-door-speaks = { $modules } kann im Server für Leute sprechen, das wird weder gefragt noch festgehalten: entladen, oder eine externe Komponente nehmen, die gefragt wird
policy-door-utters = { $modules } kann für Leute sagen, wonach niemand gefragt wird, das wird festgehalten: entladen, oder dafür sorgen, dass nur Vertrauenswürdige dort schreiben
policy-door-announces = { $modules } kann im Namen des Hosts sprechen, das wird festgehalten, aber nicht gefragt: entladen, oder dafür sorgen, dass nur Vertrauenswürdige dort schreiben
policy-door-files = { $modules } kann Dateien befördern, in die niemand sieht, gefragt wird nur bei ihrem Angebot: entladen, oder die Art file-offer mit einer Regel ablehnen
policy-door-rewrites = { $modules } kann ändern, wonach schon gefragt wurde, und das Festgehaltene zeigt es nicht: entladen, oder dafür sorgen, dass seine Regeln nichts ändern
policy-door-console = { $modules } kann für jeden, der dort hineinkommt, den Helfer entladen und ungefragt sprechen: entladen, oder dafür sorgen, dass nur Betreiber des Servers hineinkommen
policy-door-untold = { $transports } befördert in ein anderes Netz, und der Host kennt es nicht als Transport: in gatehouse_transports (ejabberd: transports) des Hosts nennen und nicht als trusted, sonst geht manches ungefragt durch, was Leute dort verlangen
policy-door-unnamed = { $transports } ist für den Host ein Transport und steht nicht unter networks in policy.yaml: dort nennen, sonst meinen Regeln über Netze es nicht, und Passwörter, die Leute dort setzen, werden festgehalten
policy-door-omitted = { $count } der dort geladenen Module sind zu viele, um genannt zu werden: die Module in seiner Konfiguration mit PROTOCOL.md Abschnitt 9 vergleichen
policy-help-rules =
    Zeigt, welche Regeln gelten, wie oft jede seither entschied, und die letzte Regeldatei, die nicht angenommen wurde
    Eine Regel, die nur vermerkt oder sagt, was festgehalten wird, entscheidet nichts und hat keine Treffer; ihre Vermerke findet gatehouse archive search --tag
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
    unreadable           Fragen, abgelehnt, weil sich ihre Nachricht nicht lesen ließ, und Berichte, deshalb ausgelassen
    strangers            Sendungen von Hosts, die nicht in den Einstellungen stehen
    bad_screens          Sendungen, die sich nicht lesen ließen
    over_bounds          mit Fehler beantwortet, weil zu viel in Arbeit war
    not_kept             mit Fehler beantwortet, weil das Journal sie nicht annahm
    rules_refused        Regeldateien, die nicht angenommen wurden
    questions_in_work, characters_in_work   jetzt, nicht seit dem Start
    rule ID              wie oft diese Regel entschied, seit ihre Regeldatei gilt
policy-allow-alone = allow hat keine Einzelheiten
policy-and-more = { $names } und { $more } weitere
policy-at = { $place }: { $wanted }
policy-host-ended = sein Helfer hat aufgehört: Hält der Server an, oder wurde das Modul entladen?
policy-host-silent = sein Helfer ist verstummt und schuldet eine Marke: Ist das Modul dort noch geladen?
policy-host-unheard = kein Helfer hat sich dafür gemeldet: Ist das Modul dort geladen, und wurde der Server seither neu gestartet?
policy-id-reserved = "{ $id }" hat eine eigene Bedeutung; verlangt wird eine andere id
policy-id-twice = "{ $id }" ist die id einer früheren Regel; verlangt wird eine andere
policy-journal-alarmed = das Journal ist zu mehr als 80 % voll: Läuft das Archiv, und liest es mit? (`gatehouse policy journal` sagt, wer liest und wie viele Stunden bleiben)
policy-journal-fails = das Journal nimmt nichts an
policy-journal-full = das Journal ist voll und nimmt nichts mehr an: Läuft das Archiv, und liest es mit? (`gatehouse policy journal` sagt, wer liest)
policy-journal-warned = das Journal ist zu mehr als 50 % voll: Läuft das Archiv, und liest es mit? (`gatehouse policy journal` sagt, wer liest und wie viele Stunden bleiben)
policy-key-near = kein solcher Schlüssel; ist { $near } gemeint?
policy-key-unknown = kein solcher Schlüssel; hier bekannt: { $known }
policy-not-built = in dieser Version noch nicht gebaut
policy-rules-refused = die Regeldatei wurde nicht angenommen ({ $place }; `gatehouse policy rules` sagt, warum); es gelten die Regeln von { $at }
policy-rules-unreadable = verlangt wird eine lesbare Regeldatei ({ $cause })
policy-rules-unrecorded = dieser Regelsatz ließ sich nicht festhalten, darum gilt er nicht ({ $cause })
policy-stranger-advice = fragt und steht nicht unter hosts in policy.yaml, darum wird davon nichts festgehalten: dort eintragen und policy neu starten, oder das Modul entladen
policy-stream-closed = die Verbindung zum Server ist geschlossen
policy-stream-connecting = die Verbindung zum Server wird aufgebaut
policy-stream-down = die Verbindung zum Server besteht nicht
policy-transport-away = fragt nichts: Der Transport läuft nicht, wird vom Server nicht eingelassen (`gatehouse status` sagt, was ihm fehlt), oder ist so eingestellt, dass er nicht fragt
policy-too-many-words = mehr Buchstaben, als der Sucher fasst ({ $most }): verlangt werden weniger oder kürzere Wörter
policy-wanted-10-ms = verlangt werden mindestens 10 ms
policy-wanted-a-host = verlangt wird mindestens ein Host
policy-wanted-a-language = verlangt wird mindestens eine Sprache
policy-wanted-address = verlangt wird eine Adresse, etwa alice@corp.example
policy-wanted-bare-address = verlangt wird eine Adresse ohne Ressource
policy-wanted-below-answer = verlangt wird höchstens die Größe einer Antwort
policy-wanted-bytes = verlangt werden höchstens { $most } Bytes
policy-wanted-characters = verlangt werden höchstens { $most } Zeichen
policy-wanted-choice-near = verlangt wird eins von { $choices }; ist { $near } gemeint?
policy-wanted-condition = verlangt wird mindestens eine Bedingung, oder always
policy-wanted-condition-list = verlangt wird eine Liste von Bedingungen
policy-wanted-conditions = verlangt werden Bedingungen, etwa words: [...], oder always
policy-wanted-domain = verlangt wird eine Domain, etwa { $example }
policy-wanted-entry = verlangt wird mindestens ein Eintrag
policy-wanted-id = verlangt werden Kleinbuchstaben, Ziffern, Punkte, Striche und Unterstriche
policy-wanted-language = verlangt wird eine Sprache, etwa en oder de-AT
policy-wanted-levels = verlangt werden höchstens { $most } Stufen von Bedingungen
policy-wanted-no-control = verlangt wird ein Text ohne Steuerzeichen
policy-wanted-one-action = verlangt wird genau eins von { $choices }
policy-wanted-other-host = verlangt wird ein anderer Host als die eigene Domain dieser Komponente
policy-wanted-pattern = verlangt wird eine Adresse, etwa alice@corp.example, corp.example oder *@corp.example
policy-wanted-plain-address = eine Adresse hat keine Leerzeichen, Anführungszeichen oder Klammern
policy-wanted-quotes = verlangt wird ein Text; er gehört in Anführungszeichen
policy-wanted-refusal = darunter werden condition und text verlangt
policy-wanted-replacement = darunter werden mask und text verlangt
policy-wanted-room = verlangt werden true, false oder Adressen von Räumen
policy-wanted-network = verlangt wird die Art eines Netzes, klein geschrieben, etwa irc
policy-wanted-network-host = verlangt wird eine Domain, die auch in hosts steht: dort fragt der Transport nach dem, was hereinkommt
policy-wanted-network-once = jede Domain steht hier einmal
policy-wanted-rooms-domain = verlangt wird eine Domain ohne @, etwa rooms.corp.example
policy-wanted-rule = verlangt wird eine Regel mit id, when und then
policy-otherwise-alone = verlangt wird nur allow oder refuse; was Bedingungen, einen Text oder Schlagwörter hat oder sagt, was festgehalten wird, ist eine Regel: die letzte, mit when: always für alles Übrige
policy-wanted-rule-file = verlangt wird eine Datei mit version, otherwise und rules
policy-wanted-rules = verlangt wird eine Liste von Regeln
policy-wanted-rules-file = verlangt wird eine lesbare Regeldatei; { $file } lässt sich nicht lesen ({ $code })
policy-wanted-rules-most = verlangt werden höchstens { $most } Regeln
policy-wanted-texts = verlangt werden Texte nach Sprache, etwa en: ..., de: ...
policy-wanted-utf-8 = verlangt wird eine Datei in UTF-8
policy-wanted-version = verlangt wird version: 1; eine andere liest dieses Programm nicht
policy-wanted-words = verlangt werden höchstens { $most } Wörter in allen Regeln
policy-wanted-words-condition = replace verdeckt Wörter; verlangt wird in when eine Bedingung words (nicht unter not)
policy-word-not-built = { $word }: in dieser Version noch nicht gebaut
policy-doors-unknown = die Verbindung zum Server besteht nicht, darum lässt sich nicht wissen, welche Hosts fragen
policy-example-matches = dieses Beispiel soll durchgehen, und die Bedingung seiner Regel trifft zu
policy-example-found = dieses Beispiel soll durchgehen, und die Bedingung seiner Regel trifft zu: gefunden wurde { $found }
policy-example-open = dieses Beispiel soll durchgehen, und die Bedingung seiner Regel kann zutreffen: es sagt nichts von from, to oder was sonst entscheidet, etwa { "{" } to: bob@corp.example, text: hallo { "}" }
policy-example-passes = dieses Beispiel soll erfasst werden, und die Bedingung seiner Regel trifft nicht zu
policy-explain-no-stanza = --xml: verlangt wird eine message, presence oder iq in XML
policy-explain-not-asked = { $host } ist kein Host der Einstellungen ({ $hosts }): Kein Server würde danach fragen. Fehlt --received, oder ist eine Adresse falsch geschrieben?
policy-explain-no-host = --host: verlangt wird ein Host der Einstellungen: { $hosts }
policy-help-explain =
    Sagt, was die geltenden Regeln zu einer Nachricht sagen würden, welche Regel entscheidet, warum, und wo sie was fand
    action, rule         was geantwortet würde, und von welcher Regel (otherwise: keine entschied)
    text SPRACHE         was der Absender von einer Ablehnung läse
    becomes STELLE       was der Empfänger anstelle eines Textes läse
    rule ID              jede Regel, die unterwegs zutrifft, und was sie tut
    ground of ID         jeder Teil der Bedingung der Regel, die entscheidet, mit ja oder nein
    found by ID          was sie fand: der Text der Nachricht, seine Stelle, und die Zeichen von und bis
    tags, record         was neben der Entscheidung vermerkt wird
policy-help-explain-from = wer sie schickt, etwa alice@corp.example
policy-help-explain-host = der virtuelle Host, der fragt; sonst die Domain der einen oder der anderen Seite
policy-help-explain-network = sie kommt aus einem Netz dieser Art, etwa irc; --from ist ihre Adresse beim Transport
policy-help-explain-server = mit --network: welches Netz dieser Art
policy-help-explain-account = mit --network: die Anmeldung dort, unter der sie gesagt wird
policy-help-explain-received = wie sie von anderswo hereinkommt; sonst wie jemand von den eigenen Leuten sie schickt
policy-help-explain-text = der Text der Nachricht
policy-help-explain-to = für wen sie ist, oder der Raum
policy-help-explain-xml = eine ganze Stanza in XML, statt --text
policy-line-of-file = { $at }: { $wanted }
policy-pattern-empty = dieser Ausdruck passt auf den leeren Text, also würde er auf jeden Text passen
policy-pattern-large = verlangt wird ein kleinerer Ausdruck: Dieser hat, mit ausgeschriebenen Anzahlen, mehr als { $most } Teile
policy-wanted-address-or-list = verlangt wird eine Adresse, oder list mit dem Namen einer Liste
policy-wanted-closed = verlangt wird closed: Eine Regel kann nur strenger sein als ihr Host
policy-wanted-entries-or-file = verlangt wird eine Liste von Einträgen, oder der Name einer Datei mit einem Eintrag je Zeile
policy-wanted-example = verlangt wird ein Text, oder text, from, to, host, direction, room, kind, from.group und weitere Wörter der Bedingungen über Leute darunter
policy-wanted-known-lexicon = unter lexicons steht kein Lexikon "{ $name }"
policy-wanted-known-list = unter lists steht keine Liste "{ $name }"
policy-wanted-named = verlangt werden Namen, jeder mit einer Liste oder dem Namen einer Datei
policy-wanted-named-file = verlangt wird eine lesbare Datei; { $file } lässt sich nicht lesen ({ $code })
policy-wanted-pattern-re2 = verlangt wird ein regulärer Ausdruck in der Syntax von RE2 ({ $fault })
policy-wanted-shorter-term = verlangt werden höchstens 200 Zeichen in einem Begriff
policy-wanted-standing = verlangt werden höchstens { $most } reguläre Ausdrücke ohne drei feste Zeichen nebeneinander: Jeder kostet bei jeder Nachricht etwas
policy-wanted-true-false = verlangt wird true oder false
policy-wanted-visible-term = verlangt wird ein Begriff mit einem sichtbaren Zeichen
policy-note-outage-addresses = Regeln mit on_outage: closed haben viele Adressen: bei einem Ausfall bleibt eine Bedingung mit mehr als { $most } davon außer Betracht, und die übrigen ihrer Regel entscheiden
policy-note-outage-all = bei einem Ausfall wird auf { $hosts } alles abgelehnt, was keine frühere Regel erlaubt, auch wenn gatehouse_on_outage dort open ist: die Regel { $rule } sagt on_outage: closed, und ohne ihre Texte passen ihre Bedingungen auf alles. Bedingungen wie to, kind oder direction neben den Texten verringern das
policy-note-outage-exceptions = die Regeln mit on_outage: closed sind so umfangreich, dass bei einem Ausfall keine Ausnahme von ihnen ist, was frühere Regeln erlauben
policy-note-outage-full = die Regeln mit on_outage: closed sind zu viele oder zu umfangreich für den Server: bei einem Ausfall wird alles abgelehnt, auch wo gatehouse_on_outage open ist
policy-note-outage-texts = { $rules }: on_outage: closed, und sieht Texte an, die bei einem Ausfall niemand liest: dann wird alles abgelehnt, was auf die übrigen Bedingungen passt, was auch immer darin steht
policy-note-address-name = from oder to: { $name } allein bedeutet alle bei einem Host dieses Namens; eine Person steht mit dem Host da, etwa { $name }@corp.example
policy-note-network-unknown = network: { $network } steht in einer Regel, und kein Transport dieser Art in networks von policy.yaml: nichts kommt von dort oder geht dorthin
policy-outage-failed = sein Modul hält die Regeln mit on_outage: closed noch nicht: siehe das Protokoll des Servers; jede halbe Minute bekommt es sie noch einmal
policy-outage-unknown = sein Modul ist älter als Regeln mit on_outage: closed, bei einem Ausfall gilt dort also nur die Regel des Hosts: installieren Sie das Modul dieser Version
policy-people-unknown = Regeln oder Mauern fragen, wer jemand ist, und niemand sagt es: Läuft der Prozess directory, und darf dieser hier seinen Schnappschuss lesen?
policy-people-fault = der Schnappschuss der Leute in { $folder } ist nicht lesbar; es gilt, was vorher gelesen wurde
policy-people-stale = Leute und Gruppen wurden zuletzt um { $at } bestätigt: Läuft der Prozess directory, und erreicht er das Verzeichnis?
policy-group-unknown = Regeln oder Mauern nennen die Gruppe { $group }, und das Verzeichnis hat keine mit diesem Namen: verschrieben?
policy-example-same-group = ein Beispiel sagt from.group und to.group; ob sie eine gemeinsam haben, folgt daraus
policy-walled = Nicht zugestellt: Die Firma hält Sie und jemanden, den das erreichen würde, auseinander.
policy-wall-unknown = Nicht zugestellt: Im Augenblick lässt sich nicht sagen, wen das erreichen würde. Bitte später noch einmal versuchen.
policy-walls-rooms-unknown = { $hosts }: Wer dort in den Räumen steht, ist nicht bekannt, deshalb weisen Mauern ab, was Leute hinter einer dort sagen oder betreten: den Server neu starten oder sein Modul neu laden
policy-wanted-walls = verlangt wird eine Liste von Mauern
policy-wanted-wall = verlangt wird eine Mauer mit id, a und b
policy-wall-of-one = verlangt wird eine andere Gruppe als a
policy-wanted-exception = verlangt werden jids und until darunter
policy-wanted-until = verlangt wird ein Tag wie 2026-12-31 oder eine Zeit mit Zone wie 2026-12-31T18:00Z
