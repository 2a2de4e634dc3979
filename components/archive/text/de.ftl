# SPDX-License-Identifier: Apache-2.0
archive-about = Bewahrt auf, was durchging und was nicht, findet es wieder und zeigt, was fehlt.
archive-show = Zeigt einen Eintrag: jeden Versuch, was daraus wurde, wer im Raum war, worauf er sich bezieht. Der Blick wird festgehalten.
archive-show-id = Kennung des Eintrags, etwa 9d0c5a11-4711.
archive-search = Findet Einträge nach Wörtern, Personen und Zeit, die neuesten zuerst. Die Suche wird festgehalten.
archive-words = Wörter, die alle im Text stehen müssen; "eine Wortfolge" in Anführungszeichen, Wort* für jede Endung.
archive-person = Adresse von jemandem, der gesendet oder empfangen hat oder genannt ist.
archive-peer = Adresse einer zweiten Person dazu.
archive-since = Zu dieser Zeit oder später gesendet.
archive-until = Zu dieser Zeit oder früher gesendet.
archive-limit = So viele Zeilen höchstens.
archive-reason = Warum Sie nachsehen; wird mit dem Blick festgehalten.
archive-tail = Zeigt Einträge, wie sie kommen, bis Sie abbrechen. Der Blick wird festgehalten.
archive-stats = Zahlen und Zustände; keine Inhalte.
archive-gaps = Was fehlt: Nummern ohne Eintrag, unbekannte Enden, Quellen ohne Schlusszeichen.
archive-gaps-all = Auch die geschlossenen.
archive-access = Wer was angesehen hat oder ohne das Recht dazu ansehen wollte, die neuesten zuerst. Der Blick wird festgehalten.
archive-access-user = Nur Blicke dieses Benutzers.
archive-backup = Kopiert den Bestand im laufenden Betrieb und prüft die Kopie.
archive-backup-path = Datei für die Kopie, in einem Ordner, in den das Archiv schreiben darf; sie darf noch nicht da sein. Ohne Angabe eine neue Datei neben dem Bestand.
archive-backup-unit = Bytes
archive-backup-failed = Keine Sicherung unter { $path }: { $cause }. Als Dienst darf das Archiv nur in { $folder } schreiben: den Pfad weglassen, oder den Ordner bei ReadWritePaths= seiner Unit nennen.
archive-no-id = „{ $id }“ ist keine Kennung eines Eintrags. Eine Kennung sieht aus wie 9d0c5a11-4711.
archive-not-found = Es gibt keinen Eintrag { $id }.
archive-several = Mehr als ein Eintrag passt: { $ids }
archive-unrecorded = Ihr Blick konnte nicht festgehalten werden, darum wird nichts gezeigt. Das Protokoll des Prozesses sagt, warum.
archive-looked = Dass { $user } diesen Eintrag angesehen hat, ist festgehalten.
archive-hits =
    { $hits ->
        [one] Ein Treffer, { $shown } gezeigt.
       *[other] { $hits } Treffer, { $shown } gezeigt.
    }
archive-hits-capped = Mehr als { $bound } Treffer, { $shown } gezeigt.
archive-try = Versuch { $try } um { $at }: { $verdict } durch Regel { $rule }, { $size } Bytes, SHA-256 { $sha256 }
archive-occupant = Im Raum: { $nick } ({ $jid })
archive-occupant-unsure = Vielleicht im Raum, der Server wurde seitdem neu gestartet: { $nick } ({ $jid })
archive-concerns = Bezug ({ $kind }): { $id }
archive-followed-by = Später ({ $kind }): { $id }
archive-note = Hinweis: { $note }
archive-stanza = Stanza, nach der gefragt wurde:
archive-replacement = Stanza, die an ihre Stelle trat:
archive-nothing-missing = Es fehlt nichts.
archive-journal-not-opened = noch nicht geöffnet
archive-journal-wrong = dem Journal { $name } lässt sich nicht folgen ({ $cause })
archive-wanted-4-mib = verlangt werden mindestens 4 MiB
archive-wanted-10-s = verlangt werden höchstens 10 s
archive-wanted-domain = verlangt wird eine Domain, etwa archive.gatehouse.internal
archive-wanted-journal-once = verlangt wird jedes Journal einmal
archive-wanted-other-journal = verlangt wird ein anderes Journal als das eigene des Archivs; dem folgt es immer
archive-host = Nur dieser virtuelle Host; ohne Angabe alle, für die Sie das Recht haben.
