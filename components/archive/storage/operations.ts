// SPDX-License-Identifier: Apache-2.0
// The named operations of the archive's store; they run in its worker threads (kit/store).
import type { DatabaseSync } from 'node:sqlite'
import type { Batch } from '../domain/batch.ts'
import type { Search } from '../domain/record.ts'
import type { RecordName } from '../domain/record-id.ts'
import { search } from './find.ts'
import { keepBatch, keepCounting } from './keep.ts'
import { openNames } from './names.ts'
import { accesses, counts, findings, resume, undecided } from './report.ts'
import { lastNumber, listAfter, show } from './show.ts'

export type ArchiveOperations = ReturnType<typeof openOperations>

export function openOperations() {
  const names = openNames()
  return {
    write: {
      keep: (db: DatabaseSync, batch: Batch) => keepBatch(db, names, batch),
      keepCounting: (db: DatabaseSync, sources: Batch['sources']) => keepCounting(db, names, sources),
    },
    read: {
      resume: (db: DatabaseSync, _: null) => resume(db),
      show: (db: DatabaseSync, name: RecordName) => show(db, name),
      search: (db: DatabaseSync, query: Search) => search(db, query),
      listAfter: (db: DatabaseSync, { after, limit }: { after: number; limit: number }) => listAfter(db, after, limit),
      lastNumber: (db: DatabaseSync, _: null) => lastNumber(db),
      counts: (db: DatabaseSync, _: null) => counts(db),
      undecided: (db: DatabaseSync, _: null) => undecided(db),
      findings: (db: DatabaseSync, query: { open: boolean; limit: number }) => findings(db, query),
      accesses: (db: DatabaseSync, query: { user: string; limit: number }) => accesses(db, query),
    },
    stream: {},
  }
}
