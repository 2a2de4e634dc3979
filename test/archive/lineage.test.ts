// SPDX-License-Identifier: Apache-2.0
// What a message became: corrections, retractions, moderation in 1:1 and rooms, in every namespace in use. The originals stay.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { ask, chat, done, SOURCE } from './facts.ts'
import { openStage, type Row, type Stage } from './stage.ts'

const SHORT = SOURCE.slice(0, 8)
const ROOM = 'team@rooms.corp.example'
const correct = (id: string) => `<replace xmlns='urn:xmpp:message-correct:0' id='${id}'/>`
const RETRACTIONS = {
  'urn:xmpp:message-retract:1': (id: string) => `<retract xmlns='urn:xmpp:message-retract:1' id='${id}'/>`,
  'urn:xmpp:message-retract:0': (id: string) =>
    `<apply-to xmlns='urn:xmpp:fasten:0' id='${id}'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`,
} as const
const MODERATIONS = {
  'urn:xmpp:message-moderate:1': (id: string) =>
    `<moderate xmlns='urn:xmpp:message-moderate:1' id='${id}'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>`,
  'urn:xmpp:message-moderate:0': (id: string) =>
    `<apply-to xmlns='urn:xmpp:fasten:0' id='${id}'><moderate xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/></moderate></apply-to>`,
} as const

const at = (n: number) => `2026-11-22T10:00:${String(n).padStart(2, '0')}.000Z`
const said = (n: number, body: string, more: Parameters<typeof chat>[1] = {}): Fact =>
  ask({ n, at: at(n), stanza: chat(body, { id: `m${n}`, ...more }) })
const inRoom = { to: ROOM, type: 'groupchat' } as const
const given = (n: number, id: string): Fact => ({ kind: 'stanza-id', source: SOURCE, n, by: ROOM, id, at: at(n) })

async function shown(stage: Stage, n: number): Promise<Row> {
  const { rows, texts } = await stage.ask('archive show', { id: `${SHORT}-${n}` })
  assert.match(texts.join('\n'), /[^\n]/)
  return rows[0] ?? assert.fail(`no record ${n}`)
}
const steps = (row: Row) =>
  (row.lineage as Row[]).map(({ id, kind, why }) => `${String(id).split('-')[1]} ${kind}${why ? ` (${why})` : ''}`)
const summary = (row: Row) => [...steps(row), `${row.state}: ${row.current_text}`]

test('a message that was corrected twice and retracted: the same chain from each of its records, and every original as it was', async () => {
  await using stage = await openStage()
  await stage.write(
    said(1, 'one'),
    said(2, 'two', { inside: correct('m1') }),
    // To the original, as XEP-0308 wants it, and to the one before, as some clients have it.
    said(3, 'three', { inside: correct('m2') }),
    said(4, 'four', { inside: correct('m1') }),
    done(4),
  )
  const corrected = ['1 original', '2 correction', '3 correction', '4 correction', 'corrected: four']
  for (const n of [1, 2, 3, 4]) assert.deepEqual(summary(await shown(stage, n)), corrected)
  await stage.write(said(5, '', { inside: RETRACTIONS['urn:xmpp:message-retract:1']('m1') }), done(5))
  const before = await Promise.all([1, 2, 3, 4].map((n) => shown(stage, n)))
  for (const row of before)
    assert.deepEqual(summary(row), [...corrected.slice(0, 4), '5 retraction', 'retracted: null'])
  assert.deepEqual(
    before.map(({ text, stanza }) => [text, String(stanza).includes(`<body>${text}</body>`)]),
    ['one', 'two', 'three', 'four'].map((text) => [text, true]),
    'what was corrected and retracted stands as it was said',
  )
  const { rows } = await stage.ask('archive search', { words: 'one' })
  assert.equal(rows.length, 1, 'and is found')
})

for (const [namespace, retract] of Object.entries(RETRACTIONS)) {
  test(`${namespace}: retracted in 1:1 by the id of the sender, in a room by the id of the room`, async () => {
    await using stage = await openStage()
    await stage.write(
      said(1, 'one'),
      said(2, '', { inside: retract('m1') }),
      said(3, 'three', inRoom),
      given(3, 'room-3'),
      said(4, '', { ...inRoom, inside: retract('room-3') }),
      done(4),
    )
    assert.deepEqual(summary(await shown(stage, 1)), ['1 original', '2 retraction', 'retracted: null'])
    assert.deepEqual(summary(await shown(stage, 3)), ['3 original', '4 retraction', 'retracted: null'])
  })
}

for (const [namespace, moderate] of Object.entries(MODERATIONS)) {
  test(`${namespace}: a moderator's request counts when the room told of it`, async () => {
    await using stage = await openStage()
    const request = (n: number, from: string, id: string): Fact =>
      ask({
        n,
        at: at(n),
        stanza: `<iq xmlns='jabber:client' from='${from}' to='${ROOM}' type='set' id='q${n}'>${moderate(id)}</iq>`,
      })
    await stage.write(
      {
        kind: 'occupant',
        source: SOURCE,
        host: 'rooms.corp.example',
        room: ROOM,
        nick: 'm',
        jid: 'mod@corp.example',
        event: 'joined',
        at: at(0),
      },
      said(1, 'one', inRoom),
      given(1, 'room-1'),
      request(2, 'carol@corp.example/x', 'room-1'),
      said(3, 'three', { ...inRoom, inside: correct('m1') }),
      request(4, 'mod@corp.example/x', 'room-1'),
      given(4, 'room-4'),
      done(4),
    )
    const all = ['1 original', '2 moderation (unconfirmed)', '3 correction', '4 moderation', 'moderated: null']
    for (const n of [1, 2, 3, 4]) assert.deepEqual(summary(await shown(stage, n)), all)
    assert.equal((await shown(stage, 1)).text, 'one')
  })
}

