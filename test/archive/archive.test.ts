// SPDX-License-Identifier: Apache-2.0
// The archive as a whole: facts go into a journal, answers come out of the commands.
import assert from 'node:assert/strict'
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { texts } from '../../components/archive/archive.ts'
import { openFollower } from '../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import { EXIT } from '../../components/kit/process/command.ts'
import { createCatalogue } from '../../components/kit/text/catalogue.ts'
import { places, quiet } from '../harness/text-places.ts'
import { AT_MS, ask, chat, done, mark, SOURCE, settle, source } from './facts.ts'
import { open, openStage, type Row, type Stage } from './stage.ts'

const SHORT = SOURCE.slice(0, 8)

test('a record is shown with its stanza, verdict, both clocks, hash and settlement; the look is on record', async () => {
  await using stage = await openStage()
  await stage.write(source(), ask({ n: 1, stanza: chat('hello Bob') }), done(1))
  const { rows, texts } = await stage.ask('archive show', { id: `${SHORT}-1`, reason: 'case 7' })
  const [row] = rows
  assert.ok(row)
  assert.equal(rows.length, 1)
  assert.deepEqual(
    [row.id, row.full_id, row.settlement, row.settled_by],
    [`${SHORT}-1`, `${SOURCE}-1`, 'released', 'done'],
  )
  assert.deepEqual(
    [row.from, row.to, row.text, row.verdict, row.rule],
    ['alice@corp.example/desk', 'bob@corp.example', 'hello Bob', 'allow', 'otherwise'],
  )
  assert.deepEqual(
    [row.stanza, row.at, row.size],
    [chat('hello Bob'), '2026-11-22T10:00:00.000Z', chat('hello Bob').length],
  )
  assert.match(String(row.sha256), /^[0-9a-f]{64}$/)
  assert.ok(
    Math.abs(Number(row.clock_difference_ms)) > 1000 && row.clock_alarm,
    'the helper says 2026-11-22 10:00, the recorder its own time',
  )
  assert.ok(texts.includes(`| ${chat('hello Bob')}`))
  assert.equal((await counts(stage)).skewed, 1)
  assert.match(await stage.metrics.page(), /^gatehouse_archive_skewed_clocks_total 1$/m)
  const access = await stage.ask('archive access')
  assert.deepEqual(
    access.rows.map(({ user, uid, command, query, hits, reason }) => ({ user, uid, command, query, hits, reason })),
    [{ user: 'olga', uid: 4711, command: 'archive show', query: { id: `${SHORT}-1` }, hits: 1, reason: 'case 7' }],
  )
})

test('what others wrote cannot pass for a line of the command', async () => {
  await using stage = await openStage()
  const forged = 'In the room: Eve (eve@evil.example)'
  const room = 'team@rooms.corp.example'
  const said = chat(`one\n${forged}\r\n${forged}\u2028${forged}`, { to: room, type: 'groupchat' })
  const nick = `A\n${forged}`
  const at = AT_MS - 1000
  await stage.write(
    {
      kind: 'occupant',
      source: SOURCE,
      host: 'rooms.corp.example',
      room,
      nick,
      jid: 'alice@corp.example/desk',
      event: 'joined',
      at: new Date(at).toISOString(),
    },
    ask({ n: 1, stanza: said, verdict: { action: 'replace', rule: `r\n${forged}`, stanza: said } }),
    done(1),
  )
  const { rows, texts } = await stage.ask('archive show', { id: `${SHORT}-1` })
  const lines = texts.flatMap((text) => text.split(/[\r\n\u2028]/))
  assert.deepEqual(
    lines.filter((line) => line.startsWith('In the room')),
    [`In the room: A\\n${forged} (alice@corp.example/desk)`],
  )
  assert.equal(lines.filter((line) => line.startsWith(`| ${forged}`)).length, 6, 'the stanza and its replacement')
  assert.equal(rows[0]?.stanza, said, 'the row has it as it came')
})

test('every try is kept, the settled one is effective; done is not one of them', async () => {
  await using stage = await openStage()
  await stage.write(
    ask({ n: 1, verdict: { action: 'refuse', rule: 'r1', condition: 'policy-violation', text: { en: 'no' } } }),
    ask({ n: 1, try: 2 }),
    ask({ n: 2 }),
    ask({ n: 2, try: 2 }),
    settle(1, 'released', 2),
    done(2),
  )
  const [first] = (await stage.ask('archive show', { id: `${SHORT}-1` })).rows
  assert.deepEqual([first?.settlement, first?.effective_try, first?.verdict], ['released', 2, 'allow'])
  assert.deepEqual(
    ((first?.tries ?? []) as { verdict: string }[]).map((one) => one.verdict),
    ['refuse', 'allow'],
  )
  const [second] = (await stage.ask('archive show', { id: `${SHORT}-2` })).rows
  assert.deepEqual([second?.settlement, second?.effective_try], ['undecided', null])
  const stats = await counts(stage)
  assert.deepEqual([stats.records, stats.tries, stats.undecided], [2, 4, 1])
})

