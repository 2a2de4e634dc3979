// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from 'node:timers/promises'

/** Looks again and again; ends with the signal. */
export async function until(holds: () => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !holds()) await pause(20, signal)
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // It rejects for one reason, that the signal has aborted.
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}
