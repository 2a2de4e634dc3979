// SPDX-License-Identifier: Apache-2.0
// A rule file is read by a process of its own: whatever ends that one, this one has a reason to tell, and goes on.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { readAside } from '../../../components/policy/rules/read-aside.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-aside-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const rule = (index: number) => `  - { id: r${index}, when: { words: [word${index}] }, then: refuse }\n`
const file = (name: string, rules: number): string => {
  const path = join(folder, name)
  const text = Array.from({ length: rules }, (_, index) => rule(index)).join('')
  writeFileSync(path, `version: 1\notherwise: allow\nrules:\n${text}`)
  return path
}

test('what is read is there as it was', async () => {
  const read = await readAside(file('few.yaml', 3))
  assert.ok('ok' in read && read.ok, JSON.stringify(read))
  assert.deepEqual(
    read.data.rules.map(({ id }) => id),
    ['r0', 'r1', 'r2'],
  )
})

test('a file that is not there says so', async () => {
  const read = await readAside(join(folder, 'missing.yaml'))
  assert.ok('cause' in read, 'it was read')
  assert.match(read.cause, /ENOENT/)
})

test('a reader that is killed is a reason, and the next one reads', async () => {
  const path = file('many.yaml', 20_000)
  const reading = readAside(path)
  const pid = await childThatReads(path)
  process.kill(pid, 'SIGKILL')
  const read = await reading
  assert.deepEqual(read, { cause: 'the process that reads it ended: SIGKILL' })
  const again = await readAside(path)
  assert.ok('ok' in again && again.ok)
})

test('a file for which there is not enough memory ends its reader only, and says why', async (t) => {
  const path = file('too-many.yaml', 40_000)
  const before = process.env.NODE_OPTIONS
  t.after(() => {
    if (before === undefined) delete process.env.NODE_OPTIONS
    else process.env.NODE_OPTIONS = before
  })
  process.env.NODE_OPTIONS = '--max-old-space-size=32'
  const read = await readAside(path)
  assert.ok('cause' in read, 'it was read')
  assert.match(read.cause, /^the process that reads it ended: FATAL ERROR: .*heap out of memory$/)
})

async function childThatReads(path: string): Promise<number> {
  for (;;) {
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && argumentsOf(name).includes(path))
    if (pid !== undefined) return Number(pid)
    await setTimeout(1)
  }
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').split('\0')
  } catch {
    return [] // it has just ended
  }
}
