// SPDX-License-Identifier: Apache-2.0
// An address that was given to another person: two identities, which nothing shows as one.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { ask, chat, SOURCE } from './facts.ts'
import { openStage, type Row, type Stage } from './stage.ts'

const at = (minute: number) => `2026-11-22T10:${String(minute).padStart(2, '0')}:00.000Z`
const ALICE = 'alice@corp.example'
const account = (event: 'created' | 'seen' | 'removed', id: string, minute: number, jid = ALICE): Fact => ({
  kind: 'account',
  source: SOURCE,
  host: 'corp.example',
  jid,
  event,
  id,
  at: at(minute),
})
const login = (id: string, minute: number): Fact => ({
  kind: 'session',
  source: SOURCE,
  host: 'corp.example',
  jid: `${ALICE}/desk`,
  via: 'c2s',
  event: 'started',
  account: id,
  at: at(minute),
})
const said = (n: number, minute: number, body: string, more: Parameters<typeof chat>[1] = {}) =>
  ask({ n, at: at(minute), stanza: chat(body, more) })

/** Alice until minute 10, another Alice from minute 20; Bob writes to the address all the time. */
const STORY: readonly Fact[] = [
  said(1, 1, 'word one'),
  login('first', 2),
  said(2, 5, 'word two'),
  account('removed', 'first', 10),
  said(3, 15, 'word three', { from: 'bob@corp.example/x', to: ALICE }),
  account('created', 'second', 20),
  login('second', 21),
  said(4, 25, 'word four'),
  said(5, 26, 'word five', { from: 'bob@corp.example/x', to: ALICE }),
]

const whoOf = (rows: readonly Row[]) => rows.map(({ text, who }) => `${text}: ${who}`).reverse()
const WHO = [
  'word one: alice@corp.example#1',
  'word two: alice@corp.example#1',
  'word three: alice@corp.example#0',
  'word four: alice@corp.example#2',
  'word five: alice@corp.example#2',
]

