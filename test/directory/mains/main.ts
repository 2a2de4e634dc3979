// SPDX-License-Identifier: Apache-2.0
// The directory as its own main starts it, with crash points: it ends at the one that the environment names, once.
import { writeFileSync } from 'node:fs'
import { declarations } from '../../../components/directory/declarations.ts'
import { startDirectory, texts } from '../../../components/directory/directory.ts'
import { directorySettings } from '../../../components/directory/settings.ts'
import { run } from '../../../components/kit/process/run.ts'

await run({
  name: 'directory',
  manual: 'directory: under test',
  settings: directorySettings,
  texts,
  commands: declarations,
  start: (context) =>
    startDirectory(context, {
      version: 'test',
      crash(point) {
        if (process.env.CRASH_AT !== point) return
        writeFileSync(process.env.CRASH_MARK ?? '', point)
        process.kill(process.pid, 'SIGKILL')
      },
    }),
})
