// SPDX-License-Identifier: Apache-2.0

/** A clock that the test holds. */
export function handClock(onAfter?: (ms: number) => void) {
  let at = 0
  let due: { at: number; act: () => void }[] = []
  return {
    now: () => at,
    after(ms: number, act: () => void) {
      const timer = { at: at + ms, act }
      due.push(timer)
      onAfter?.(ms)
      return () => {
        due = due.filter((each) => each !== timer)
      }
    },
    passes(ms: number) {
      const end = at + ms
      for (;;) {
        const next = due.filter((each) => each.at <= end).sort((one, other) => one.at - other.at)[0]
        if (next === undefined) break
        due = due.filter((each) => each !== next)
        at = Math.max(at, next.at)
        next.act()
      }
      at = end
    },
  }
}
