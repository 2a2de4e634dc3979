// SPDX-License-Identifier: Apache-2.0
// What is held on ejabberd while its owner changes: a word of the link that crosses the change reaches the new owner, and the old one
// does nothing any more; and nobody waits for the link. Each race is made by keeping one process from running.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { bodies, HOST, type Person, SCREEN, soon } from '../both/house.ts'
import { type Gated, noEjabberd, openGated } from './gated.ts'
import { LINK, suspended, until } from './processes.ts'

const BOB = `bob@${HOST}`
const CLERK = `clerk.${HOST}`

const bounced = (person: Person, id: string) =>
  person.got({
    test: (stanza: string) => stanza.includes(`id='${id}'`) && /<resource-constraint/.test(stanza),
  } as RegExp)

const askedOfLink = `lists:any(fun(M) -> is_tuple(M) andalso element(1, M) =:= ask end, element(2, process_info(${LINK}, messages)))`

/** Nothing is left in the link that waits for its verdict. */
const answered = `[] =:= [I || M <- tuple_to_list(sys:get_state(${LINK})), is_map(M), I <- maps:values(M), is_tuple(I),
  element(1, I) =:= item, not lists:member(allow, tuple_to_list(I))]`

describe('while the process on the way to the screen does not run', { skip: noEjabberd }, () => {
  let gated: Gated
  before(async () => {
    gated = await openGated({ components: [CLERK] })
  })
  after(() => gated[Symbol.asyncDispose]())

  it('a bounce without a number reaches who took over from a session that ended: no process waits for good', async () => {
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

  it('a bounce without a number reaches the session that resumed: its sender is told, and what he says next is not stuck behind it', async () => {
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

  it('nothing waits for it: not the sessions, nor the stream of a component, nor the router', async () => {
    const [alice, bob, carol] = [await gated.login('alice'), await gated.login('bob'), await gated.login('carol')]
    const clerk = await gated.screen(CLERK, { silent: /./ })
    const goOn = await suspended(gated, LINK)
    const state = (id: string, more = '') =>
      `<message${more} to='${BOB}' type='chat' id='${id}'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
    alice.say(BOB, 'held of alice')
    clerk.write(`<message from='x@${CLERK}' to='${BOB}' id='held'><body>held of the clerk</body></message>`)
    // Behind it in the same stream, in the name of somebody else.
    clerk.write(state('of-the-clerk', ` from='y@${CLERK}'`))
    await bob.got(/id='of-the-clerk'/)
    carol.client.send(state('of-carol'))
    await bob.got(/id='of-carol'/)
    // What the server itself says is told to it, in the process of who says it.
    await gated.ejabberd.evaluate(`ejabberd_router:route(xmpp:decode({xmlel, <<"message">>,
      [{<<"from">>, <<"${HOST}">>}, {<<"to">>, <<"${BOB}">>}], [{xmlel, <<"body">>, [], [{xmlcdata, <<"said by the house">>}]}]})).`)
    await bob.got(/said by the house/)
    // Her session takes what others send her, though something of hers is held.
    bob.client.send(state('to-alice').replace(BOB, `alice@${HOST}`))
    await alice.got(/id='to-alice'/)
    assert.deepEqual(bodies(bob), ['said by the house'])
    await goOn()
    await bounced(alice, 'held-of-alice')
    await soon(clerk.heard(/id='held'.*<resource-constraint/), 'what the component is told')
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
