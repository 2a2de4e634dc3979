# SPDX-License-Identifier: Apache-2.0
cli-usage = usage: gatehouse COMPONENT COMMAND [ARGUMENTS] [--json]
cli-own-commands = Commands of its own:
cli-help-check = checks the settings of every component; nothing need run
cli-help-status = shows which components run, and whether they are well
cli-about-check =
    Checks the settings of every component, the rules with their examples among them, and says what is wrong, and where.
    Nothing need run, and nothing is changed. Anyone may; what you may not read stays unchecked, and is named.
    Settings that are to be tried before they count: put them into a folder of their own and name it with --config.
cli-about-status =
    Shows which components run, and whether they are well. In the column wrong stands why one is not.
    well, warned (does its work; look at it), not ready (messages are stopped or pass by it), not well (cannot record), stopped, not set up.
    Anyone may.
cli-help-help = shows this page; gatehouse COMPONENT --help shows its commands
cli-components = Components:
cli-options = Options:
cli-option-json = --json              one JSON object a line instead of tables
cli-option-config = --config FOLDER     settings files; else $GATEHOUSE_CONFIG, /etc/gatehouse, ./config
cli-option-language = --language TAG      en or de; else the language of the terminal, else English
cli-option-help = --help              help for a component or command
cli-option-version = --version           version of the suite
cli-exits = Exit codes: 0 done, 1 a fault, 2 wrong usage or bad settings, 3 the process does not run, 4 not allowed, 5 not found.
cli-option-unknown = { $option }: not known here, or its value is missing. gatehouse --help shows what there is.
cli-command-unknown = There is no command { $said }. Known: { $known }
cli-command-near = There is no command { $said }. Is { $near } meant?
cli-no-commands = It has no commands.
cli-not-running = { $component } does not run; the settings asked by are those in { $folder } (--config FOLDER names others).
cli-cut-off = The answer of { $component } was cut off.
cli-rights = The right needed: { $rights }.
cli-default = (default: { $value })
cli-check-good = { $component }: good: { $files }.
cli-check-bad =
    { $count ->
        [one] { $component }: one thing is wrong:
       *[other] { $component }: { $count } things are wrong:
    }
cli-check-hidden = { $component }: cannot be checked by you: { $path } is not for your eyes. Ask as root.
cli-check-not-set-up = { $component }: not set up ({ $file } is not there).
cli-check-nothing = No settings file of a component is in { $folder }. Copy those in config of the suite there, or name another folder: --config FOLDER.
cli-cannot-ask = cannot be asked: { $fault }
cli-not-trusted = { $folder } belongs neither to root nor to you, or others may replace what is in it. Nothing is asked there in your name.
cli-config-missing = There is no folder { $folder } with settings.
cli-check-no-shared = { $file } is not there; its defaults hold, and only root has rights.
cli-check-no-user = { $file }: people.{ $role }: there is no user { $name } on this machine.
cli-check-no-group = { $file }: people.{ $role }: there is no group { $name } on this machine.
cli-check-not-known = does not run, so it cannot be known whether the server asks about everything: open doors show only while it runs.
cli-option-near = { $option }: not known here; is { $near } meant?
cli-place-missing = { $name } is missing. It is said like this: gatehouse { $form }
cli-check-no-jid-form = { $file }: people.{ $role }: { $name } is no address of a person, such as olga@corp.example. It holds no right.
cli-check-no-jid-spelling = { $file }: people.{ $role }: { $name } is not as the server writes it: { $spelling }. It holds no right.
cli-check-no-jid-host = { $file }: people.{ $role }: the host of { $name } is not in server: hosts. It holds no right.
cli-check-not-seen = does not run: what shows only while it runs (whether the server and what else it talks to let it in) was not looked at.
