// SPDX-License-Identifier: Apache-2.0
// The schema of a store grows by numbered steps; the number stands in the file (PRAGMA user_version).
import type { DatabaseSync } from 'node:sqlite'
import { StoreVersion } from './faults.ts'

/** One step: SQL text, or a function where SQL does not suffice. Step i of the list (from 0) leads to version first + i + 1. */
export type Migration = string | ((db: DatabaseSync) => void)

/**
 * Brings the file to the newest version, each step in a transaction of its own, so that a crash leaves a version that is whole.
 * A file from a newer program is refused: an older program would not know what its tables mean.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[], path: string, first = 0): number {
  const found = schemaVersion(db)
  const newest = first + migrations.length
  if (found > 0 && found <= first)
    throw new StoreVersion(`${path} has version ${found}, and this program reads versions from ${first + 1}`)
  if (found > newest) {
    throw new StoreVersion(
      `${path} has version ${found}, and this program knows versions up to ${newest}: use the newer program, or restore an older backup`,
    )
  }
  for (const [index, step] of migrations.entries()) {
    if (first + index < found) continue
    db.exec('BEGIN IMMEDIATE')
    try {
      if (typeof step === 'string') db.exec(step)
      else step(db)
      db.exec(`PRAGMA user_version = ${first + index + 1}`)
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
  return newest
}

/** The version that stands in the file; 0 in a new one. */
export function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0)
}
