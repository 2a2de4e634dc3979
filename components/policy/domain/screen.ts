// SPDX-License-Identifier: Apache-2.0
// What one <screen> says, read: questions, and reports of what the server did. `at` is the helper's clock, RFC 3339 UTC.
import type { AccountEvent, Direction, Foreign, Outcome, Via } from '../../kit/facts/facts.ts'
import type { HostState } from './doors.ts'

export const ACCOUNT_EVENTS = ['created', 'seen', 'removed'] as const satisfies readonly AccountEvent[]
export const OUTCOMES = ['released', 'refused', 'bounced', 'unscreened', 'gone'] as const satisfies readonly Outcome[]

export type Report =
  | {
      report: 'source'
      at: string
      node: string
      hosts: readonly string[]
      software: string
      helper: string
      /** The id of what it holds for outages; null: nothing, or it knows nothing of it. */
      outageRules: string | null
      predecessor: { source: string; mark: number; reserved: number } | null
    }
  /** `rule` here and in `outage`: the one that closed an open host; null: the host's own. */
  | { report: 'settle'; n: number; try: number | null; outcome: Outcome; rule: string | null; at: string }
  | { report: 'mark'; last: number; end: boolean; at: string }
  | { report: 'outage'; from: number; to: number; count: number; outcome: Outcome; rule: string | null; at: string }
  | { report: 'occupant'; room: string; nick: string; jid: string; event: 'joined' | 'left'; at: string }
  | { report: 'session'; jid: string; via: string; event: 'started' | 'ended'; account: string; at: string }
  | { report: 'account'; jid: string; event: AccountEvent; id: string; at: string }
  | { report: 'stanza-id'; n: number; by: string; id: string; at: string }
  | { report: 'observed'; from: string; stanza: string; at: string }
  /** Of the present: operators are warned by it, and nothing of it goes on record. */
  | ({ report: 'host'; at: string } & HostState)

/** One try of one question. `S` is the stanza in the form that the reader of the stream has it. */
export type Ask<S> = {
  n: number
  try: number
  direction: Direction
  via: Via
  at: string
  /** With `via` network: which kind, and who said it there. */
  network?: string
  foreign?: Foreign
  /** The server has let it pass, or bounced it, already: it is recorded, and no verdict is awaited. */
  spooled: boolean
  /** The forwarded stanza as its source text stands on the stream; '' if there is none. */
  raw: string
  /** Or why it cannot be read, naming the place. */
  stanza: S | { unreadable: string }
}

export type Screen<S> = {
  source: string
  /** Every number up to this one is settled; null: nothing said. */
  done: number | null
  asks: readonly Ask<S>[]
  reports: readonly Report[]
  /** Reports that cannot be read and are left out: why, naming the place. */
  skipped: readonly string[]
}
