// SPDX-License-Identifier: Apache-2.0
// Walls in the running process: up and down with the rule file, published, and who stands in rooms is known over a kill -9.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { status as statusOf } from '../../../components/cli/network/ask.ts'
import { openSnapshotWriter } from '../../../components/kit/bus/file-snapshot.ts'
import { openSnapshotReader } from '../../../components/kit/bus/file-snapshot-reader.ts'
import { writeItem } from '../../../components/kit/facts/people.ts'
import { askCommand } from '../../harness/ask-command.ts'
import { nextOf } from '../../kit/bus/snapshot-body.ts'
import { AT } from '../cast.ts'
import { itemsOf } from '../people.ts'
import { ALLOW_ALL, ask, type Stage, startStage, verdicts } from '../stage.ts'

const ROOM = 'tea@rooms.corp.example'
const HOST = 'rooms.corp.example'
const WALL = `version: 1
otherwise: allow
walls:
  - { id: chinese, a: Traders, b: Research, except: [{ jids: carol@corp.example, until: 2999-12-31 }] }
rules:
  - { id: quiet, when: { from: alice@corp.example }, then: { record: envelope } }
`
const source = `<source at='${AT}' node='n' software='Prosody' helper='1' hosts='corp.example ${HOST}'/>`
const occupant = (nick: string, jid: string, event: string) =>
  `<occupant room='${ROOM}' nick='${nick}' jid='${jid}' event='${event}' at='${AT}'/>`
const join_ = (n: number, from: string) =>
  ask(n, '', {
    xml: `<presence xmlns='jabber:client' from='${from}/x' to='${ROOM}/${from.split('@')[0]}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
  })

async function put(stage: Stage, rules: string, event: string): Promise<void> {
  writeFileSync(stage.rulesFile, rules)
  await stage.policy.logged((line) => line.event === event)
}

test('a wall goes up and down with the rule file, is published, and outlives a kill', { timeout: 60_000 }, async () => {
  await using stage = await startStage({ settings: 'people: { folder: FOLDER/people }\n' })
  const run = join(stage.folder, 'run')
  const warnings = async () => JSON.stringify((await statusOf({ name: 'policy', run }, 'en')).warnings)
  {
    await using writer = await openSnapshotWriter(join(stage.folder, 'people'))
    await writer.replace(itemsOf().map(writeItem))
    await stage.policy.logged((line) => line.event === 'people in force')
  }
  const screen = async (children: string, said = {}) => verdicts(await stage.screen(children, said))
  await screen(source, { done: 0 })
  await screen(occupant('bob', 'bob@corp.example', 'joined'), { from: HOST })
  assert.deepEqual(await screen(ask(1, 'hello')), {})
  // Who came before the wall was there is known: this process has heard of it from the beginning.
  await put(stage, WALL, 'walls in force')
  assert.deepEqual(await screen(ask(2, 'hello')), { 2: 'refuse chinese policy-violation' })
  assert.deepEqual(await screen(join_(3, 'alice@corp.example')), { 3: 'refuse chinese not-allowed' })
  assert.deepEqual(await screen(join_(4, 'carol@corp.example')), {})
  assert.deepEqual(await screen(join_(5, 'dave@corp.example')), {})
  // The rules still say how much of it is recorded.
  const asked = (await stage.facts()).filter((fact) => fact.kind === 'ask')
  assert.deepEqual(
    asked.map(({ n, record }) => [n, record]).filter(([, record]) => record !== undefined),
    [1, 2, 3].map((n) => [n, 'envelope']).slice(1),
  )
  const rows = await askCommand(run, 'policy rules')
  assert.ok(
    rows.some(({ what, value, hits }) => what === 'wall chinese' && value === 'Traders | Research' && hits === 2),
  )
  const explained = await askCommand(run, 'policy explain', { from: 'alice@corp.example', to: ROOM, text: 'x' })
  assert.deepEqual(
    explained.slice(0, 2).map(({ value }) => value),
    ['refuse', 'chinese'],
  )
  // As directory reads it.
  {
    await using reader = openSnapshotReader(join(stage.folder, 'policy-walls'))
    const { items } = await nextOf(reader)
    const { except, ...wall } = JSON.parse(items.get('wall/chinese') ?? '{}')
    assert.deepEqual(wall, { kind: 'wall', id: 'chinese', a: 'Traders', b: 'Research' })
    assert.deepEqual(except, [{ jids: ['carol@corp.example'], until: '3000-01-01T00:00:00.000Z' }])
  }
  // Two that are asked about at once do not meet.
  await screen(occupant('bob', 'bob@corp.example', 'left'), { from: HOST })
  assert.deepEqual(await screen(join_(6, 'alice@corp.example') + join_(7, 'bob@corp.example')), {
    7: 'refuse chinese not-allowed',
  })
  // What was acknowledged is known after a kill; what is told again is no news.
  await screen(occupant('alice', 'alice@corp.example', 'joined'), { from: HOST })
  stage.policy.kill('SIGKILL')
  await stage.policy.exited
  await stage.restart()
  assert.deepEqual(await screen(join_(8, 'bob@corp.example')), { 8: 'refuse chinese not-allowed' })
  await screen(occupant('alice', 'alice@corp.example', 'left'), { from: HOST })
  assert.deepEqual(await screen(join_(9, 'bob@corp.example')), {})
  assert.equal(await warnings(), await warnings())
  assert.ok(!(await warnings()).includes('who stands in the rooms'))
  // The wall goes down: what is not kept any more is not believed later.
  await put(stage, ALLOW_ALL, 'rules in force')
  while (Object.keys(await screen(ask(10, 'hello'))).length > 0);
  {
    await using reader = openSnapshotReader(join(stage.folder, 'policy-walls'))
    while ((await reader.state())?.items !== 0);
  }
  await stage.restart()
  writeFileSync(stage.rulesFile, WALL)
  await stage.policy.logged((line) => line.event === 'walls in force')
  assert.deepEqual(await screen(join_(11, 'alice@corp.example')), { 11: 'refuse chinese resource-constraint' })
  assert.deepEqual(await screen(join_(12, 'dave@corp.example')), {})
  assert.match(await warnings(), /rooms\.corp\.example: who stands in the rooms/)
})

test('a wall without a snapshot of people refuses what is for anybody else', { timeout: 60_000 }, async () => {
  await using stage = await startStage({ rules: WALL, settings: 'people: { folder: FOLDER/people }\n' })
  const said = async (n: number, more = {}) => verdicts(await stage.screen(ask(n, 'hello', more)))
  assert.deepEqual(await said(1, { from: 'dave@corp.example/x' }), { 1: 'refuse chinese resource-constraint' })
  const self = `<message xmlns='jabber:client' from='dave@corp.example/x' to='dave@corp.example' id='s'><body>x</body></message>`
  assert.deepEqual(await said(2, { xml: self }), {})
})
