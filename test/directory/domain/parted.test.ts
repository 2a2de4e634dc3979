// SPDX-License-Identifier: Apache-2.0
// Between whom a wall stands, and whom a room does without.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readParted, withoutParted } from '../../../components/directory/domain/parted.ts'

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
