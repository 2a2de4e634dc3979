// SPDX-License-Identifier: Apache-2.0
// What the store takes and gives.
import type { Held, PlanCounts } from './brake.ts'
import type { Cursor, Problem } from './source.ts'

/** `body`: a ReadPerson or ReadGroup as JSON. A list: there are many, and they cross from thread to thread. */
export type EntryRow = readonly [id: string, kind: 'person' | 'group', body: string]

export type SourceState = {
  name: string
  cursor: Cursor
  /** When it last answered, and when it was last read whole: Unix ms. */
  readAt: number
  wholeAt: number
  /** A mark of the settings that its entries were made with. */
  settings: string
}

export type Provisioned = { people: number; groups: number; memberships: number; addresses: number }

/** What stands and what waits, as a start finds it. */
export type Resume = {
  /** Names this state for ever; `seq` counts its versions. */
  id: string
  seq: number
  sources: readonly SourceState[]
  there: Provisioned
}

export type StoredPlan = { hash: string; at: number; counts: PlanCounts; held: readonly Held[] }

/** A step of a plan. `kind` roster: something to know, with nothing to do. `body`: what is provisioned then, JSON; '' for a removal. */
export type PlannedRow = {
  kind: 'person' | 'group' | 'wall' | 'roster'
  change: string
  id: string
  /** Of a person: the address as it is to be, or was. */
  jid: string
  name: string
  memberships: number
  /** False: it shows with others only. */
  shown: boolean
  /** JSON: what a person is told of it. */
  detail: string
  body: string
}

/** The same, as it crosses to the store. `shown`: 0 or 1. */
export type PlannedList = readonly [
  kind: PlannedRow['kind'],
  change: string,
  id: string,
  jid: string,
  name: string,
  memberships: number,
  shown: number,
  detail: string,
  body: string,
]

export function plannedList({
  kind,
  change,
  id,
  jid,
  name,
  memberships,
  shown,
  detail,
  body,
}: PlannedRow): PlannedList {
  return [kind, change, id, jid, name, memberships, shown ? 1 : 0, detail, body]
}

/** An entry as it was read, and what is provisioned under its id: JSON, or '' where there is none. `oldJids`: a JSON list of all his addresses. */
export type Pair = readonly [id: string, said: string, had: string, oldJids: string]

/** A version that was provisioned; `steps` 0: its changes are not kept one by one. `by`: JSON. */
export type Version = { seq: number; at: number; plan: string; by: string; counts: PlanCounts; steps: number }

/** `before`, `after`: items of the snapshot as JSON; '' where there was or is none. */
export type Step = { kind: 'person' | 'group' | 'wall'; id: string; before: string; after: string }

/** `place`: name of a directory, or of a host whose helper it is. */
export type Trouble = { at: number; place: string; reason: string; message: string }

export type EntryProblem = Problem & { source: string }