test('a question told twice under several tries is shown with each try once, and the try that was followed', async () => {
  await using stage = await openStage()
  const first = ask({ n: 1, stanza: chat('say it') })
  const second = ask({ n: 1, try: 2, stanza: chat('say it') })
  await stage.write(first, second, first, settle(1, 'released', 2), second, first, settle(1, 'released', 2), done(1))
  const [row] = (await stage.ask('archive show', { id: `${SHORT}-1` })).rows
  assert.deepEqual([row?.settlement, row?.effective_try, row?.conflicting, row?.text], ['released', 2, false, 'say it'])
  assert.deepEqual(
    listOf(row?.tries).map((one) => [(one as Row).try, (one as Row).position]),
    [
      [1, 1],
      [2, 2],
    ],
  )
  assert.equal(listOf(row?.settles).length, 1)
  const search = await stage.ask('archive search', { words: 'say' })
  assert.deepEqual(
    [search.rows.map(({ id, tries }) => [id, tries]), search.texts],
    [[[`${SHORT}-1`, 2]], ['One hit, 1 shown.']],
  )
  const { records, tries, again, conflicts, undecided } = await counts(stage)
  assert.deepEqual(
    { records, tries, again, conflicts, undecided },
    { records: 1, tries: 2, again: 3, conflicts: 0, undecided: 0 },
  )
})

test('numbers that are bounced are shown without a record: by a settle, by an outage', async () => {
  await using stage = await openStage()
  await stage.write(settle(1, 'bounced'), {
    kind: 'outage',
    source: SOURCE,
    host: 'corp.example',
    from: 2,
    to: 9,
    count: 8,
    outcome: 'bounced',
    at: '2026-11-22T10:00:00.000Z',
  })
  const [settled] = (await stage.ask('archive show', { id: `${SHORT}-1` })).rows
  assert.deepEqual([settled?.settlement, settled?.tries], ['bounced', []])
  const first = await stage.ask('archive show', { id: `${SHORT}-2` })
  assert.match(first.texts.join(), /^It was never asked about, .*\(bounced, outage rule\)\. 8 of the numbers 2 to 9 /)
  const [outage] = (await stage.ask('archive show', { id: `${SHORT}-5` })).rows
  assert.deepEqual([outage?.settlement, outage?.settled_by, outage?.tries], ['bounced', 'outage', []])
  assert.deepEqual(outage?.outage, { from: 2, to: 9, count: 8, outcome: 'bounced', at: '2026-11-22T10:00:00.000Z' })
  assert.match((await stage.ask('archive show', { id: `${SHORT}-1` })).texts.join(), /^No contents of it .*: bounced\./)
  const { outages, 'outages bounced': bounced, 'outages unscreened': unscreened } = await counts(stage)
  assert.deepEqual([outages, bounced, unscreened], [8, 8, undefined])
  assert.equal((await stage.ask('archive show', { id: `${SHORT}-10` })).exit, EXIT.notFound)
})

test('a number that an outage counts among recorded ones is bounced, unless it is missing', async () => {
  await using stage = await openStage()
  const outage = { kind: 'outage', source: SOURCE, host: 'corp.example', outcome: 'bounced' } as const
  const at = '2026-11-22T10:00:00.000Z'
  await stage.write(
    ask({ n: 1, stanza: chat('one') }),
    ask({ n: 3, stanza: chat('three') }),
    { ...outage, from: 2, to: 4, count: 2, at },
    { ...outage, from: 7, to: 8, count: 1, outcome: 'unscreened', at },
  )
  for (const n of [2, 4]) {
    const { rows, texts, exit } = await stage.ask('archive show', { id: `${SHORT}-${n}` })
    assert.deepEqual([exit, rows[0]?.settlement, rows[0]?.settled_by], [0, 'bounced', 'outage'])
    assert.match(texts.join(), /2 of the numbers 2 to 4 ended so/)
  }
  // What was let through must be on record: without its record it is not settled.
  const { rows, texts } = await stage.ask('archive show', { id: `${SHORT}-7` })
  assert.equal(rows[0]?.settlement, 'undecided')
  assert.match(texts.join(), /^No contents of it are recorded/)
})

test('ids: two sources with the same start stay apart; what is no id is told so', async () => {
  await using stage = await openStage()
  const other = `${SHORT}${'0'.repeat(24)}`
  await stage.write(ask({ n: 1, stanza: chat('one') }))
  await stage.ask('archive show', { id: `${SHORT}-1` })
  await stage.write(ask({ n: 1, source: other, stanza: chat('two') }))
  const shown = await stage.ask('archive search', { words: 'two' })
  assert.equal(shown.rows[0]?.id, `${SHORT}0-1`)
  assert.equal((await stage.ask('archive show', { id: `${SHORT}0-1` })).rows[0]?.text, 'two')
  assert.equal(
    (await stage.ask('archive show', { id: `${SHORT}-1` })).rows[0]?.text,
    'one',
    'what was shown once keeps its meaning',
  )
  assert.equal((await stage.ask('archive show', { id: `${other}-1` })).rows[0]?.text, 'two')
  assert.equal((await stage.ask('archive show', { id: 'nonsense' })).exit, EXIT.usage)
})

