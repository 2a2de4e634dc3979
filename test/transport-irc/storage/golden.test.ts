// SPDX-License-Identifier: Apache-2.0
// What the process remembers, in a file of each version: it is opened by this program and says what it said. GATEHOUSE_WRITE_GOLDEN=1
// writes that of the last version anew.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openMemory } from '../../../components/transport-irc/storage/memory.ts'
import { MEMORY_ID, migrations } from '../../../components/transport-irc/storage/operations.ts'

const LAST = migrations.length
const golden = (version: number) => resolve(import.meta.dirname, `../../golden/transport-irc-${version}.sql`)

const KEPT = [
  { kind: 'ban', name: 'eve@corp.example', body: { at: '2026-11-23T00:00:00.000Z', by: 'root', reason: "it's spam" } },
  { kind: 'keep', name: 'anna@corp.example irc.example.org', body: true },
  { kind: 'key', name: 'occupants', body: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' },
  { kind: 'known', name: 'irc.example.org', body: { casemapping: 'ascii', nickLength: 30 } },
  {
    kind: 'login',
    name: 'anna@corp.example irc.example.org',
    body: { nick: 'anna', account: 'anna', hasSecret: true, sealed: '1.x' },
  },
  { kind: 'room', name: 'anna@corp.example irc.example.org #talk', body: { stay: true } },
  { kind: 'sts', name: 'irc.example.org', body: { port: 6697, until: 1_800_000_000_000 } },
] as const

function inFolder<T>(act: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-memory-'))
  return act(join(folder, 'memory.db')).finally(() => rmSync(folder, { recursive: true }))
}

if (process.env.GATEHOUSE_WRITE_GOLDEN === '1') {
  const rows = KEPT.map(
    ({ kind, name, body }, at) =>
      `INSERT INTO kept (number, kind, name, body) VALUES (${at + 1}, '${kind}', '${name}', '${JSON.stringify(body).replaceAll("'", "''")}');`,
  )
  const steps = migrations.map((step) => `${String(step).trim()};`)
  const lines = [`PRAGMA application_id = ${MEMORY_ID};`, ...steps, ...rows, `PRAGMA user_version = ${LAST};`]
  writeFileSync(golden(LAST), `${lines.join('\n')}\n`)
}

for (let version = 1; version <= LAST; version++)
  test(`of version ${version} is remembered as it was`, () =>
    inFolder(async (file) => {
      const db = new DatabaseSync(file)
      db.exec(readFileSync(golden(version), 'utf8'))
      db.close()
      await using memory = await openMemory(file)
      for (const { kind, name, body } of KEPT) assert.deepEqual(memory.read(kind, name), body)
    }))

test('is on disk when it is set, and gone when it is taken away', () =>
  inFolder(async (file) => {
    {
      await using memory = await openMemory(file)
      await memory.set('ban', 'eve@corp.example', { reason: 'a' })
      await memory.set('ban', 'eve@corp.example', { reason: 'b' })
      await memory.set('ban', 'mallory@corp.example', { reason: 'c' })
      await memory.set('ban', 'mallory@corp.example', null)
      assert.deepEqual(memory.list('ban'), [{ name: 'eve@corp.example', body: { reason: 'b' } }])
    }
    await using again = await openMemory(file)
    assert.deepEqual(again.list('ban'), [{ name: 'eve@corp.example', body: { reason: 'b' } }])
    assert.equal(again.read('ban', 'mallory@corp.example'), null)
  }))
