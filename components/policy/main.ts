// SPDX-License-Identifier: Apache-2.0
import { run } from '../kit/process/run.ts'
import { softwareVersion } from '../kit/process/version.ts'
import { declarations } from './commands.ts'
import { startPolicy, texts } from './policy.ts'
import { policySettings } from './settings.ts'

const manual = `
policy: answers the server's question, may this pass?, and records every question before it answers.
Talks to: the XMPP server (XEP-0114).  Writes: its own journal, and beside it walls and rooms.
Reads: its settings and its rule file, the people that directory publishes.
Trusts:   the server's word on who sent it; of those, only the hosts named in its settings.
Speaks:   urn:gatehouse:screen:1 (deploy/servers/PROTOCOL.md), XEP-0004, 0030, 0050, 0092,
          0114, 0122, 0199, 0297, 0335.  Settings: config/policy.yaml.
Signals:  SIGHUP reads the rule file again, SIGTERM finishes what is in work.
Exits:    0 when asked to, 1 on a fault, 2 on bad settings or a bad rule file.
`

await run({
  name: 'policy',
  manual: manual.trim(),
  settings: policySettings,
  texts,
  watches: true,
  commands: declarations,
  start: (context) => startPolicy(context, { version: softwareVersion() }),
})
