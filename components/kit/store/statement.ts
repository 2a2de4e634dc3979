// SPDX-License-Identifier: Apache-2.0
// Prepared statements, once per connection and text.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'

const kept = new WeakMap<DatabaseSync, Map<string, StatementSync>>()

/**
 * The prepared statement for this text on this connection. The texts of a component are few and fixed, which bounds the memory;
 * never put values into the text.
 */
export function statement(db: DatabaseSync, sql: string): StatementSync {
  let statements = kept.get(db)
  if (statements === undefined) {
    statements = new Map()
    kept.set(db, statements)
  }
  let found = statements.get(sql)
  if (found === undefined) {
    found = db.prepare(sql)
    statements.set(sql, found)
  }
  return found
}

const lists = new WeakMap<StatementSync, true>()

/**
 * The rows as lists of values in the order of the columns: with many columns a good deal faster than objects by name. A text is read either
 * so or as objects, never both.
 */
export function listsOf(db: DatabaseSync, sql: string, ...values: readonly SQLInputValue[]): SQLOutputValue[][] {
  const found = statement(db, sql)
  if (!lists.has(found)) {
    found.setReturnArrays(true)
    lists.set(found, true)
  }
  return found.all(...values) as unknown as SQLOutputValue[][]
}
