// SPDX-License-Identifier: Apache-2.0
// Which hosts ask, and what one owes that goes: test/servers/both/hosts.ts. And a host that the server itself has no more.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ejabberd } from '../both/ejabberd.ts'
import { hosts } from '../both/hosts.ts'
import { HOST, SCREEN, soon } from '../both/house.ts'
import { gate, noEjabberd, openGated } from './gated.ts'

hosts(ejabberd)

it('a host that is no host of the server any more: what the screen still answers for it harms nobody', {
  skip: noEjabberd,
}, async () => {
  const LAB = 'lab.example'
  await using gated = await openGated({
    options: { try: 5, hold_max: 6 },
    settings: {
      hosts: [{ name: LAB, modules: gate({ try: 4, hold_max: 5 }) }],
      accounts: [{ jid: `dora@${LAB}`, password: 'secret' }],
    },
  })
  const screen = await gated.asking({ silent: new RegExp(`^<iq [^>]*from='${LAB}'[^>]*>.*<settle`) })
  const dora = await gated.login('dora', { host: LAB })
  dora.say(`dora@${LAB}`, 'MUTE one')
  await soon(screen.saw(/MUTE one/), 'the question')
  const before = await gated.ejabberd.evaluate(`whereis('gatehouse_link_${SCREEN}').`)
  // As soon as it is forgotten there comes an answer to what was told of it; all ids are written, as the screen would write one.
  const watching = gated.ejabberd.evaluate(`fun Look(Known) ->
    Link = tuple_to_list(sys:get_state('gatehouse_link_${SCREEN}')),
    Ids = [Id || Map <- Link, is_map(Map), {<<"gh-", _/binary>> = Id, Rec} <- maps:to_list(Map), element(2, Rec) =:= <<"${LAB}">>],
    case [Map || Map <- Link, is_map(Map), is_map_key(<<"${LAB}">>, Map)] of
        [] ->
            [Session] = [Pid || Pid <- Link, is_pid(Pid)],
            [whereis('gatehouse_link_${SCREEN}') ! {answer, Session, Id, error,
                [{xmlel, <<"error">>, [], [{xmlel, <<"forbidden">>, [{<<"xmlns">>, <<"urn:ietf:params:xml:ns:xmpp-stanzas">>}], []}]}]}
                || Id <- Known ++ Ids],
            length(Known);
        _ -> timer:sleep(10), Look(lists:usort(Known ++ Ids))
    end
  end([]).`)
  await gated.configure({}, { hosts: [] })
  assert.ok(Number(await watching) > 0, 'something was under way')
  const alice = await gated.login('alice')
  alice.say(`alice@${HOST}`, 'after it')
  await alice.got(/<body>after it/)
  assert.equal(await gated.ejabberd.evaluate(`whereis('gatehouse_link_${SCREEN}').`), before)
})
