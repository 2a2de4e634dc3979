// SPDX-License-Identifier: Apache-2.0
// The folder of a file snapshot, and what stands in its database. Page: SNAPSHOT.md.
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { SnapshotFault, type SnapshotState } from './snapshot.ts'

/** The version of the file's tables; a reader of version N reads N-1. */
export const SNAPSHOT_FORMAT = 1
/** 'GHSN' in the file (PRAGMA application_id). */
export const SNAPSHOT_MARK = 0x4748534e

export const snapshotPath = (folder: string): string => join(folder, 'snapshot.db')

/** Null while nothing is made yet: a file is made before what stands in it. */
export function readState(db: DatabaseSync, path: string): SnapshotState | null {
  const format = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (format === 0) return null
  const mark = Number(db.prepare('PRAGMA application_id').get()?.application_id)
  if (mark !== SNAPSHOT_MARK) throw new SnapshotFault(`${path} is not a snapshot`)
  if (format > SNAPSHOT_FORMAT) {
    throw new SnapshotFault(
      `${path} has format ${format}, and this program reads formats up to ${SNAPSHOT_FORMAT}: use the newer program`,
    )
  }
  const row = db.prepare('SELECT id, seq, oldest, at, confirmed FROM snapshot').get()
  if (row === undefined) return null
  return {
    id: String(row.id),
    seq: Number(row.seq),
    oldest: Number(row.oldest),
    items: Number(db.prepare('SELECT count(*) AS items FROM items WHERE gone IS NULL').get()?.items),
    at: Number(row.at),
    confirmed: Number(row.confirmed),
  }
}
