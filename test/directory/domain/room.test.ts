// SPDX-License-Identifier: Apache-2.0
// Where a room stands, what it is called, and what a plan says becomes of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameRoom, planRooms, type Room, roomLocal, roomNames } from '../../../components/directory/domain/room.ts'

test('an address that people can read, and another one where it is taken', () => {
  const cases: [string, string, string][] = [
    ['Team Süd', '', 'team-sued'],
    ['R&D / Fusion', '', 'r-d-fusion'],
    ['Łódź @home <x>', '', 'lodz-home-x'],
    ['研究', '', '研究'],
    ['🎉', '', 'group-'],
    ['Team Süd', 'ab12', 'team-sued-ab12'],
    ['🎉', 'ab12', 'group-ab12'],
  ]
  for (const [name, mark, local] of cases) assert.equal(roomLocal(name, mark), local)
  assert.ok(roomLocal('x'.repeat(500), '').length <= 60)
})

test('a name from the group, on one line', () => {
  const group = { name: '{description}', description: 'What\nwe do' }
  assert.equal(nameRoom('Room of {name}: {description}', group), 'Room of {description}: What we do')
  assert.equal(nameRoom('{description}', { name: 'A' }), '')
})

test('a plan makes rooms, renames them with their group, closes them without it or its name, and opens them again', () => {
  const room = (group: string, state: Room['state']): Room => ({
    group,
    jid: `${group}@rooms`,
    state,
    name: group,
    subject: '',
    said: '',
  })
  const rooms = [
    room('there', 'made'),
    { ...room('same', 'made'), name: 'Room of Team 0' },
    room('gone', 'made'),
    room('other', 'made'),
    room('back', 'retired'),
    room('old', 'retired'),
  ]
  const change = (id: string, name: string, isGone = false) => ({ id, name, isGone })
  const changes = [
    change('there', 'Team 1'),
    change('same', 'Team 0'),
    change('gone', 'Team 2', true),
    change('other', 'No more'),
    change('back', 'Team 3'),
    change('old', 'Team 4', true),
    change('new', 'Team 5'),
    change('none', 'Lunch'),
  ]
  assert.deepEqual(
    planRooms(changes, rooms, roomNames({ groups: ['Team*'], name: 'Room of {name}' })).map((one) => [
      one.change,
      one.group,
      one.jid,
      one.name,
      one.oldName,
    ]),
    [
      ['rename', 'there', 'there@rooms', 'Room of Team 1', 'there'],
      ['close', 'gone', 'gone@rooms', 'gone', undefined],
      ['close', 'other', 'other@rooms', 'other', undefined],
      ['open', 'back', 'back@rooms', 'Room of Team 3', undefined],
      ['make', 'new', null, 'Room of Team 5', undefined],
    ],
  )
})
