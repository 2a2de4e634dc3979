// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  ACCOUNTS_VERSION,
  AccountFault,
  type AccountItem,
  accountFields,
  readAccount,
  writeAccount,
} from '../../../components/kit/facts/accounts.ts'

type Line = { key: string; kind: string; version: number; body: AccountItem }
const golden = readFileSync(new URL('../../golden/accounts-1.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Line)

test('the golden items are read, and written again byte for byte', () => {
  assert.equal(ACCOUNTS_VERSION, 1)
  for (const { body, ...line } of golden) {
    const entry = { ...line, body: JSON.stringify(body) }
    const item = readAccount(entry)
    assert.deepEqual(item, body)
    assert.deepEqual(writeAccount(item ?? assert.fail()), entry)
  }
})

test('ACCOUNTS.md and the golden file have every field', () => {
  const page = readFileSync(new URL('../../../components/kit/facts/ACCOUNTS.md', import.meta.url), 'utf8')
  for (const [name] of accountFields) {
    if (name !== 'kind') assert.ok(page.includes(`| \`${name}\``), name)
    for (const { body } of golden) assert.ok(name in body, name)
  }
})

test('an unknown kind or version is left alone; a wrong field, or another key than its own, is a fault', () => {
  const good = writeAccount(golden[0]?.body ?? assert.fail())
  assert.equal(readAccount({ ...good, kind: 'weather' }), null)
  assert.equal(readAccount({ ...good, version: 2 }), null)
  const bad = [
    '{',
    'null',
    '[]',
    ...['jid', 'account', 'by', 'at', 'server', 'network', 'kind'].map((name) =>
      JSON.stringify({ ...golden[0]?.body, [name]: '' }),
    ),
  ]
  for (const body of bad) assert.throws(() => readAccount({ ...good, body }), AccountFault, body)
  assert.throws(() => readAccount({ ...good, key: 'account/irc.example.org/eve' }), /it says that it is/)
})
