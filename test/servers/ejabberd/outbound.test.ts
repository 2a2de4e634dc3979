// SPDX-License-Identifier: Apache-2.0
// Components of an ejabberd that write to another server.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { bodies, soon } from '../both/house.ts'
import { noEjabberd, openGated } from './gated.ts'

const TELLER = '127.0.0.24'

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
  await using west = await openGated({
    host: '127.0.0.23',
    s2s: true,
    options: { ask: ['iq'] },
    settings: { address: '127.0.0.23' },
  })
  const screen = await gated.asking()
  const bob = await west.login('bob')
  const teller = await gated.screen(TELLER)
  for (const body of ['HOLD afar', 'behind'])
    teller.write(`<message from='eve@${TELLER}/x' to='bob@127.0.0.23' id='m'><body>${body}</body></message>`)
  teller.write(
    `<iq type='set' from='eve@${TELLER}/x' to='bob@127.0.0.23/r' id='no'><x xmlns='urn:x'>DENY that</x></iq>`,
  )
  const question = await soon(screen.saw(/HOLD afar/), 'the question')
  assert.match(question, /^<iq [^>]*from='127\.0\.0\.22'/)
  assert.match(question, /<ask n='\d+'[^>]* via='component'[^>]*><forwarded[^>]*><message [^>]*from='eve@/)
  assert.doesNotMatch(question, /direction='received'/)
  await soon(screen.saw(/DENY that/), 'the last question')
  assert.deepEqual(bodies(bob), [])
  screen.release()
  assert.match(await soon(teller.saw(/id='no'/), 'the refusal'), /policy-violation/)
})
