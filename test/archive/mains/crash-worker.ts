// SPDX-License-Identifier: Apache-2.0
// The archive's store worker with a limit on its files of months and a named place to die at, for tests only.
import { readFileSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { openService } from '../../../components/archive/storage/operations.ts'
import { serve } from '../../../components/kit/store/serve.ts'

const { CRASH_AT, CRASH_AFTER = '0', LIMIT_FILE } = process.env
let commits = 0

/** Ends the process as a power cut would, at the commit that the test names. */
const dieAt = (point: string) => () => {
  if (CRASH_AT !== point) return
  commits += 1
  if (commits > Number(CRASH_AFTER)) process.kill(process.pid, 'SIGKILL')
}

/** So many pages as the file LIMIT_FILE says a file may have: more is SQLITE_FULL, as on a full disk. */
function limitPages(db: DatabaseSync): void {
  if (LIMIT_FILE) db.prepare(`PRAGMA max_page_count = ${Number(readFileSync(LIMIT_FILE, 'utf8'))}`).get()
}

serve({
  ...openService(limitPages),
  crashPoints: {
    'before-commit': dieAt('before-commit'),
    'between-commits': dieAt('between-commits'),
    'after-commit': dieAt('after-commit'),
  },
})
