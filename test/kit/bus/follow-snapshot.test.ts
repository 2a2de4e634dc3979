// SPDX-License-Identifier: Apache-2.0
// A snapshot is followed over faults: told once, read again from the last whole version, and nothing half read is ever in force.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSnapshotWriter } from '../../../components/kit/bus/file-snapshot.ts'
import { followSnapshot, SnapshotTable } from '../../../components/kit/bus/follow-snapshot.ts'

const item = (key: string, body: string) => ({ key, kind: 'word', version: 1, body })

test('a fault is told once; then what changed is taken as if there had been none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-followed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const told: string[] = []
  let next = Promise.withResolvers<void>()
  let failing = 0
  const table = new SnapshotTable(({ body }) => {
    if (body === 'c' && failing-- > 0) throw new Error('not to be read')
    return body === 'skipped' ? null : body
  })
  await using followed = followSnapshot(folder, {
    take: (step) => table.take(step),
    changed({ seq }) {
      told.push(`${seq}: ${[...table.rows.values()].join('')}`)
      next.resolve()
    },
    fault(error) {
      told.push(error === null ? 'again' : `${error.message}, still ${[...table.rows.values()].join('')}`)
    },
  })
  assert.equal(await followed.state(), null)
  await using writer = await openSnapshotWriter(folder)
  await writer.replace([item('1', 'a'), item('2', 'b'), item('3', 'skipped')])
  await next.promise
  next = Promise.withResolvers()
  failing = 1
  await writer.put({ put: [item('1', 'd'), item('2', 'c')], remove: ['3'] })
  await next.promise
  assert.deepEqual(told, ['1: ab', 'not to be read, still ab', 'again', '2: dc'])
})
