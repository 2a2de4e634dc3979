// SPDX-License-Identifier: Apache-2.0
// A fact that comes again, wherever and in whatever order, changes nothing: helpers report again what was not answered in time.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { countFrom } from '../../../components/archive/domain/completeness.ts'
import { countingOf } from '../../../components/archive/follow.ts'
import { readEntry } from '../../../components/archive/protocol/entry.ts'
import { openStanzaReader } from '../../../components/archive/protocol/stanza-reader.ts'
import { openService } from '../../../components/archive/storage/operations.ts'
import { findings } from '../../../components/archive/storage/report.ts'
import { bookMigrations, LAST_SINGLE_FILE } from '../../../components/archive/storage/schema.ts'
import { writeFact } from '../../../components/kit/facts/entries.ts'
import type { Fact } from '../../../components/kit/facts/facts.ts'
import { migrate } from '../../../components/kit/store/migrations.ts'
import { ask, chat, done, mark, SOURCE, settle, source } from '../facts.ts'

const KEPT_AT = Date.parse('2026-11-22T10:05:00.000Z')
const time = (second: number) => `2026-11-22T10:00:${String(second).padStart(2, '0')}.000Z`
const EARLIER = 'e'.repeat(32)
const occupant = (event: 'joined' | 'left', second: number, nick = 'Alice', of = SOURCE): Fact => ({
  kind: 'occupant',
  source: of,
  host: 'rooms.corp.example',
  room: 'team@rooms.corp.example',
  nick,
  jid: 'alice@corp.example/desk',
  event,
  at: time(second),
})
const session = (event: 'started' | 'ended', second: number): Fact => ({
  kind: 'session',
  source: SOURCE,
  host: 'corp.example',
  jid: 'Alice@corp.example/desk',
  via: 'c2s',
  event,
  at: time(second),
})
const missing = (
  kind: 'gap' | 'tail-unknown' | 'ended-without-mark',
  event: 'found' | 'closed',
  second: number,
): Fact => ({
  kind,
  event,
  source: SOURCE,
  from: 3,
  to: 4,
  count: event === 'found' ? 2 : 0,
  at: time(second),
})
const look = (second: number, denied: boolean): Fact => ({
  kind: 'access',
  who: { uid: 1000, user: 'olga' },
  command: 'archive search',
  query: { words: 'x' },
  hits: denied ? null : 1,
  ...(denied ? { denied } : { reason: 'case 7' }),
  at: time(second),
})
const observed = (second: number, body: string): Fact => ({
  kind: 'observed',
  source: SOURCE,
  host: 'corp.example',
  from: 'corp.example',
  stanza: chat(body, { from: 'corp.example' }),
  at: time(second),
})
const outage = (from: number, to: number, count: number): Fact => ({
  kind: 'outage',
  source: SOURCE,
  host: 'corp.example',
  from,
  to,
  count,
  outcome: 'bounced',
  at: time(9),
})

