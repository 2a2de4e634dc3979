// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../../components/kit/stream/stream.ts'

/** A clock that stands until the test moves it. */
export type HeldClock = Clock & {
  /** Moves on, running what falls due on the way, in order. */
  pass(ms: number): void
  /** Every wait asked for so far, in ms. */
  readonly asked: readonly number[]
}

export function heldClock(): HeldClock {
  let now = 0
  let due: { at: number; act: () => void }[] = []
  const asked: number[] = []
  return {
    asked,
    now: () => now,
    after(ms, act) {
      asked.push(ms)
      const timer = { at: now + ms, act }
      due.push(timer)
      return () => {
        due = due.filter((each) => each !== timer)
      }
    },
    pass(ms) {
      const end = now + ms
      for (;;) {
        const next = due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        due = due.filter((each) => each !== next)
        now = next.at
        next.act()
      }
      now = end
    },
  }
}
