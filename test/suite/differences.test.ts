// SPDX-License-Identifier: Apache-2.0
// Each difference between the servers in ARCHITECTURE.md has its reason, and a test that is there.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const ROOT = resolve(import.meta.dirname, '../..')

test('each row of the table of what remains different between the servers has a reason, and names tests that are there', () => {
  const page = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  const [, part = ''] = /^## What remains different between the servers\n([\s\S]*?)^## /m.exec(page) ?? []
  const [head = '', , ...rows] = part.split('\n').filter((line) => line.startsWith('|'))
  assert.match(head, /^\| \| Prosody \| ejabberd \| why \| test \|$/)
  assert.ok(rows.length >= 30, `${rows.length} rows`)
  for (const row of rows) {
    const cells = row.split('|').slice(1, -1)
    assert.equal(cells.length, 5, row)
    const [what = '', , , why = '', named = ''] = cells.map((cell) => cell.trim())
    assert.notEqual(why, '', what)
    const names = [...named.matchAll(/`([\w/-]+)`/g)].map(([, name = '']) => name)
    assert.ok(names.length > 0, `${what}: names no test`)
    for (const name of names) assert.ok(placesOf(name).some(existsSync), `${what}: there is no test ${name}`)
  }
})

/** Below `test/servers/` as the page says; what both servers share, or two files of one, is no test file itself. */
function placesOf(name: string): string[] {
  const below = name.startsWith('test/') ? name : name.startsWith('e2e/') ? `test/${name}` : `test/servers/${name}`
  return [`${below}.test.ts`, `${below}.ts`].map((file) => join(ROOT, file))
}
