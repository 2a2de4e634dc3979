// SPDX-License-Identifier: Apache-2.0
// The writer's end of the bell (bell.ts): wakes followers after commits.
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { bellPath, makeFile } from './segments.ts'

const EVERY_MS = 15

export class Rope {
  readonly #file: number
  #pulledAt = 0
  #last = 0
  #timer: NodeJS.Timeout | undefined

  constructor(folder: string) {
    makeFile(bellPath(folder))
    this.#file = openSync(bellPath(folder), constants.O_WRONLY)
  }

  /** At once after a pause, else at the end of a short while: a busy writer is not to be heard for each commit. */
  pull(last: number): void {
    this.#last = last
    if (this.#timer !== undefined) return
    const wait = this.#pulledAt + EVERY_MS - Date.now()
    if (wait <= 0) this.#strike()
    else this.#timer = setTimeout(() => this.#strike(), wait)
  }

  close(): void {
    clearTimeout(this.#timer)
    closeSync(this.#file)
  }

  #strike(): void {
    this.#timer = undefined
    this.#pulledAt = Date.now()
    // The same length each time: on a full disk there is room for what is there already.
    writeSync(this.#file, `${String(this.#last).padStart(20, '0')}\n`, 0)
  }
}
