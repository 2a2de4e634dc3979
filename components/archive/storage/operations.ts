// SPDX-License-Identifier: Apache-2.0
// The named operations of the archive's store; they run in its worker threads (kit/store). `db` is always the book.
import type { DatabaseSync } from 'node:sqlite'
import type { Service } from '../../kit/store/serve.ts'
import type { Batch } from '../domain/batch.ts'
import type { Hosts, Search } from '../domain/record.ts'
import { type Erase, erase, standings } from './erase.ts'
import { search, searchAll } from './find.ts'
import { hostCounts, knowsHost } from './hosts.ts'
import { identitiesOf } from './identities.ts'
import { type Keeper, keepBatch, keepCounting } from './keep.ts'
import { foldNow, openMonths } from './months.ts'
import { openNames } from './names.ts'
import { type Parcel, unpackBatch } from './parcel.ts'
import { openReadMonths, type ReadMonths } from './read-months.ts'
import { accesses, counts, findings, resume, undecided } from './report.ts'
import { BOOK_ID, bookMigrations, LAST_SINGLE_FILE } from './schema.ts'
import { openShelf } from './shelf.ts'
import { type Asked, type Ends, endsOf, exportRecords, listAfter, show } from './show.ts'
import { splitSingleFile } from './split.ts'

export type ArchiveOperations = ReturnType<typeof openOperations>

/** What is left to be wiped, as of the last group. */
type Wipe = { book: boolean; done: boolean }

function openOperations(keeper: Keeper, months: ReadMonths, wipe: Wipe) {
  return {
    write: {
      keep: (db: DatabaseSync, parcel: Parcel) => keepBatch(db, keeper, unpackBatch(parcel)),
      keepCounting: (db: DatabaseSync, sources: Batch['sources']) => keepCounting(db, keeper.names, sources),
      erase(db: DatabaseSync, asked: Erase) {
        wipe.book = true
        return erase(db, keeper, asked)
      },
      /** True when what was erased is gone from every file; asked after the erasure has been answered. */
      wiped: (_: DatabaseSync, __: null) => ({ wiped: wipe.done }),
    },
    read: {
      resume: (db: DatabaseSync, _: null) => resume(db),
      show: (db: DatabaseSync, asked: Asked) => show(db, months, asked),
      search: (db: DatabaseSync, query: Search) => months.atOnce(db, () => search(db, months, query)),
      listAfter: (db: DatabaseSync, asked: { after: Ends; limit: number; hosts: Hosts }) =>
        listAfter(db, months, asked),
      ends: (db: DatabaseSync, _: null) => endsOf(db),
      counts: (db: DatabaseSync, _: null) => counts(db, months),
      hostCounts: (db: DatabaseSync, hosts: readonly string[]) => hostCounts(db, months, hosts),
      knowsHost: (db: DatabaseSync, host: string) => knowsHost(db, host),
      undecided: (db: DatabaseSync, _: null) => undecided(db, months),
      findings: (db: DatabaseSync, query: { open: boolean; limit: number; hosts: Hosts }) => findings(db, query),
      accesses: (db: DatabaseSync, query: { user: string; limit: number; hosts: Hosts }) => accesses(db, query),
      identities: (db: DatabaseSync, asked: { address: string; limit: number; hosts: Hosts }) =>
        identitiesOf(db, asked),
      standings: (db: DatabaseSync, asked: { source: string; n: number }) => standings(db, months, asked),
    },
    stream: {
      /** Oldest first; each record once, without what came about it later. */
      export: (db: DatabaseSync, query: Search) => exportRecords(db, months, searchAll(db, months, query), query.hosts),
    },
  }
}

/**
 * What a worker of the archive's store serves. Each worker has files of its own: the writer for writing, the others for reading.
 * `each`: a test is handed each file of a month before it is written.
 */
export function openService(each?: (month: DatabaseSync) => void): Service<ArchiveOperations> {
  const months = openMonths(each)
  const reading = openReadMonths()
  const wipe = { book: false, done: true }
  const keeper = { months, names: openNames(), shelf: openShelf() }
  return {
    migrations: bookMigrations,
    firstVersion: LAST_SINGLE_FILE,
    applicationId: BOOK_ID,
    operations: openOperations(keeper, reading, wipe),
    open({ role, path }) {
      if (role === 'writer') splitSingleFile(path)
      months.open(path)
      reading.open(path)
    },
    tidy(db) {
      const left = months.tidy()
      if (wipe.book && foldNow(db)) wipe.book = false
      wipe.done = left.length === 0 && !wipe.book
    },
    close() {
      months.close()
      reading.close()
    },
    beside: {
      ...months,
      undo() {
        months.undo()
        keeper.shelf.forget()
      },
      rollback() {
        months.rollback()
        keeper.shelf.forget()
      },
    },
  }
}
