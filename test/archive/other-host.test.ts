// SPDX-License-Identifier: Apache-2.0
// A number belongs to the virtual host that asked about it. A try of it under another one is never merged in silence.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Hosts } from '../../components/kit/process/command.ts'
import { ask, chat, done, SOURCE } from './facts.ts'
import { openStage, type Row, type Stage } from './stage.ts'

const ID = `${SOURCE.slice(0, 8)}-2`
const LAB = {
  host: 'lab.example',
  stanza: chat('from the lab', { from: 'dora@lab.example/x', to: 'emil@lab.example' }),
}
const STORY = [
  ask({ n: 1 }),
  ask({ n: 2, stanza: chat('from the firm') }),
  ask({ n: 3, ...LAB }),
  ask({ n: 2, try: 2, ...LAB }),
  done(3),
]

/** As one who has the right for these hosts. */
async function askFor(
  stage: Stage,
  hosts: readonly string[],
  command: string,
  args: Row,
): Promise<{ rows: Row[]; exit: number }> {
  const found = stage.running.commands.find((one) => one.name === command) ?? assert.fail(command)
  const set: Hosts = new Set(hosts)
  const caller = { uid: 4711, user: 'olga', rights: new Map(found.rights.map((right) => [right, set])) }
  const rows: Row[] = []
  try {
    const asked = { caller, hosts: set, language: 'en', signal: new AbortController().signal }
    for await (const said of found.run(args as never, asked)) if (said.say === 'row') rows.push(said.row)
    return { rows, exit: 0 }
  } catch (error) {
    return { rows, exit: (error as { exitCode: number }).exitCode }
  }
}

const bodies = (row: Row | undefined) =>
  (row?.tries as Row[] | undefined)?.map(({ try: tried, host, text }) => `${tried} ${host} ${text}`)

test('a second try under another host is kept, counted, said in the log and shown as what it is', async () => {
  await using stage = await openStage()
  await stage.write(...STORY)
  const { rows, texts } = await stage.ask('archive show', { id: ID })
  assert.deepEqual(bodies(rows[0]), ['1 corp.example from the firm', '2 lab.example from the lab'])
  assert.equal(rows[0]?.hosts_differ, true)
  assert.match(texts.join('\n'), /^Several virtual hosts told of this number/m)
  assert.deepEqual(
    stage.logged
      .filter(({ event }) => event === 'tries of a number under another host than the first')
      .map(({ level, fields }) => [level, fields]),
    [['error', { tries: 1 }]],
  )
  assert.match(await stage.metrics.page(), /^gatehouse_archive_other_host_tries_total 1$/m)
  const counts = (await stage.ask('archive stats')).rows
  assert.equal(counts.find(({ what }) => what === 'other_host_tries')?.value, 1)
  for (const id of [1, 3]) {
    const [row] = (await stage.ask('archive show', { id: `${SOURCE.slice(0, 8)}-${id}` })).rows
    assert.equal(row?.hosts_differ, false)
  }
})

test('told again it is counted once; tries under one host are none of it', async () => {
  await using stage = await openStage()
  await stage.write(...STORY, ask({ n: 2, try: 2, ...LAB }), ask({ n: 1, try: 2 }), ask({ n: 3, try: 2, ...LAB }))
  await stage.ask('archive search', { words: 'lab' })
  assert.match(await stage.metrics.page(), /^gatehouse_archive_other_host_tries_total 1$/m)
})

test('who has the right for one host sees the tries of that one, and erases none of the other', async () => {
  await using stage = await openStage()
  await stage.write(...STORY)
  await stage.ask('archive search', { words: 'lab' })
  const lab = await askFor(stage, ['lab.example'], 'archive show', { id: ID })
  assert.deepEqual(bodies(lab.rows[0]), ['2 lab.example from the lab'])
  const corp = await askFor(stage, ['corp.example'], 'archive show', { id: ID })
  assert.deepEqual(bodies(corp.rows[0]), ['1 corp.example from the firm'])
  const erased = await askFor(stage, ['lab.example'], 'archive erase', { id: ID, reason: 'test' })
  assert.deepEqual([erased.rows, erased.exit], [[], 4])
  const [row] = (await stage.ask('archive show', { id: ID })).rows
  assert.equal(bodies(row)?.length, 2)
  assert.deepEqual(
    (row?.tries as Row[] | undefined)?.map(({ erased_at }) => erased_at),
    [null, null],
  )
})

test('an export for one host names no record of another', async () => {
  await using stage = await openStage()
  const to = 'emil@lab.example'
  const correction = chat('better', { to, id: 'm2', inside: "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>" })
  await stage.write(
    ask({ n: 1, host: 'lab.example', stanza: chat('good', { to }) }),
    ask({ n: 2, stanza: correction }),
    done(2),
  )
  await stage.ask('archive search', {})
  const aboutIn = async (hosts: readonly string[]) => {
    const path = join(stage.folder, `export-${hosts.length}`)
    await askFor(stage, hosts, 'archive export', { path, format: 'jsonl', words: 'better' })
    return JSON.parse(readFileSync(join(path, 'records.jsonl'), 'utf8')).about
  }
  assert.deepEqual(await aboutIn(['lab.example', 'corp.example']), [
    { id: `${SOURCE.slice(0, 8)}-1`, kind: 'correction' },
  ])
  assert.deepEqual(await aboutIn(['corp.example']), [{ target: 'm1', kind: 'correction' }])
})
