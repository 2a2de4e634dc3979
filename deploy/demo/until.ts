// SPDX-License-Identifier: Apache-2.0
// What comes a moment later: the archive follows the journal, a settlement the server's next word.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { House } from './house.ts'

/** Tries until it holds; the archive follows the journal, and a settlement comes with the server's next word, within 5 s. */
export async function untilHolds(check: () => Promise<void>): Promise<void> {
  const bound = AbortSignal.timeout(15_000)
  for (;;) {
    try {
      return await check()
    } catch (fault) {
      if (bound.aborted) throw fault
      await delay(200)
    }
  }
}

/** Asks until the answer fits: the archive follows the journal, usually within a second. */
export async function found(house: House, words: string[], pattern: RegExp): Promise<string> {
  const bound = AbortSignal.timeout(10_000)
  for (;;) {
    const { exit, out, err } = await house.gatehouse(...words)
    if (pattern.test(out)) return `${house.typed(...words)}\n${out.trimEnd()}`
    if (bound.aborted) assert.fail(`${house.typed(...words)} ended with ${exit} and said\n${out}${err}`)
    await delay(200)
  }
}