test('who was in the room when it was said; who came later or had left is not named', async () => {
  await using stage = await openStage()
  const room = 'team@rooms.corp.example'
  const person = (name: string, event: 'joined' | 'left', minute: number, of = SOURCE) =>
    ({
      kind: 'occupant',
      source: of,
      host: 'rooms.corp.example',
      room,
      nick: name,
      jid: `${name}@corp.example/desk`,
      event,
      at: `2026-11-22T10:${String(minute).padStart(2, '0')}:00.000Z`,
    }) as const
  const said = (n: number, minute: number, of = SOURCE) =>
    ask({
      n,
      source: of,
      at: `2026-11-22T10:${minute}:00.000Z`,
      stanza: chat('to all', { to: room, type: 'groupchat', id: `g${n}` }),
    })
  const next = 'b'.repeat(32)
  await stage.write(
    source(),
    person('anna', 'joined', 1),
    person('bert', 'joined', 2),
    person('bert', 'left', 5),
    said(1, 10),
    person('carl', 'joined', 11),
    source({ source: next, at: '2026-11-22T10:20:00.000Z', predecessor: { source: SOURCE, mark: 1, reserved: 1 } }),
    person('carl', 'joined', 21, next),
    said(1, 30, next),
  )
  const names = async (id: string) =>
    (((await stage.ask('archive show', { id })).rows[0]?.occupants ?? []) as { nick: string; sure: boolean }[]).map(
      ({ nick, sure }) => `${nick}${sure ? '' : '?'}`,
    )
  assert.deepEqual(await names(`${SHORT}-1`), ['anna'])
  assert.deepEqual(await names('bbbbbbbb-1'), ['anna?', 'carl'])
})

test('lineage: corrections, retractions and reactions point at the original, which stays as it is', async () => {
  await using stage = await openStage()
  const room = 'team@rooms.corp.example'
  await stage.write(
    ask({ n: 1, stanza: chat('first', { id: 'a1' }) }),
    ask({
      n: 2,
      stanza: chat('second', { id: 'a2', inside: "<replace xmlns='urn:xmpp:message-correct:0' id='a1'/>" }),
    }),
    ask({ n: 3, stanza: chat('said', { id: 'g1', to: room, type: 'groupchat' }) }),
    { kind: 'stanza-id', source: SOURCE, n: 3, by: room, id: 'room-77', at: '2026-11-22T10:00:01.000Z' },
    ask({
      n: 4,
      stanza: chat('', {
        id: 'g2',
        to: room,
        type: 'groupchat',
        inside: "<retract xmlns='urn:xmpp:message-retract:1' id='room-77'/>",
      }),
    }),
    ask({
      n: 5,
      stanza: chat('elsewhere', {
        id: 'x',
        from: 'eve@far.example/x',
        to: 'mallory@far.example',
        inside: "<replace xmlns='urn:xmpp:message-correct:0' id='a1'/>",
      }),
    }),
    done(5),
  )
  const show = async (n: number) => (await stage.ask('archive show', { id: `${SHORT}-${n}` })).rows[0]
  const first = await show(1)
  assert.equal(first?.text, 'first')
  assert.deepEqual(
    first?.followed_by,
    [{ id: `${SHORT}-2`, kind: 'correction' }],
    'not what strangers say about their own a1',
  )
  assert.deepEqual((await show(2))?.about, [{ id: `${SHORT}-1`, kind: 'correction' }])
  assert.deepEqual((await show(3))?.followed_by, [{ id: `${SHORT}-4`, kind: 'retraction' }])
  assert.deepEqual((await show(4))?.about, [{ id: `${SHORT}-3`, kind: 'retraction' }])
  assert.deepEqual((await show(5))?.about, [{ target: 'a1', kind: 'correction' }])
})

test('what the server itself originated is a record, and says so', async () => {
  await using stage = await openStage()
  await stage.write({
    kind: 'observed',
    source: SOURCE,
    host: 'corp.example',
    from: 'corp.example',
    stanza: chat('maintenance tonight', { from: 'corp.example' }),
    at: '2026-11-22T10:00:00.000Z',
  })
  const [row] = (await stage.ask('archive search', { words: 'maintenance' })).rows
  assert.match(String(row?.id), new RegExp(`^${SHORT}-o[1-9][0-9]{0,14}$`))
  assert.equal(row?.settlement, 'originated')
  assert.equal((await stage.ask('archive show', { id: String(row?.id) })).rows[0]?.text, 'maintenance tonight')
})

test('commits are paced, unless somebody looks', async () => {
  await using stage = await openStage({ yaml: 'follow: { commit_every: 10 s }\n' })
  for (let n = 1; n <= 60; n++) await stage.write(ask({ n, stanza: chat(`paced ${n}`) }))
  // A look waits for 2 s at most: the pace would let it see the first few only.
  assert.equal((await stage.ask('archive search', { words: 'paced', limit: 100 })).rows.length, 60)
  for (let n = 61; n <= 120; n++) await stage.write(ask({ n, stanza: chat(`paced ${n}`) }))
  assert.equal((await stage.ask('archive show', { id: `${SHORT}-120` })).rows.length, 1)
  assert.equal((await stage.ask('archive search', { words: 'paced', limit: 1000 })).rows.length, 120)
  const db = new DatabaseSync(String(stage.months()[0]), { readOnly: true })
  const commits = Number(db.prepare('SELECT count(*) AS n FROM batch').get()?.n)
  db.close()
  assert.ok(commits <= 8, `${commits} commits of 120 writes`)
})

test('a search finds the word wherever a rule of policy does, and nowhere else', async () => {
  await using stage = await openStage()
  const all = [...places, ...quiet]
  await stage.write(...all.map(([, stanza], index) => ask({ n: index + 1, stanza })), done(all.length))
  const { rows } = await stage.ask('archive search', { words: 'secret', limit: 1000 })
  const found = new Set(rows.map((row) => row.id))
  assert.deepEqual(
    all.filter((_, index) => found.has(`${SHORT}-${index + 1}`)).map(([where]) => where),
    places.map(([where]) => where),
  )
})

