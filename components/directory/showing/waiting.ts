// SPDX-License-Identifier: Apache-2.0
// Waits that end.
import { addAbortListener } from 'node:events'

export type Waking = {
  /** Resolves at the next wake, and when the signal aborts. */
  readonly next: Promise<void>
  wake(): void
}

export function openWaking(signal: AbortSignal): Waking {
  let woken = Promise.withResolvers<void>()
  const wake = () => {
    woken.resolve()
    woken = Promise.withResolvers<void>()
  }
  signal.addEventListener('abort', wake, { once: true })
  return {
    get next() {
      return woken.promise
    },
    wake,
  }
}

/** Resolves with `woken`, or after so long. */
export function wokenOrAfter(woken: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    timer.unref()
    void woken.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** As the work, or a rejection with the signal's reason as soon as it aborts. The work goes on, and nobody hears of its end. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (signal.aborted) reject(signal.reason)
  using _heard = addAbortListener(signal, () => reject(signal.reason))
  return await Promise.race([work, promise])
}
