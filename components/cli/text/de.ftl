# SPDX-License-Identifier: Apache-2.0
cli-usage = Aufruf: gatehouse KOMPONENTE BEFEHL [ARGUMENTE] [--json]
cli-own-commands = Eigene Befehle:
cli-help-check = prüft die Einstellungen jeder Komponente; nichts muss dafür laufen
cli-help-status = zeigt, welche Komponenten laufen und ob es ihnen gut geht
cli-about-check =
    Prüft die Einstellungen jeder Komponente, darunter die Regeln mit ihren Beispielen, und sagt, was wo falsch ist.
    Nichts muss laufen, und nichts wird geändert. Jeder darf das; was Sie nicht lesen dürfen, bleibt ungeprüft und wird genannt.
    Was vor dem Inkrafttreten versucht werden soll: in einen eigenen Ordner legen und diesen mit --config nennen.
cli-about-status =
    Zeigt, welche Komponenten laufen und ob es ihnen gut geht. Woran es fehlt, steht in der Spalte wrong.
    well, warned (arbeitet; hinsehen), not ready (Nachrichten stehen oder gehen daran vorbei), not well (kann nichts festhalten), stopped, not set up.
    Jeder darf das.
cli-help-help = zeigt diese Seite; gatehouse KOMPONENTE --help zeigt deren Befehle
cli-components = Komponenten:
cli-options = Optionen:
cli-option-json = --json              ein JSON-Objekt je Zeile statt Tabellen
cli-option-config = --config ORDNER     Einstellungen; sonst $GATEHOUSE_CONFIG, /etc/gatehouse, ./config
cli-option-language = --language KÜRZEL   en oder de; sonst die Sprache des Terminals, sonst Englisch
cli-option-help = --help              Hilfe zu einer Komponente oder einem Befehl
cli-option-version = --version           Version des Ganzen
cli-exits = Ende: 0 getan, 1 Fehler, 2 falscher Aufruf oder falsche Einstellungen, 3 der Prozess läuft nicht, 4 nicht erlaubt, 5 nicht gefunden.
cli-option-unknown = { $option }: hier unbekannt, oder der Wert fehlt. gatehouse --help zeigt, was es gibt.
cli-command-unknown = Einen Befehl { $said } gibt es nicht. Bekannt: { $known }
cli-command-near = Einen Befehl { $said } gibt es nicht. Ist { $near } gemeint?
cli-no-commands = Sie hat keine Befehle.
cli-not-running = { $component } läuft nicht; gefragt wurde nach den Einstellungen in { $folder } (--config ORDNER nennt andere).
cli-cut-off = Die Antwort von { $component } brach ab.
cli-rights = Nötiges Recht: { $rights }.
cli-default = (sonst: { $value })
cli-check-good = { $component }: gut: { $files }.
cli-check-bad =
    { $count ->
        [one] { $component }: eine Angabe ist falsch:
       *[other] { $component }: { $count } Angaben sind falsch:
    }
cli-check-hidden = { $component }: lässt sich von Ihnen nicht prüfen: { $path } ist nicht für Ihre Augen. Fragen Sie als root.
cli-check-not-set-up = { $component }: nicht eingerichtet ({ $file } ist nicht da).
cli-check-nothing = In { $folder } ist keine Datei mit Einstellungen einer Komponente. Kopieren Sie die aus config dorthin, oder nennen Sie einen anderen Ordner: --config ORDNER.
cli-cannot-ask = lässt sich nicht fragen: { $fault }
cli-not-trusted = { $folder } gehört weder root noch Ihnen, oder andere dürfen ersetzen, was darin ist. Dort wird nichts in Ihrem Namen gefragt.
cli-config-missing = Es gibt keinen Ordner { $folder } mit Einstellungen.
cli-check-no-shared = { $file } ist nicht da; es gelten die Vorgaben, und nur root hat Rechte.
cli-check-no-user = { $file }: people.{ $role }: Auf diesem Rechner gibt es keinen Benutzer { $name }.
cli-check-no-group = { $file }: people.{ $role }: Auf diesem Rechner gibt es keine Gruppe { $name }.
cli-check-not-known = läuft nicht, darum lässt sich nicht wissen, ob der Server nach allem fragt: Offene Türen zeigen sich nur, während es läuft.
cli-option-near = { $option }: hier unbekannt; ist { $near } gemeint?
cli-place-missing = { $name } fehlt. So heißt es: gatehouse { $form }
cli-check-no-jid-form = { $file }: people.{ $role }: { $name } ist keine Adresse einer Person, etwa olga@corp.example. Sie hat kein Recht.
cli-check-no-jid-spelling = { $file }: people.{ $role }: { $name } ist nicht so geschrieben, wie der Server es tut: { $spelling }. Sie hat kein Recht.
cli-check-no-jid-host = { $file }: people.{ $role }: Der Host von { $name } steht nicht bei server: hosts. Die Adresse hat kein Recht.
cli-check-not-seen = läuft nicht: Was sich nur zeigt, während es läuft (ob der Server und womit es sonst spricht es einlassen), wurde nicht angesehen.
