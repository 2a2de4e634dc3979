// SPDX-License-Identifier: Apache-2.0
import { makeSnapshot } from './file-snapshot-engine.ts'
import { testSnapshotEngine } from './snapshot-body.ts'

testSnapshotEngine('file', makeSnapshot)