test('what is written in escapes is found as it stands and as it reads, and is shown as it stands', async () => {
  await using stage = await openStage()
  const url = 'https://x.example/M%C3%BCller%20vertraulich.pdf'
  await stage.write(
    ask({ n: 1, stanza: chat(url) }),
    ask({ n: 2, stanza: chat('a%00 %0Ab%FFc') }),
    ask({ n: 3, stanza: chat('M%25C3%25BCller') }),
    done(3),
  )
  const found = async (words: string) =>
    (await stage.ask('archive search', { words })).rows.map(({ id, text }) => [id, text])
  assert.deepEqual(await found('"müller vertraulich"'), [[`${SHORT}-1`, url]])
  assert.deepEqual(await found('vertraulich'), [[`${SHORT}-1`, url]])
  assert.deepEqual(await found('BCller'), [
    [`${SHORT}-3`, 'M%25C3%25BCller'],
    [`${SHORT}-1`, url],
  ])
  assert.deepEqual(await found('"a b"'), [[`${SHORT}-2`, 'a%00 %0Ab%FFc']])
})

const SEARCHED: readonly [n: number, body: string, from: string, to: string, minute: number][] = [
  [7, '機密データの共有', 'dora@far.example/x', 'erin@far.example', 3],
  [8, '우리의비밀회의', 'dora@far.example/x', 'erin@far.example', 3],
  [1, 'The contract with Müller & Söhne', 'alice@corp.example/desk', 'bob@corp.example', 0],
  [2, '合同条款已经确认', 'alice@corp.example/desk', 'carol@corp.example', 1],
  [3, 'card 4111 1111 1111 1111, total 1,234.50', 'bob@corp.example/phone', 'carol@corp.example', 2],
  [4, "O'Brien signs tomorrow", 'carol@corp.example/x', 'alice@corp.example', 3],
  [5, 'Grüße und ein Vertrag', 'bob@corp.example/phone', 'alice@corp.example', 4],
  [6, 'ＳＥＣＲＥＴ plan', 'bob@corp.example/phone', 'alice@corp.example', 5],
]
const minute = (n: number) => new Date(AT_MS + n * 60_000).toISOString()

const SEARCHES: readonly [title: string, query: Record<string, unknown>, expected: number[]][] = [
  ['a word in any case', { words: 'CONTRACT' }, [1]],
  ['a name without its accents', { words: 'muller sohne' }, [1]],
  ['a phrase', { words: '"contract with"' }, [1]],
  ['a phrase in the wrong order', { words: '"with contract"' }, []],
  ['the beginning of a word', { words: 'contr*' }, [1]],
  ['a name with an apostrophe', { words: "O'Brien" }, [4]],
  ['a number with marks', { words: '1,234.50' }, [3]],
  ['groups of a number', { words: '"4111 1111"' }, [3]],
  ['two characters of a Chinese text', { words: '合同' }, [2]],
  ['a pair in its middle', { words: '同条' }, [2]],
  ['four characters', { words: '条款已经' }, [2]],
  ['one character, the last', { words: '认' }, [2]],
  ['two characters that do not stand together', { words: '合条' }, []],
  ['a Japanese word in a longer run', { words: 'データ' }, [7]],
  ['a pair over two Japanese scripts', { words: '密デ' }, [7]],
  ['half-width Katakana', { words: 'ﾃﾞｰﾀ' }, [7]],
  ['a Korean word in a longer run', { words: '비밀' }, [8]],
  ['two syllables that do not stand together', { words: '리밀' }, []],
  ['full-width letters', { words: 'secret' }, [6]],
  ['all words must be there', { words: 'contract vertrag' }, []],
  ['nothing but marks finds nothing', { words: '!?' }, []],
  ['what looks like a query is only words', { words: 'contract OR people:p1 NEAR("' }, []],
  ['a person, newest first', { person: 'bob@corp.example' }, [6, 5, 3, 1]],
  ['a full address is its person', { person: 'Bob@corp.example/phone' }, [6, 5, 3, 1]],
  ['a person in another spelling', { person: '\uff42ob@corp.ex\u00adample.' }, [6, 5, 3, 1]],
  ['a person and a peer', { person: 'bob@corp.example', peer: 'alice@corp.example' }, [6, 5, 1]],
  ['a person nobody knows', { person: 'nobody@corp.example' }, []],
  ['a person and words', { person: 'bob@corp.example', words: 'vertrag' }, [5]],
  ['since', { since: minute(4) }, [6, 5]],
  ['until', { until: minute(1) }, [2, 1]],
  ['between, with a person', { since: minute(2), until: minute(4), person: 'alice@corp.example' }, [5, 4]],
  ['words since', { words: 'vertrag', since: minute(5) }, []],
  ['a limit', { limit: 2 }, [6, 5]],
]

test('search: words, names, numbers, CJK, people, time', async (t) => {
  await using stage = await openStage({ startAt: AT_MS + 10_000 })
  await stage.write(
    ...SEARCHED.map(([n, body, from, to, at]) =>
      ask({ n, at: minute(at), stanza: chat(body.replace('&', '&amp;'), { from, to, id: `s${n}` }) }),
    ),
    done(8),
  )
  for (const [title, query, expected] of SEARCHES) {
    await t.test(title, async () => {
      const { rows } = await stage.ask('archive search', query)
      assert.deepEqual(
        rows.map((row) => row.id),
        expected.map((n) => `${SHORT}-${n}`),
      )
    })
  }
})

