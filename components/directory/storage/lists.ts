// SPDX-License-Identifier: Apache-2.0
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'

/** Rows as lists of values. A statement of its own for each call: several may be under way at once. */
export function* lists(
  db: DatabaseSync,
  sql: string,
  values: Readonly<Record<string, SQLInputValue>> = {},
): Iterable<SQLOutputValue[]> {
  const prepared = db.prepare(sql)
  prepared.setReturnArrays(true)
  yield* prepared.iterate({ ...values }) as unknown as Iterable<SQLOutputValue[]>
}
