// SPDX-License-Identifier: Apache-2.0
import { addAbortListener } from 'node:events'

/**
 * Resolves when `promise` does or when the signal aborts, and leaves no listener behind: signals live as long as the process, waits
 * come by the thousand. `promise` is made for this wait; one that lives longer keeps what waits for it.
 */
export async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  using _heard = addAbortListener(signal, () => resolve())
  await Promise.race([promise, aborted])
}
