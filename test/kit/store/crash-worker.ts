// SPDX-License-Identifier: Apache-2.0
// A worker module that kills its process at the point named by CRASH_AT; `commits` counts the groups.
import type { DatabaseSync } from 'node:sqlite'
import { serve } from '../../../components/kit/store/serve.ts'
import { statement } from '../../../components/kit/store/statement.ts'

let commits = 0

const operations = {
  write: {
    keep(db: DatabaseSync, args: { text: string }): void {
      statement(db, 'INSERT INTO notes (text) VALUES (?)').run(args.text)
    },
    commits(_db: DatabaseSync, _args: null): number {
      return commits
    },
  },
  read: {
    count(db: DatabaseSync, _args: null): number {
      return Number(statement(db, 'SELECT count(*) AS n FROM notes').get()?.n)
    },
  },
  stream: {},
}

export type CrashOperations = typeof operations

const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}
const at = process.env.CRASH_AT

serve({
  migrations: ['CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT'],
  operations,
  crashPoints: {
    'before-commit': () => {
      if (at === 'before-commit') die()
    },
    'after-commit': () => {
      commits++
      if (at === 'after-commit') die()
    },
  },
})
