// SPDX-License-Identifier: Apache-2.0
// A fact that comes again, wherever and in whatever order, changes nothing: helpers report again what was not answered in time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findings } from '../../../components/archive/storage/report.ts'
import type { Fact } from '../../../components/kit/facts/facts.ts'
import { ask, chat, done, mark, SOURCE, settle, source } from '../facts.ts'
import { KEPT_AT, keepIn, openPlace } from '../place.ts'

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
const account = (event: 'created' | 'seen' | 'removed', id: string, second: number): Fact => ({
  kind: 'account',
  source: SOURCE,
  host: 'corp.example',
  jid: 'alice@corp.example',
  event,
  id: id.repeat(32),
  at: time(second),
})
const identity = (hash: string, second: number): Fact => ({
  kind: 'identity',
  hash: hash.repeat(32),
  id: 'corp:1',
  jid: 'alice@corp.example',
  name: `Alice ${hash}`,
  mail: ['alice@corp.example'],
  groups: [],
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
const network = (name: string, second: number): Fact => ({
  kind: 'network',
  network: name,
  domain: `${name}.corp.example`,
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
  ['identity', [identity('a', 1), identity('b', 2), identity('a', 3)], 'person', 2],
  ['since when it holds', [identity('a', 1), identity('b', 2), identity('a', 3)], 'person_since', 3],
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
  ['account', [account('seen', 'a', 1), account('removed', 'a', 2), account('created', 'b', 3)], 'identity', 2],
  ['account that is met often', [1, 2, 3, 4, 5].map((second) => account('seen', 'a', second)), 'identity_word', 2],
  [
    'account that was put back',
    [account('seen', 'a', 1), account('seen', 'b', 2), account('seen', 'a', 3)],
    'identity_word',
    3,
  ],
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
  ['network', [network('irc', 1), network('sms', 2), network('irc', 3)], 'network', 2],
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
  // What the directory changed is kept as it came; `seq` says what is the same.
  const kinds: Record<Exclude<Fact['kind'], 'directory'>, true> = {
    source: true,
    ask: true,
    identity: true,
    done: true,
    settle: true,
    mark: true,
    outage: true,
    occupant: true,
    session: true,
    account: true,
    'stanza-id': true,
    observed: true,
    rules: true,
    network: true,
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

test('a question told of in two months is kept once, in the first; what concerns it later stands in the book, since that month is over', () => {
  using place = openPlace()
  const monthEnd = Date.parse('2026-10-31T23:59:59.999Z')
  const first = [ask({ n: 1 }), ask({ n: 2 })]
  const id: Fact = { kind: 'stanza-id', source: SOURCE, n: 1, by: 'corp.example', id: 's1', at: time(1) }
  keepIn(place, [...first, ...first, ask({ n: 2, try: 2 }), ask({ n: 3 }), id], false, (at) =>
    at < 2 ? monthEnd : KEPT_AT,
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
  const ids = [of('2026-10'), of('2026-11'), tables['archive.db'] ?? {}].map(({ stanza_id }) => stanza_id?.length)
  assert.deepEqual(ids, [0, 0, 1])
})

function keep(facts: readonly Fact[], killed = false): Record<string, Record<string, unknown[]>> {
  using place = openPlace()
  keepIn(place, facts, killed)
  return place.tables()
}
