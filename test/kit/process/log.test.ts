// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openLog } from '../../../components/kit/process/log.ts'

describe('the log', () => {
  it('is one JSON object a line: level, time, component, what happened, fields; faults with their cause', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-log-'))
    const descriptor = openSync(join(folder, 'log'), 'w')
    const log = openLog('archive', 'info', descriptor)
    log.debug('not shown')
    log.child({ journal: 'policy' }).info('kept', { position: 7, odd: 'two\nlines \u001b[2J' })
    log.error('fault', { error: new Error('outer', { cause: new Error('inner') }) })
    await log.written()
    closeSync(descriptor)
    const lines = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n')
    rmSync(folder, { recursive: true })
    const [kept, fault, ...more] = lines.map((line) => JSON.parse(line))
    assert.deepEqual(more, [])
    const { at, ...rest } = kept
    assert.equal(new Date(at).toISOString(), at)
    assert.deepEqual(rest, {
      level: 'info',
      component: 'archive',
      journal: 'policy',
      position: 7,
      odd: 'two\nlines \u001b[2J',
      event: 'kept',
    })
    assert.match(fault.error.message, /outer: inner/)
    assert.match(fault.error.stack, /inner/)
    assert.equal(log.lost(), 0)
  })

  it('takes no field that would hold what was said', () => {
    const log = openLog('x', 'error')
    // @ts-expect-error the stanza is never logged
    log.debug('kept', { stanza: '<message/>' })
    // @ts-expect-error nor its text
    log.debug('kept', { body: 'hello' })
  })
})
