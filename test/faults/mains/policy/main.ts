// SPDX-License-Identifier: Apache-2.0
// policy as its own main starts it, with crash points.
import { run } from '../../../../components/kit/process/run.ts'
import { softwareVersion } from '../../../../components/kit/process/version.ts'
import { declarations } from '../../../../components/policy/commands.ts'
import { startPolicy, texts } from '../../../../components/policy/policy.ts'
import { policySettings } from '../../../../components/policy/settings.ts'
import { crashIfArmed } from '../armed.ts'

await run({
  name: 'policy',
  manual: 'policy: under test',
  settings: policySettings,
  texts,
  commands: declarations,
  start: (context) =>
    startPolicy(context, {
      version: softwareVersion(),
      crash: {
        beforeAppend: () => crashIfArmed('before-append'),
        afterAppendBeforeAnswer: () => crashIfArmed('after-fsync-before-answer'),
      },
    }),
})
