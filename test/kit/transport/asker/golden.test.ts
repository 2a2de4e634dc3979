// SPDX-License-Identifier: Apache-2.0
// What an asker has on its disk, in a file of each version: it is told as it was owed, and the rule for outages holds.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openAsker } from '../../../../components/kit/transport/asker/asker.ts'
import { openLedger } from '../../../../components/kit/transport/asker/ledger.ts'
import { migrations } from '../../../../components/kit/transport/asker/ledger-operations.ts'
import { DOMAIN, openScreen, SCREEN } from './screen.ts'

const SOURCE = '5e1f0a44b7d04f5a9a3b2c1d0e9f8a7b'
const golden = readFileSync(new URL('../../../golden/asker-1.sql', import.meta.url), 'utf8')
const OWN = { domain: DOMAIN, node: 'n', software: 's', now: () => Date.now() }

function fill(path: string, sql: string): DatabaseSync {
  const db = new DatabaseSync(path)
  db.exec(sql)
  return db
}

test('what an asker of version 1 owed and held is owed and held by this one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-asker-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [path, beside] = [join(folder, 'asker.db'), join(folder, 'beside.db')]
  for (const each of [path, beside]) fill(each, golden).close()
  const ledger = await openLedger({ ...OWN, path: beside })
  assert.deepEqual([ledger.closedBy, ledger.owed.count], ['not-on-irc', 4])
  await ledger[Symbol.asyncDispose]()
  const screen = openScreen()
  const asker = await openAsker({
    ...OWN,
    screen: SCREEN,
    path,
    onOutage: 'closed',
    request: (...args) => screen.request(...args),
    log: { info() {}, warn() {}, error() {} },
    bounds: { markMs: 20, probeMs: 20, replayMs: 1, lookMs: 20 },
  })
  asker.up()
  for (let turns = 0; screen.of('outage').length === 0; turns++) {
    assert.ok(turns < 1_000, 'what was owed is never told')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await asker.stop(AbortSignal.timeout(5_000))
  const own = screen.of('source').find(({ predecessor }) => predecessor !== undefined)
  assert.deepEqual(own?.predecessor, { source: SOURCE, mark: 9, reserved: 2_000 })
  assert.deepEqual(
    screen
      .of('settle')
      .filter(({ source }) => source === SOURCE)
      .map(({ n, outcome }) => [n, outcome]),
    [
      [5, 'bounced'],
      [6, 'unscreened'],
    ],
  )
  const [ask] = screen.of('ask')
  assert.deepEqual([ask?.source, ask?.n, ask?.spooled, ask?.network], [SOURCE, 6, true, 'irc'])
  assert.match(ask?.stanza ?? '', /<body>said unasked<\/body>/)
  const [outage] = screen.of('outage')
  assert.deepEqual([outage?.from, outage?.to, outage?.count, outage?.rule], [7, 9, 3, 'not-on-irc'])
})

test('the newest golden file is what this program makes', () => {
  assert.equal(migrations.length, 1, 'a new version gets a golden file of its own')
  const of = (sql: string) => {
    const db = fill(':memory:', sql)
    return db.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all()
  }
  assert.deepEqual(of(golden), of(migrations.join(';')))
})
