// SPDX-License-Identifier: Apache-2.0
// What the gate bench must know of a server: what stands beside the suite there, under which loads, and what is wanted.
import type { ServerKind } from '../../deploy/demo/server.ts'
import type { WorldOptions } from '../harness/world.ts'
import type { Goal } from './explain.ts'
import type { SetUp } from './set-ups.ts'

export type Form = 'quick' | 'normal' | 'long'

export type Peers = {
  readonly server: ServerKind
  readonly title: string
  readonly version: string
  /** Said before the run. */
  readonly remarks: readonly string[]
  /** Of clients, a load for each; the figures of the first have names without a number. */
  readonly pairs: readonly number[]
  /** How often and how long each load of each set-up has its turn. */
  readonly turns: { readonly rounds: number; readonly seconds: number }
  /** Of the worlds with mod_gatehouse. */
  readonly world: WorldOptions
  /** The same server without Gatehouse, below this folder; the first is bare. */
  readonly beside: readonly ((folder: string) => Promise<SetUp>)[]
  /** Name of a figure -> the set-up that the suite is divided by. */
  readonly over: Readonly<Record<'suite_over_mam_internal' | 'suite_over_mam_sqlite', string>> &
    Readonly<Record<string, string>>
  readonly goals: readonly Goal[]
  readonly aims: readonly { readonly peer: string; readonly wanted: number }[]
  /** Of the flat line, beside the figures. */
  readonly conditions: Readonly<Record<string, string>>
}
