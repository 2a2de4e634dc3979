// SPDX-License-Identifier: Apache-2.0
// 50,000 people in 2,000 groups of 100, on whichever server: what it costs, printed; and that a server goes on answering meanwhile.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DirectoryServer, enter, jid, join, openDirectory, person } from './directory-house.ts'

const LONG = process.env.GATEHOUSE_LONG === '1'
const PEOPLE = 50_000
const GROUPS = 2_000
const MEMBERS = 100
/** One in so many groups holds Alice: so she has 2,000 contacts, less those that she has twice. */
const HERS = 20

export function huge(server: DirectoryServer): void {
  const skip = server.skip || (LONG ? false : 'only in the long form: 50,000 people take a minute')
  describe('a large company', { skip }, () => {
    it('is taken, kept, loaded again and changed, and the server goes on answering', async () => {
      let house = await server.open()
      try {
        const directory = await openDirectory(house)
        const empty = await house.server.residentBytes()
        const bob = await enter(house, 'bob')
        const watch = pings(() => bob.fence())
        const parts = [...company()]
        const start = performance.now()
        assert.match(await directory.whole(1, parts), /type='result'/)
        const taken = performance.now() - start
        const whileTaken = await watch.stop()
        const held = await directory.state()
        assert.deepEqual([held.people, held.groups], [String(PEOPLE + 2), String(GROUPS)])
        const full = await house.server.residentBytes()

        const again = pings(() => bob.fence())
        const login = performance.now()
        const alice = await enter(house, 'alice', { presence: null })
        const loggedIn = performance.now() - login
        assert.ok(alice.roster.size > 1_500, `${alice.roster.size} contacts`)
        const changeStart = performance.now()
        assert.match(await directory.change(2, join('g0', ['p49999'])), /type='result'/)
        await alice.lists('p49999', { subscription: 'both' })
        const changed = performance.now() - changeStart
        const whileChanged = await again.stop()
        await alice.leave()
        await bob.leave()
        await directory[Symbol.asyncDispose]()

        await house.server.stop()
        const load = performance.now()
        house = await server.open({ folder: house.folder })
        const loaded = performance.now() - load
        const after = await openDirectory(house)
        assert.deepEqual(await after.state(), { ...held, seq: '2' })
        await after[Symbol.asyncDispose]()
        console.log(
          [
            `${server.name}: ${PEOPLE} people, ${GROUPS} groups, ${GROUPS * MEMBERS} memberships`,
            `handed over in ${seconds(taken)} in ${parts.length} parts (longest ping meanwhile ${whileTaken.toFixed(0)} ms)`,
            `memory ${megabytes(empty)} before, ${megabytes(full)} with it`,
            `login with ${alice.roster.size} contacts ${seconds(loggedIn)}, a change seen after ${seconds(changed)} (longest ping ${whileChanged.toFixed(0)} ms)`,
            `a start of the server with it on disk ${seconds(loaded)}`,
          ].join('\n  '),
        )
      } finally {
        await house[Symbol.asyncDispose]()
      }
    })
  })
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`

function* company(): Generator<string> {
  const names = Array.from({ length: PEOPLE }, (_, n) => `p${n}`)
  yield person('alice', { name: 'Alice' }) + person('bob', { name: 'Bob' })
  for (let at = 0; at < names.length; at += 1_000)
    yield names
      .slice(at, at + 1_000)
      .map((name) => person(name, { name: `Person ${name}` }))
      .join('')
  for (let at = 0; at < GROUPS; at += 20)
    yield Array.from({ length: 20 }, (_, step) => oneGroup(at + step, names)).join('')
}

function oneGroup(number: number, names: readonly string[]): string {
  const members = Array.from({ length: MEMBERS }, (_, n) => names[(number * 9973 + n * 499) % PEOPLE] ?? '')
  if (number % (GROUPS / HERS) === 0) members[0] = 'alice'
  const id = `g${number}`
  return `<group id='${id}' name='Group ${number}'/><join group='${id}'>${members.map(jid).join(' ')}</join>`
}

/** Asks again and again; gives the longest time to an answer, in milliseconds. */
function pings(ask: () => Promise<void>): { stop(): Promise<number> } {
  let longest = 0
  let going = true
  const done = (async () => {
    while (going) {
      const at = performance.now()
      await ask()
      longest = Math.max(longest, performance.now() - at)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  return {
    stop: async () => {
      going = false
      await done
      return longest
    },
  }
}
