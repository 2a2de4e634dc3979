// SPDX-License-Identifier: Apache-2.0
// Waiting for the writer of a file journal: its small file `bell` is written after commits; a slow poll covers a lost stroke.
import { type FSWatcher, watch } from 'node:fs'
import { orAborted } from './or-aborted.ts'

const POLL_MS = 1000

export class Bell {
  readonly #watcher: FSWatcher | undefined
  readonly #timer: NodeJS.Timeout
  #rung = false
  #wake: (() => void) | undefined

  /** `path` must be there; where the system cannot watch files the poll alone must do. */
  constructor(path: string) {
    const ring = (): void => {
      this.#rung = true
      this.#wake?.()
    }
    this.#timer = setInterval(ring, POLL_MS)
    try {
      this.#watcher = watch(path, ring)
      // The poll goes on; a watcher that fails has nothing to say beyond that.
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EMFILE')))
        throw error
    }
  }

  /** From now on a stroke counts as new: called before looking, so that none is lost between the look and the wait. */
  listen(): void {
    this.#rung = false
  }

  /** Resolves at the first stroke since listen(), or when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#rung || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    await orAborted(promise, signal)
    this.#wake = undefined
  }

  close(): void {
    clearInterval(this.#timer)
    this.#watcher?.close()
    this.#wake?.()
  }
}
