// SPDX-License-Identifier: Apache-2.0
// Files of months: what is found and linked over several of them, and which of them is written when.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Search } from '../../../components/archive/domain/record.ts'
import { folderName, monthPath } from '../../../components/archive/storage/month-path.ts'
import { openService } from '../../../components/archive/storage/operations.ts'
import type { Fact } from '../../../components/kit/facts/facts.ts'
import { ask, chat, done, SOURCE } from '../facts.ts'
import { keepIn, openPlace, type Place } from '../place.ts'

const SHORT = SOURCE.slice(0, 8)
const ROOM = 'team@rooms.corp.example'
const time = (month: number, day: number) =>
  `2026-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}T12:00:00.000Z`
const ANYTHING: Search = {
  ...{ hosts: null, words: '', person: '', peer: '', room: '', domain: '', verdict: '', settlement: '', rule: '' },
  ...{ tag: '', since: null, until: null, limit: 50 },
}

/** The reading half, as a reader thread has it. */
function openReader({ path }: Place) {
  const service = openService()
  const book = new DatabaseSync(path, { readOnly: true })
  service.open?.({ role: 'reader', path, secureDelete: true, busyMs: 1000 })
  const { read } = service.operations
  return {
    search: (query: Partial<Search>) => read.search(book, { ...ANYTHING, ...query }),
    show: (n: number, hosts: readonly string[] | null = null) => {
      const shown = read.show(book, { source: SHORT, n, hosts })
      return shown.found === 'one' ? shown.record : null
    },
    standings: (n: number) => read.standings(book, { source: SOURCE, n }),
    [Symbol.dispose]() {
      service.close?.()
      book.close()
    },
  }
}

test('a search over the files of months gives the newest first, up to its limit, and counts them all; a time leaves the others closed', () => {
  using place = openPlace()
  const facts = Array.from({ length: 40 }, (_, at) =>
    ask({
      n: at + 1,
      at: time(7 + Math.floor(at / 10), 1 + (at % 10)),
      stanza: chat(`harvest ${at % 10 === 3 ? 'rare' : ''}`),
    }),
  )
  keepIn(place, [...facts, done(40)], false, (at) => Date.parse(facts[Math.min(at, 39)]?.at ?? ''))
  using reader = openReader(place)
  const ids = (query: Partial<Search>) => reader.search(query).records.map(({ id }) => Number(id.split('-')[1]))
  assert.equal(Object.keys(place.tables()).length, 5, 'the book and four months')
  assert.deepEqual(
    ids({ words: 'harvest', limit: 25 }),
    Array.from({ length: 25 }, (_, at) => 40 - at),
  )
  assert.equal(reader.search({ words: 'harvest', limit: 1 }).hits, 40)
  assert.deepEqual(ids({ words: 'rare' }), [34, 24, 14, 4])
  assert.deepEqual(ids({ words: 'rare', since: Date.parse(time(8, 1)), until: Date.parse(time(9, 4)) }), [24, 14])
  assert.deepEqual(ids({ since: Date.parse(time(10, 9)) }), [40, 39])
  assert.deepEqual(ids({ person: 'bob@corp.example', until: Date.parse(time(7, 2)) }), [2, 1])
})

test('a word of every month is found in more files than are open at once, each hit with what it says', () => {
  using place = openPlace()
  const months = 40
  const at = (n: number) => Date.UTC(2023, n, 10)
  const facts = Array.from({ length: months }, (_, n) =>
    ask({ n: n + 1, at: new Date(at(n)).toISOString(), stanza: chat(`yearly word${n}`) }),
  )
  keepIn(place, [...facts, done(months)], false, (entry) => at(Math.min(entry, months - 1)))
  using reader = openReader(place)
  const { hits, records } = reader.search({ words: 'yearly' })
  assert.equal(hits, months)
  assert.deepEqual(
    records.map(({ id, shown }) => [id, shown.stanza.match(/word\d+/)?.[0]]),
    facts.map((_, n) => [`${SHORT}-${n + 1}`, `word${n}`]).reverse(),
  )
})

