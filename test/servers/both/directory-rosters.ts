// SPDX-License-Identifier: Apache-2.0
// Rosters from groups, on whichever server: DIRECTORY.md sections 5 and 7.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type Contact,
  type DirectoryComponent,
  type DirectoryHouse,
  type DirectoryServer,
  enter,
  type Group,
  gone,
  group,
  jid,
  join,
  OTHER_HOST,
  openDirectory,
  part,
  person,
  policy,
} from './directory-house.ts'
import { HOST } from './house.ts'

const ROSTER = 'jabber:iq:roster'
const people = (...names: string[]) => names.map((name) => person(name, { name: name.toUpperCase() })).join('')
const ALL = people('alice', 'bob', 'carol', 'dave', 'eve')
const full = (name: string) => `${jid(name)}/r`
const set = (name: string, inside = '', attributes = '') =>
  `<query xmlns='${ROSTER}'><item jid='${jid(name)}'${attributes}>${inside}</item></query>`

/** Who gets whom: `U: ['C subscription groups']`. */
type Case = {
  title: string
  policy?: Parameters<typeof policy>[0]
  people?: string
  groups: readonly Group[]
  more?: string
  rosters: Readonly<Record<string, readonly string[]>>
}

const wall = (more = '') => `<wall id='w'><a group='a'/><b group='b'/>${more}</wall>`
const AB: readonly Group[] = [
  { id: 'a', name: 'A', members: ['alice'] },
  { id: 'b', name: 'B', members: ['bob'] },
  { id: 'c', name: 'C', members: ['alice', 'bob', 'carol'] },
]

export const CASES: readonly Case[] = [
  {
    title: 'members see each other, and nobody else',
    groups: [{ id: 'g', name: 'Traders', members: ['alice', 'bob'] }],
    rosters: { alice: ['bob both Traders'], bob: ['alice both Traders'], carol: [] },
  },
  {
    title: 'everybody is shown a group; its members do not see all',
    groups: [{ id: 'g', name: 'Desk', shown: 'everybody', members: ['alice', 'bob'] }],
    rosters: { alice: ['bob both Desk'], carol: ['alice to Desk', 'bob to Desk'] },
  },
  {
    title: 'a group is shown to the members of named groups only, not to its own',
    groups: [
      { id: 'g', name: 'Research', shown: 'groups', to: ['t'], members: ['alice', 'bob'] },
      { id: 't', name: 'Traders', shown: 'nobody', members: ['carol'] },
    ],
    rosters: { alice: [], bob: [], carol: ['alice to Research', 'bob to Research'] },
  },
  {
    title: 'who sees each other by different groups has both',
    groups: [
      { id: 'g', name: 'Research', shown: 'groups', to: ['t'], members: ['alice'] },
      { id: 't', name: 'Traders', shown: 'groups', to: ['g'], members: ['carol'] },
    ],
    rosters: { alice: ['carol both Traders'], carol: ['alice both Research'] },
  },
  {
    title: 'a group shown to nobody is shown to nobody',
    groups: [{ id: 'g', shown: 'nobody', members: ['alice', 'bob'] }],
    rosters: { alice: [], bob: [] },
  },
  {
    title: 'one contact stands in all groups that show it, and groups of one name are one',
    groups: [
      { id: 'g1', name: 'Traders', members: ['alice', 'bob'] },
      { id: 'g2', name: 'Tea & <Cake>', members: ['alice', 'bob'] },
      { id: 'g3', name: 'Traders', members: ['alice', 'bob'] },
    ],
    rosters: { alice: ['bob both Tea & <Cake>,Traders'] },
  },
  {
    title: 'a member that is no person, or is locked, is not shown and sees nobody',
    people: people('alice', 'bob') + person('carol', { locked: 'disabled' }) + person('eve', { locked: 'gone' }),
    groups: [{ id: 'g', name: 'G', members: ['alice', 'bob', 'carol', 'dave', 'eve'] }],
    rosters: { alice: ['bob both G'], dave: [] },
  },
  {
    title: 'a group that goes over the cap is left out whole, and a later one that fits is taken',
    policy: { cap: 2 },
    groups: [
      { id: 'one', name: 'One', order: 1, members: ['alice', 'bob'] },
      { id: 'big', name: 'Big', order: 2, members: ['alice', 'bob', 'carol', 'dave', 'eve'] },
      { id: 'two', name: 'Two', order: 3, members: ['alice', 'carol'] },
    ],
    rosters: { alice: ['bob both One', 'carol both Two'], bob: ['alice both One'], eve: [] },
  },
  {
    title: 'the cap counts people once, in order and then by id; who left a group out is seen and does not see',
    policy: { cap: 2 },
    groups: [
      { id: 'b', name: 'B', members: ['alice', 'dave', 'eve'] },
      { id: 'a', name: 'A', members: ['alice', 'bob', 'carol'] },
    ],
    rosters: {
      alice: ['bob both A', 'carol both A'],
      dave: ['alice to B', 'eve both B'],
    },
  },
  {
    title: 'a wall keeps two groups apart, whatever else they share',
    groups: AB,
    more: wall(),
    rosters: { alice: ['carol both C'], bob: ['carol both C'], carol: ['alice both C', 'bob both C'] },
  },
  {
    title: 'an exception of a wall, whichever way it is written',
    groups: AB,
    more: wall(`<except a='${jid('bob')}' b='${jid('alice')}'/>`),
    rosters: { alice: ['bob both C', 'carol both C'], bob: ['alice both C', 'carol both C'] },
  },
  {
    title: 'contacts of another host',
    people: ALL + person(`zoe@${OTHER_HOST}`, { name: 'ZOE' }),
    groups: [{ id: 'g', name: 'G', members: ['alice', `zoe@${OTHER_HOST}`] }],
    rosters: { alice: [`zoe@${OTHER_HOST} both G`] },
  },
]

