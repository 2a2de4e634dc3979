// SPDX-License-Identifier: Apache-2.0
// What one commit keeps: a stretch of one journal as domain values, in order, and the counting of the sources in it.
import type { AccountEvent } from '../../kit/facts/facts.ts'
import type { Finding } from './completeness.ts'
import type { Access, OccupantEvent, PersonThen, TryRecord } from './record.ts'
import type { Outcome } from './settling.ts'

type At = { position: number; at: number | null }

export type Item =
  | { as: 'try'; record: TryRecord }
  | ({ as: 'settle'; source: string; n: number; try: number | null; outcome: Outcome } & At)
  | ({
      as: 'source'
      source: string
      node: string
      hosts: string
      software: string
      helper: string
      predecessor: string | null
    } & At)
  | ({ as: 'outage'; source: string; host: string; from: number; to: number; count: number; outcome: Outcome } & At)
  | ({ as: 'occupant' } & At & Omit<OccupantEvent, 'at'>)
  | ({ as: 'session'; source: string; host: string; jid: string; via: string; event: string } & At)
  | ({ as: 'account'; jid: string; id: string; event: AccountEvent } & { position: number; at: number })
  | ({ as: 'person'; hash: string; person: PersonThen } & At)
  | ({ as: 'stanza-id'; source: string; n: number; by: string; id: string } & At)
  | ({ as: 'rules'; hash: string; rules: number; file: string } & At)
  | { as: 'network'; position: number; network: string; domain: string }
  | ({ as: 'access' } & Omit<Access, 'journal' | 'at'> & At)
  | ({ as: 'finding'; finding: Finding } & At)
  | {
      as: 'other'
      position: number
      kind: string
      version: number
      recordedAt: number
      note: string
      body: string
      /** The record whose content it holds as well: who erases that, erases this. */
      of: { source: string; n: number } | null
    }

/** `after`: the position before the first entry of this stretch; `to`: that of its last one. */
export type Batch = {
  journal: string
  after: number
  to: number
  keptAt: number
  items: readonly Item[]
  /** After a refusal: one item that the store cannot take is kept as it came, and the others go on. */
  careful: boolean
  /** `counting` is JSON of a SourceCount. */
  sources: readonly { source: string; done: number; counting: string }[]
}

/**
 * `again`: tries that were here before under the same name; `conflicts`: those of them whose stanza is another one. `unreadable`:
 * new ones whose stanza could not be read as XML. `reopened`: addresses that another identity than before was found behind. `otherHost`:
 * further tries of a number that another host had asked about.
 */
export type KeptBatch = {
  records: number
  again: number
  conflicts: number
  skewed: number
  unreadable: number
  reopened: number
  otherHost: number
}
