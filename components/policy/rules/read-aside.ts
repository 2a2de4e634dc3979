// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { workerUrl } from '../../kit/store/worker-url.ts'
import type { ReadAside } from './read-process.ts'

const SAID_MAX = 16_384

/**
 * Reads a rule file in a process of its own. Reading may take a gigabyte for what fits into a few megabytes afterwards: all of that
 * is given back, and a file for which there is not enough memory ends nobody but the one that reads it. What is wrong with the
 * file is in the value.
 */
export function readAside(file: string): Promise<ReadAside> {
  const program = fileURLToPath(workerUrl(new URL('./read-process.ts', import.meta.url)))
  const { promise, resolve } = Promise.withResolvers<ReadAside>()
  // No flags: those of this process are for one that lives long.
  const child = fork(program, [file], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let read: ReadAside | null = null
  let said = ''
  child.once('message', (value) => {
    read = value as ReadAside
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < SAID_MAX) said += text
  })
  child.once('error', ({ message }) => resolve({ cause: message }))
  child.once('close', (code, signal) => {
    const why = /^(?:FATAL ERROR|\w*Error): .*$/mu.exec(said)?.[0] ?? signal ?? `exit ${code}`
    resolve(read ?? { cause: `the process that reads it ended: ${why}` })
  })
  return promise
}