test('search by time finds what was kept late, hours after it was sent', async () => {
  await using stage = await openStage({ startAt: AT_MS + 10 * 3_600_000 })
  await stage.write(ask({ n: 1, stanza: chat('old and late') }), done(1))
  const { rows } = await stage.ask('archive search', { since: minute(-1), until: minute(1) })
  assert.deepEqual(
    rows.map((row) => row.text),
    ['old and late'],
  )
  assert.deepEqual((await stage.ask('archive search', { words: 'late', until: minute(1) })).rows.length, 1)
  assert.deepEqual((await stage.ask('archive search', { since: minute(1) })).rows, [])
})

test('the hits of a search are counted up to a bound', async () => {
  await using stage = await openStage()
  for (let from = 1; from <= 10_001; from += 1000) {
    await stage.write(
      ...Array.from({ length: Math.min(1000, 10_002 - from) }, (_, i) =>
        ask({ n: from + i, stanza: chat('everywhere') }),
      ),
    )
  }
  // A look waits 2 s for what came just before it; a loaded machine takes longer for so many.
  while ((await stage.ask('archive show', { id: `${SHORT}-10001` })).exit !== 0);
  const { texts, rows } = await stage.ask('archive search', { words: 'everywhere', limit: 3 })
  assert.deepEqual(
    rows.map((row) => row.id),
    [10_001, 10_000, 9999].map((n) => `${SHORT}-${n}`),
  )
  assert.deepEqual(texts, ['More than 10,000 hits, 3 shown.'])
})

test('a repeated question is found once', async () => {
  await using stage = await openStage()
  await stage.write(ask({ n: 1 }), ask({ n: 1, try: 2 }), ask({ n: 1, try: 3, stanza: chat('hello again') }))
  assert.deepEqual(
    (await stage.ask('archive search', { words: 'hello' })).rows.map((row) => [row.id, row.tries]),
    [[`${SHORT}-1`, 3]],
  )
  assert.equal((await stage.ask('archive search', { words: 'again' })).rows.length, 1)
})

test('the same fact twice is kept once; another stanza under the same name is kept beside and is an alarm', async () => {
  await using stage = await openStage()
  await stage.write(
    ask({ n: 1 }),
    ask({ n: 1 }),
    settle(1, 'gone'),
    settle(1, 'gone'),
    ask({ n: 1, stanza: chat('forged') }),
  )
  const [row] = (await stage.ask('archive show', { id: `${SHORT}-1` })).rows
  assert.equal(listOf(row?.tries).length, 1)
  assert.equal(row?.text, 'hello')
  assert.deepEqual([listOf(row?.settles).length, row?.conflicting], [1, false])
  const stats = await counts(stage)
  assert.deepEqual([stats.tries, stats.again, stats.conflicts], [1, 2, 1])
  const db = new DatabaseSync(stage.store, { readOnly: true })
  const kept = db.prepare('SELECT kind, note, body FROM other_fact').all()
  db.close()
  assert.equal(kept.length, 1)
  assert.match(String(kept[0]?.body), /forged/)
})

test('stopped and started again, everything is there once and the archive goes on', async () => {
  await using stage = await openStage()
  await stage.write(ask({ n: 1 }), ask({ n: 2 }), done(2))
  assert.equal((await stage.ask('archive search', { words: 'hello' })).rows.length, 2)
  await stage.stop()
  await stage.write(ask({ n: 3 }), done(3))
  await stage.start()
  assert.deepEqual(
    (await stage.ask('archive search', { words: 'hello' })).rows.map((row) => [row.id, row.settlement]),
    [3, 2, 1].map((n) => [`${SHORT}-${n}`, 'released']),
  )
  const stats = await counts(stage)
  assert.deepEqual([stats.tries, stats.again], [3, 0])
})

test('what is missing is a fact in the own journal, shown by gaps and metrics, and closed by a late arrival', async () => {
  await using stage = await openStage({ startAt: Date.now() })
  await stage.write(source(), ask({ n: 1 }), ask({ n: 3 }), mark(3))
  await stage.ask('archive search', { words: 'hello' })
  stage.pass(120_000)
  const found = await stage.logs('gap found')
  assert.deepEqual([found.source, found.from, found.to], [SOURCE, 2, 2])
  const gaps = async (all = false) => {
    return (await stage.ask('archive gaps', { all })).rows.map(
      (row) => `${row.kind} ${row.from}..${row.to} ${row.closed_at ? 'closed' : 'open'}`,
    )
  }
  assert.deepEqual(await gaps(), ['gap 2..2 open'])
  assert.match(await stage.metrics.page(), /^gatehouse_archive_gap_numbers 1$/m)
  assert.equal((await counts(stage)).gaps, 1)
  await stage.stop()
  await stage.start()
  await stage.write(ask({ n: 2 }))
  await stage.logs('gap closed')
  assert.deepEqual(await gaps(), [])
  assert.deepEqual((await stage.ask('archive gaps')).texts, ['Nothing is missing.'])
  assert.deepEqual(await gaps(true), ['gap 2..2 closed'])
  assert.match(await stage.metrics.page(), /^gatehouse_archive_gap_numbers 0$/m)
  assert.equal(stage.logged.filter((line) => line.event === 'gap found').length, 1, 'found once, also over a restart')
})