/** Every kind, in the order in which it happens; `rows`: what its table holds then. */
const CASES: readonly [what: string, facts: readonly Fact[], table: string, rows: number][] = [
  ['ask', [ask({ n: 1 }), ask({ n: 2 }), ask({ n: 2, try: 2 })], 'record', 3],
  ['ask whose stanza is no XML', [ask({ n: 1, stanza: '<message>' })], 'record', 1],
  ['observed', [observed(1, 'one'), observed(2, 'one'), observed(2, 'two')], 'record', 3],
  [
    'source',
    [
      source({ source: EARLIER }),
      mark(2, false, EARLIER),
      source({ predecessor: { source: EARLIER, mark: 2, reserved: 9 } }),
    ],
    'source',
    2,
  ],
  ['done', [ask({ n: 1 }), done(1)], 'source', 1],
  ['mark', [mark(1), mark(2), mark(3, true)], 'source', 1],
  ['settle', [settle(1, 'released', 2), settle(1, 'refused'), settle(2, 'bounced')], 'settle', 3],
  ['outage', [outage(1, 4, 4), outage(5, 9, 2)], 'outage', 2],
  ['occupant who left', [occupant('joined', 1), occupant('left', 2)], 'occupant', 1],
  ['occupant who came back', [occupant('joined', 1), occupant('left', 2), occupant('joined', 3)], 'occupant', 2],
  [
    'occupant who came back at once',
    [occupant('joined', 1), occupant('left', 2), occupant('joined', 2)],
    'occupant',
    2,
  ],
  ['occupant who was there before', [occupant('left', 2)], 'occupant', 1],
  [
    'occupant with two nicks',
    [occupant('joined', 1), occupant('joined', 2, 'Ally'), occupant('left', 3)],
    'occupant',
    2,
  ],
  ['occupant of a run before', [occupant('joined', 1, 'Alice', EARLIER), occupant('joined', 2)], 'occupant', 2],
  ['session', [session('started', 1), session('ended', 2), session('started', 2)], 'session', 3],
  [
    'stanza-id',
    [{ kind: 'stanza-id', source: SOURCE, n: 1, by: 'team@rooms.corp.example', id: 's1', at: time(1) }],
    'stanza_id',
    1,
  ],
  [
    'rules',
    [
      { kind: 'rules', hash: 'f'.repeat(64), rules: 3, file: 'rules.yaml', at: time(1) },
      { kind: 'rules', hash: 'f'.repeat(64), rules: 3, file: 'rules.yaml', at: time(2) },
    ],
    'rules',
    2,
  ],
  ['access', [look(1, false), look(1, true), look(2, true)], 'access', 3],
  ['gap', [missing('gap', 'found', 1), missing('gap', 'closed', 2)], 'finding', 1],
  ['tail-unknown', [missing('tail-unknown', 'found', 1)], 'finding', 1],
  [
    'ended-without-mark',
    [
      missing('ended-without-mark', 'found', 1),
      missing('ended-without-mark', 'closed', 2),
      missing('ended-without-mark', 'found', 3),
    ],
    'finding',
    2,
  ],
  ['journal-gap', [{ kind: 'journal-gap', journal: 'd'.repeat(32), from: 3, to: 4, at: time(1) }], 'finding', 1],
]

const all = CASES.flatMap(([, facts]) => facts)
const again: readonly [order: string, of: (facts: readonly Fact[]) => readonly Fact[]][] = [
  ['each at once', (facts) => facts.flatMap((fact) => [fact, fact])],
  ['all after all', (facts) => [...facts, ...facts]],
  ['all after all, the last one first', (facts) => [...facts, ...facts.toReversed()]],
]

for (const [what, facts, table, rows] of CASES) {
  test(`${what}: twice is once`, () => {
    const once = keep(facts)
    const found = Object.values(once).map((file) => file[table]?.length ?? 0)
    // Names of sources stand in every file.
    assert.equal(Math.max(...found), rows)
    for (const [order, of] of again) assert.deepEqual(keep(of(facts)), once, order)
    assert.deepEqual(keep(facts, true), once, 'killed after the commits of the months, before that of the book')
  })
}

test('the table above has every kind of fact', () => {
  const kinds: Record<Fact['kind'], true> = {
    source: true,
    ask: true,
    done: true,
    settle: true,
    mark: true,
    outage: true,
    occupant: true,
    session: true,
    'stanza-id': true,
    observed: true,
    rules: true,
    access: true,
    gap: true,
    'tail-unknown': true,
    'ended-without-mark': true,
    'journal-gap': true,
  }
  assert.deepEqual([...new Set(all.map(({ kind }) => kind))].sort(), Object.keys(kinds).sort())
})

test('a lost journal entry is found of a journal, which is no source', () => {
  using place = openPlace()
  const { book: db } = place
  keepIn(place, [ask({ n: 1 }), { kind: 'journal-gap', journal: 'd'.repeat(32), from: 3, to: 4, at: time(1) }])
  assert.equal(db.prepare('SELECT count(*) AS n FROM source').get()?.n, 1)
  assert.deepEqual(
    findings(db, { open: true, limit: 9, hosts: null }).map(({ kind, source, from, to }) => [kind, source, from, to]),
    [['journal-gap', 'd'.repeat(32), 3, 4]],
  )
})