test('a room of another server tells of its moderation itself', async () => {
  await using stage = await openStage()
  const received = (n: number, stanza: string): Fact => ask({ n, at: at(n), direction: 'received', via: 's2s', stanza })
  const away = 'team@rooms.far.example'
  const here = { to: 'bob@corp.example/x', type: 'groupchat' }
  await stage.write(
    received(
      1,
      chat('one', {
        ...here,
        from: `${away}/alice`,
        id: 'm1',
        inside: `<stanza-id xmlns='urn:xmpp:sid:0' by='${away}' id='far-1'/>`,
      }),
    ),
    received(
      2,
      `<message xmlns='jabber:client' from='${away}' to='bob@corp.example/x' type='groupchat' id='m2'><retract xmlns='urn:xmpp:message-retract:1' id='m1'><moderated xmlns='urn:xmpp:message-moderate:1' by='${away}/mod'/></retract></message>`,
    ),
    received(3, chat('three', { ...here, from: `${away}/carol`, id: 'm3', inside: correct('m1') })),
    done(3),
  )
  assert.deepEqual(summary(await shown(stage, 1)), [
    '1 original',
    '2 moderation',
    '3 correction (claims)',
    'moderated: null',
  ])
})

test('who changes what another said only claims to; who changes his own by the same id touches nobody else', async () => {
  await using stage = await openStage()
  const carol = { ...inRoom, from: 'carol@corp.example/x' }
  await stage.write(
    said(1, 'alice one', { ...inRoom, id: 'same' }),
    said(2, 'carol one', { ...carol, id: 'same' }),
    said(3, 'carol two', { ...carol, inside: correct('same') }),
    said(4, 'alice two', { ...inRoom, inside: correct('same') }),
    said(5, 'mallory', { ...inRoom, from: 'mallory@corp.example/x', inside: correct('same') }),
    done(5),
  )
  assert.deepEqual(summary(await shown(stage, 4)), [
    '1 original',
    '4 correction',
    '5 correction (claims)',
    'corrected: alice two',
  ])
  assert.deepEqual(summary(await shown(stage, 2)), [
    '2 original',
    '3 correction',
    '5 correction (claims)',
    'corrected: carol two',
  ])
  assert.deepEqual((await shown(stage, 3)).about, [{ id: `${SHORT}-2`, kind: 'correction' }])
})

test('circles, what corrects itself, and what corrects nothing on record are harmless', async () => {
  await using stage = await openStage()
  await stage.write(
    said(1, 'one', { inside: correct('m2') }),
    said(2, 'two', { inside: correct('m1') }),
    said(3, 'three', { inside: correct('m3') }),
    said(4, 'four', { inside: correct('unheard-of') }),
    said(5, 'five', { inside: correct('') }),
    done(5),
  )
  for (const n of [1, 2, 3, 4, 5]) {
    const row = await shown(stage, n)
    assert.equal(row.text, ['one', 'two', 'three', 'four', 'five'][n - 1])
    if (n > 2) assert.deepEqual([row.state, row.lineage_complete], ['original', false])
  }
})

test('a thousand corrections of one message: the first two hundred records are shown, and that there are more is said', async () => {
  await using stage = await openStage()
  await stage.write(
    said(1, 'one'),
    ...Array.from({ length: 1000 }, (_, i) =>
      ask({
        n: i + 2,
        at: at(2),
        stanza: chat(`c${i}`, { id: `c${i}`, inside: correct(i % 2 === 0 ? 'm1' : `c${i - 1}`) }),
      }),
    ),
    done(1001),
  )
  const row = await shown(stage, 1)
  assert.deepEqual([(row.lineage as Row[]).length, row.lineage_complete], [200, false])
})

test('reactions and replies point at what they are about, and change nothing of it', async () => {
  await using stage = await openStage()
  await stage.write(
    said(1, 'one', inRoom),
    given(1, 'room-1'),
    said(2, '', {
      ...inRoom,
      from: 'carol@corp.example/x',
      inside: `<reactions xmlns='urn:xmpp:reactions:0' id='room-1'><reaction>+</reaction></reactions>`,
    }),
    said(3, 'three', {
      ...inRoom,
      from: 'carol@corp.example/x',
      inside: `<reply xmlns='urn:xmpp:reply:0' id='room-1' to='${ROOM}/alice'/>`,
    }),
    done(3),
  )
  assert.deepEqual((await shown(stage, 2)).about, [{ id: `${SHORT}-1`, kind: 'reaction' }])
  assert.deepEqual((await shown(stage, 3)).about, [{ id: `${SHORT}-1`, kind: 'reply' }])
  const row = await shown(stage, 1)
  assert.deepEqual(row.followed_by, [
    { id: `${SHORT}-2`, kind: 'reaction' },
    { id: `${SHORT}-3`, kind: 'reply' },
  ])
  assert.deepEqual([row.lineage, row.state, row.current_text], [[], 'original', 'one'])
})

test('the text that a rule put in the place of another is what it says now', async () => {
  await using stage = await openStage()
  const masked = chat('two ***', { id: 'm2', inside: correct('m1') })
  await stage.write(
    said(1, 'one'),
    ask({
      n: 2,
      at: at(2),
      stanza: chat('two secret', { id: 'm2', inside: correct('m1') }),
      verdict: { action: 'replace', rule: 'mask', stanza: masked },
    }),
    done(2),
  )
  assert.deepEqual(summary(await shown(stage, 1)), ['1 original', '2 correction', 'corrected: two ***'])
})
