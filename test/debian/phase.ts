// SPDX-License-Identifier: Apache-2.0
// The phase `on Debian 13`: the tests with real servers once more, beside the servers of that Debian.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { addTally, type Tally } from '../tally.ts'
import { inside, runner } from './inside.ts'
import { debianLack, PLACE, prepareDebian, RELEASE } from './root.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
const WHERE = `Debian ${RELEASE}`
const FOLDERS = ['test/servers/', 'test/e2e/', 'test/faults/', 'test/kit/privilege/']

/** Whether the long form runs this file, by its path in the project, on Debian 13 too. */
export function belongsOnDebian(file: string): boolean {
  return FOLDERS.some((folder) => file.startsWith(folder))
}

/** Runs the files there and adds what came out. Where there can be no Debian 13 that counts as one skip, with the reason. */
export async function testOnDebian(files: readonly string[], long: boolean, signal: AbortSignal, tally: Tally) {
  if (files.length === 0 || signal.aborted) return
  const lack = debianLack()
  if (lack !== null) return void tally.skipped.push(`${files.length} test files on ${WHERE}: ${lack}`)
  const say = (line: string) => void process.stdout.write(`${WHERE}: ${line}\n`)
  const run = runner(say, signal)
  const fault = await prepareDebian(run, say)
  if (signal.aborted) return
  if (fault !== null) return void tally.faults.push(`${WHERE} could not be made ready: ${fault}`)

  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-report-'))
  try {
    const report = join(folder, 'tally.json')
    const words = ['--no-check', ...(long ? ['--long'] : []), '--on', WHERE, '--report', report, ...files]
    const code = await run(inside(PLACE, [process.execPath, join(PROJECT, 'test/run.ts'), ...words]), {})
    if (existsSync(report)) addTally(tally, readFileSync(report, 'utf8'))
    else tally.faults.push(`the tests on ${WHERE} ended with ${code} and without a report`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
