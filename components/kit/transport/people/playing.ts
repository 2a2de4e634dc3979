// SPDX-License-Identifier: Apache-2.0
// What a network kept and tells at once is taken one by one, so that it does not crowd out what is said now; what is said now waits behind it.

export type Playing = {
  /** `act` never rejects. At once, where nothing of this person's network is being played. False: there is too much, and it is left out. */
  take(place: string, isKept: boolean, act: () => Promise<void>): boolean
}

/** Of one person on one network. */
const MOST = 5_000

export function openPlaying(
  log: Record<'warn', (event: string, fields?: Readonly<Record<string, unknown>>) => void>,
): Playing {
  const waiting = new Map<string, (() => Promise<void>)[]>()

  async function play(place: string, acts: (() => Promise<void>)[]): Promise<void> {
    for (let act = acts.shift(); act !== undefined; act = acts.shift()) await act()
    waiting.delete(place)
  }

  return {
    take(place, isKept, act) {
      const acts = waiting.get(place)
      if (acts !== undefined) {
        if (acts.length < MOST) return acts.push(act) > 0
        log.warn('more was kept by a network than is taken: the rest is not shown', { most: MOST })
        return false
      }
      if (isKept) {
        const begun = [act]
        waiting.set(place, begun)
        void play(place, begun)
      } else void act()
      return true
    },
  }
}
