// SPDX-License-Identifier: Apache-2.0
// Rules on who people are, and walls between groups, with real clients on real servers: one to one, in rooms, up and down, over a kill of policy.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openSnapshotWriter } from '../../components/kit/bus/file-snapshot.ts'
import type { SnapshotWriter } from '../../components/kit/bus/snapshot.ts'
import { writeItem } from '../../components/kit/facts/people.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { HOST, ROOMS } from '../harness/world.ts'
import { itemsOf, personItem } from '../policy/people.ts'
import { onServers } from './servers.ts'

const MUC = 'http://jabber.org/protocol/muc'
const RULES = `otherwise: allow
rules:
  - { id: staff-only, when: { from.group: interns, to.group: staff }, then: refuse }`
const WALL = `${RULES}
walls:
  - { id: wall, a: Traders, b: Research }`

onServers('people', slixmppLack(), (server) => {
  let stage: Stage
  let writer: SnapshotWriter
  const people = {} as Record<'alice' | 'bob' | 'dave' | 'ines', SlixmppClient>
  before(async () => {
    stage = await openStage({ server, rooms: true, rules: RULES })
    writer = await openSnapshotWriter(join(stage.world.journal, '..', 'directory'))
    await writer.replace(
      itemsOf({
        'alice@corp.example': { groups: ['Traders', 'Staff'], name: 'Alice Meier' },
        'bob@corp.example': { groups: ['Research', 'Staff'] },
        'dave@corp.example': { groups: ['Staff'] },
        'ines@corp.example': { groups: ['Interns'] },
      }).map(writeItem),
    )
    await stage.world.policy?.logged(({ event }) => event === 'people in force')
    for (const name of ['alice', 'bob', 'dave', 'ines'] as const) {
      const client = await stage.person(name)
      await client.wait(new RegExp(`<presence [^>]*from="${client.jid}"`))
      people[name] = client
    }
  })
  after(async () => {
    await writer[Symbol.asyncDispose]()
    await stage[Symbol.asyncDispose]()
  })

  const chat = (to: string, id: string) =>
    `<message xmlns='jabber:client' type='chat' to='${to}@corp.example' id='${id}'><body>${id} hello</body></message>`
  const toRoom = (room: string, id: string) =>
    `<message xmlns='jabber:client' type='groupchat' to='${room}@${ROOMS}' id='${id}'><body>${id} hello</body></message>`
  const joins = (room: string, nick: string) =>
    `<presence xmlns='jabber:client' to='${room}@${ROOMS}/${nick}'><x xmlns='${MUC}'/></presence>`
  const inRoom = (room: string, nick: string) =>
    new RegExp(`<presence [^>]*from="${room}@${ROOMS}/${nick}"(?![^>]*type=)`)
  const refusedJoin = (room: string) =>
    new RegExp(
      `<presence [^>]*from="${room}@${ROOMS}[^>]*type="error"|<presence [^>]*type="error"[^>]*from="${room}@${ROOMS}`,
    )
  /** An instant room: a new one is locked on Prosody and ejabberd until its owner says so (XEP-0045 10.1.2). */
  const unlock = (room: string) =>
    `<iq xmlns='jabber:client' type='set' id='u-${room}' to='${room}@${ROOMS}'><query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`

  async function enters(client: SlixmppClient, room: string, nick: string): Promise<void> {
    await client.send(joins(room, nick))
    await client.wait(inRoom(room, nick))
  }

  /** Until the server asks again, its own outage rule closes it. */
  async function refusedByWall(room: string): Promise<void> {
    for (let said = 'resource-constraint'; said.includes('resource-constraint'); ) {
      await people.alice.send(joins(room, 'again'))
      said = await people.alice.wait(refusedJoin(room))
      assert.match(said, /not-allowed|compliance service is not available/)
    }
  }

  test('a group that may not write to another is refused, until the directory says that she has joined it', async () => {
    await people.ines.send(chat('dave', 'i1'))
    assert.match(await people.ines.wait(/id="i1"/), /policy-violation/)
    await people.dave.send(chat('ines', 'd1'))
    await people.ines.wait(/id="d1"/)
    await writer.put({ put: [writeItem(personItem('ines@corp.example', { groups: ['Staff'] }))] })
    await stage.world.policy?.logged(({ event, seq }) => event === 'people in force' && seq === 2)
    await people.ines.send(chat('dave', 'i2'))
    await people.dave.wait(/id="i2"/)
    await people.dave.nothing(/id="i1"/)
  })

  test('the archive finds what she said by her name of then and of now, and shows who she was', async () => {
    const { alice, bob } = people
    await alice.send(chat('bob', 'n1'))
    await bob.wait(/id="n1"/)
    await writer.put({
      put: [writeItem(personItem('alice@corp.example', { groups: ['Traders', 'Staff'], name: 'Alice Miller' }))],
    })
    await stage.world.policy?.logged(({ event, seq }) => event === 'people in force' && seq === 3)
    await alice.send(chat('bob', 'n2'))
    await bob.wait(/id="n2"/)
    await stage.recorded('n2', 'released')
    for (const person of ['Alice Meier', 'alice miller', 'alice@corp.example']) {
      const rows = await stage.world.ask('archive search', { person, words: 'hello', reason: 'test' })
      const names = rows.map(({ text, from_person }) => [text, (from_person as { name: string } | null)?.name])
      assert.deepEqual(names.reverse(), [
        ['n1 hello', 'Alice Meier'],
        ['n2 hello', 'Alice Miller'],
      ])
    }
  })

  test('a wall goes up: messages, subscriptions, joins and what is said in a room that both stand in are refused; it goes down again', async () => {
    const { alice, bob, dave } = people
    await enters(bob, 'tea', 'bob')
    await bob.send(unlock('tea'))
    await bob.wait(/id="u-tea"/)
    await enters(alice, 'tea', 'alice')
    await enters(dave, 'tea', 'dave')
    await alice.send(chat('bob', 'w1'))
    await bob.wait(/id="w1"/)
    await stage.world.setRules(WALL)
    await stage.world.policy?.logged(({ event }) => event === 'walls in force')

    await alice.send(chat('bob', 'w2'))
    assert.match(await alice.wait(/id="w2"/), /policy-violation/)
    await bob.send(`<presence xmlns='jabber:client' type='subscribe' to='alice@corp.example'/>`)
    await bob.wait(/<presence [^>]*type="error"/)
    await alice.send(toRoom('tea', 'w3'))
    assert.match(await alice.wait(/id="w3"/), /policy-violation/)
    await dave.send(toRoom('tea', 'w4'))
    await bob.wait(/id="w4"/)
    await alice.wait(/id="w4"/)

    // In another room, and after policy was killed.
    await enters(bob, 'plans', 'bob')
    await bob.send(unlock('plans'))
    await bob.wait(/id="u-plans"/)
    await alice.send(joins('plans', 'alice'))
    assert.match(await alice.wait(refusedJoin('plans')), /not-allowed/)
    await enters(dave, 'plans', 'dave')
    stage.world.policy?.kill('SIGKILL')
    await stage.world.policy?.exited
    await stage.world.startPolicy()
    await refusedByWall('plans')
    // Another run of the helper in a server that runs on tells of those who are there.
    if (server === 'prosody') {
      const hosts = [HOST, ROOMS]
      for (const host of hosts) await stage.world.server.shell(`module:unload("gatehouse", "${host}")`)
      for (const host of hosts) await stage.world.server.shell(`module:load("gatehouse", "${host}")`)
      await refusedByWall('plans')
    }
    await dave.nothing(/plans@[^"]*\/(alice|again)/)

    // Bob leaves, and she may come.
    await bob.send(`<presence xmlns='jabber:client' type='unavailable' to='plans@${ROOMS}/bob'/>`)
    await dave.wait(
      new RegExp(
        `<presence [^>]*from="plans@${ROOMS}/bob"[^>]*type="unavailable"|type="unavailable"[^>]*from="plans@${ROOMS}/bob"`,
      ),
    )
    await stage.world.setRules(RULES)
    await alice.send(chat('bob', 'w5'))
    await bob.wait(/id="w5"/)
    await enters(alice, 'plans', 'alice')
    await bob.nothing(/id="w[23]"/)
  })
})
