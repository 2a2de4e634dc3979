// SPDX-License-Identifier: Apache-2.0
// The snapshot: versioned state of one writer, with a feed of changes for readers in other processes; nobody sees half of a version.
// An engine fulfils these types; nothing outside kit/bus knows which engine runs. Page: SNAPSHOT.md.

/** `key` names it for ever; `body` is JSON text that the snapshot never looks into. */
export type Item = { key: string; kind: string; version: number; body: string }

/** A change of the whole. A key that is in both is removed; of items with the same key the last one counts. */
export type Change = { put?: Iterable<Item>; remove?: Iterable<string> }

export type SnapshotState = {
  /** Random 128-bit id of this snapshot, 32 hex digits: another one may say something else under the same number. */
  id: string
  /** The version: grows by one; 0 as long as nothing was published. */
  seq: number
  /** A reader that has this version, or a later one, can go on from it. */
  oldest: number
  items: number
  /** When this version was made, and when the writer last said that it holds: Unix ms, his clock. */
  at: number
  confirmed: number
}

/** The writer's side; calls are done in their order. All reject with SnapshotFull or SnapshotFault, and then nothing is changed. */
export type SnapshotWriter = AsyncDisposable & {
  /** One change, one version; resolves when it is on disk. What is the same as before gets no new version, and nothing new makes none. */
  put(change: Change): Promise<{ seq: number }>
  /** The whole: what is not among the items is removed. Published for the first time, even nothing makes a version. */
  replace(items: AsyncIterable<Item> | Iterable<Item>): Promise<{ seq: number }>
  state(): Promise<SnapshotState>
}

/**
 * What a reader hears of a version: `begin`, batches, `commit`. What came since `begin` holds from `commit` on, and not before. After
 * `whole` everything that is not put is gone.
 */
export type Step =
  | { kind: 'begin'; whole: boolean }
  | { kind: 'batch'; put: readonly Item[]; removed: readonly string[] }
  | { kind: 'commit'; id: string; seq: number; at: number }

/** The version that a reader has. */
export type Mark = { id: string; seq: number }

export type SnapshotReader = AsyncDisposable & {
  /**
   * All that changed since `after`, or the whole where that cannot be told; then waits for more, also for a snapshot that is not there
   * yet. Ends when the signal aborts; throws SnapshotFault.
   */
  follow(after: Mark | null, options: { signal: AbortSignal }): AsyncIterable<Step>
  /** Null while there is none. */
  state(): Promise<SnapshotState | null>
}

/** The disk is full. */
export class SnapshotFull extends Error {
  override name = 'SnapshotFull'
}

export class SnapshotFault extends Error {
  override name = 'SnapshotFault'
}
