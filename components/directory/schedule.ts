// SPDX-License-Identifier: Apache-2.0
// When the directories are asked.
import { setTimeout as delay } from 'node:timers/promises'
import type { How } from './engine.ts'

export type Schedule = { everyMs: number; compareAt: { hour: number; minute: number } }

/** By how much a pause is scattered, so that many processes do not ask in the same moment. */
const JITTER = 0.1

/** Asks at once and then again and again until the signal aborts; what `sync` throws is the caller's. */
export async function keepAsking(
  { everyMs, compareAt }: Schedule,
  sync: (how: How) => Promise<void>,
  signal: AbortSignal,
  now: () => number,
): Promise<void> {
  let compare = nextAt(compareAt, now())
  await sync('poll')
  while (!signal.aborted) {
    const pause = everyMs * (1 - JITTER + Math.random() * 2 * JITTER)
    await delay(pause, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const whole = now() >= compare
    if (whole) compare = nextAt(compareAt, now())
    await sync(whole ? 'whole' : 'poll')
  }
}

/** The next moment at which the machine's clock says so, Unix ms. */
export function nextAt({ hour, minute }: Schedule['compareAt'], from: number): number {
  const next = new Date(from)
  next.setHours(hour, minute, 0, 0)
  if (next.getTime() <= from) next.setDate(next.getDate() + 1)
  return next.getTime()
}