test('lineage goes over months: correction in a talk, retraction and moderation in a room by the id that the room gave; originals stay', () => {
  using place = openPlace()
  const inRoom = (more: { id: string; inside?: string; from?: string }, body = 'said') =>
    chat(body, { to: ROOM, type: 'groupchat', ...more })
  const roomId = (n: number, id: string): Fact => ({
    kind: 'stanza-id',
    source: SOURCE,
    n,
    by: ROOM,
    id,
    at: time(9, 30),
  })
  const facts: Fact[] = [
    ask({ n: 1, stanza: chat('first', { id: 'a1' }) }),
    ask({ n: 2, stanza: inRoom({ id: 'g2' }) }),
    roomId(2, 'room-2'),
    ask({ n: 3, stanza: inRoom({ id: 'g3' }) }),
    // From here on in the next month; the id of 3 is told of there.
    roomId(3, 'room-3'),
    ask({
      n: 4,
      stanza: chat('second', { id: 'a4', inside: "<replace xmlns='urn:xmpp:message-correct:0' id='a1'/>" }),
    }),
    ask({
      n: 5,
      stanza: inRoom({ id: 'g5', inside: "<retract xmlns='urn:xmpp:message-retract:1' id='room-2'/>" }, ''),
    }),
    ask({
      n: 6,
      stanza: `<iq xmlns='jabber:client' type='set' id='q6' from='carol@corp.example/x' to='${ROOM}'><moderate xmlns='urn:xmpp:message-moderate:1' id='room-3'><retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>`,
    }),
    done(6),
  ]
  keepIn(place, facts, false, (at) => Date.parse(at < 4 ? time(9, 30) : time(10, 1)))
  using reader = openReader(place)
  const followed = (n: number) => reader.show(n)?.followedBy.map(({ id, kind }) => `${kind} ${id}`)
  const about = (n: number) => reader.show(n)?.about.map((one) => `${one.kind} ${'id' in one ? one.id : one.target}`)
  assert.deepEqual([1, 2, 3].map(followed), [
    [`correction ${SHORT}-4`],
    [`retraction ${SHORT}-5`],
    [`moderation ${SHORT}-6`],
  ])
  assert.deepEqual([4, 5, 6].map(about), [
    [`correction ${SHORT}-1`],
    [`retraction ${SHORT}-2`],
    [`moderation ${SHORT}-3`],
  ])
  assert.match(reader.show(1)?.tries[0]?.stanza ?? '', />first</)
  assert.match(reader.show(3)?.tries[0]?.stanza ?? '', />said</)
})

test('a month that is over is written by erasure alone: what is told late of its records stands in the book, and is known all the same', () => {
  using place = openPlace()
  const correction = (n: number, target: string) =>
    ask({
      n,
      stanza: chat('late', { id: `c${n}`, inside: `<replace xmlns='urn:xmpp:message-correct:0' id='${target}'/>` }),
    })
  const facts: Fact[] = [
    ask({ n: 1, stanza: chat('in September') }),
    { kind: 'stanza-id', source: SOURCE, n: 1, by: 'corp.example', id: 'in-time', at: time(9, 30) },
    done(1),
  ]
  const keep = (more: readonly Fact[]) => {
    facts.push(...more)
    keepIn(place, facts, false, (at) => Date.parse(at < 3 ? time(9, 30) : time(10, 1)))
  }
  keep([])
  const file = monthPath(place.path, { host: 'corp.example', month: '2026-09' })
  const bytes = () => hash('sha256', Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)]))
  const before = bytes()
  const id = (name: string): Fact => ({
    kind: 'stanza-id',
    source: SOURCE,
    n: 1,
    by: 'corp.example',
    id: name,
    at: time(10, 1),
  })
  keep([
    ask({ n: 2, stanza: chat('in October') }),
    // The record, and what was told of it, once more; then what nobody had told.
    ...facts.slice(0, 2),
    id('late'),
    correction(3, 'late'),
    done(3),
  ])
  assert.equal(bytes(), before)
  using reader = openReader(place)
  const first = reader.show(1)
  assert.deepEqual(first?.stanzaIds.map((one) => one.id).sort(), ['in-time', 'late'])
  assert.deepEqual(first?.followedBy, [{ id: `${SHORT}-3`, kind: 'correction' }])
  assert.deepEqual(reader.show(3)?.about, [{ id: `${SHORT}-1`, kind: 'correction' }], 'found by the id that came late')
  assert.deepEqual(
    reader
      .standings(1)
      .map(({ position }) => position)
      .sort((one, other) => one - other),
    [1, 5],
    'whoever erases it knows where else it stands',
  )
  place.erase(1)
  assert.notEqual(bytes(), before)
  assert.equal(reader.show(1)?.tries[0]?.stanza, '')
})

test('who holds one host sees its records and what was sent to it, in every month', () => {
  using place = openPlace()
  const to = (n: number, host: string, recipient: string) =>
    ask({ n, host, stanza: chat('across', { from: `alice@${host}/x`, to: `bob@${recipient}`, id: `h${n}` }) })
  const facts = [
    to(1, 'a.example', 'b.example'),
    to(2, 'a.example', 'a.example'),
    to(3, 'b.example', 'c.example'),
    to(4, 'b.example', 'a.example'),
  ]
  keepIn(place, facts, false, (at) => Date.parse(time(at < 2 ? 9 : 10, 5)))
  using reader = openReader(place)
  const seen = (...hosts: string[]) =>
    reader.search({ words: 'across', hosts }).records.map(({ id }) => Number(id.split('-')[1]))
  assert.deepEqual(seen('a.example'), [4, 2, 1])
  assert.deepEqual(seen('b.example'), [4, 3, 1])
  assert.deepEqual(seen('c.example'), [3])
  assert.deepEqual(seen('d.example'), [])
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => reader.show(n, ['a.example']) !== null),
    [true, true, false, true],
  )
})

test('hosts have folders of their own, whatever their names hold', () => {
  const hosts = [
    'corp.example',
    'CORP.example',
    '..',
    '.',
    '',
    '%',
    '%2e.',
    'a/b',
    'a\\b',
    'x'.repeat(300),
    `${'x'.repeat(300)}y`,
    'bücher.example',
    'a\0b',
  ]
  const names = hosts.map(folderName)
  assert.equal(new Set(names).size, hosts.length)
  for (const name of names) assert.match(name, /^(?!\.)[a-z0-9.%-]{1,255}$/)
})
