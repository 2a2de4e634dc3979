// SPDX-License-Identifier: Apache-2.0
// Which try of a number holds, and what the server did with it. Nothing is called released unless the server said so.

/** What the server did in the end. */
export type Outcome = 'released' | 'refused' | 'bounced' | 'unscreened' | 'gone'

/** `undecided`: the server has not said yet, or what it said leaves it open. `originated`: the server's own word, nobody was asked. */
export type Settlement = Outcome | 'undecided' | 'originated'

/** One question about a number and the answer given. `spooled`: told afterwards from the server's spool; no verdict was awaited. */
export type Try = { try: number; action: string; spooled: boolean }

export type Settle = { try?: number; outcome: Outcome }

export type Settled = {
  settlement: Settlement
  /** The try whose verdict was followed; null when none was, or when it cannot be told. */
  effectiveTry: number | null
  by: 'settle' | 'done' | 'nothing'
  /** The server said two different things about this number. The first stands. */
  conflicting: boolean
}

/**
 * The settlement of one number, computed when it is read: `done` is one row per source and never an update per record.
 * `settles` in the order of their arrival.
 */
export function settle(n: number, tries: readonly Try[], settles: readonly Settle[], done: number): Settled {
  const first = settles[0]
  if (first) {
    return {
      settlement: first.outcome,
      effectiveTry: followedTry(first, tries),
      by: 'settle',
      conflicting: settles.some((other) => other.outcome !== first.outcome || other.try !== first.try),
    }
  }
  const only = tries.length === 1 ? tries[0] : undefined
  const implied = only && n <= done ? impliedBy(only) : undefined
  if (!only || !implied) return { settlement: 'undecided', effectiveTry: null, by: 'nothing', conflicting: false }
  return { settlement: implied, effectiveTry: only.try, by: 'done', conflicting: false }
}

/** True when `done` alone will never settle this try: the helper owes a settle of its own. */
export function needsSettle(asked: Try): boolean {
  return impliedBy(asked) === undefined
}

/** What `done` says about a number's only try. A second try alone is not the only one: the first one is missing here. */
function impliedBy(only: Try): 'released' | 'refused' | undefined {
  if (only.try !== 1 || only.spooled) return undefined
  if (only.action === 'allow' || only.action === 'replace') return 'released'
  if (only.action === 'refuse') return 'refused'
  return undefined
}

function followedTry(said: Settle, tries: readonly Try[]): number | null {
  if (said.outcome !== 'released' && said.outcome !== 'refused') return null
  if (said.try !== undefined) return said.try
  const fitting = tries.filter((one) => (one.action === 'refuse') === (said.outcome === 'refused') && !one.spooled)
  return fitting.length === 1 ? (fitting[0]?.try ?? null) : null
}
