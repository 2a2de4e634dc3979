# SPDX-License-Identifier: Apache-2.0
archive-about = Bewahrt auf, was durchging und was nicht, findet es wieder und zeigt, was fehlt.
archive-show = Zeigt einen Eintrag: jeden Versuch, was daraus wurde, wer im Raum war, worauf er sich bezieht. Der Blick wird festgehalten.
archive-show-id = Kennung des Eintrags, etwa 9d0c5a11-4711.
archive-search = Findet Einträge nach Wörtern, Personen und Zeit, die neuesten zuerst. Die Suche wird festgehalten.
archive-words = Wörter, die alle im Text stehen müssen; "eine Wortfolge" in Anführungszeichen, Wort* für jede Endung.
archive-person = Adresse von jemandem, der gesendet oder empfangen hat oder genannt ist. Hatten mehrere Leute sie nacheinander, dann alle; alice@corp.example#2 ist nur der zweite.
archive-peer = Adresse einer zweiten Person dazu; mit #2 wie bei --person.
archive-since = Zu dieser Zeit oder später gesendet.
archive-until = Zu dieser Zeit oder früher gesendet.
archive-limit = So viele Zeilen höchstens.
archive-reason = Warum Sie nachsehen; wird mit dem Blick festgehalten.
archive-tail = Zeigt Einträge, wie sie kommen, bis Sie abbrechen. Der Blick wird festgehalten.
archive-stats = Zahlen und Zustände; keine Inhalte.
archive-gaps = Was fehlt: Nummern ohne Eintrag, unbekannte Enden, Quellen ohne Schlusszeichen.
archive-gaps-all = Auch die geschlossenen.
archive-identities = Wer eine Adresse nacheinander hatte, wie der Server es von seinen Konten berichtet hat; ohne Adresse jene, die mehrere hatten.
archive-identities-address = Adresse ohne Ressource, etwa alice@corp.example.
archive-identities-none = Von { $address } ist kein Konto berichtet worden.
archive-identities-one = Von keiner Adresse ist bekannt, dass sie mehr als ein Konto hatte.
archive-identities-several = { $address } hatte { $count } Identitäten: { $names }. Die Spalte „who“ sagt, welche es war; wer nach einer davon fragt, sieht nur sie.
archive-access = Wer was angesehen hat oder ohne das Recht dazu ansehen wollte, die neuesten zuerst. Der Blick wird festgehalten.
archive-access-user = Nur Blicke dieses Benutzers.
archive-backup = Kopiert den Bestand im laufenden Betrieb und prüft die Kopie.
archive-backup-path = Ordner für die Kopie, in einem Ordner, in den das Archiv schreiben darf; er darf noch nicht da sein. Ohne Angabe ein neuer Ordner neben dem Bestand.
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
archive-unasked = Danach wurde nie gefragt, darum ist sein Inhalt nicht festgehalten: Der Server hat es nicht zugestellt ({ $settlement }, Regel für Ausfälle). { $count } der Nummern { $from } bis { $to } endeten so, mitgeteilt um { $at }.
archive-no-contents = Von seinem Inhalt ist nichts festgehalten; was der Server dazu sagte: { $settlement }. `gatehouse archive gaps` nennt, was fehlt.
archive-occupant = Im Raum: { $nick } ({ $jid })
archive-occupant-unsure = Vielleicht im Raum, der Server wurde seitdem neu gestartet: { $nick } ({ $jid })
archive-concerns = Bezug ({ $kind }): { $id }
archive-followed-by = Später ({ $kind }): { $id }
archive-note = Hinweis: { $note }
archive-stanza = Stanza, nach der gefragt wurde:
archive-replacement = Stanza, die an ihre Stelle trat:
archive-nothing-missing = Es fehlt nichts.
archive-host-not-known = Ein virtueller Host { $host } ist hier nicht bekannt: Für ihn wurde nichts festgehalten, und kein Server hat ihn genannt.
archive-room = Nur in diesem Raum.
archive-domain = Nur wo die Adresse des Absenders oder des Empfängers zu dieser Domain gehört.
archive-verdict = Nur mit diesem Urteil: allow, refuse, replace, none.
archive-settlement = Nur woraus das wurde: released, refused, bounced, unscreened, gone, undecided, originated.
archive-rule = Nur was diese Regel entschied.
archive-one-of = Für { $name } wird eines von { $wanted } gebraucht.
archive-reason-wanted = Ein Grund wird gebraucht: --reason "...". Er wird festgehalten.
archive-export = Schreibt, was eine Suche findet, in einen neuen Ordner, mit Verzeichnis und SHA256SUMS. Der Export wird festgehalten.
archive-export-format = jsonl: eine Datei, ein JSON-Objekt je Eintrag. eml: eine Mail je Eintrag.
archive-export-path = Ordner für den Export, in einem Ordner, in den das Archiv schreiben darf; er darf noch nicht da sein. Ohne Angabe ein neuer Ordner neben dem Bestand.
archive-export-unit = Einträge
archive-export-failed = Kein Export unter { $path }: { $cause }. Als Dienst darf das Archiv nur in { $folder } schreiben: den Pfad weglassen, oder den Ordner bei ReadWritePaths= seiner Unit nennen.
archive-erase = Nimmt den Inhalt eines Eintrags für immer weg. Dass es ihn gab, zwischen wem und wann, und wer ihn warum gelöscht hat, bleibt.
archive-erase-reason = Warum gelöscht wird; bleibt beim Eintrag.
archive-erase-unit = Sekunden, bis das Journal { $journal } ihn hergegeben hat
archive-erase-held = Nichts wurde gelöscht: Das Journal { $journal } hält diesen Eintrag noch. Es gibt ihn her, wenn sein Prozess läuft und alle, die ihm folgen, ihn gelesen haben. Versuchen Sie es dann wieder.
archive-erase-wiping = Er ist gelöscht. Eine Suche, die vorher schon lief, hält den alten Stand noch in einer Datei neben dem Bestand; wenn sie geendet hat, wischt der nächste Commit auch diese.
archive-erase-beyond = Frühere Sicherungen und Exporte, das Archiv des Servers selbst und was Leute in ihren Clients haben, sind nicht berührt.
archive-erased = Sein Inhalt wurde um { $at } von { $user } gelöscht: { $reason }
archive-journal-not-opened = noch nicht geöffnet
archive-journal-wrong = dem Journal { $name } lässt sich nicht folgen ({ $cause })
archive-wanted-4-mib = verlangt werden mindestens 4 MiB
archive-wanted-10-s = verlangt werden höchstens 10 s
archive-wanted-domain = verlangt wird eine Domain, etwa archive.gatehouse.internal
archive-wanted-journal-once = verlangt wird jedes Journal einmal
archive-wanted-other-journal = verlangt wird ein anderes Journal als das eigene des Archivs; dem folgt es immer
archive-host = Nur dieser virtuelle Host; ohne Angabe alle, für die Sie das Recht haben.
archive-erase-other-host = { $id } ist ein Eintrag eines anderen virtuellen Hosts: Löschen kann ihn, wer dort Officer ist.
