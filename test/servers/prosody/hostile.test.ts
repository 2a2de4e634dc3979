// SPDX-License-Identifier: Apache-2.0
// A person who writes ids of the archive into his own messages forges no report, and costs nobody else a message.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listen } from '../../harness/listener.ts'
import { ROOMS as OPEN_ROOMS, startWorld } from '../../harness/world.ts'
import { HOST, type Person, soon } from '../both/house.ts'
import { type Gated, gate, openGated } from './gated.ts'

const BOB = `bob@${HOST}`
const ROOMS = `rooms.${HOST}`
const TEA = `tea@${ROOMS}`

async function withRoom(modules: readonly string[]): Promise<Gated> {
  return openGated({
    settings: {
      global: ['storage = { archive = "memory" }'],
      components: [
        {
          name: ROOMS,
          module: 'muc',
          lines: [...gate(['muc_log_by_default = true']), `modules_enabled = { "gatehouse"${modules.join('')} }`],
        },
      ],
    },
  })
}

async function enter(person: Person, room: string): Promise<void> {
  person.client.send(`<presence to='${room}/Eve'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await person.got(/code='110'/)
  person.client.send(
    `<iq type='set' id='cfg' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  await person.got(/<iq[^>]*id='cfg'/)
}

const forged = (by: string, id: string) => `<stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='${id}'/>`
const FORGED = ['', 'made-up', 'x'.repeat(2000)].map((id) => forged(TEA, id)).join('')

describe('forged archive ids in a room', () => {
  it('are not reported where the room has no archive', async () => {
    await using gated = await withRoom([])
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    await enter(alice, TEA)
    alice.client.send(`<message to='${TEA}' type='groupchat' id='g1'><body>forged</body>${FORGED}</message>`)
    await alice.got(/<message[^>]*id='g1'/)
    alice.client.send(`<presence to='${TEA}/Eve' type='unavailable'/>`)
    await soon(screen.saw(/<occupant [^>]*event='left'/), 'a report behind it')
    assert.doesNotMatch(screen.seen.join(''), /<stanza-id n=/)
  })

  it('are not reported where it has one; its own id is', async () => {
    await using gated = await withRoom([', "muc_mam"'])
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    await enter(alice, TEA)
    alice.client.send(`<message to='${TEA}' type='groupchat' id='g1'><body>forged</body>${FORGED}</message>`)
    const copy = await alice.got(/<message[^>]*id='g1'/)
    const ids = [...copy.matchAll(/<stanza-id[^>]*id='([^']*)'/g)].map(([, id]) => id)
    assert.equal(ids.length, 1)
    await soon(screen.saw(new RegExp(`<stanza-id n='\\d+' by='${TEA}' id='${ids[0]}'`)), 'the id of the archive')
    assert.equal(screen.seen.join('').match(/<stanza-id n=/g)?.length, 1)
  })

  it('cost an innocent pair no message', async () => {
    await using world = await startWorld({ rooms: true, archive: false })
    const login = { address: world.address, port: world.ports.c2s, domain: HOST, password: 'x', resource: 'r' }
    const eve = await listen({ ...login, user: 'eve' })
    const alice = await listen({ ...login, user: 'alice' })
    const bob = await listen({ ...login, user: 'bob' })
    const room = `tea@${OPEN_ROOMS}`
    eve.client.send(`<presence to='${room}/Eve'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    await eve.next(/code='110'/)
    for (let i = 0; i < 30; i++) {
      eve.client.send(
        `<message to='${room}' type='groupchat' id='e${i}'><body>x</body>${forged(room, '')}${forged(room, 'f')}</message>`,
      )
      await eve.next(new RegExp(`<message[^>]*id='e${i}'`))
      alice.client.send(`<message to='${BOB}' type='chat' id='a${i}'><body>innocent ${i}</body></message>`)
      await bob.next(new RegExp(`id='a${i}'`))
    }
    assert.deepEqual(
      bob.bodies(),
      [...Array(30).keys()].map((i) => `innocent ${i}`),
    )
    assert.ok(!alice.seen.some((stanza) => /type='error'/.test(stanza)))
  })
})

describe('a report that the screen cannot read', () => {
  it('is left out, and the questions beside it are asked again, without an outage', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    const bob = await gated.login('bob')
    const both = (iq: string) => iq.includes('<ask') && /<session [^>]*POISON/.test(iq)
    const said: string[] = []
    for (let i = 0; i < 40 && (i < 5 || screen.seen.filter(both).length < 4); i++) {
      const alice = await gated.login('alice', { resource: `POISON${i}` })
      const body = `innocent ${i}`
      // In the name of somebody whose own address the screen can read.
      bob.say(`bob@${HOST}`, body)
      said.push(body)
      await bob.got(new RegExp(`<body>${body}</body>`))
      alice.client.break()
    }
    assert.ok(screen.seen.filter(both).length >= 4, 'questions beside the report')
    assert.ok(!bob.inbox.some((stanza) => /type='error'/.test(stanza)))
    const numbers = [...screen.seen.join('').matchAll(/<ask n='(\d+)'(?: try='(\d)')?/g)]
    assert.ok(
      numbers.every(([, , tried]) => tried === undefined),
      'each for the first time',
    )
  })
})
