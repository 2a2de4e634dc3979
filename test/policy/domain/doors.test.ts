// SPDX-License-Identifier: Apache-2.0
// Which modules open a door past the question.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { DOORS, isOpen, moduleName, openOf } from '../../../components/policy/domain/doors.ts'

const PAGE = readFileSync(new URL('../../../deploy/servers/PROTOCOL.md', import.meta.url), 'utf8')

/** Rows of the tables of coverage, by server; without their heads. */
function tables(): { server: string; rows: string[] }[] {
  const section = /^## 9\. Coverage$(.*?)^## /ms.exec(PAGE)?.[1] ?? ''
  return section
    .split(/^Helper on /m)
    .slice(1)
    .map((text) => ({
      server: (/^\w+/.exec(text)?.[0] ?? '').toLowerCase(),
      rows: text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| way in or out ')),
    }))
}

test('the tables of coverage name the same modules, a row none but those of one door', () => {
  assert.deepEqual(
    tables().map(({ server }) => server),
    ['prosody', 'ejabberd'],
  )
  const all = Object.values(DOORS).flat()
  assert.equal(new Set(all).size, all.length)
  const named = tables().map(({ rows }) =>
    rows.map((row) => [...row.matchAll(/`(?:mod_(\w+)|(ejabberd_\w+))`/g)].map(([, mod, own]) => mod ?? own ?? '')),
  )
  assert.deepEqual([...new Set(named.flat(2))].sort(), [...all].sort())
  for (const names of named.flat()) {
    const doors = Object.values(DOORS).filter((of) => of.some((one) => names.includes(one)))
    assert.ok(doors.length <= 1, `${names}`)
  }
  for (const table of named) assert.equal(new Set(table.flat()).size, table.flat().length, 'each once')
})

test('each row of the tables of coverage names tests that are there, or says that it is not covered', () => {
  for (const { server, rows } of tables()) {
    assert.ok(rows.length >= 15, `${server}: ${rows.length} rows`)
    for (const row of rows) {
      const [way = '', coverage = '', named = '', ...more] = row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
      assert.deepEqual(more, [], row)
      const names = named === '-' ? [] : named.split(', ')
      assert.ok(names.length > 0 || coverage.startsWith('not covered'), `${way}: neither a test nor "not covered"`)
      for (const name of names) {
        const file = new URL(`../../servers/${server}/${name}.test.ts`, import.meta.url)
        assert.ok(existsSync(file), `${way}: test/servers/${server}/${name}.test.ts`)
      }
    }
  }
})

test('of what is loaded only these count, by door, and of what is switched off at most twenty words', () => {
  const off = Array.from({ length: 30 }, (_, at) => `kind${at}`)
  const none = new Set<string>()
  const modules = ['roster', 'welcome', 'proxy65', 'motd', 'motd']
  const open = openOf({ off, modules, omitted: 2, transports: [] }, none)
  assert.deepEqual(open, {
    off: off.slice(0, 20),
    doors: [
      { door: 'announces', modules: ['motd', 'welcome'] },
      { door: 'files', modules: ['proxy65'] },
    ],
    omitted: 2,
    untold: [],
    unnamed: [],
  })
  assert.deepEqual(['motd', 'ejabberd_xmlrpc'].map(moduleName), ['mod_motd', 'ejabberd_xmlrpc'])
  assert.ok(isOpen(open))
  assert.ok(!isOpen(openOf({ off: [], modules: ['roster'], omitted: 0, transports: [] }, none)))
})

test('what the settings and the host do not both take for a transport is told of, at most twenty of each', () => {
  const host = (...transports: string[]) => ({ off: [], modules: [], omitted: 0, transports })
  const named = new Set(['irc.example', 'sip.example'])
  const { untold, unnamed } = openOf(host('IRC.example', 'sms.example'), named)
  assert.deepEqual([untold, unnamed], [['sip.example'], ['sms.example']])
  assert.ok(!isOpen(openOf(host('irc.example', 'sip.example'), named)))
  const many = Array.from({ length: 30 }, (_, at) => `t${at}.example`)
  assert.equal(openOf(host(...many), new Set()).unnamed.length, 20)
})
