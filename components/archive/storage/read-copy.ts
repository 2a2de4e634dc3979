// SPDX-License-Identifier: Apache-2.0
// Is a copied file a whole one of an archive? It is opened by itself, read through and counted.
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { MonthName } from './month-path.ts'
import { BOOK_ID, MONTH_ID } from './schema.ts'

/** `months`: the files that a book knows of; `records`: tries in a file of a month. */
export type CheckedCopy = { wrong: string; records: number; months: readonly MonthName[] }

export function readCopy(path: string): CheckedCopy {
  // Nobody writes it: immutable keeps SQLite from leaving a -wal and a -shm beside it.
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  const copy = new DatabaseSync(url, { readOnly: true })
  try {
    const one = (sql: string): string => String(Object.values(copy.prepare(sql).get() ?? {})[0] ?? '')
    const mark = Number(one('PRAGMA application_id'))
    const check = one('PRAGMA quick_check(1)')
    if (check !== 'ok') return { wrong: check, records: 0, months: [] }
    if (mark === BOOK_ID) {
      const rows = copy.prepare('SELECT host, month FROM file ORDER BY month, host').all()
      return {
        wrong: '',
        records: 0,
        months: rows.map((row) => ({ host: String(row.host), month: String(row.month) })),
      }
    }
    if (mark !== MONTH_ID) return { wrong: 'not a file of the archive', records: 0, months: [] }
    const records = Number(one('SELECT count(*) FROM record'))
    const counted = Number(one("SELECT ifnull(sum(value), 0) FROM total WHERE name = 'tries'"))
    const wrong = records === counted ? '' : `${records} tries are there, ${counted} were counted`
    return { wrong, records, months: [] }
  } finally {
    copy.close()
  }
}
