// SPDX-License-Identifier: Apache-2.0
// Counts at both ends and in the archive what became of each message.
import { setTimeout } from 'node:timers/promises'
import type { Row } from '../harness/ask-command.ts'
import type { World } from '../harness/world.ts'
import type { Message } from './steady.ts'
import type { SourceTold } from './told.ts'

export type Counted = {
  sent: number
  delivered: number
  archived: number
  errors: number
  /** Neither delivered nor refused. */
  lost: number
  /** Delivered more often than the archive has records that say so, or whose end is in an unknown tail. */
  unrecorded: number
  /** Recorded as released more often than it was delivered. */
  phantom: number
  /** More outcomes (deliveries and refusals) than sendings. */
  doubled: number
  disordered: number
  /** Records without a settlement, although the source that owes it lives on or has told that it is settled. */
  unsettled: number
  /** Records without a settlement of sources that were killed before they could tell, and the most of one source. */
  tail: number
  tailOfOne: number
}

/** One record of a message; `source` may be a start of the source's id. */
export type Recorded = { source: string; n: number; settlement: string }

type Fault = 'lost' | 'unrecorded' | 'phantom' | 'doubled' | 'disordered' | 'unsettled'

export type Finding = { what: Fault; message: Message; records: readonly Recorded[] }

export type Result = {
  counted: Counted
  findings: Finding[]
  /** What the archive says is missing and no killed source explains, and what it should have said and did not. */
  unexplained: string[]
}

/** What was sent, and what the servers' helpers told meanwhile. */
export type Run = {
  messages: readonly Message[]
  disordered: readonly Message[]
  sources(): readonly SourceTold[]
}

/**
 * The archive's settings for a run: what is told of and not recorded after so long is a gap. Longer than a helper holds anything:
 * what it held when it was killed is of the unknown tail then, and never a gap before.
 */
export const MISSING = ['missing:', '  tries: 1', '  try_within: 1 s', '  margin: 5 s']
/** As long, and a look of the archive, which comes once a second. */
const FOUND_AFTER_MS = 6000 + 2000
const SETTLED_WITHIN_MS = 90_000
/** Of one answer of the archive. */
const MOST_ROWS = 1000

/** Waits until the archive has what it should have, every number had its time, and gives the counts as they are then. */
export async function count(world: Pick<World, 'ask'>, run: Run, withinMs = SETTLED_WITHIN_MS): Promise<Result> {
  const until = Date.now() + withinMs
  const all = new Set(run.messages.map((message) => message.batch))
  const records = new Map<string, Recorded[]>()
  // At first and at last everything is read, in between what was not right yet.
  for (let batches = all; ; ) {
    if (batches === all) records.clear()
    for (const batch of batches) await readBatch(world, batch, records)
    const missing = await world.ask('archive gaps', { limit: MOST_ROWS })
    if (missing.length === MOST_ROWS) throw new Error('more is missing than the archive tells at once')
    const sources = run.sources()
    const result = {
      ...judge(run.messages, run.disordered, records, sources),
      unexplained: unexplained(missing, sources),
    }
    const early = result.findings.filter(({ what }) => what === 'unrecorded' || what === 'unsettled')
    // A number that was told of a moment ago cannot be missing yet.
    const due = sources.every(({ succeeded, lastAt }) => succeeded || lastAt + FOUND_AFTER_MS <= Date.now())
    const right = early.length === 0 && due && result.unexplained.length === 0
    if (Date.now() > until || (right && batches === all)) return result
    batches = right ? all : new Set(early.map(({ message }) => message.batch))
    // The archive follows, and a spool is replayed beside live traffic.
    if (!right) await setTimeout(500)
  }
}

/** Nothing is wrong with a run. */
export function isClean({ findings, unexplained }: Pick<Result, 'findings' | 'unexplained'>): boolean {
  return findings.length === 0 && unexplained.length === 0
}

