// SPDX-License-Identifier: Apache-2.0
// What the process remembers beside rooms and people: few and small things, all of which it reads at its start.
import type { DatabaseSync } from 'node:sqlite'
import type { Migration } from '../../kit/store/migrations.ts'
import type { Service } from '../../kit/store/serve.ts'
import { statement } from '../../kit/store/statement.ts'

/** `ban`: who may not use it. `bookmark`: a room that was put among somebody's. `heard`: up to when somebody was told what was said to him. `keep`: who stays connected. `login`: of a person on a network, secrets sealed. `known`, `sts`: of a network and of a host there. `room`: a person's word on a room. `key`: made once. */
export const KINDS = [
  'account',
  'ban',
  'bookmark',
  'contact',
  'heard',
  'keep',
  'key',
  'known',
  'login',
  'registration',
  'room',
  'sts',
] as const
export type Kind = (typeof KINDS)[number]
/** `body` is JSON. */
export type Kept = { kind: Kind; name: string; body: string }

/** Its mark in the file: GHTI. */
export const MEMORY_ID = 0x47485449
export const migrations: readonly Migration[] = [
  `CREATE TABLE kept (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, name)) STRICT`,
]

const operations = {
  write: {
    /** An empty body takes the entry away. */
    keep(db: DatabaseSync, { kind, name, body }: Kept) {
      statement(db, 'DELETE FROM kept WHERE kind = ? AND name = ?').run(kind, name)
      if (body === '') return
      statement(db, 'INSERT INTO kept (kind, name, body) VALUES (?, ?, ?)').run(kind, name, body)
    },
    /** Read once, at the start: a thread that only reads would do nothing ever after. */
    all(db: DatabaseSync, _: null): Kept[] {
      const rows = statement(db, 'SELECT kind, name, body FROM kept ORDER BY number').all()
      return rows.map(({ kind, name, body }) => ({ kind: kind as Kind, name: String(name), body: String(body) }))
    },
  },
  read: {},
  stream: {},
}

export type MemoryOperations = typeof operations

export function openService(): Service<MemoryOperations> {
  return { migrations, operations, applicationId: MEMORY_ID }
}
