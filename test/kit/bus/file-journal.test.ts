// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFollower } from '../../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import { testEngine } from './journal-body.ts'

testEngine('file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'))
  return {
    write: ({ maxBytes = 64 << 20 } = {}) => openJournal(folder, { maxBytes }),
    follow: (name) => openFollower(folder, name),
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  }
})
