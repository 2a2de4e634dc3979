// SPDX-License-Identifier: Apache-2.0
import { run } from '../kit/process/run.ts'
import { softwareVersion } from '../kit/process/version.ts'
import { declarations } from './declarations.ts'
import { startDirectory, texts } from './directory.ts'
import { directorySettings } from './settings.ts'

const manual = `
directory: reads the company's LDAP or Active Directory, and lets it drive who is there, in which groups, and who may log in.
Talks to: LDAP servers; the XMPP server (XEP-0114), and works without it.
Writes:   its store, a snapshot of people and groups for the other processes, its own journal (what was changed, and by whom).
Trusts:   the LDAP servers as their certificates prove them; the server's word on who asks by ad-hoc command.
Speaks:   urn:gatehouse:directory:1 (deploy/servers/DIRECTORY.md), LDAP (RFC 4511), XEP-0004, 0030, 0045, 0050, 0054,
          0055, 0059, 0084, 0092, 0106, 0114, 0122, 0153, 0199, 0292, 0335, 0355, 0402.  Settings: config/directory.yaml.
Exits:    0 when asked to, 1 on a fault, 2 on bad settings.
`

await run({
  name: 'directory',
  manual: manual.trim(),
  settings: directorySettings,
  texts,
  watches: true,
  commands: declarations,
  start: (context) => startDirectory(context, { version: softwareVersion() }),
})
