// SPDX-License-Identifier: Apache-2.0
// The demo's last step sees what is missing; the lines are those that the command line prints.
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { openOutput } from '../../components/cli/output.ts'
import { lacking, type Row, readRows } from '../../deploy/demo/complete.ts'

/** As the command line says it with --json. */
async function printed(rows: readonly Row[], text: string): Promise<string> {
  const out = new PassThrough()
  const output = openOutput(out, new PassThrough(), true)
  for (const row of rows) await output.said({ say: 'row', row })
  await output.said({ say: 'text', text, values: { shown: rows.length, hits: rows.length } })
  await output.end()
  return String(out.read())
}

const record = (n: number, settlement = 'released') => ({ id: `9e1c6393-${n}`, settlement, text: 'x' })
const RECORDS = [record(2, 'refused'), record(1)]
const GAP = { kind: 'gap', source: '9e1c6393', from: 3, to: 3, count: 1 }

for (const [title, records, findings, lines] of [
  ['nothing', RECORDS, [], 0],
  ['a gap that the archive found', RECORDS, [GAP], 1],
  ['a number without a record', [record(3), record(1)], [], 1],
  ['a record that is not settled', [record(2, 'undecided'), record(1)], [], 1],
  ['everything', [], [], 1],
] as const) {
  test(`missing: ${title}`, async () => {
    const [searched, found] = [await printed(records, 'One hit.'), await printed(findings, 'That is all.')]
    assert.equal(lacking(readRows(searched), readRows(found)).length, lines)
  })
}
