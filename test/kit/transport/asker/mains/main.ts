// SPDX-License-Identifier: Apache-2.0
// An asker whose policy is away, in a process that the test kills.
import { openAsker } from '../../../../../components/kit/transport/asker/asker.ts'
import { StanzaError } from '../../../../../components/kit/xmpp/stanza-error.ts'
import { DOMAIN, SCREEN } from '../screen.ts'

const asker = await openAsker({
  domain: DOMAIN,
  screen: SCREEN,
  path: process.argv[2] ?? '',
  node: 'n',
  software: 's',
  onOutage: 'open',
  request: () => Promise.reject(new StanzaError('cancel', 'service-unavailable')),
  log: { info() {}, warn() {}, error() {} },
})
asker.up()
const { action } = await asker.ask({
  stanza: `<message from='p@${DOMAIN}' to='alice@corp.example'><body>a secret</body></message>`,
  network: 'irc',
  server: 'irc.example.org',
  foreign: { nick: 'p' },
  order: 'p',
})
console.log(`${action} unscreened secret`)
setInterval(() => {}, 60_000)
