// SPDX-License-Identifier: Apache-2.0
// What a run of faults leaves behind: nothing when all is well; its folder, with what was found in it, when anything is wrong.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FaultStage, finish } from './faults.ts'
import type { Message } from './steady.ts'
import type { SourceTold } from './told.ts'

const MESSAGE = { id: 'm', pair: 0, number: 0, batch: 'b', sends: 1, deliveries: 1, errors: 0, acknowledged: true }
const LIVES: SourceTold = {
  ...{ source: 'lives', done: 1, asked: 1, last: 1, lastAt: 0, succeeded: false, ended: false },
}

/** The end of a run with this one message, which the archive has as released. */
async function ended(t: TestContext, message: Message, ask?: () => Promise<never>): Promise<FaultStage> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-finish-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const rows = { 'archive search': [{ id: 'lives-1', stanza_id: 'm', settlement: 'released' }], 'archive gaps': [] }
  const stage = {
    load: { messages: [message], disordered: [], errorTexts: [], drain: () => Promise.resolve() },
    world: { folder, keep: false, ask: ask ?? ((command: keyof typeof rows) => Promise.resolve(rows[command])) },
    told: { sources: () => [LIVES] },
  }
  return stage as unknown as FaultStage
}

test('all is well: the folder may go', async (t) => {
  const stage = await ended(t, MESSAGE)
  const { findings, unexplained } = await finish(stage)
  assert.deepEqual([findings, unexplained, stage.world.keep], [[], [], false])
  assert.ok(!existsSync(join(stage.world.folder, 'findings.json')))
})

test('a message that never came: the folder stays, and says which', async (t) => {
  const stage = await ended(t, { ...MESSAGE, deliveries: 0 })
  const { counted, folder } = await finish(stage)
  assert.deepEqual([counted.lost, counted.phantom, stage.world.keep], [1, 1, true])
  const { findings } = JSON.parse(readFileSync(join(folder, 'findings.json'), 'utf8'))
  assert.deepEqual(
    findings.map(({ what, message, records }: (typeof findings)[number]) => [what, message.id, records[0].n]),
    [
      ['lost', 'm', 1],
      ['phantom', 'm', 1],
    ],
  )
})

test('a run that ended early is counted, and wrong', async (t) => {
  const stage = await ended(t, MESSAGE)
  const { unexplained } = await finish(stage, ['policy did not come back'])
  assert.deepEqual([unexplained, stage.world.keep], [['policy did not come back'], true])
})

test('an archive that cannot be asked any more: the folder stays', async (t) => {
  const stage = await ended(t, MESSAGE, () => Promise.reject(new Error('no archive')))
  await assert.rejects(
    finish(stage, ['archive did not come back']),
    /archive did not come back; nothing can be counted/,
  )
  assert.equal(stage.world.keep, true)
})
