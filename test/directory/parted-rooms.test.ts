// SPDX-License-Identifier: Apache-2.0
// A plan that puts a wall up lists who leaves the rooms of groups by it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leavesRooms, wallsToStand } from '../../components/directory/parted-rooms.ts'
import type { WallItem } from '../../components/kit/facts/people.ts'
import { madeUp } from './company.ts'
import { enginePlace } from './engine-place.ts'

test('those who leave a room when a wall goes up, before it does; nobody when it stands or goes down', async () => {
  using place = enginePlace()
  const corp = madeUp()
  for (const uid of ['a', 'b', 'c', 'x']) corp.person(uid)
  corp.group('Traders', ['a', 'b'])
  corp.group('Research', ['c'])
  corp.group('Everybody', ['a', 'b', 'c', 'x'])
  let walls: WallItem[] = []
  await using opened = await place.open([corp], { auto: false, walls: () => walls })
  await opened.sync()
  await opened.engine.apply(null, {})
  const jid = 'everybody@rooms'
  const room = { group: 'corp:Everybody', jid, state: 'made', name: 'Everybody', subject: '', said: '' } as const
  await opened.store.write('room', room)
  const add = ['a', 'b', 'c', 'x'].map((uid) => `${uid}@corp.example`)
  await opened.store.write('roomMembers', { room: jid, add, remove: [] })
  const leaving = async (most = 10) => {
    const standing = await wallsToStand(opened.store)
    return standing === null
      ? 'as it is'
      : (await Array.fromAsync(leavesRooms(opened.store, standing, most))).map((one) => one.jid)
  }
  assert.equal(await leaving(), 'as it is')
  walls = [{ kind: 'wall', id: 'w', a: 'traders', b: 'research', except: [] }]
  await opened.engine.replan({})
  assert.deepEqual(await leaving(), ['c@corp.example'])
  assert.deepEqual(await leaving(0), [])
  await opened.engine.apply(null, {})
  assert.equal(await leaving(), 'as it is')
  walls = []
  await opened.engine.replan({})
  assert.deepEqual(await leaving(), [])
})
