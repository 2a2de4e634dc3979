// SPDX-License-Identifier: Apache-2.0
import { run } from '../kit/process/run.ts'
import { softwareVersion } from '../kit/process/version.ts'
import { declarations } from './declarations.ts'
import { transportIrcSettings } from './settings.ts'
import { startTransportIrc, texts } from './transport-irc.ts'

const manual = `
transport-irc: brings IRC networks to the company's people: channels as rooms, their people as contacts, under the company's policy.
Talks to: IRC servers; the XMPP server (XEP-0114).
Writes:   its store (rooms, history, what people log in with, encrypted), what policy was not told yet, its own journal (who was refused, what operators did).
Trusts:   IRC servers as their certificates prove them, and only in what happens there; the server's word on who of its people asks.
Speaks:   IRC (RFC 1459, 2812) with IRCv3, RFC 1413, urn:gatehouse:screen:1 (deploy/servers/PROTOCOL.md), XEP-0004, 0030, 0045,
          0050, 0059, 0092, 0114, 0199 and those of transports.  Settings: config/transport-irc.yaml.
Signals:  SIGHUP reads the settings again: networks, others, only, limits, stays, bookmarks; connections stay. SIGTERM ends it in good order.
Exits:    0 when asked to, 1 on a fault, 2 on bad settings.
`

await run({
  name: 'transport-irc',
  manual: manual.trim(),
  settings: transportIrcSettings,
  texts,
  watches: true,
  commands: declarations,
  start: (context) => startTransportIrc(context, { version: softwareVersion() }),
})
