// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { JournalFull } from '../../../components/kit/bus/journal.ts'
import { openRules } from '../../../components/policy/rules/rules-in-force.ts'
import { inWords } from '../../harness/in-words.ts'

const LAX = 'version: 1\notherwise: allow\n'
const STRICT = 'version: 1\notherwise: refuse\n'

test('a rule set that cannot be put on record does not come into force, and can be tried again', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'rules.yaml')
  writeFileSync(file, LAX)
  let full = false
  const announced: string[] = []
  const rules = await openRules(file, Date.now, async ({ set }) => {
    // Fails after the fact, as a disk does.
    await new Promise((resolve) => setImmediate(resolve))
    if (full) throw new JournalFull('the journal is full')
    announced.push(set.otherwise)
  })
  assert.ok('current' in rules)
  writeFileSync(file, STRICT)
  full = true
  const reloaded = await rules.reload()
  assert.ok(reloaded.is === 'bad')
  assert.match(inWords(reloaded.error.problems[0]?.wanted), /not in force \(the journal is full\)/)
  assert.equal(rules.current().set.otherwise, 'allow')
  full = false
  assert.deepEqual(await rules.reload(), { is: 'new' })
  assert.equal(rules.current().set.otherwise, 'refuse')
  assert.equal(rules.error(), null)
  assert.deepEqual(await rules.reload(), { is: 'same' })
  assert.deepEqual(announced, ['allow', 'refuse'])
})

test('a rule set is in force only when it is on record', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'rules.yaml')
  writeFileSync(file, LAX)
  const disk = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const rules = await openRules(file, Date.now, ({ set }) => {
    if (set.otherwise === 'allow') return Promise.resolve()
    begun.resolve()
    return disk.promise
  })
  assert.ok('current' in rules)
  writeFileSync(file, STRICT)
  const reload = rules.reload()
  await begun.promise
  assert.equal(rules.current().set.otherwise, 'allow')
  disk.resolve()
  await reload
  assert.equal(rules.current().set.otherwise, 'refuse')
})