test('a lost tail is one fact', async () => {
  await using stage = await openStage()
  await stage.write(
    source(),
    ask({ n: 1 }),
    mark(1),
    source({ source: 'b'.repeat(32), predecessor: { source: SOURCE, mark: 1, reserved: 1000 } }),
  )
  await stage.ask('archive search', { words: 'hello' })
  stage.pass(120_000)
  await stage.logs('ended-without-mark found')
  const { rows } = await stage.ask('archive gaps')
  assert.deepEqual(
    rows.map(({ kind, from, to, count }) => ({ kind, from, to, count })),
    [
      { kind: 'ended-without-mark', from: 1, to: 1, count: 0 },
      { kind: 'tail-unknown', from: 1, to: 1000, count: 999 },
    ],
  )
})

test('what cannot be read stops nothing: the entries behind it are kept', async () => {
  await using stage = await openStage()
  await stage.writeRaw(
    { kind: 'ask', version: 1, body: '{"half' },
    { kind: 'later', version: 3, body: '{"kind":"later"}' },
  )
  await stage.write(
    ask({ n: 1, stanza: '<message><body>half' }),
    ask({ n: 2, stanza: `<m>${'<a>'.repeat(5000)}` }),
    ask({ n: 3, stanza: chat('after all') }),
    done(3),
  )
  assert.equal((await stage.ask('archive search', { words: 'after' })).rows.length, 1)
  const [row] = (await stage.ask('archive show', { id: `${SHORT}-1` })).rows
  assert.equal(row?.stanza, '<message><body>half')
  assert.match(String(row?.note), /not readable/)
  assert.equal((await counts(stage)).unreadable, 2)
})

test('tail shows what comes, until it is stopped; its beginning and its end are on record', async () => {
  await using stage = await openStage()
  await stage.write(ask({ n: 1, stanza: chat('before') }))
  await stage.ask('archive search', { words: 'before' })
  const stop = new AbortController()
  const tail = open(stage.running, 'archive tail', {}, 'olga', stop.signal)[Symbol.asyncIterator]()
  const first = tail.next()
  const looks = async () =>
    (await stage.ask('archive access', { user: 'olga' }, 'anna')).rows.map((row) => [row.command, row.hits])
  while ((await looks()).length < 2) await stage.ask('archive stats')
  await stage.write(ask({ n: 2, stanza: chat('while looking') }))
  const said = await first
  assert.ok(!said.done && said.value.say === 'row')
  assert.equal(said.value.row.text, 'while looking')
  stop.abort()
  await tail.return?.()
  assert.deepEqual((await looks()).slice(0, 2), [
    ['archive tail', 1],
    ['archive tail', null],
  ])
})

test('stats and gaps hold no contents', async () => {
  await using stage = await openStage()
  await stage.write(source(), ask({ n: 1, stanza: chat('confidential', { from: 'alice@corp.example/desk' }) }), mark(5))
  await stage.ask('archive search', { words: 'confidential' })
  const said = JSON.stringify([
    await stage.ask('archive stats'),
    await stage.ask('archive gaps'),
    await stage.metrics.page(),
  ])
  assert.doesNotMatch(said, /confidential|alice|bob@/)
  assert.match(said, /"records","value":1/)
})

test('a look that cannot be recorded shows nothing', async () => {
  await using stage = await openStage({ yaml: 'journal: { max_bytes: 4 MiB }\n' })
  await stage.write(ask({ n: 1, stanza: chat('secret') }), done(1))
  let answer = await stage.ask('archive show', { id: `${SHORT}-1` })
  for (let looks = 0; answer.exit === 0; looks++) {
    assert.ok(looks < 500, 'the journal fills up')
    answer = await stage.ask('archive show', { id: `${SHORT}-1`, reason: 'x'.repeat(50_000) })
  }
  assert.deepEqual([answer.exit, answer.rows, answer.texts], [EXIT.fault, [], []])
  assert.match(answer.refusal, /could not be recorded/)
})

