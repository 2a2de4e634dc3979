// SPDX-License-Identifier: Apache-2.0
// A process waits for as long as it lives: whatever one wait leaves behind becomes all of its memory.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Bell } from '../../../components/kit/bus/bell.ts'
import { orAborted } from '../../../components/kit/bus/or-aborted.ts'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-bell-'))
  writeFileSync(join(folder, 'bell'), '')
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('100,000 waits leave nothing at the signal', async () => {
  const { signal } = new AbortController()
  for (let i = 0; i < 100_000; i++) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waited = orAborted(promise, signal)
    resolve()
    await waited
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('a signal that aborts ends the wait, before it and while it lasts', async () => {
  const stop = new AbortController()
  const never = new Promise<void>(() => {})
  const waited = orAborted(never, stop.signal)
  stop.abort()
  await waited
  await orAborted(never, stop.signal)
})

test('waits for the bell leave nothing at the signal', async () => {
  const bell = new Bell(join(folder, 'bell'))
  const { signal } = new AbortController()
  try {
    for (let i = 0; i < 1000; i++) {
      bell.listen()
      const waited = bell.wait(signal)
      assert.equal(getEventListeners(signal, 'abort').length, 1)
      writeFileSync(join(folder, 'bell'), String(i))
      await waited
    }
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  } finally {
    bell.close()
  }
})
