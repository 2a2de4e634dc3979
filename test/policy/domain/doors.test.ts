// SPDX-License-Identifier: Apache-2.0
// Which modules open a door past the question.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { DOORS, openOf } from '../../../components/policy/domain/doors.ts'

const PAGE = readFileSync(new URL('../../../deploy/servers/PROTOCOL.md', import.meta.url), 'utf8')

test('the table of coverage names the same modules, each door in a row of its own', () => {
  const section = /^## 9\. Coverage$(.*?)^## /ms.exec(PAGE)?.[1] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  const named = rows.map((row) => [...row.matchAll(/`mod_([a-z0-9_]+)`/g)].map(([, name = '']) => name).sort())
  assert.deepEqual(
    named.filter((names) => names.length > 0).sort(),
    Object.values(DOORS)
      .map((names) => [...names].sort())
      .sort(),
  )
  const all = Object.values(DOORS).flat()
  assert.equal(new Set(all).size, all.length)
})

test('each row of the table of coverage names tests that are there, or says that it is not covered', () => {
  const section = /^## 9\. Coverage$(.*?)^## /ms.exec(PAGE)?.[1] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| way in or out '))
  assert.ok(rows.length >= 15, `${rows.length} rows`)
  for (const row of rows) {
    const [way = '', coverage = '', named = '', ...more] = row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    assert.deepEqual(more, [], row)
    const names = named === '-' ? [] : named.split(', ')
    assert.ok(names.length > 0 || coverage.startsWith('not covered'), `${way}: neither a test nor "not covered"`)
    for (const name of names) {
      const file = new URL(`../../servers/prosody/${name}.test.ts`, import.meta.url)
      assert.ok(existsSync(file), `${way}: test/servers/prosody/${name}.test.ts`)
    }
  }
})

test('of what is loaded only these count, by door, and of what is switched off at most twenty words', () => {
  const off = Array.from({ length: 30 }, (_, at) => `kind${at}`)
  const open = openOf({ off, modules: ['roster', 'welcome', 'proxy65', 'motd', 'motd'], omitted: 2 })
  assert.deepEqual(open, {
    off: off.slice(0, 20),
    doors: [
      { door: 'announces', modules: ['motd', 'welcome'] },
      { door: 'files', modules: ['proxy65'] },
    ],
    omitted: 2,
  })
  assert.deepEqual(openOf({ off: [], modules: ['roster'], omitted: 0 }), { off: [], doors: [], omitted: 0 })
})
