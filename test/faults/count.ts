// SPDX-License-Identifier: Apache-2.0
// Counts at both ends and in the archive what became of each message.
import { setTimeout } from 'node:timers/promises'
import type { World } from '../harness/world.ts'
import type { Message, SteadyLoad } from './steady.ts'

export type Counted = {
  sent: number
  delivered: number
  archived: number
  errors: number
  /** Neither delivered nor refused. */
  lost: number
  /** Delivered, and the archive has no record that could be the one. */
  unrecorded: number
  /** Recorded as released more often than it was delivered. */
  phantom: number
  /** More outcomes (deliveries and refusals) than sendings. */
  doubled: number
  disordered: number
}

export type Finding = { what: keyof Counted; message: Message; settlements: readonly string[] }

const SETTLED_WITHIN_MS = 40_000

/** Waits until the archive has what it should have, and gives the counts as they are then. */
export async function count(world: World, load: SteadyLoad): Promise<{ counted: Counted; findings: Finding[] }> {
  const until = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    const settlements = await readSettlements(world, load.messages)
    const result = judge(load.messages, load.disordered, settlements)
    if (result.findings.every((one) => one.what !== 'unrecorded') || Date.now() > until) return result
    // The archive follows, and a spool is replayed beside live traffic.
    await setTimeout(500)
  }
}

/** `settlements`: what the archive says of each message id, one for each record. */
export function judge(
  messages: readonly Message[],
  disordered: number,
  settlements: ReadonlyMap<string, readonly string[]>,
): { counted: Counted; findings: Finding[] } {
  const findings: Finding[] = []
  for (const message of messages) {
    const known = settlements.get(message.id) ?? []
    const found = (what: keyof Counted) => findings.push({ what, message, settlements: known })
    const { deliveries, errors, sends } = message
    if (deliveries === 0 && errors === 0) found('lost')
    if (deliveries > 0 && !known.some(mayBeDelivered)) found('unrecorded')
    if (known.filter(saysDelivered).length > deliveries) found('phantom')
    if (deliveries + errors > sends) found('doubled')
  }
  const number = (what: keyof Counted) => findings.filter((one) => one.what === what).length
  const counted: Counted = {
    sent: messages.length,
    delivered: messages.filter((message) => message.deliveries > 0).length,
    archived: messages.filter((message) => settlements.has(message.id)).length,
    errors: messages.filter((message) => message.errors > 0).length,
    lost: number('lost'),
    unrecorded: number('unrecorded'),
    phantom: number('phantom'),
    doubled: number('doubled'),
    disordered,
  }
  return { counted, findings }
}

/** `undecided`: the server died before it told, which is honest. */
function mayBeDelivered(settlement: string): boolean {
  return saysDelivered(settlement) || settlement === 'undecided'
}

function saysDelivered(settlement: string): boolean {
  return settlement === 'released' || settlement === 'unscreened'
}

async function readSettlements(world: World, messages: readonly Message[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const batch of new Set(messages.map((message) => message.batch))) {
    for (const row of await world.ask('archive search', { words: batch, limit: 1000, reason: 'faults' })) {
      const id = String(row.stanza_id)
      found.set(id, [...(found.get(id) ?? []), String(row.settlement)])
    }
  }
  return found
}
