// SPDX-License-Identifier: Apache-2.0
// The archive as its own main starts it, with crash points in its store worker.
import { startArchive, texts } from '../../../../components/archive/archive.ts'
import { declarations } from '../../../../components/archive/declarations.ts'
import { archiveSettings } from '../../../../components/archive/settings.ts'
import { run } from '../../../../components/kit/process/run.ts'

await run({
  name: 'archive',
  manual: 'archive: under test',
  settings: archiveSettings,
  texts,
  commands: declarations,
  start: (context) => startArchive(context, 'test', new URL('./archive-worker.ts', import.meta.url)),
})
