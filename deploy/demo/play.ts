// SPDX-License-Identifier: Apache-2.0
// The main job as a play in steps. A step throws when what it says does not hold.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Company } from './company.ts'
import { employee } from './company.ts'
import { lacking, settled } from './complete.ts'
import type { House } from './house.ts'
import { WORDS } from './house.ts'
import { type Contact, logIn, type Person } from './person.ts'
import { ircSteps } from './play-irc.ts'
import { SERVERS } from './site.ts'
import { SUFFIX } from './slapd.ts'
import type { Step } from './step.ts'
import { found, untilHolds } from './until.ts'

/** The steps in order; what a step returns is shown below its line. Leaves open what `open` holds; the caller closes it. */
export function stepsOf(house: House, open: AsyncDisposableStack): Step[] {
  const cast: { alice?: Person; bob?: Person; nora?: Person; company?: Company } = {}
  const alice = () => cast.alice ?? assert.fail('Alice is not logged in')
  const bob = () => cast.bob ?? assert.fail('Bob is not logged in')
  const nora = () => cast.nora ?? assert.fail('Nora is not logged in')
  const company = () => cast.company ?? assert.fail('slapd does not run')
  const jid = (name: 'alice' | 'bob' | 'carol' | 'nora') => house.people[name].jid
  return [
    {
      says: 'policy and archive run',
      async play() {
        // Before the server, so that they end after it: its last word is the mark that closes its numbers.
        const policy = open.use(await house.startPart('policy'))
        const archive = open.use(await house.startPart('archive'))
        return `policy: process ${policy.pid}, archive: process ${archive.pid}`
      },
    },
    {
      says: `${SERVERS[house.server].title} runs with mod_gatehouse, on loopback, from its own folder, and policy answers`,
      async play() {
        const server = open.use(await house.startServer())
        await server.logged(/answers; questions are asked/, AbortSignal.timeout(30_000))
        return `process ${server.pid}, port ${house.port}`
      },
    },
    {
      says: 'Alice and Bob log in with a standard client',
      async play() {
        cast.alice = open.use(await logIn(house.people.alice, house.port))
        cast.bob = open.use(await logIn(house.people.bob, house.port))
        return undefined
      },
    },
    {
      says: 'what Alice says to Bob is recorded and delivered',
      async play() {
        const body = 'Lunch at noon?'
        await alice().say(house.people.bob.jid, body)
        assert.equal((await bob().hear()).getChildText('body'), body)
        await untilHolds(async () =>
          assert.deepEqual(
            (await house.rows('archive', 'search', 'Lunch', '--json')).map((row) => row.text),
            [body],
          ),
        )
        return `Alice: ${body}`
      },
    },
    {
      says: 'a forbidden word comes back to Alice with the reason; Bob never sees it',
      async play() {
        const body = `Have you heard of ${WORDS.refused}?`
        const id = await alice().say(house.people.bob.jid, body)
        const refused = await alice().hear()
        assert.equal(refused.attrs.type, 'error')
        assert.equal(refused.attrs.id, id)
        const reason = refused.getChild('error')?.getChildText('text') ?? ''
        assert.match(reason, new RegExp(WORDS.refused))
        // One sender's messages stay in order: what Bob hears next was sent after the refused one.
        await alice().say(house.people.bob.jid, 'Never mind.')
        assert.equal((await bob().hear()).getChildText('body'), 'Never mind.')
        return `Alice: ${body}\nserver to Alice: ${reason}`
      },
    },
    {
      says: 'a masked word reaches Bob masked',
      async play() {
        const body = `Where is that ${WORDS.masked} report?`
        await alice().say(house.people.bob.jid, body)
        const heard = (await bob().hear()).getChildText('body')
        assert.equal(heard, body.replace(WORDS.masked, '*'.repeat(WORDS.masked.length)))
        return `Alice: ${body}\nBob reads: ${heard}`
      },
    },
    {
      says: 'the officer finds the refused message',
      async play() {
        // Counts are no look: of looks, only the officer's own are on record afterwards.
        await untilHolds(async () => assert.equal(await undecided(house), 0))
        return found(
          house,
          ['archive', 'search', WORDS.refused],
          new RegExp(`${house.people.alice.jid}/.* refused +refuse +Have you heard of ${WORDS.refused}`),
        )
      },
    },
    {
      says: 'and the fact that he looked',
      play: () => found(house, ['archive', 'access', '--limit', '3'], new RegExp(`archive search .*${WORDS.refused}`)),
    },
    {
      says: 'each message is settled as the server did, no number is missing, and the archive found no gap',
      async play() {
        const search = ['archive', 'search', '--person', house.people.alice.jid, '--json', '--limit', '1000']
        await untilHolds(async () =>
          settled(await house.rows(...search), ['released', 'refused', 'released', 'released']),
        )
        // What the last settlement told of was due then: a number that never came is found by now.
        await delay(house.foundAfterMs)
        assert.deepEqual(lacking(await house.rows(...search), await house.rows('archive', 'gaps', '--json')), [])
        return `${house.typed('archive', 'gaps')}\n${(await house.gatehouse('archive', 'gaps')).out.trimEnd()}`
      },
    },
    {
      says: 'the company directory (slapd) fills rosters: Alice and Bob see each other, in its groups, without a new login',
      async play() {
        cast.company = open.use(await house.startCompany())
        const directory = open.use(await house.startPart('directory'))
        await alice().until((roster) => sees(roster, jid('bob'), 'Bob Baker', 'Everybody') && here(roster, jid('bob')))
        await bob().until((roster) => sees(roster, jid('alice'), 'Alice Archer', 'Everybody'))
        return `slapd: process ${company().pid}, directory: process ${directory.pid}\n${shown("Bob's", bob())}`
      },
    },
    {
      says: 'Nora is new: with ldapadd she is in the directory; she logs in and sees her colleagues, with names, groups and faces',
      async play() {
        await company().add(await employee('nora', 'Nora', 'North', 'Research'))
        await company().modify(membership('Everybody', 'add', 'nora') + membership('Research', 'add', 'nora'))
        await bob().until((roster) => sees(roster, jid('nora'), 'Nora North', 'Everybody', 'Research'))
        cast.nora = open.use(await logIn(house.people.nora, house.port))
        await nora().until((roster) => sees(roster, jid('carol'), 'Carol Carter', 'Everybody', 'Research'))
        await nora().until((roster) => here(roster, jid('alice')) && here(roster, jid('bob')))
        await bob().until((roster) => here(roster, jid('nora')))
        await untilHolds(async () => {
          const { name, photoBytes } = await nora().card(jid('alice'))
          assert.deepEqual([name, photoBytes > 0], ['Alice Archer', true])
        })
        const { name, department, phone, photoBytes } = await nora().card(jid('alice'))
        // Prosody makes this card of the vCard4, without the department.
        const card = [name, department, phone, `a photo of ${photoBytes} bytes`].filter((said) => said !== '')
        return `${shown("Nora's", nora())}\nAlice's card: ${card.join(', ')}`
      },
    },
    {
      says: 'ldapmodify moves her from Research to Sales, and her client and those of her colleagues show it',
      async play() {
        await company().modify(membership('Research', 'delete', 'nora') + membership('Sales', 'add', 'nora'))
        await nora().until((roster) => sees(roster, jid('alice'), 'Alice Archer', 'Everybody', 'Sales'))
        await nora().until((roster) => sees(roster, jid('bob'), 'Bob Baker', 'Everybody'))
        await alice().until((roster) => sees(roster, jid('nora'), 'Nora North', 'Everybody', 'Sales'))
        await bob().until((roster) => sees(roster, jid('nora'), 'Nora North', 'Everybody'))
        const { out } = await house.gatehouse('directory', 'who', 'nora')
        return `${shown("Nora's", nora())}\n${house.typed('directory', 'who', 'nora')}\n${out.trimEnd()}`
      },
    },
    ...(house.irc === null ? [] : ircSteps(house, house.irc, open, { alice, bob })),
  ]
}

type Roster = ReadonlyMap<string, Contact>

function sees(roster: Roster, jid: string, name: string, ...groups: string[]): boolean {
  const contact = roster.get(jid)
  return contact?.name === name && contact.groups.toSorted().join() === groups.join()
}

function here(roster: Roster, jid: string): boolean {
  return roster.get(jid)?.here === true
}

function shown(whose: string, { roster }: Person): string {
  const lines = [...roster.values()].map(
    ({ name, groups, here }) => `  ${name.padEnd(14)} ${here ? 'here' : 'away'}  ${groups.toSorted().join(', ')}`,
  )
  return [`${whose} roster:`, ...lines.toSorted()].join('\n')
}

/** LDIF. */
function membership(group: string, what: 'add' | 'delete', uid: string): string {
  return `dn: cn=${group},ou=groups,${SUFFIX}
changetype: modify
${what}: member
member: uid=${uid},ou=people,${SUFFIX}

`
}

/** What the server has not yet told the end of. */
async function undecided(house: House): Promise<unknown> {
  const rows = await house.rows('archive', 'stats', '--json')
  return rows.find((row) => row.what === 'undecided')?.value
}
