// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse does on ejabberd with a stanza for which something of its own throws: it does not pass unasked, its number ends,
// and what its sender says behind it goes on.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { bodies, HOST, soon } from '../both/house.ts'
import { noEjabberd, openGated } from './gated.ts'

const BOB = `bob@${HOST}`
const CLERK = `clerk.${HOST}`
const PLUGINS = join(import.meta.dirname, 'plugins')

it('what throws for one stanza of a client or component keeps nothing behind it', { skip: noEjabberd }, async () => {
  await using gated = await openGated({ components: [CLERK], settings: { sources: [PLUGINS] } })
  const screen = await gated.asking()
  for (const [module, name, arity] of [
    ['gatehouse_errors', 'refusal', 4],
    ['gatehouse_asking', 'mark', 2],
    ['gatehouse_writer', 'addresses', 1],
  ])
    await gated.ejabberd.evaluate(`gatehouse_wrap:wrap(${module}, ${name}, ${arity}, gatehouse_broken).`)
  const alice = await gated.login('alice', { management: 'count' })
  const bob = await gated.login('bob')
  for (const body of ['DENY BREAK refusal', 'BREAK mark', 'BREAK addresses', 'and then']) alice.say(BOB, body)
  await bob.got(/and then/)
  assert.deepEqual(bodies(bob), ['and then'])
  await alice.got(/(?=.*<resource-constraint).*id='BREAK-addresses'/s)
  assert.ok(!screen.seen.some((iq) => iq.includes('BREAK addresses')))
  await soon(screen.saw(/<settle n='1' [^>]*outcome='bounced'/), 'how the first number ended')
  alice.client.requestAcknowledgement()
  await alice.got(/<body>and then/)
  assert.equal(alice.client.managed?.unacknowledged.length, 0, 'all are counted as handled')

  const clerk = await gated.screen(CLERK, { silent: /./ })
  const says = (body: string) => `<message from='x@${CLERK}' to='${BOB}' type='chat'><body>${body}</body></message>`
  clerk.write(says('HOLD DENY BREAK refusal by the clerk') + says('clerk behind it'))
  await soon(screen.saw(/clerk behind it/), 'the question behind')
  screen.release()
  await bob.got(/clerk behind it/)
  assert.deepEqual(bodies(bob), ['and then', 'clerk behind it'])
})
