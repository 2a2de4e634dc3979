// SPDX-License-Identifier: Apache-2.0
// Whatever fails in mod_gatehouse closes: ejabberd goes on with the next hook after one that failed, which would let everything pass.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { bodies, HOST, soon } from '../both/house.ts'
import { noEjabberd, openGated } from './gated.ts'

it('lets nothing pass where its own code fails, and says so in the log without what people wrote', {
  skip: noEjabberd,
}, async () => {
  await using gated = await openGated({ components: ['teller.corp.example'] })
  const screen = await gated.asking()
  const alice = await gated.login('alice')
  const bob = await gated.login('bob')
  const teller = await gated.screen('teller.corp.example')
  const BOB = `bob@${HOST}`
  await gated.ejabberd.evaluate(`persistent_term:put({gatehouse, host, <<"${HOST}">>}, #{screen => <<"x">>}).`)
  alice.say(BOB, 'words of alice')
  assert.match(await alice.got(/id='words-of-alice'/), /<error type='wait'><resource-constraint/)
  teller.write(`<message from='teller.corp.example' to='${BOB}' id='t1'><body>words of teller</body></message>`)
  await soon(gated.ejabberd.logged(/Holding what came from a server or component failed/), 'the word in the log')
  const [line] = gated.ejabberd.linesWith(/Holding what a client sent failed/)
  assert.match(line ?? '', /gatehouse_where/)
  assert.ok(!gated.ejabberd.linesWith(/words of/).length)
  // The roster is answered after what stood before it.
  bob.client.send("<iq type='get' id='fence'><query xmlns='jabber:iq:roster'/></iq>")
  await bob.got(/id='fence'/)
  assert.deepEqual(bodies(bob), [])
  assert.ok(!screen.seen.some((iq) => iq.includes('words of')))
})
