// SPDX-License-Identifier: Apache-2.0
// Records say who people were when it was said, as the company directory knew them: later renames change nothing, and every name finds all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { ask, chat, SOURCE } from './facts.ts'
import { openStage } from './stage.ts'

const at = (minute: number) => `2026-11-22T10:${String(minute).padStart(2, '0')}:00.000Z`
const [ALICE, MILLER, BOB] = ['alice@corp.example', 'a.miller@corp.example', 'bob@corp.example']
const ROOM = 'tea@rooms.corp.example'
const [h1, h2, h3] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string]
const identity = (hash: string, minute: number, more: object): Fact => ({
  kind: 'identity',
  hash,
  id: 'corp:alice',
  jid: ALICE,
  name: 'Alice Müller',
  mail: ['alice@corp.example'],
  department: 'Trading',
  groups: ['Staff', 'Traders'],
  at: at(minute),
  ...more,
})
const said = (n: number, minute: number, body: string, more: Parameters<typeof chat>[1], who: object) =>
  ask({ n, at: at(minute), stanza: chat(body, more), ...(Object.keys(who).length > 0 ? { who } : {}) })

const STORY: readonly Fact[] = [
  // Before the directory was there.
  said(1, 1, 'word one', {}, {}),
  identity(h1, 2, {}),
  said(2, 3, 'word two', {}, { from: h1 }),
  {
    kind: 'occupant',
    source: SOURCE,
    host: 'rooms.corp.example',
    room: ROOM,
    nick: 'al',
    jid: ALICE,
    event: 'joined',
    at: at(4),
  },
  identity(h3, 4, { id: 'corp:bob', jid: BOB, name: 'Bob', mail: [], groups: [] }),
  said(3, 5, 'word three', { from: `${BOB}/x`, to: ROOM, type: 'groupchat' }, { from: h3 }),
  // She marries, moves to another department, and has another address from then on.
  identity(h2, 10, {
    jid: MILLER,
    name: 'Alice Miller',
    mail: ['a.miller@corp.example'],
    department: 'Sales',
    groups: ['Staff'],
  }),
  said(4, 11, 'word four', { from: `${BOB}/x`, to: MILLER }, { from: h3, to: h2 }),
  // Somebody whom no directory names.
  said(5, 12, 'word five', { from: 'eve@corp.example/x', to: BOB }, { to: h3 }),
  // Asked again with the same content: the index has it once.
  ask({ n: 2, try: 2, at: at(3), stanza: chat('word two', {}), who: { from: h1 } }),
]

test('a record shows who they were then, and every name and address of a person finds all of it', {
  timeout: 60_000,
}, async () => {
  await using stage = await openStage()
  await stage.write(...STORY)
  const texts = async (args: Record<string, string>) =>
    (await stage.ask('archive search', args)).rows.map(({ text }) => text).reverse()
  const hers = ['word one', 'word two', 'word four']
  for (const person of [
    'Alice Müller',
    'alice miller',
    'ALICE MU\u0308LLER',
    ALICE,
    MILLER,
    `${ALICE}/desk`,
    'a.miller@corp.example ',
  ])
    assert.deepEqual(await texts({ person }), hers, person)
  assert.deepEqual(await texts({ person: 'Alice Müller', peer: 'bob' }), hers)
  assert.deepEqual(await texts({ person: 'Alice' }), [])
  assert.deepEqual(await texts({ person: 'eve@corp.example' }), ['word five'])
  assert.deepEqual(await texts({ person: 'bob', words: 'three' }), ['word three'])
  const { rows } = await stage.ask('archive search', { person: 'Alice Müller' })
  const [four, two, one] = rows
  assert.deepEqual(two?.from_person, {
    id: 'corp:alice',
    jid: ALICE,
    name: 'Alice Müller',
    mail: ['alice@corp.example'],
    department: 'Trading',
    groups: ['Staff', 'Traders'],
  })
  assert.equal(two?.to_person, null)
  const to = four?.to_person as { name: string; department: string; jid: string }
  assert.deepEqual([to.name, to.department, to.jid], ['Alice Miller', 'Sales', MILLER])
  assert.deepEqual([one?.from_person, one?.to_person], [null, null])
  // Every try of a number, and those who could read what was said in a room.
  const [shown] = (await stage.ask('archive show', { id: String(two?.id) })).rows
  const tries = shown?.tries as { from_person: { name: string } }[]
  assert.deepEqual(
    tries.map(({ from_person }) => from_person.name),
    ['Alice Müller', 'Alice Müller'],
  )
  const [inRoom] = (await stage.ask('archive search', { words: 'three' })).rows
  const [room] = (await stage.ask('archive show', { id: String(inRoom?.id) })).rows
  const occupants = room?.occupants as { jid: string; person: { name: string; department: string } }[]
  assert.deepEqual(
    occupants.map(({ jid, person }) => [jid, person.name, person.department]),
    [[ALICE, 'Alice Müller', 'Trading']],
  )
})

test('an identity that is named before it is known is shown once it is; erasure takes it from the record', {
  timeout: 60_000,
}, async () => {
  await using stage = await openStage()
  await stage.write(said(1, 1, 'early word', {}, { from: h1 }))
  const row = async () => (await stage.ask('archive search', { person: ALICE })).rows[0]
  assert.equal((await row())?.from_person, null)
  await stage.write(identity(h1, 1, {}))
  const found = await row()
  assert.partialDeepStrictEqual(found?.from_person, { name: 'Alice Müller' })
  await stage.ask('archive erase', { id: String(found?.id), reason: 'test' })
  const [erased] = (await stage.ask('archive search', { person: 'Alice Müller' })).rows
  assert.deepEqual([erased?.text, erased?.from_person], ['', null])
})
