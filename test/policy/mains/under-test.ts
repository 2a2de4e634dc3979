// SPDX-License-Identifier: Apache-2.0
// policy as its own main starts it, with what only a test hands in.
import { run } from '../../../components/kit/process/run.ts'
import { softwareVersion } from '../../../components/kit/process/version.ts'
import { declarations } from '../../../components/policy/commands.ts'
import { startPolicy, texts } from '../../../components/policy/policy.ts'
import { policySettings } from '../../../components/policy/settings.ts'

export function runUnderTest(more: Omit<Parameters<typeof startPolicy>[1], 'version'>): Promise<void> {
  return run({
    name: 'policy',
    manual: 'policy: under test',
    settings: policySettings,
    texts,
    commands: declarations,
    start: (context) => startPolicy(context, { version: softwareVersion(), ...more }),
  })
}
