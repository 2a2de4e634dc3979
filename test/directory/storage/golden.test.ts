// SPDX-License-Identifier: Apache-2.0
// The store of each version is opened by this program, and says what it said. GATEHOUSE_WRITE_GOLDEN=1 writes that of the last
// version anew.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { DIRECTORY_ID, migrations } from '../../../components/directory/storage/schema.ts'
import { madeUp } from '../company.ts'
import { enginePlace } from '../engine-place.ts'

const golden = (version: number) => resolve(import.meta.dirname, `../../golden/directory-${version}.sql`)
const LAST = migrations.length

function company() {
  const corp = madeUp()
  corp.person('1', { uid: 'alice', name: 'Alice Ånström', mail: ['alice@corp.example'], department: 'Trading' })
  corp.person('2', { uid: 'bob', disabled: true })
  corp.group('g', ['alice', 'bob'], { name: 'Traders' })
  return corp
}

async function writeGolden(): Promise<void> {
  using place = enginePlace()
  const corp = company()
  {
    await using opened = await place.open([corp])
    await opened.sync()
    corp.person('1', { uid: 'alice.b', dn: 'uid=alice,ou=people,dc=corp', name: 'Alice Baker' })
    await opened.sync()
    corp.drop('2')
    await opened.sync()
    await opened.store.write('trouble', { at: 1, place: 'corp', reason: 'away', message: 'nobody answers' })
  }
  const db = new DatabaseSync(join(place.folder, 'directory.db'), { readOnly: true })
  const lines = [
    `PRAGMA application_id = ${DIRECTORY_ID};`,
    ...migrations.map((step) => step.trim()),
    'DELETE FROM state; DELETE FROM carried;',
  ]
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
  for (const { name } of tables)
    for (const row of db.prepare(`SELECT * FROM ${name}`).all()) {
      const values = Object.values(row).map((value) =>
        value === null
          ? 'NULL'
          : typeof value === 'number'
            ? String(value)
            : `'${String(value).replaceAll("'", "''")}'`,
      )
      lines.push(`INSERT INTO ${name} (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')});`)
    }
  db.close()
  writeFileSync(golden(LAST), `${[...lines, `PRAGMA user_version = ${LAST};`].join('\n')}\n`)
}

if (process.env.GATEHOUSE_WRITE_GOLDEN === '1') await writeGolden()

for (const version of [2, LAST])
  test(`a store of version ${version} goes on: who is provisioned, whose every address is, which directory said it`, async () => {
    using place = enginePlace()
    const db = new DatabaseSync(join(place.folder, 'directory.db'))
    db.exec(readFileSync(golden(version), 'utf8'))
    db.close()
    const corp = company()
    corp.person('1', { uid: 'alice.b', dn: 'uid=alice,ou=people,dc=corp', name: 'Alice Baker' })
    corp.drop('2')
    await using opened = await place.open([corp])
    assert.deepEqual([opened.engine.seq, opened.published], [3, [3]])
    await opened.sync('whole')
    assert.equal(opened.engine.plan, null)
    assert.equal(opened.engine.seq, 3, 'nothing is to be done')
    const [alice, ...others] = await opened.people()
    assert.deepEqual(others, [])
    assert.deepEqual(
      [alice?.jid, alice?.oldJids, alice?.groups],
      ['alice.b@corp.example', ['alice@corp.example'], ['corp:g']],
    )
    // Nobody gets an address of theirs.
    corp.person('3', { uid: 'bob', dn: 'uid=new,dc=corp' })
    corp.person('4', { uid: 'alice', dn: 'uid=newer,dc=corp' })
    await opened.sync()
    for (const id of ['corp:3', 'corp:4']) assert.equal(opened.engine.company.people.get(id)?.wrong?.wrong, 'taken')
    assert.deepEqual(await opened.store.read('moved', 'corp.example'), [
      { old: 'alice@corp.example', now: 'alice.b@corp.example' },
    ])
    assert.equal((await opened.store.read('troubles', 5))[0]?.reason, 'away')
  })

test('a later version, and a file of another program, are refused', async () => {
  for (const [pragma, wanted] of [
    [`PRAGMA application_id = ${DIRECTORY_ID}; PRAGMA user_version = 999`, /use the newer program/],
    ['PRAGMA user_version = 1; CREATE TABLE x (y)', /another program's file/],
  ] as const) {
    using place = enginePlace()
    const db = new DatabaseSync(join(place.folder, 'directory.db'))
    db.exec(pragma)
    db.close()
    await assert.rejects(place.open([]), wanted)
  }
})
