// SPDX-License-Identifier: Apache-2.0
// Ten thousand rules of fifty terms, with examples, in a file of 50 MB (long form; 8 MB in the short one): read beside the thread that answers, within bounds.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readAside } from '../../../components/policy/rules/read-aside.ts'
import { openRuleSet } from '../../../components/policy/rules/rule-data.ts'
import { chat, judge } from '../cast.ts'

const RULES = 10_000
const BYTES = (process.env.GATEHOUSE_LONG === '1' ? 50 : 8) * 1024 * 1024

test('a large rule file is read while this thread goes on, and each of its rules works', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'rules.yaml')
  const words = 50
  const passes = 'a long text that says nothing of it, and '.repeat(Math.max(1, Math.floor((BYTES / RULES - 700) / 41)))
  const rule = (index: number) => {
    const terms = Array.from({ length: words }, (_, word) => `w${(index * words + word).toString(36).padStart(9, 'q')}`)
    return `  - id: r${index}\n    when: { words: [${terms.join(', ')}] }\n    then: refuse\n    matches: [${terms[0]}]\n    passes: ['${passes}']\n`
  }
  writeFileSync(
    file,
    `version: 1\notherwise: allow\nrules:\n${Array.from({ length: RULES }, (_, index) => rule(index)).join('')}`,
  )
  let turns = 0
  const timer = setInterval(() => {
    turns += 1
  }, 5)
  const read = await readAside(file)
  clearInterval(timer)
  assert.ok(turns > 10, `this thread had ${turns} turns meanwhile`)
  assert.ok('ok' in read && read.ok, JSON.stringify(read).slice(0, 300))
  const set = openRuleSet(read.data)
  assert.equal(set.rules.length, RULES)
  for (const index of [0, 4_999, RULES - 1]) {
    const last = `w${(index * words + words - 1).toString(36).padStart(9, 'q')}`
    assert.equal(judge(chat(`<body>say ${last} now</body>`), set).rule, `r${index}`)
  }
  assert.equal(judge(chat('<body>wq nothing</body>'), set).rule, 'otherwise')
})
