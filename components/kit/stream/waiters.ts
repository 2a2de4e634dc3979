// SPDX-License-Identifier: Apache-2.0

/** Those who wait until something holds; looked at again at each `wake`. */
export class Waiters {
  readonly #looks = new Set<() => void>()

  /** Resolves when it holds, rejects with the signal's reason. */
  until(holds: () => boolean, signal?: AbortSignal): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const look = () => {
        if (holds()) finish(resolve)
      }
      const abort = () => finish(() => reject(signal?.reason))
      const finish = (settle: () => void) => {
        this.#looks.delete(look)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      this.#looks.add(look)
      signal?.addEventListener('abort', abort, { once: true })
      if (signal?.aborted) abort()
    })
  }

  wake(): void {
    for (const look of [...this.#looks]) look()
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
