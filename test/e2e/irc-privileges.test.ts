// SPDX-License-Identifier: Apache-2.0
// What transport-irc does in the name of its people where their server lets it (XEP-0356): contacts in their rosters, and what they said at
// another program of theirs, as their own.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { ejabberdVersion } from '../../deploy/demo/ejabberd.ts'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { type FakeIrcd, startFakeIrcd } from '../harness/fake-ircd.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import type { WorldOptions } from '../harness/world.ts'
import {
  asks,
  enter,
  GATEWAY,
  type IrcPlace,
  like,
  NETWORK,
  openIrcPlace,
  plain,
  refusedOrNot,
  roomOf,
} from '../transport-irc/place.ts'
import { onServers } from './servers.ts'

const ALICE = 'alice@corp.example'
const UWE = `uwe%${NETWORK}@${GATEWAY}`
const ROSTER = "<query xmlns='jabber:iq:roster'/>"
const [year = 0, month = 0] = (await ejabberdVersion())?.split('.').map(Number) ?? []
const since = (y: number, m: number) => year > y || (year === y && month >= m)

onServers('in the name of people', slixmppLack(), (server) => {
  let ircd: FakeIrcd
  let place: IrcPlace
  let alice: SlixmppClient
  let phone: SlixmppClient

  before(async () => {
    ircd = await startFakeIrcd()
    place = await openIrcPlace({ server, networks: [plain(ircd)], world: granting(server) })
    await place.transport.logged(({ event }) => event === 'privileges granted')
    alice = await place.person('alice')
    phone = await place.person('alice', 'phone')
    for (const client of [alice, phone])
      await client.send("<iq xmlns='jabber:client' type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
    // Prosody tells of changes those who have asked once.
    await asks(alice, 'get', ALICE, ROSTER)
    await asks(alice, 'set', GATEWAY, "<query xmlns='jabber:iq:register'><nick>alice</nick></query>")
    for (const client of [alice, phone]) await client.send(`<presence xmlns='jabber:client' to='${GATEWAY}'/>`)
    await ircd.got(/^NICK alice$/)
  })
  after(async () => {
    await place?.[Symbol.asyncDispose]()
    await ircd?.[Symbol.asyncDispose]()
  })

  it('a contact goes into the roster, or is asked for where the server cannot do it', async () => {
    const [added] = await place.ask('contact', { nick: 'uwe', person: ALICE })
    // ejabberd before 23.10 grants it, and fails.
    const goes = server === 'prosody' || since(23, 10)
    assert.equal(added?.way, goes ? 'roster' : 'subscribe')
    if (goes) await alice.wait(like('iq', 'type="set"', 'jabber:iq:roster', `jid="${UWE}`, `<group>${NETWORK}`))
    else await alice.wait(like('presence', 'type="subscribe"', `from="${UWE}`))
    // slixmpp grants what it is asked for, so it is there in either way.
    assert.match(await asks(alice, 'get', ALICE, ROSTER), new RegExp(UWE))
  })

  it('what she says at another program of hers is her own here: at all her clients, and not said again', async () => {
    ircd.bytes(':alice!alice@fake PRIVMSG uwe :on my way\r\n', 'alice')
    for (const client of [alice, phone]) {
      const carbon = await client.wait(like('message', '<sent', 'on my way'))
      assert.match(carbon, new RegExp(`^<message[^>]* from="${ALICE}"`))
      assert.match(carbon, new RegExp(`<message(?=[^>]* to="${UWE}")(?=[^>]* from="${ALICE}")`))
    }
    ircd.bytes(':uwe!uwe@fake PRIVMSG alice :good\r\n', 'alice')
    await alice.wait(like('message', `from="${UWE}`, '<body>good'))
    await alice.nothing(/on my way/)
    assert.deepEqual(
      ircd.client('alice')?.lines.filter((line) => line.includes('on my way')),
      [],
    )
    // And in a room, where she is an occupant as any other.
    await enter(alice, roomOf('#home'), 'alice')
    ircd.bytes(':alice!alice@fake PRIVMSG #home :here I am\r\n', 'alice')
    await alice.wait(like('message', `from="${roomOf('#home')}/alice"`, '<body>here I am'))
    await alice.nothing(/here I am/)
  })

  it('a room in which she stays becomes a bookmark of hers, where the server writes for her', async () => {
    const room = roomOf('#home')
    const query = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'/></pubsub>"
    /** Asks until it is as wanted: nobody tells a client that does not say it is interested. */
    const become = async (there: boolean) => {
      const until = Date.now() + 15_000
      for (;;) {
        const items = await refusedOrNot(alice, 'get', ALICE, query)
        if (items.includes(`id="${room}"`) === there) return items
        assert.ok(Date.now() < until, items)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    await enter(alice, room, 'alice')
    await become(false)
    await place.ask('room', { room: '#home', stay: 'yes', person: ALICE })
    if (server === 'prosody' || since(25, 3)) assert.match(await become(true), /autojoin="true"/)
    else await become(false)
    await place.ask('room', { room: '#home', leave: true, person: ALICE })
    await become(false)
  })
})

/** All that a server of this kind can let a component do. */
function granting(server: ServerKind): Pick<WorldOptions, 'prosody' | 'ejabberd'> {
  if (server === 'prosody') {
    const granted = 'roster = "both", message = "outgoing", iq = { ["http://jabber.org/protocol/pubsub"] = "both" }'
    return {
      prosody: {
        modules: ['privilege'],
        hostLines: [`privileged_entities = { ["${GATEWAY}"] = { ${granted} } }`],
        componentLines: ['modules_enabled = { "privilege" }'],
      },
    }
  }
  const iq = { 'http://jabber.org/protocol/pubsub': { both: 'gateway' } }
  return {
    ejabberd: {
      options: {
        acl: { local: { user_regexp: '' }, gateway: { server: GATEWAY } },
        access_rules: { local: { allow: 'local' }, gateway: { allow: 'gateway' } },
      },
      modules: {
        mod_privilege: {
          roster: { both: 'gateway' },
          message: { outgoing: 'gateway' },
          ...(since(24, 10) ? { iq } : {}),
        },
      },
    },
  }
}
