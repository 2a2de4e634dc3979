// SPDX-License-Identifier: Apache-2.0
// The archive with the store worker of the tests (crash-worker.ts).
import { startArchive, texts } from '../../../components/archive/archive.ts'
import { declarations } from '../../../components/archive/declarations.ts'
import { archiveSettings } from '../../../components/archive/settings.ts'
import { run } from '../../../components/kit/process/run.ts'

await run({
  name: 'archive',
  manual: 'archive: for tests',
  settings: archiveSettings,
  texts,
  commands: declarations,
  start: (context) => startArchive(context, 'test', new URL('./crash-worker.ts', import.meta.url)),
})
