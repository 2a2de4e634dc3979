// SPDX-License-Identifier: Apache-2.0
// The engine `file` for the test body.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFollower } from '../../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import type { Connected, Engine } from './engine.ts'

export function connect(folder: string): Connected {
  return {
    write: ({ maxBytes = 4 * 2 ** 30, ...rest } = {}) => openJournal(folder, { maxBytes, trimEveryMs: 50, ...rest }),
    follow: (name) => openFollower(folder, name),
  }
}

export async function make(): Promise<Engine> {
  const top = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'))
  const where = join(top, 'journal')
  return {
    ...connect(where),
    module: import.meta.url,
    where,
    smallest: 4 << 20,
    remove: async () => rmSync(top, { recursive: true, force: true }),
  }
}
