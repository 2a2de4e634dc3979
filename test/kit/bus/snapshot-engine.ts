// SPDX-License-Identifier: Apache-2.0
// What the test body of the snapshot needs of an engine. `module` exports `connectSnapshot(where)`, so that other processes reach the same one.
import type { SnapshotReader, SnapshotWriter } from '../../../components/kit/bus/snapshot.ts'

export type SnapshotOptions = { keepMs?: number; keepMost?: number }

export type ConnectedSnapshot = {
  write(options?: SnapshotOptions): Promise<SnapshotWriter>
  read(options?: { limit?: number; withinMs?: number }): SnapshotReader
}

/** One snapshot, not made yet; it outlives its writer and its readers. */
export type SnapshotEngine = ConnectedSnapshot & { module: string; where: string; remove(): Promise<void> }

export type SnapshotEngineModule = { connectSnapshot(where: string): ConnectedSnapshot }
