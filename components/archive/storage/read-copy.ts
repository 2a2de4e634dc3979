// SPDX-License-Identifier: Apache-2.0
// Is a copied file a whole archive? It is opened by itself, read through and counted.
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { APPLICATION_ID } from './schema.ts'

export type CheckedCopy = { wrong: string; records: number; version: number }

export function readCopy(path: string): CheckedCopy {
  // Nobody writes it: immutable keeps SQLite from leaving a -wal and a -shm beside it.
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  const copy = new DatabaseSync(url, { readOnly: true })
  try {
    const one = (sql: string): string => String(Object.values(copy.prepare(sql).get() ?? {})[0] ?? '')
    const version = Number(one('PRAGMA user_version'))
    if (Number(one('PRAGMA application_id')) !== APPLICATION_ID)
      return { wrong: 'not a file of the archive', records: 0, version }
    const check = one('PRAGMA quick_check(1)')
    const records = Number(one('SELECT count(*) FROM record'))
    const counted = Number(one("SELECT ifnull(sum(value), 0) FROM total WHERE name = 'tries'"))
    const wrong =
      check !== 'ok' ? check : records !== counted ? `${records} tries are there, ${counted} were counted` : ''
    return { wrong, records, version }
  } finally {
    copy.close()
  }
}
