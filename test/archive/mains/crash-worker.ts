// SPDX-License-Identifier: Apache-2.0
// The archive's store worker with a limit on its file and a named place to die at, for tests only.
import { readFileSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Batch } from '../../../components/archive/domain/batch.ts'
import { openOperations } from '../../../components/archive/storage/operations.ts'
import { APPLICATION_ID, migrations } from '../../../components/archive/storage/schema.ts'
import { serve } from '../../../components/kit/store/serve.ts'

const operations = openOperations()
const { CRASH_AT, CRASH_AFTER = '0', LIMIT_FILE } = process.env
let commits = 0

/** Ends the process as a power cut would, at the commit that the test names. */
const dieAt = (point: string) => () => {
  if (CRASH_AT !== point) return
  commits += 1
  if (commits > Number(CRASH_AFTER)) process.kill(process.pid, 'SIGKILL')
}

/** So many pages as the file LIMIT_FILE says the store may have: more is SQLITE_FULL, as on a full disk. */
function limitPages(db: DatabaseSync): void {
  if (LIMIT_FILE) db.prepare(`PRAGMA max_page_count = ${Number(readFileSync(LIMIT_FILE, 'utf8'))}`).get()
}

serve({
  migrations,
  applicationId: APPLICATION_ID,
  operations: {
    ...operations,
    write: {
      ...operations.write,
      keep(db: DatabaseSync, batch: Batch) {
        limitPages(db)
        return operations.write.keep(db, batch)
      },
    },
  },
  crashPoints: { 'before-commit': dieAt('before-commit'), 'after-commit': dieAt('after-commit') },
})