test('a backup opens, holds the same, and leaves nothing else; what is there already is not touched', async () => {
  await using stage = await openStage()
  await stage.write(...Array.from({ length: 500 }, (_, i) => ask({ n: i + 1, stanza: chat(`copy ${i}`) })), done(500))
  await stage.ask('archive search', { words: 'copy' })
  const path = join(stage.folder, 'copy')
  const { rows, exit } = await stage.ask('archive backup', { path })
  const files = readdirSync(path, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((one) =>
    one.isFile(),
  )
  const paths = files.map((one) => join(one.parentPath, one.name)).sort()
  const month = join(path, 'archive-months', 'corp.example', `${new Date().toISOString().slice(0, 7)}.db`)
  assert.deepEqual(paths, [month, join(path, 'archive.db')])
  const bytes = paths.reduce((sum, one) => sum + statSync(one).size, 0)
  assert.deepEqual([exit, rows[0]?.records, rows[0]?.bytes, rows[0]?.files], [0, 500, bytes, 2])
  assert.deepEqual(
    [path, ...paths].map((one) => statSync(one).mode & 0o077),
    [0, 0, 0],
  )
  assert.deepEqual(
    readdirSync(stage.folder).filter((name) => name.includes('unfinished')),
    [],
  )
  const db = new DatabaseSync(month)
  assert.equal(db.prepare('SELECT count(*) AS n FROM record').get()?.n, 500)
  assert.equal(db.prepare("SELECT count(*) AS n FROM words WHERE words MATCH 'copy'").get()?.n, 500)
  db.close()
  const where = await stage.ask('archive backup', { path: '/sys/copy' })
  assert.equal(where.exit, EXIT.fault)
  assert.ok(where.refusal.includes(`may write in ${dirname(stage.store)} only: leave the path out`), where.refusal)
  const [beside] = (await stage.ask('archive backup')).rows
  assert.equal(dirname(String(beside?.path)), dirname(stage.store))
  assert.equal(beside?.records, 500)
  const again = await stage.ask('archive backup', { path })
  assert.equal(again.exit, EXIT.fault)
  assert.match(again.refusal, /exists already/)
  await stage.stop()
  await using restored = await openStage()
  await restored.stop()
  rmSync(restored.store)
  cpSync(path, dirname(restored.store), { recursive: true })
  await restored.start()
  assert.equal((await restored.ask('archive search', { words: 'copy', limit: 1000 })).rows.length, 500)
})

test('policy and archive may start in any order: a journal that is not there yet is waited for', async () => {
  await using stage = await openStage({ yaml: 'follow: { journals: [policy, second] }\n' })
  await stage.write(ask({ n: 1 }), done(1))
  assert.equal((await stage.ask('archive search', { words: 'hello' })).rows.length, 1)
  assert.equal(stage.running.ready('en'), 'not opened yet')
  await using second = await openJournal(join(stage.folder, 'journals', 'second'), { maxBytes: 1 << 30 })
  const body = JSON.stringify(ask({ n: 1, source: 'c'.repeat(32), stanza: chat('from the second') }))
  await second.append([{ kind: 'ask', version: 1, body }])
  while (stage.running.ready('en') !== null) await stage.ask('archive stats')
  assert.equal((await stage.ask('archive search', { words: 'second' })).rows.length, 1)
})

test('entries that a journal lost before they were read are a finding; what is left of it is kept', async () => {
  await using stage = await openStage({ yaml: 'follow: { journals: [policy, small] }\n' })
  await stage.stop()
  const folder = join(stage.folder, 'journals', 'small')
  await using small = await openJournal(folder, { maxBytes: 8 << 20, segmentBytes: 64 << 10 })
  const entryOf = (n: number) => ({
    kind: 'ask',
    version: 1,
    body: JSON.stringify(ask({ n, source: 'c'.repeat(32), stanza: chat(`${'x'.repeat(2000)} word${n}`) })),
  })
  await using early = await openFollower(folder, 'early')
  for (let n = 1; n <= 200; n++) await small.append([entryOf(n)])
  await early.acknowledge(200)
  const removed = await small.trim()
  assert.ok(removed > 0)
  await small.append([entryOf(201)])
  await stage.start()
  const { first } = await small.state()
  assert.deepEqual(await stage.logs('journal entries are gone'), {
    journal: (await small.state()).id,
    from: 1,
    to: first - 1,
  })
  assert.equal((await stage.ask('archive search', { words: 'word201' })).rows.length, 1)
  let { rows } = await stage.ask('archive gaps')
  while (rows.length === 0) rows = (await stage.ask('archive gaps')).rows
  assert.deepEqual(
    rows.map(({ kind, from, to, count }) => ({ kind, from, to, count })),
    [{ kind: 'journal-gap', from: 1, to: first - 1, count: first - 1 }],
  )
})

test('a person is found however the address was spelled when it came', async () => {
  await using stage = await openStage()
  const spelled = ['bob@corp.example', 'BOB@Corp.Example/x', 'bob@corp.example.', '\uff42ob@corp.ex\u00adample/y']
  await stage.write(...spelled.map((to, at) => ask({ n: at + 1, stanza: chat('hello', { to }) })), done(4))
  for (const person of spelled)
    assert.equal((await stage.ask('archive search', { person })).rows.length, spelled.length, person)
})

test('a search says how many it found, and one as one, in both languages', async () => {
  await using stage = await openStage()
  await stage.write(ask({ n: 1, stanza: chat('only once') }), ask({ n: 2, stanza: chat('twice once') }), done(2))
  assert.deepEqual((await stage.ask('archive search', { words: 'only' })).texts, ['One hit, 1 shown.'])
  assert.deepEqual((await stage.ask('archive search', { words: 'once' })).texts, ['2 hits, 2 shown.'])
  assert.deepEqual((await stage.ask('archive search', { words: 'never' })).texts, ['0 hits, 0 shown.'])
  const text = createCatalogue([texts])
  const told = [0, 1, 2].map((hits) => text.say('archive-hits', 'de', { hits, shown: hits }))
  assert.deepEqual(told, ['0 Treffer, 0 gezeigt.', 'Ein Treffer, 1 gezeigt.', '2 Treffer, 2 gezeigt.'])
})

async function counts(stage: Stage): Promise<Record<string, unknown>> {
  const { rows } = await stage.ask('archive stats')
  return Object.fromEntries(rows.map(({ what, value }) => [String(what), value]))
}

function listOf(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value))
  return value
}

