// SPDX-License-Identifier: Apache-2.0
import { run } from '../kit/process/run.ts'
import { softwareVersion } from '../kit/process/version.ts'
import { startArchive, texts } from './archive.ts'
import { declarations } from './declarations.ts'
import { archiveSettings } from './settings.ts'

const manual = `
archive: keeps what passed and what did not, finds it again, and shows what is missing.
Talks to: the XMPP server (XEP-0114); works without it.  Reads: the journals it follows.
Writes:   its store, its own journal (who has looked, what is missing), the backups it is asked for.
Trusts:   the journals; no stanza in them. The server's word on who asks by ad-hoc command.
Speaks:   XEP-0004, 0030, 0050, 0092, 0114, 0122, 0199, 0335.  Settings: config/archive.yaml.
Exits:    0 when asked to, 1 on a fault, 2 on bad settings.
`

await run({
  name: 'archive',
  manual: manual.trim(),
  settings: archiveSettings,
  texts,
  commands: declarations,
  start: (context) => startArchive(context, softwareVersion()),
})
