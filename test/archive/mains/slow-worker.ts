// SPDX-License-Identifier: Apache-2.0
// The archive's store worker with a search that waits in its thread until twenty commits have been made beside it.
import type { DatabaseSync } from 'node:sqlite'
import type { Search } from '../../../components/archive/domain/record.ts'
import { openService } from '../../../components/archive/storage/operations.ts'
import { serve } from '../../../components/kit/store/serve.ts'

const service = openService()
const { operations } = service

serve({
  ...service,
  operations: {
    ...operations,
    read: {
      ...operations.read,
      search(db: DatabaseSync, query: Search) {
        const position = db.prepare('SELECT max(position) AS position FROM journal')
        while (Number(position.get()?.position ?? 0) < 20)
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
        return operations.read.search(db, query)
      },
    },
  },
})