async function tellsThemApart(stage: Stage): Promise<void> {
  const all = await stage.ask('archive search', { person: ALICE })
  assert.deepEqual(whoOf(all.rows), WHO, 'all of them are found, and each says which')
  assert.match(all.texts.join(), /had 2 identities: alice@corp\.example#1, alice@corp\.example#2/)
  for (const [ordinal, wanted] of [
    [0, WHO.slice(2, 3)],
    [1, WHO.slice(0, 2)],
    [2, WHO.slice(3)],
    [3, []],
  ] as const) {
    const found = await stage.ask('archive search', { person: `${ALICE}#${ordinal}` })
    assert.deepEqual(whoOf(found.rows), wanted)
    assert.equal(
      (await stage.ask('archive search', { words: 'word', peer: `${ALICE}#${ordinal}` })).rows.length,
      wanted.length,
    )
    assert.doesNotMatch(found.texts.join(), /identities/)
  }
}

test('an account that was removed and made again: search tells the two apart, and finds one alone', async () => {
  await using stage = await openStage()
  await stage.write(...STORY)
  await tellsThemApart(stage)
  const bob = await stage.ask('archive search', { person: 'bob@corp.example' })
  assert.doesNotMatch(bob.texts.join(), /identities/)
  assert.deepEqual(stage.logged.find(({ event }) => event === 'addresses were given to other accounts')?.fields, {
    addresses: 1,
  })
  assert.match(await stage.metrics.page(), /^gatehouse_archive_identities_reopened_total 1$/m)
  const { rows: counts } = await stage.ask('archive stats')
  assert.equal(counts.find(({ what }) => what === 'identities_reopened')?.value, 1)
  await stage.stop()
  await stage.start()
  await tellsThemApart(stage)
})

test('facts that come late, twice or the wrong way round end in the same identities', async () => {
  await using stage = await openStage()
  await stage.write(...STORY.filter(({ kind }) => kind === 'ask'), account('created', 'second', 20))
  const before = await stage.ask('archive search', { person: ALICE })
  assert.deepEqual(
    before.rows.map(({ who }) => who),
    ['', '', ...Array(3).fill('alice@corp.example#0')],
    'what was before an account was made is not its',
  )
  await stage.write(login('second', 21), login('first', 2), account('removed', 'first', 10), ...STORY, ...STORY)
  const { rows } = await stage.ask('archive search', { person: ALICE })
  const late = (who: string) => who.replace(/#[12]/, (one) => (one === '#1' ? '#2' : '#1'))
  assert.deepEqual(
    whoOf(rows),
    WHO.map(late),
    'numbers are given in the order in which identities became known, and stay',
  )
})

test('show, export and mail carry the identity; an officer lists the identities of an address', async () => {
  await using stage = await openStage()
  await stage.write(...STORY)
  const { rows: found } = await stage.ask('archive search', { words: 'two' })
  const [shown] = (await stage.ask('archive show', { id: String(found[0]?.id) })).rows
  assert.deepEqual([shown?.from_identity, shown?.to_identity, shown?.identities_sure], [`${ALICE}#1`, null, true])
  for (const format of ['jsonl', 'eml']) {
    const path = join(stage.folder, `out-${format}`)
    await stage.ask('archive export', { person: `${ALICE}#2`, format, path })
    if (format === 'eml') {
      const mails = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.eml'))
      const ends = mails
        .sort()
        .map((name) => readFileSync(join(path, name), 'utf8').match(/^X-Gatehouse-\w+-Identity: .*$/gm))
      assert.deepEqual(ends, [[`X-Gatehouse-From-Identity: ${ALICE}#2`], [`X-Gatehouse-To-Identity: ${ALICE}#2`]])
      continue
    }
    const lines = readFileSync(join(path, 'records.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
    assert.deepEqual(
      lines.map(({ from_identity, to_identity }) => [from_identity, to_identity]),
      [
        [`${ALICE}#2`, null],
        [null, `${ALICE}#2`],
      ],
    )
  }
  const listed = [
    { identity: `${ALICE}#1`, from: null, until: at(10), sure_until: null, told_by: 'server', account: 'first' },
    { identity: `${ALICE}#2`, from: at(20), until: null, sure_until: null, told_by: 'server', account: 'second' },
  ]
  assert.deepEqual((await stage.ask('archive identities', { address: ALICE })).rows, listed)
  assert.deepEqual((await stage.ask('archive identities')).rows, listed, 'without an address those that several had')
  const nobody = await stage.ask('archive identities', { address: 'bob@corp.example' })
  assert.deepEqual([nobody.rows, nobody.texts.length], [[], 1])
})

test('removed and made anew in silence: what lies between the two is said to be unsure', async () => {
  await using stage = await openStage()
  const toAlice = { from: 'bob@corp.example/x', to: ALICE }
  await stage.write(
    login('first', 2),
    login('first', 3),
    login('first', 4),
    said(1, 3, 'word one', toAlice),
    said(2, 10, 'word two', toAlice),
    said(4, 11, 'word of her own'),
    login('second', 20),
    said(3, 21, 'word three', toAlice),
  )
  const { rows } = await stage.ask('archive search', { person: ALICE })
  assert.deepEqual(whoOf(rows), [
    'word one: alice@corp.example#1',
    'word two: alice@corp.example#1?',
    'word of her own: alice@corp.example#1',
    'word three: alice@corp.example#2',
  ])
  assert.deepEqual(
    rows.map(({ identities_sure }) => identities_sure),
    [true, true, false, true],
  )
  const [first] = (await stage.ask('archive identities', { address: ALICE })).rows
  assert.deepEqual([first?.sure_until, first?.until], [at(4), at(20)])
})

test('a host that tells of an account of another host changes nothing there; what it said is kept', async () => {
  await using stage = await openStage()
  await stage.write(
    ...STORY,
    account('created', 'third', 22, 'alice@other.example'),
    said(9, 30, 'word nine', { from: 'alice@other.example/x' }),
  )
  const { rows } = await stage.ask('archive search', { person: 'alice@other.example' })
  assert.deepEqual(
    rows.map(({ who, from_identity }) => [who, from_identity]),
    [['', null]],
  )
  assert.equal((await stage.ask('archive identities')).rows.length, 2)
})
