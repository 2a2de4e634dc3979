// SPDX-License-Identifier: Apache-2.0
// The named operations of the archive's store; they run in its worker threads (kit/store).
import type { DatabaseSync } from 'node:sqlite'
import type { Batch } from '../domain/batch.ts'
import type { Hosts, Search } from '../domain/record.ts'
import type { RecordName } from '../domain/record-id.ts'
import { search } from './find.ts'
import { hostCounts } from './hosts.ts'
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
      show: (db: DatabaseSync, { name, hosts }: { name: RecordName; hosts: Hosts }) => show(db, name, hosts),
      search: (db: DatabaseSync, query: Search) => search(db, query),
      listAfter: (db: DatabaseSync, query: { after: number; limit: number; hosts: Hosts }) => listAfter(db, query),
      lastNumber: (db: DatabaseSync, _: null) => lastNumber(db),
      counts: (db: DatabaseSync, _: null) => counts(db),
      hostCounts: (db: DatabaseSync, hosts: readonly string[]) => hostCounts(db, hosts),
      undecided: (db: DatabaseSync, _: null) => undecided(db),
      findings: (db: DatabaseSync, query: { open: boolean; limit: number; hosts: Hosts }) => findings(db, query),
      accesses: (db: DatabaseSync, query: { user: string; limit: number; hosts: Hosts }) => accesses(db, query),
    },
    stream: {},
  }
}
