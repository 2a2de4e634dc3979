// SPDX-License-Identifier: Apache-2.0
// The snapshot's engine `file` for the test body.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSnapshotWriter } from '../../../components/kit/bus/file-snapshot.ts'
import { openSnapshotReader } from '../../../components/kit/bus/file-snapshot-reader.ts'
import type { ConnectedSnapshot, SnapshotEngine } from './snapshot-engine.ts'

export function connectSnapshot(folder: string): ConnectedSnapshot {
  return {
    write: (options) => openSnapshotWriter(folder, options),
    read: (options) => openSnapshotReader(folder, options),
  }
}

export async function makeSnapshot(): Promise<SnapshotEngine> {
  const top = mkdtempSync(join(tmpdir(), 'gatehouse-snapshot-'))
  const where = join(top, 'snapshot')
  return {
    ...connectSnapshot(where),
    module: import.meta.url,
    where,
    remove: async () => rmSync(top, { recursive: true, force: true }),
  }
}