test('a question told of in two months is kept once, in the first; what concerns it later stands with it', () => {
  using place = openPlace()
  let told = 0
  const monthEnd = Date.parse('2026-10-31T23:59:59.999Z')
  const first = [ask({ n: 1 }), ask({ n: 2 })]
  const id: Fact = { kind: 'stanza-id', source: SOURCE, n: 1, by: 'corp.example', id: 's1', at: time(1) }
  keepIn(place, [...first, ...first, ask({ n: 2, try: 2 }), ask({ n: 3 }), id], false, () =>
    told++ < 2 ? monthEnd : KEPT_AT,
  )
  const tables = place.tables()
  const of = (month: string) => tables[`archive-months/corp.example/${month}.db`] ?? {}
  const names = (rows: unknown) => (rows as { n: number; try: number }[]).map((row) => [row.n, row.try])
  assert.deepEqual(names(of('2026-10').record), [
    [1, 1],
    [2, 1],
  ])
  assert.deepEqual(names(of('2026-11').record), [
    [2, 2],
    [3, 1],
  ])
  assert.deepEqual([of('2026-10').stanza_id?.length, of('2026-11').stanza_id?.length], [1, 0])
})

function keep(facts: readonly Fact[], killed = false): Record<string, Record<string, unknown[]>> {
  using place = openPlace()
  keepIn(place, facts, killed)
  return place.tables()
}

/** A book and its files of months in a folder of their own. */
function openPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-twice-'))
  const path = join(folder, 'archive.db')
  const book = new DatabaseSync(path)
  migrate(book, bookMigrations, path, LAST_SINGLE_FILE)
  const service = openService()
  service.open?.({ role: 'writer', path, secureDelete: true, busyMs: 1000 })
  return {
    book,
    service,
    [Symbol.dispose]() {
      service.close?.()
      book.close()
      rmSync(folder, { recursive: true, force: true })
    },
    tables() {
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.db'))
      const kept = files.sort().map((name) => [name, contents(join(folder, name))] as const)
      return Object.fromEntries(kept)
    },
  }
}

type Place = Disposable & {
  book: DatabaseSync
  service: ReturnType<typeof openService>
  tables(): Record<string, Record<string, unknown[]>>
}

/** One entry a commit, as they would come over time; `killed`: the book's commit of each batch but the last is lost, and it comes again. */
function keepIn({ book, service }: Place, facts: readonly Fact[], killed = false, recordedAt = () => KEPT_AT): void {
  const completeness = countFrom([], [], { graceMs: 1000, silentMs: 60_000 })
  const reading = {
    journal: 'j',
    stanzas: openStanzaReader(),
    isRoom: () => false,
    sha256: (text: string) => hash('sha256', text, 'hex'),
  }
  const batches = facts.map((fact, index) => {
    const got = readEntry({ ...writeFact(fact), position: index + 1, at: recordedAt() }, reading)
    if (got.counted) completeness.take(got.counted, KEPT_AT)
    const sources = countingOf(completeness)
    return {
      journal: 'j',
      after: index,
      to: index + 1,
      keptAt: KEPT_AT,
      items: got.items,
      careful: false,
      sources,
    }
  })
  const { beside, operations } = service
  for (const batch of batches) {
    if (killed) {
      book.exec('BEGIN')
      beside?.hold()
      operations.write.keep(book, batch)
      beside?.release()
      beside?.commit()
      book.exec('ROLLBACK')
      beside?.rollback()
    }
    book.exec('BEGIN')
    beside?.hold()
    operations.write.keep(book, batch)
    beside?.release()
    beside?.commit()
    book.exec('COMMIT')
  }
}

/** All tables; left out is what is random, only where in the journal it stood, and that something came again. */
function contents(path: string): Record<string, unknown[]> {
  const db = new DatabaseSync(path, { readOnly: true })
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'repeat' ORDER BY name")
    .all()
  const kept: Record<string, unknown[]> = {}
  for (const { name } of tables) {
    const rows = db.prepare(`SELECT * FROM ${name}`).all()
    kept[String(name)] = rows.map(
      ({ position: _where, salt: _salt, seal: _seal, replacement_seal: _also, ...row }) => row,
    )
  }
  kept.total = (kept.total as { name: string }[]).filter(({ name }) => name !== 'again')
  kept.file = ((kept.file ?? []) as { totals: string }[]).map(({ totals, ...row }) => ({
    ...row,
    totals: { ...JSON.parse(totals), again: 0 },
  }))
  db.close()
  return kept
}
