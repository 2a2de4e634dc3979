// SPDX-License-Identifier: Apache-2.0
// policy with the snapshot of the process directory beside it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { status as statusOf } from '../../../components/cli/network/ask.ts'
import { openSnapshotWriter } from '../../../components/kit/bus/file-snapshot.ts'
import { writeItem } from '../../../components/kit/facts/people.ts'
import { askCommand } from '../../harness/ask-command.ts'
import { AT } from '../cast.ts'
import { itemsOf, personItem } from '../people.ts'
import { ask, startStage, verdicts } from '../stage.ts'

const RULES = `version: 1
otherwise: allow
rules:
  - { id: unsaid, when: { words: [unsaid] }, then: { record: nothing } }
  - { id: number, when: { regex: 'case-[0-9]+' }, then: { tag: number } }
  - { id: traders, when: { from.group: traders, to.group: research }, then: refuse }
  - { id: nobody, when: { from.group: [Treasury] }, then: refuse }
`
const settings = 'people: { folder: FOLDER/people, stale_after: 1 ms }\n'

test('rules on people: refused by groups, changed at once with the directory, and no verdict without it', {
  timeout: 60_000,
}, async () => {
  await using stage = await startStage({ rules: RULES, settings })
  const said = async (n: number, more = {}) => verdicts(await stage.screen(ask(n, 'hello', more)))
  const run = join(stage.folder, 'run')
  const status = () => statusOf({ name: 'policy', run }, 'en')
  // Nobody knows yet who people are: no verdict, and the outage rule of the host.
  assert.deepEqual(await said(1), { 1: 'fault' })
  assert.match(JSON.stringify(await status()), /nobody says so/)
  await using writer = await openSnapshotWriter(join(stage.folder, 'people'))
  await writer.replace(itemsOf().map(writeItem))
  await stage.policy.logged((line) => line.event === 'people in force' && line.people === 4)
  // Of what is to be on no record it is not told there whose it was, on time or later.
  const dave = { from: 'dave@corp.example/x' }
  assert.deepEqual(verdicts(await stage.screen(ask(20, 'unsaid', dave))), {})
  assert.deepEqual(verdicts(await stage.screen(ask(21, `unsaid ${'x '.repeat(4_000)}`, dave))), { 21: 'later' })
  await stage.peer.next()
  assert.deepEqual(await said(2), { 2: 'refuse traders policy-violation' })
  assert.deepEqual(await said(3, { from: 'dave@corp.example/x' }), {})
  const warned = JSON.stringify(await status())
  assert.ok(warned.includes('Treasury') && !warned.includes('traders') && !warned.includes('nobody says so'), warned)
  const rows = await askCommand(run, 'policy rules')
  assert.deepEqual(
    rows.filter(({ what }) => what === 'people' || what === 'unknown_group').map(({ value }) => value),
    [4, 'Treasury'],
  )
  const [first] = await askCommand(run, 'policy explain', {
    from: 'alice@corp.example',
    to: 'robert@corp.example',
    text: 'x',
  })
  assert.equal(first?.value, 'refuse')
  // Alice leaves the group.
  await writer.put({ put: [writeItem(personItem('alice@corp.example', { groups: ['Staff'] }))] })
  await stage.policy.logged((line) => line.event === 'people in force' && line.seq === 2)
  assert.deepEqual(await said(4), {})
  // On record stands who they were, once before it is named, and again when it has changed.
  const occupant = `<occupant room='tea@rooms.corp.example' nick='c' jid='carol@corp.example' event='joined' at='${AT}'/>`
  await stage.screen(occupant, { from: 'rooms.corp.example' })
  const facts = await stage.facts()
  const identities = facts.filter((fact) => fact.kind === 'identity')
  const groupsOf = (hash?: string) => {
    const { name, groups } = identities.find((one) => one.hash === hash) ?? {}
    return name === undefined ? null : `${name}: ${groups?.join(', ')}`
  }
  assert.deepEqual(
    facts.flatMap((fact) => (fact.kind === 'ask' ? [[fact.n, groupsOf(fact.who?.from), groupsOf(fact.who?.to)]] : [])),
    [
      [1, null, null],
      [20, null, null],
      [21, null, null],
      [2, 'Alice Müller: Staff, Traders', 'bob@corp.example: Research, Staff'],
      [3, 'dave@corp.example: Staff', 'bob@corp.example: Research, Staff'],
      [4, 'alice@corp.example: Staff', 'bob@corp.example: Research, Staff'],
    ],
  )
  const unsaid = facts.findLastIndex((fact) => fact.kind === 'ask' && fact.record === 'nothing')
  assert.ok(
    unsaid > 0 && unsaid < facts.findIndex(({ kind }) => kind === 'identity'),
    'who it was stands nowhere before',
  )
  const place = (kind: string, hash: unknown) =>
    facts.findIndex((fact) => fact.kind === kind && JSON.stringify(fact).includes(String(hash)))
  for (const { hash } of identities) assert.ok(identities.filter((one) => one.hash === hash).length === 1)
  for (const { hash, jid } of identities.slice(0, 4)) assert.ok(place('identity', hash) < place('ask', hash), jid)
  assert.equal(identities.at(-1)?.jid, 'carol@corp.example')
  assert.ok(facts.findLastIndex(({ kind }) => kind === 'identity') < facts.findIndex(({ kind }) => kind === 'occupant'))
  // It is known again before the first question after a start, also while directory is away.
  await writer[Symbol.asyncDispose]()
  await stage.restart()
  assert.deepEqual(await said(5, { from: 'carol@corp.example/x' }), { 5: 'refuse traders policy-violation' })
  // It holds, and that nobody confirms it any more is told.
  assert.match(JSON.stringify(await status()), /last confirmed at 20\d\d-/)
  const { metrics } = await stage.policy.logged((line) => line.event === 'ready')
  const page = await (await fetch(String(metrics))).text()
  assert.match(page, /^gatehouse_policy_people_count 4$/m)
  assert.match(page, /^gatehouse_policy_people_version 2$/m)
  assert.match(page, /^gatehouse_policy_people_unconfirmed_seconds \d/m)
})
