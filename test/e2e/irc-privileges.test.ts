// SPDX-License-Identifier: Apache-2.0
// What transport-irc does in the name of its people where their server lets it (XEP-0356): contacts in their rosters, and what they said at
// another program of theirs, as their own.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { ejabberdVersion } from '../../deploy/demo/ejabberd.ts'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { FAKE_CAPS, type FakeIrcd, startFakeIrcd } from '../harness/fake-ircd.ts'
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
    ircd = await startFakeIrcd({ caps: { ...FAKE_CAPS, 'draft/read-marker': '' } })
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
    const become = (there: boolean) =>
      itemsWhen(alice, 'urn:xmpp:bookmarks:1', (items) => items.includes(`id="${room}"`) === there)
    await enter(alice, room, 'alice')
    await become(false)
    await place.ask('room', { room: '#home', stay: 'yes', person: ALICE })
    if (server === 'prosody' || since(25, 3)) assert.match(await become(true), /autojoin="true"/)
    else await become(false)
    await place.ask('room', { room: '#home', leave: true, person: ALICE })
    await become(false)
  })

  it('what she has read here is read there, and what she has read there is read here', async () => {
    const room = roomOf('#news')
    await enter(alice, room, 'alice')
    const [first, second] = [Date.parse('2026-01-02T03:04:05.678Z'), Date.parse('2026-01-02T04:00:00.000Z')]
    const heard = async (text: string, at: number) => {
      ircd.say('uwe', '#news', text, { at })
      const told = await alice.wait(like('message', `from="${room}/uwe"`, `<body>${text}`, 'markable'))
      return /<stanza-id(?=[^>]* id="([^"]+)")/.exec(told)?.[1] ?? ''
    }
    const id = await heard('one', first)
    await alice.send(
      `<message xmlns='jabber:client' type='groupchat' to='${room}'><displayed xmlns='urn:xmpp:chat-markers:0' id='${id}'/></message>`,
    )
    await ircd.got(/^MARKREAD #news timestamp=2026-01-02T03:04:05\.678Z$/)
    const newest = await heard('two', second)
    ircd.bytes(`:${ircd.name} MARKREAD #news timestamp=2026-01-02T04:00:00.000Z\r\n`, 'alice')
    if (server === 'prosody' || since(25, 3))
      await itemsWhen(alice, 'urn:xmpp:mds:displayed:0', (items) => items.includes(`id="${newest}"`))
    // One to one a marker of hers says it, to all her clients.
    ircd.bytes('@msgid=p1;time=2026-01-02T05:00:00.000Z :uwe!uwe@fake PRIVMSG alice :psst\r\n', 'alice')
    const psst = / id="([^"]+)"/.exec(await alice.wait(like('message', `from="${UWE}`, 'psst', 'markable')))?.[1]
    ircd.bytes(`:${ircd.name} MARKREAD uwe timestamp=2026-01-02T05:00:00.000Z\r\n`, 'alice')
    await phone.wait(like('message', '<sent', `<displayed`, `id="${psst}"`))
  })
})

/** What stands in a node of hers, when it fits: nobody tells a client that does not say it is interested. */
async function itemsWhen(client: SlixmppClient, node: string, fits: (items: string) => boolean): Promise<string> {
  const query = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'/></pubsub>`
  const until = Date.now() + 15_000
  for (;;) {
    const items = await refusedOrNot(client, 'get', ALICE, query)
    if (fits(items)) return items
    assert.ok(Date.now() < until, items)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

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
