// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '../kit/process/command.ts'
import type { Call } from './call.ts'
import type { Found } from './components.ts'
import { NotRunning, status } from './network/ask.ts'

/**
 * A row for each component; `wrong` says what is wrong, or of one that is `warned` what is to be seen to while it works. 3 if one that is set up does not run, else 1 if one is not well or
 * not ready, else 0; 2 where none is set up.
 */
export async function statusOfAll(call: Call, found: readonly Found[]): Promise<number> {
  let exit: number = EXIT.ok
  let isAny = false
  call.output.columns(['component', 'state', 'software', 'wrong'])
  for (const component of found) {
    try {
      const { software, healthy, ready, warnings } = await status(component, call.language)
      isAny = true
      const wrong = healthy ?? ready
      if (wrong !== null && exit === EXIT.ok) exit = EXIT.fault
      const isWarned = warnings !== undefined && warnings.length > 0
      const state = healthy !== null ? 'not well' : ready !== null ? 'not ready' : isWarned ? 'warned' : 'well'
      await call.output.row({
        component: component.name,
        state,
        software,
        wrong: wrong ?? (warnings?.join('; ') || null),
      })
    } catch (fault) {
      if (!(fault instanceof NotRunning)) throw fault
      const isSetUp = existsSync(join(call.config, `${component.name}.yaml`))
      isAny ||= isSetUp
      if (isSetUp) exit = EXIT.notRunning
      await call.output.row({
        component: component.name,
        state: isSetUp ? 'stopped' : 'not set up',
        software: null,
        wrong: null,
      })
    }
  }
  if (isAny) return exit
  await call.output.refusal(EXIT.usage, call.say('cli-check-nothing', { folder: call.config }))
  return EXIT.usage
}
