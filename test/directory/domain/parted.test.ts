// SPDX-License-Identifier: Apache-2.0
// Between whom a wall stands, and whom a room does without.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  mayPart,
  type Parted,
  readParted,
  type Walled,
  withoutParted,
} from '../../../components/directory/domain/parted.ts'

const at = (jid: string, ...groups: string[]) => ({ jid: `${jid}@corp.example`, groups })
const walls = (except: [string, string][] = []) =>
  readParted([{ kind: 'wall', id: 'w', a: ['ad:t', 'ldap:t'], b: ['ad:r'], except }])

test('in both directions, by any group of a side, and not within a side', () => {
  const { between, groups } = walls()
  assert.deepEqual([...groups], ['ad:t', 'ldap:t', 'ad:r'])
  assert.equal(between(at('t', 'ad:t'), at('r', 'ad:r')), true)
  assert.equal(between(at('r', 'ad:x', 'ad:r'), at('t', 'ldap:t')), true)
  assert.equal(between(at('t', 'ad:t'), at('u', 'ldap:t')), false)
  assert.equal(between(at('t', 'ad:t'), at('x', 'ad:lunch')), false)
  assert.equal(between(at('me', 'ad:t', 'ad:r'), at('me', 'ad:t', 'ad:r')), false)
})

test('an exception passes two, in either order, and nobody else', () => {
  const { between } = walls([['r@corp.example', 't@corp.example']])
  assert.equal(between(at('t', 'ad:t'), at('r', 'ad:r')), false)
  assert.equal(between(at('r', 'ad:r'), at('t', 'ad:t')), false)
  assert.equal(between(at('t', 'ad:t'), at('other', 'ad:r')), true)
})

test('a room does without the side of the fewer, and with whom an exception passes', () => {
  const room = [at('t1', 'ad:t'), at('r1', 'ad:r'), at('t2', 'ad:t'), at('nobody')]
  assert.deepEqual([...withoutParted(room, walls())], ['r1@corp.example'])
  const both: [string, string][] = [
    ['r1@corp.example', 't1@corp.example'],
    ['r1@corp.example', 't2@corp.example'],
  ]
  assert.deepEqual([...withoutParted(room, walls(both))], [])
  assert.deepEqual([...withoutParted([at('t1', 'ad:t'), at('r1', 'ad:r')], walls())], ['r1@corp.example'])
})

test('who owns the room stays, whoever is more; of owners the one from whom fewer are parted', () => {
  const owner = (jid: string, group: string) => ({ ...at(jid, group), isOwner: true })
  const room = [at('t1', 'ad:t'), at('t2', 'ad:t'), owner('r1', 'ad:r')]
  assert.deepEqual([...withoutParted(room, walls())].sort(), ['t1@corp.example', 't2@corp.example'])
  assert.deepEqual([...withoutParted([owner('t3', 'ad:t'), owner('t4', 'ad:t'), ...room], walls())].sort(), [
    'r1@corp.example',
  ])
})

const body = (more: object) => JSON.stringify({ jid: 'a@x', disabled: false, groups: ['ad:t', 'other'], ...more })
const changes: [string, 'wall' | 'person' | 'group', string, string, boolean][] = [
  ['a wall that goes up', 'wall', '', '{}', true],
  ['a wall that goes down', 'wall', '{}', '', false],
  ['a group', 'group', '{}', '{"name":"x"}', false],
  ['somebody new on a side', 'person', '', body({}), true],
  ['somebody new on none', 'person', '', body({ groups: ['other'] }), false],
  ['somebody who comes to a side', 'person', body({ groups: ['other'] }), body({}), true],
  ['somebody who leaves it', 'person', body({}), body({ groups: ['other'] }), false],
  ['another name', 'person', body({}), body({ name: 'x' }), false],
  ['another address', 'person', body({}), body({ jid: 'b@x' }), true],
  ['somebody who may log in again', 'person', body({ disabled: true }), body({}), true],
  ['somebody who is locked out', 'person', body({}), body({ disabled: true }), false],
  ['somebody who is gone', 'person', body({}), '', false],
]
for (const [what, kind, before, after, may] of changes)
  test(`${may ? 'may' : 'cannot'} part people in a room: ${what}`, () => {
    assert.equal(mayPart({ kind, before, after }, new Set(['ad:t', 'ad:r'])), may)
  })

test('whom a room does without is found by kinds of people as it is pair by pair', () => {
  const group = fc.constantFrom('a', 'b', 'c', 'lunch')
  const jid = fc.constantFrom(...Array.from({ length: 12 }, (_, at) => `p${at}`))
  const some = fc.uniqueArray(group, { minLength: 1, maxLength: 2 })
  const pair = fc.tuple(jid, jid).map(([one, other]) => [one, other].sort() as [string, string])
  const wall = fc.record({ a: some, b: some, except: fc.array(pair, { maxLength: 8 }) })
  const person = fc.record({ jid, groups: fc.uniqueArray(group), isOwner: fc.boolean() })
  const people = fc.uniqueArray(person, { maxLength: 12, selector: (one) => one.jid })
  fc.assert(
    fc.property(people, fc.array(wall, { maxLength: 3 }), (room, said) => {
      const parted = readParted(said.map((one, at) => ({ kind: 'wall', id: `w${at}`, ...one })))
      assert.deepEqual(withoutParted(room, parted), pairByPair(room, parted))
    }),
    { numRuns: 1_000 },
  )
})

function pairByPair(people: readonly Walled[], parted: Parted): Set<string> {
  const against = (one: Walled) => people.filter((other) => parted.between(one, other)).length
  const rank = ({ isOwner }: Walled) => (isOwner ? 0 : 1)
  const kept: Walled[] = []
  const left = new Set<string>()
  for (const one of people.toSorted((one, other) => rank(one) - rank(other) || against(one) - against(other)))
    if (kept.some((other) => parted.between(one, other))) left.add(one.jid)
    else kept.push(one)
  return left
}
