// SPDX-License-Identifier: Apache-2.0
// Waits for what the archive has to know in the end.

import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Row } from './ask-command.ts'
import type { World } from './world.ts'

const RECORDED_WITHIN_MS = 30_000

/**
 * Waits until a search finds exactly so many records, settled as listed, oldest first; gives them in that order.
 * `nudge`: makes the server ask a question, with which it tells what is settled; it would tell by itself every few seconds.
 */
export async function recorded(
  world: World,
  query: Readonly<Record<string, unknown>>,
  settlements: readonly string[],
  nudge: () => Promise<void>,
): Promise<Row[]> {
  const until = Date.now() + RECORDED_WITHIN_MS
  for (let round = 0; ; round++) {
    const rows = (await world.ask('archive search', { ...query, reason: 'test' })).toReversed()
    const found = rows.map((row) => row.settlement)
    if (isDeepStrictEqual(found, settlements)) return rows
    if (Date.now() > until) {
      const said = `records of ${JSON.stringify(query)}: wanted [${settlements}], found [${found}]`
      throw new Error(`${said}\n${JSON.stringify(rows, null, 1)}`)
    }
    if (round % 5 === 0) await nudge()
    // The archive follows the journal; nothing tells a test of its commits but asking.
    await setTimeout(50)
  }
}
