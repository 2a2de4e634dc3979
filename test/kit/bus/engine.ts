// SPDX-License-Identifier: Apache-2.0
// What the test body needs of an engine. `module` exports `connect(where)`, so that other processes reach the same journal.
import type { FillLevel } from '../../../components/kit/bus/file-messages.ts'
import type { Follower, Journal } from '../../../components/kit/bus/journal.ts'

export type WriteOptions = { maxBytes?: number; warn?(level: FillLevel): void }

export type Connected = {
  write(options?: WriteOptions): Promise<Journal>
  follow(name: string): Promise<Follower>
}

/** One journal, empty at first; it outlives its writer and its followers. */
export type Engine = Connected & {
  module: string
  where: string
  /** The least maxBytes the engine takes. */
  smallest: number
  remove(): Promise<void>
}

export type EngineModule = { connect(where: string): Connected }