/** `records`: what the archive has of each message id. */
export function judge(
  messages: readonly Message[],
  disordered: readonly Message[],
  records: ReadonlyMap<string, readonly Recorded[]>,
  sources: readonly SourceTold[],
): Pick<Result, 'counted' | 'findings'> {
  const findings: Finding[] = disordered.map((message) => ({
    what: 'disordered',
    message,
    records: records.get(message.id) ?? [],
  }))
  const tails = new Map<string, number>()
  for (const message of messages) {
    const known = records.get(message.id) ?? []
    const settlements = known.map(({ settlement }) => settlement)
    const found = (what: Fault) => findings.push({ what, message, records: known })
    const { deliveries, errors, sends } = message
    const untold = known.filter((one) => one.settlement === 'undecided')
    const inTail = untold.filter((one) => mayBeUntold(one, sources))
    for (const { source } of inTail) tails.set(source, (tails.get(source) ?? 0) + 1)
    if (deliveries === 0 && errors === 0) found('lost')
    const told = settlements.filter(saysDelivered).length
    if (deliveries > told + inTail.length) found('unrecorded')
    if (told > deliveries) found('phantom')
    if (deliveries + errors > sends) found('doubled')
    if (untold.length > inTail.length) found('unsettled')
  }
  const number = (what: Fault) => findings.filter((one) => one.what === what).length
  const counted: Counted = {
    sent: messages.length,
    delivered: messages.filter((message) => message.deliveries > 0).length,
    archived: messages.filter((message) => records.has(message.id)).length,
    errors: messages.filter((message) => message.errors > 0).length,
    lost: number('lost'),
    unrecorded: number('unrecorded'),
    phantom: number('phantom'),
    doubled: number('doubled'),
    disordered: number('disordered'),
    unsettled: number('unsettled'),
    tail: [...tails.values()].reduce((sum, one) => sum + one, 0),
    tailOfOne: Math.max(0, ...tails.values()),
  }
  return { counted, findings }
}

/** A killed source: each of its runs but one that stopped in good order, or that still runs. */
function wasKilled({ succeeded, ended }: SourceTold): boolean {
  return succeeded && !ended
}

/** Only what a killed source had not told yet may stay open. */
function mayBeUntold({ source, n }: Recorded, sources: readonly SourceTold[]): boolean {
  return sources.some((told) => told.source.startsWith(source) && wasKilled(told) && n > told.done)
}

/** `missing`: the archive's open findings. A kill explains an end without a mark and an unknown tail; nothing explains a gap. */
export function unexplained(missing: readonly Row[], sources: readonly SourceTold[]): string[] {
  const killed = new Set(sources.filter(wasKilled).map((told) => told.source))
  const ended = new Set(missing.filter(({ kind }) => kind === 'ended-without-mark').map(({ source }) => source))
  const explained = ({ kind, source }: Row) =>
    killed.has(String(source)) && (kind === 'ended-without-mark' || kind === 'tail-unknown')
  return [
    ...(sources.some((told) => !wasKilled(told)) ? [] : ['no source is left that could tell what became of the last']),
    ...missing.filter((row) => !explained(row)).map((row) => JSON.stringify(row)),
    ...[...killed].filter((source) => !ended.has(source)).map((source) => `${source} was killed, and nothing says so`),
  ]
}

function saysDelivered(settlement: string): boolean {
  return settlement === 'released' || settlement === 'unscreened'
}

async function readBatch(world: Pick<World, 'ask'>, batch: string, into: Map<string, Recorded[]>): Promise<void> {
  const rows = await world.ask('archive search', { words: batch, limit: MOST_ROWS, reason: 'faults' })
  if (rows.length === MOST_ROWS) throw new Error(`more records of ${batch} than one search gives`)
  const found = new Map<string, Recorded[]>()
  for (const row of rows) {
    const [source = '', n = ''] = String(row.id).split('-')
    const id = String(row.stanza_id)
    found.set(id, [...(found.get(id) ?? []), { source, n: Number(n), settlement: String(row.settlement) }])
  }
  for (const [id, known] of found) into.set(id, known)
}