export function rosters(server: DirectoryServer): void {
  describe('rosters', { skip: server.skip }, () => {
    let house: DirectoryHouse
    let directory: DirectoryComponent
    let seq = 0
    before(async () => {
      house = await server.open({ accounts: [`zoe@${OTHER_HOST}`] })
      directory = await openDirectory(house)
    })
    after(async () => {
      await directory[Symbol.asyncDispose]()
      await house[Symbol.asyncDispose]()
    })

    const hand = async (content: string, to = HOST) => {
      seq += 1
      assert.match(await directory.whole(seq, [content], { to }), /type='result'/)
    }
    const change = async (content: string) => {
      seq += 1
      assert.match(await directory.change(seq, content), /type='result'/)
    }
    const twoTraders = () => hand(ALL + group({ id: 'g', name: 'Traders', members: ['alice', 'bob'] }))

    for (const one of CASES) {
      it(one.title, async () => {
        await hand(policy(one.policy ?? {}) + (one.people ?? ALL) + one.groups.map(group).join('') + (one.more ?? ''))
        for (const [name, wanted] of Object.entries(one.rosters)) {
          const colleague = await enter(house, name, { presence: null })
          assert.deepEqual([...colleague.roster].map(inWords).sort(), [...wanted].sort(), `roster of ${name}`)
          for (const [other, contact] of colleague.roster)
            assert.equal(contact.name, other.split('@')[0]?.toUpperCase())
          await colleague.leave()
        }
      })
    }

    it('shows both who are logged in to each other at once, and tells who comes, changes and goes', async () => {
      await hand(ALL)
      const [alice, bob] = [await enter(house, 'alice'), await enter(house, 'bob')]
      await change(group({ id: 'g', name: 'Traders', members: ['alice', 'bob', 'carol'] }))
      await Promise.all([
        alice.lists('bob', { subscription: 'both', name: 'BOB', groups: ['Traders'] }),
        bob.lists('alice', { subscription: 'both', name: 'ALICE', groups: ['Traders'] }),
        alice.sees(full('bob')),
        bob.sees(full('alice')),
      ])
      const carol = await enter(house, 'carol', { presence: `<presence><show>dnd</show></presence>` })
      await Promise.all([carol.sees(full('alice')), carol.sees(full('bob')), alice.sees(full('carol'))])
      assert.match(alice.there.get(full('carol')) ?? '', /<show>dnd<\/show>/)
      carol.client.send('<presence><show>away</show></presence>')
      await bob.until('the change', () => (bob.there.get(full('carol')) ?? '').includes('<show>away</show>'))
      await carol.leave()
      await Promise.all([alice.misses(full('carol')), bob.misses(full('carol'))])
      await alice.leave()
      await bob.leave()
    })

    it('pushes what is different, once: a name, a move between groups, a leaver', async () => {
      await hand(
        ALL +
          group({ id: 'g', name: 'Traders', members: ['alice', 'bob', 'carol'] }) +
          group({ id: 'h', name: 'Research', members: ['alice'] }),
      )
      const [alice, bob] = [await enter(house, 'alice'), await enter(house, 'bob')]
      await alice.sees(full('bob'))
      await directory.settled()
      const pushes = () =>
        alice.inbox.filter((stanza) => stanza.includes(ROSTER) && /^<iq [^>]*type='set'/.test(stanza))
      assert.deepEqual(pushes(), [])
      await change(person('bob', { name: 'Bob Baker-Bloggs' }))
      await alice.lists('bob', { name: 'Bob Baker-Bloggs', groups: ['Traders'] })
      await change(part('g', ['bob']) + join('h', ['bob']))
      await alice.lists('bob', { name: 'Bob Baker-Bloggs', groups: ['Research'] })
      await bob.lists('carol', null)
      await change(group({ id: 'h', name: 'Science' }))
      await alice.lists('bob', { groups: ['Science'] })
      await change(gone('carol'))
      await alice.lists('carol', null)
      assert.ok(alice.there.has(full('bob')), 'who only moved was never away')
      await change(part('h', ['bob']))
      await Promise.all([alice.lists('bob', null), bob.lists('alice', null)])
      await Promise.all([alice.misses(full('bob')), bob.misses(full('alice'))])
      // The same again is no difference; nor is what concerns others.
      await change(person('bob', { name: 'Bob Baker-Bloggs' }) + part('h', ['bob']) + person('dave', { name: 'D' }))
      await directory.settled()
      await alice.fence()
      assert.equal(pushes().length, 5, pushes().join('\n'))
      await alice.leave()
      await bob.leave()
    })

    it('sends presence one way where only one sees the other', async () => {
      await hand(ALL + group({ id: 'g', name: 'Desk', shown: 'everybody', members: ['alice'] }))
      const [alice, carol] = [await enter(house, 'alice'), await enter(house, 'carol')]
      await carol.sees(full('alice'))
      await directory.settled()
      await alice.fence()
      assert.equal(alice.there.has(full('carol')), false)
      // A subscription check of the server, as for what Alice publishes (PEP).
      alice.client.send(
        `<iq type='set' id='nick'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='http://jabber.org/protocol/nick'><item><nick xmlns='http://jabber.org/protocol/nick'>Al</nick></item></publish></pubsub></iq>`,
      )
      await alice.until('published', () => alice.inbox.some((stanza) => /^<iq [^>]*id='nick'/.test(stanza)))
      const read = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='http://jabber.org/protocol/nick'/></pubsub>`
      assert.match(await carol.ask('get', read, jid('alice')), /<nick[^>]*>Al<\/nick>/)
      await alice.leave()
      await carol.misses(full('alice'))
      await carol.leave()
    })

    it("keeps the user's own name, groups and contacts over a change and a restart", async () => {
      await twoTraders()
      const alice = await enter(house, 'alice')
      assert.match(await alice.ask('set', set('bob', '<group>Friends</group>', " name='Bobby'")), /type='result'/)
      assert.match(await alice.ask('set', set('stranger@far.example', '', " name='Far'")), /type='result'/)
      await alice.lists('bob', { name: 'Bobby', groups: ['Friends'], subscription: 'both' })
      await change(person('bob', { name: 'Robert' }))
      await directory.settled()
      await alice.lists('bob', { name: 'Bobby', groups: ['Friends'] })
      await alice.leave()
      await directory.break()
      house = await restarted(server, house)
      const again = await enter(house, 'alice')
      await again.lists('bob', { name: 'Bobby', groups: ['Friends'], subscription: 'both' })
      await again.lists('stranger@far.example', { name: 'Far', subscription: 'none' })
      directory = await openDirectory(house)
      // Set to what the directory says, it follows the directory again.
      assert.match(await again.ask('set', set('bob', '<group>Traders</group>', " name='Robert'")), /type='result'/)
      await change(person('bob', { name: 'Rob' }))
      await again.lists('bob', { name: 'Rob', groups: ['Traders'] })
      await change(part('g', ['bob']))
      await again.lists('bob', null)
      await again.lists('stranger@far.example', { name: 'Far' })
      await again.ask('set', set('stranger@far.example', '', " subscription='remove'"))
      await again.leave()
    })

    it('brings a deleted colleague back, without a loop', async () => {
      await twoTraders()
      const [alice, bob] = [await enter(house, 'alice'), await enter(house, 'bob')]
      await alice.sees(full('bob'))
      await alice.ask('set', set('bob', '', " name='Bobby'"))
      await alice.ask('set', set('bob', '', " subscription='remove'"))
      await alice.lists('bob', { name: 'BOB', subscription: 'both' })
      await alice.ask('set', set('bob', '', " subscription='remove'"))
      await alice.lists('bob', null)
      await alice.fence()
      assert.equal(alice.roster.has(jid('bob')), false)
      await alice.leave()
      const again = await enter(house, 'alice', { resource: 's' })
      await again.lists('bob', { name: 'BOB', subscription: 'both' })
      await bob.fence()
      assert.equal(bob.roster.get(jid('alice'))?.subscription, 'both')
      assert.deepEqual(
        bob.inbox.filter((stanza) => /^<presence [^>]*type='(un)?subscribed?'/.test(stanza)),
        [],
      )
      await again.leave()
      await bob.leave()
    })

    it('leaves a deleted colleague away where the policy says so, until added again', async () => {
      await hand(policy({ deleted: 'away' }) + ALL + group({ id: 'g', name: 'Traders', members: ['alice', 'bob'] }))
      const [alice, bob] = [await enter(house, 'alice'), await enter(house, 'bob')]
      await alice.sees(full('bob'))
      await alice.ask('set', set('bob', '', " subscription='remove'"))
      await Promise.all([alice.lists('bob', null), alice.misses(full('bob'))])
      await alice.leave()
      const again = await enter(house, 'alice')
      await again.fence()
      assert.equal(again.roster.has(jid('bob')), false)
      assert.equal(bob.roster.get(jid('alice'))?.subscription, 'both')
      await bob.sees(full('alice'))
      again.client.send(`<presence type='subscribe' to='${jid('bob')}'/>`)
      await Promise.all([again.lists('bob', { subscription: 'both', name: 'BOB' }), again.sees(full('bob'))])
      await again.leave()
      await bob.leave()
    })

    it('does not let subscription stanzas change what is provisioned, and delivers none', async () => {
      await twoTraders()
      const [alice, bob] = [await enter(house, 'alice'), await enter(house, 'bob')]
      await Promise.all([alice.sees(full('bob')), bob.sees(full('alice'))])
      for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])
        alice.client.send(`<presence type='${type}' to='${jid('bob')}'/>`)
      await alice.fence()
      await bob.fence()
      await alice.lists('bob', { subscription: 'both', name: 'BOB' })
      assert.equal(bob.roster.get(jid('alice'))?.subscription, 'both')
      assert.deepEqual(
        bob.inbox.filter((stanza) => /^<presence [^>]*type='(un)?subscribed?'/.test(stanza)),
        [],
      )
      assert.ok(bob.there.has(full('alice')) && alice.there.has(full('bob')))
      await alice.leave()
      await bob.leave()
    })

    it('gives a roster a version that changes with what is in it, and only then', async () => {
      await twoTraders()
      const first = await enter(house, 'alice')
      const version = first.version()
      assert.notEqual(version, '')
      await first.leave()
      const same = await enter(house, 'alice', { version })
      assert.equal(same.roster.size, 0, 'nothing is sent to who has it')
      assert.match(same.inbox[0] ?? '', /^<iq [^>]*type='result'[^>]*\/>$/)
      await same.leave()
      await change(person('carol', { name: 'not of his' }))
      const still = await enter(house, 'alice', { version })
      assert.equal(still.roster.size, 0)
      await still.leave()
      await change(group({ id: 'g', name: 'Dealers' }))
      const changed = await enter(house, 'alice', { version })
      await changed.lists('bob', { groups: ['Dealers'] })
      // The version of a push is that of the roster with it.
      await change(person('bob', { name: 'B' }))
      await changed.lists('bob', { name: 'B' })
      await directory.settled()
      const pushed = changed.version()
      await changed.leave()
      const last = await enter(house, 'alice', { version: pushed })
      assert.equal(last.roster.size, 0)
      await last.leave()
    })

    it('respects a block list', async () => {
      await hand(ALL)
      const [alice, bob] = [await enter(house, 'alice'), await enter(house, 'bob')]
      await alice.ask('set', `<block xmlns='urn:xmpp:blocking'><item jid='${jid('bob')}'/></block>`)
      await change(group({ id: 'g', name: 'Traders', members: ['alice', 'bob'] }))
      await bob.lists('alice', { subscription: 'both' })
      await directory.settled()
      await bob.fence()
      assert.equal(bob.there.has(full('alice')), false)
      await alice.ask('set', `<unblock xmlns='urn:xmpp:blocking'/>`)
      await alice.leave()
      await bob.leave()
    })

    it('sees colleagues of another host of the server come and go', async () => {
      const zoe = `zoe@${OTHER_HOST}`
      const content = ALL + person(zoe, { name: 'Zoe' }) + group({ id: 'g', name: 'G', members: ['alice', zoe] })
      await hand(content)
      await hand(content, OTHER_HOST)
      const alice = await enter(house, 'alice')
      const there = await enter(house, 'zoe', { host: OTHER_HOST })
      await Promise.all([alice.sees(`${zoe}/r`), there.sees(full('alice')), there.lists('alice', { name: 'ALICE' })])
      await there.leave()
      await alice.misses(`${zoe}/r`)
      await alice.leave()
    })
  })
}

function inWords([name, contact]: [string, Contact]): string {
  const short = name.endsWith(`@${HOST}`) ? name.slice(0, -HOST.length - 1) : name
  return `${short} ${contact.subscription} ${contact.groups.join(',')}`
}

/** Stops the server in good order, and starts one in its folder. */
export async function restarted(server: DirectoryServer, house: DirectoryHouse): Promise<DirectoryHouse> {
  await house.server.stop()
  return server.open({ folder: house.folder, accounts: [`zoe@${OTHER_HOST}`] })
}