test('filters: room, domain, verdict, settlement, rule, tag; each with words or alone', async (t) => {
  await using stage = await openStage({ startAt: AT_MS + 10_000 })
  const room = 'team@rooms.corp.example'
  const refused = { action: 'refuse', rule: 'no-cards', condition: 'policy-violation', text: { en: 'no' } } as const
  await stage.write(
    ask({ n: 1, stanza: chat('apple') }),
    ask({ n: 2, stanza: chat('apple', { to: room, type: 'groupchat' }), tags: ['watch', 'room'] }),
    ask({ n: 3, stanza: chat('apple', { from: 'eve@far.example/x' }), verdict: refused }),
    ask({ n: 4, stanza: chat('pear'), verdict: { action: 'replace', rule: 'names,mask', stanza: chat('****') } }),
    ask({ n: 5, stanza: chat('apple') }),
    ask({ n: 6, stanza: chat('apple') }),
    ask({ n: 6, stanza: chat('apple'), try: 2 }),
    ask({ n: 7, stanza: chat('apple'), spooled: true }),
    {
      kind: 'observed',
      source: SOURCE,
      host: 'corp.example',
      from: 'corp.example',
      stanza: chat('apple', { from: 'corp.example' }),
      at: '2026-11-22T10:00:00.000Z',
    },
    settle(5, 'gone'),
    settle(7, 'unscreened'),
    done(6),
    ask({ n: 8, stanza: chat('apple'), tags: ['watch'] }),
  )
  const cases: readonly [query: Row, expected: number[]][] = [
    [{ room }, [2]],
    [{ room, words: 'pear' }, []],
    [{ domain: 'far.example' }, [3]],
    [{ domain: 'rooms.corp.example' }, [2]],
    [{ domain: 'corp.example', words: 'pear' }, [4]],
    [{ domain: 'elsewhere.example' }, []],
    [{ verdict: 'refuse' }, [3]],
    [{ verdict: 'replace' }, [4]],
    [{ verdict: 'allow', words: 'apple', room }, [2]],
    [{ rule: 'no-cards' }, [3]],
    [{ rule: 'mask', words: 'pear' }, [4]],
    [{ rule: 'names' }, [4]],
    [{ rule: 'names,mask' }, [4]],
    [{ rule: 'unheard-of' }, []],
    [{ tag: 'watch' }, [8, 2]],
    [{ tag: 'watch', words: 'apple', room }, [2]],
    [{ tag: 'watc' }, []],
    [{ settlement: 'released' }, [4, 2, 1]],
    [{ settlement: 'refused' }, [3]],
    [{ settlement: 'gone' }, [5]],
    [{ settlement: 'unscreened', words: 'apple' }, [7]],
    [{ settlement: 'bounced' }, []],
    [{ settlement: 'undecided' }, [8, 6]],
    [{ settlement: 'undecided', verdict: 'refuse' }, []],
  ]
  for (const [query, expected] of cases) {
    await t.test(JSON.stringify(query), async () => {
      const { rows, texts: said } = await stage.ask('archive search', query)
      assert.deepEqual(
        rows.map((row) => row.id),
        expected.map((n) => `${SHORT}-${n}`),
      )
      if (query.settlement) assert.ok(rows.every((row) => row.settlement === query.settlement))
      assert.equal(said.length, 1)
    })
  }
  // The filter is domain/settling.ts said in SQL: both must say the same of every record.
  const all = (await stage.ask('archive search', { limit: 100 })).rows
  for (const settlement of new Set(all.map((row) => String(row.settlement)))) {
    const { rows } = await stage.ask('archive search', { settlement, limit: 100 })
    const said = all.filter((row) => row.settlement === settlement)
    assert.deepEqual(
      rows.map((row) => row.id),
      said.map((row) => row.id),
      settlement,
    )
  }
  const originated = (await stage.ask('archive search', { settlement: 'originated' })).rows
  assert.deepEqual([originated.length, originated[0]?.settlement], [1, 'originated'])
  for (const wrong of [{ verdict: 'maybe' }, { settlement: 'lost' }])
    assert.equal((await stage.ask('archive search', wrong)).exit, EXIT.usage)
})

test('a host that nobody knows is told so; one that was named or has records is not', async () => {
  await using stage = await openStage()
  await stage.write(source(), ask({ n: 1, host: 'other.example', stanza: chat('x') }))
  const told = async (host: string) => (await stage.ask('archive search', { words: 'x', host })).texts.slice(1)
  assert.deepEqual(await told('corp.exmaple'), [
    'No virtual host corp.exmaple is known here: nothing was recorded for it, and no server has named it.',
  ])
  for (const host of ['corp.example', 'Other.example']) assert.deepEqual(await told(host), [])
})

test('hosts have files of their own, and a search over them and their months is newest first, up to its limit', async () => {
  const path = (stage: Stage) => stage.months().map((file) => file.split('/').slice(-2).join('/'))
  await using stage = await openStage()
  const hosts = ['corp.example', 'other.example', 'Bücher../x']
  for (let n = 1; n <= 30; n++) {
    await stage.write(ask({ n, host: hosts[n % 3] ?? '', stanza: chat(`several ${n}`) }))
    // One commit each, so that the recorder's clock tells them apart.
    await stage.ask('archive search', { words: 'several', limit: 1 })
  }
  const month = new Date().toISOString().slice(0, 7)
  assert.deepEqual(path(stage), [
    `%42%c3%bccher..%2fx/${month}.db`,
    `corp.example/${month}.db`,
    `other.example/${month}.db`,
  ])
  const { rows, texts: said } = await stage.ask('archive search', { words: 'several', limit: 12 })
  assert.deepEqual(
    rows.map((row) => row.id),
    Array.from({ length: 12 }, (_, at) => `${SHORT}-${30 - at}`),
  )
  assert.deepEqual(said, ['30 hits, 12 shown.'])
  assert.equal((await stage.ask('archive show', { id: `${SHORT}-2` })).rows[0]?.host, 'Bücher../x')
})
