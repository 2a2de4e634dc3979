// SPDX-License-Identifier: Apache-2.0
// What is held on ejabberd while its owner changes: a word of the link that crosses the change reaches the new owner, and the old one
// does nothing any more. Each race is made by keeping one process from running.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, type Person, SCREEN, soon } from '../both/house.ts'
import { noEjabberd, openGated } from './gated.ts'
import { LINK, suspended, until } from './processes.ts'

const BOB = `bob@${HOST}`

const bounced = (person: Person, id: string) =>
  person.got({
    test: (stanza: string) => stanza.includes(`id='${id}'`) && /<resource-constraint/.test(stanza),
  } as RegExp)

const askedOfLink = `lists:any(fun(M) -> is_tuple(M) andalso element(1, M) =:= ask end, element(2, process_info(${LINK}, messages)))`

/** Nothing is left in the link that waits for its verdict. */
const answered = `[] =:= [I || M <- tuple_to_list(sys:get_state(${LINK})), is_map(M), I <- maps:values(M), is_tuple(I),
  element(1, I) =:= item, not lists:member(allow, tuple_to_list(I))]`

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

describe('a verdict that crosses a resumption', { skip: noEjabberd }, () => {
  it('is acted on by the new session alone: delivered once, answered with no error, and what is said next comes', async () => {
    await using gated = await openGated({ options: { try: 15, hold_max: 20 } })
    const screen = await gated.asking()
    const alice = await gated.login('alice', { management: 'resume' })
    const bob = await gated.login('bob')
    // The old session has given its state away; before the new one says whose the stanza is now, the verdict comes.
    await gated.ejabberd.evaluate(
      `Wait = fun(State, #{sid := {_, Old}}) -> register(old, Old), register(new, self()), receive go -> State end end,
       ejabberd_hooks:add(c2s_copy_session, <<"${HOST}">>, Wait, 1).`,
    )
    alice.say(BOB, 'HOLD once')
    await soon(screen.saw(/HOLD once/), 'the question')
    alice.client.break()
    await alice.client.ended
    const { managed } = alice.client
    assert.ok(managed)
    const resuming = gated.login('alice', { management: 'resume', previous: managed })
    await until(gated, 'is_pid(whereis(new))')
    screen.release()
    await until(gated, answered)
    await until(gated, 'process_info(whereis(old), message_queue_len) =:= {message_queue_len, 0}')
    await gated.ejabberd.evaluate('new ! go.')
    const again = await resuming
    assert.ok(again.client.resumed)
    again.say(BOB, 'and then')
    await bob.got(/and then/)
    assert.deepEqual(bodies(bob), ['HOLD once', 'and then'])
    again.client.requestAcknowledgement()
    await again.got(/id='and-then'/)
    assert.ok(!again.inbox.some((stanza) => stanza.includes("type='error'")))
  })
})
