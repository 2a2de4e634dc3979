// SPDX-License-Identifier: Apache-2.0
// Components of an ejabberd that write to another server.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { soon } from '../both/house.ts'
import { noEjabberd, openGated } from './gated.ts'

const TELLER = '127.0.0.24'
/** Nobody listens there: what goes out comes back as an error at once. */
const AWAY = '127.0.0.23'

it('a component that writes to another server is asked as sent, in order per sender', {
  skip: noEjabberd,
}, async () => {
  const east = { host: '127.0.0.22', s2s: true }
  await using gated = await openGated({
    ...east,
    options: { try: 15, hold_max: 20 },
    components: [TELLER],
    settings: { address: east.host },
  })
  const screen = await gated.asking()
  const teller = await gated.screen(TELLER)
  for (const body of ['HOLD afar', 'behind'])
    teller.write(`<message from='eve@${TELLER}/x' to='bob@${AWAY}' id='m'><body>${body}</body></message>`)
  teller.write(`<iq type='set' from='eve@${TELLER}/x' to='bob@${AWAY}/r' id='no'><x xmlns='urn:x'>DENY that</x></iq>`)
  const question = await soon(screen.saw(/HOLD afar/), 'the question')
  assert.match(question, /^<iq [^>]*from='127\.0\.0\.22'/)
  assert.match(question, /<ask n='\d+'[^>]* via='component'[^>]*><forwarded[^>]*><message [^>]*from='eve@/)
  assert.doesNotMatch(question, /direction='received'/)
  await soon(screen.saw(/DENY that/), 'the last question')
  // Somebody else's, of whom nothing is held, goes out and comes back.
  teller.write(`<message from='dan@${TELLER}/x' to='bob@${AWAY}' id='m'><body>of another</body></message>`)
  await soon(teller.heard(/to='dan@.*of another/), 'what came back')
  const back: string[] = []
  const told = { test: (one: string) => back.push(/<body>(.*?)</.exec(one)?.[1] ?? '') >= 3 } as unknown as RegExp
  screen.release()
  await soon(teller.heard(told), 'all that went out')
  assert.deepEqual(back, ['of another', 'HOLD afar', 'behind'])
  assert.match(await soon(teller.saw(/id='no'/), 'the refusal'), /policy-violation/)
})
