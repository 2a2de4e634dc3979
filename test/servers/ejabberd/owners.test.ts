// SPDX-License-Identifier: Apache-2.0
// What is held on ejabberd while its owner changes: a word of the link that crosses the change reaches the new owner, and the old one
// does nothing any more. Each race is made by keeping one process from running.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SCREEN } from '../prosody/gated.ts'
import { type Gated, HOST, noEjabberd, openGated, type Person, soon } from './gated.ts'

const BOB = `bob@${HOST}`
const LINK = `whereis(gatehouse_link:name_of(<<"${SCREEN}">>))`

/** Keeps a process from running until the returned function is called. */
async function suspended(gated: Gated, process: string): Promise<() => Promise<string>> {
  await gated.ejabberd.evaluate(
    `P = ${process}, S = self(), spawn(fun() -> register(keeper, self()), erlang:suspend_process(P), S ! kept, receive go -> ok end end),
     receive kept -> ok end.`,
  )
  return () => gated.ejabberd.evaluate('keeper ! go.')
}

const bounced = (person: Person, id: string) =>
  person.got({
    test: (stanza: string) => stanza.includes(`id='${id}'`) && /<resource-constraint/.test(stanza),
  } as RegExp)

/** Resolves when the Erlang expression is true. */
async function until(gated: Gated, expression: string): Promise<void> {
  const loop = `F = fun F() -> case ${expression} of true -> ok; _ -> receive after 10 -> F() end end end, F().`
  await soon(gated.ejabberd.evaluate(loop), expression)
}

const askedOfLink = `lists:any(fun(M) -> element(1, M) =:= ask end, element(2, process_info(${LINK}, messages)))`

describe('a bounce without a number that crosses a change of the owner', { skip: noEjabberd }, () => {
  it('reaches who took over from a session that ended: no process waits for good', async () => {
    await using gated = await openGated()
    const alice = await gated.login('alice')
    const goOn = await suspended(gated, LINK)
    alice.client.raw(`<message to='${BOB}'><body>last words</body></message></stream:stream>`)
    await alice.client.ended
    await until(gated, 'length(supervisor:which_children(gatehouse_worker_sup)) =:= 1')
    await goOn()
    await until(gated, 'supervisor:which_children(gatehouse_worker_sup) =:= []')
    assert.match(
      await gated.ejabberd.evaluate(`maps:get(in_flight, gatehouse_link:counts(<<"${SCREEN}">>, <<"${HOST}">>)).`),
      /^0$/,
    )
  })

  it('reaches the session that resumed: its sender is told, and what he says next is not stuck behind it', async () => {
    await using gated = await openGated()
    const alice = await gated.login('alice', { management: 'resume' })
    const goOn = await suspended(gated, LINK)
    alice.say(BOB, 'before the break')
    await until(gated, askedOfLink)
    alice.client.break()
    await alice.client.ended
    const { managed } = alice.client
    assert.ok(managed)
    const again = await gated.login('alice', { management: 'resume', previous: managed })
    assert.ok(again.client.resumed)
    await goOn()
    await bounced(again, 'before-the-break')
    again.say(BOB, 'after it')
    await bounced(again, 'after-it')
  })
})
