// SPDX-License-Identifier: Apache-2.0
// policy as its own main starts it, with what only a test hands in. GATEHOUSE_TEST says which: a point at which the process
// kills itself, rules that wait for SIGUSR2 before they decide on "slow", never decide on "never", and fail on "throw", or
// coverage that is told at once.
import type { Decide, Decision } from '../../../components/policy/domain/decide.ts'
import type { CrashPoints } from '../../../components/policy/gate/gate.ts'
import { runUnderTest } from './under-test.ts'

const which = process.env.GATEHOUSE_TEST ?? ''
const allowed: Decision = { action: 'allow', rule: 'otherwise' }
const waiting: (() => void)[] = []
process.on('SIGUSR2', () => {
  for (const go of waiting.splice(0)) go()
})

const decide: Decide = (asked) => {
  const said = asked
    .texts()
    .map(({ value }) => value)
    .join(' ')
  if (said.includes('throw')) throw new Error('this rule fails')
  if (said.includes('reject')) return Promise.reject(new Error('this rule fails later'))
  if (said.includes('never')) return new Promise<Decision>(() => {})
  if (!said.includes('slow')) return allowed
  const verdict: Decision = said.includes('bad')
    ? { action: 'refuse', rule: 'slow', condition: 'policy-violation', text: null }
    : allowed
  return new Promise((resolve) => waiting.push(() => resolve(verdict)))
}

const die = () => process.kill(process.pid, 'SIGKILL')
const crash: Readonly<Record<string, CrashPoints>> = {
  beforeAppend: { beforeAppend: die },
  afterAppend: { afterAppendBeforeAnswer: die },
}
const point = crash[which]

await runUnderTest({
  ...(point ? { crash: point } : {}),
  ...(which === 'slow' ? { decide } : {}),
  ...(which === 'coverage' ? { coverage: { unheardAfterMs: 0, silentAfterMs: 0 } } : {}),
})
