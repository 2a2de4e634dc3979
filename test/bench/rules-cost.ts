// SPDX-License-Identifier: Apache-2.0
// What the rules cost policy for each message, beside no rules at all.
import { usage } from '../harness/meter.ts'
import type { LoadReport } from './load.ts'
import { gateRules, TERMS } from './rules.ts'
import type { Suite } from './set-ups.ts'
import { CLOSED, type Turn } from './turns.ts'
import { type Wrong, wrongOf } from './wrong.ts'

export type RulesCost = { withUs: number; withoutUs: number; wrong: Wrong }

/** CPU of policy for a message with the rules in force and without any: in turns, under the same load, of the same process. */
export async function rulesCost(
  { set, load, score }: Turn,
  world: Suite['world'],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<RulesCost> {
  const cpuUs = { with: 0, without: 0 }
  const messages = { with: 0, without: 0 }
  const reports: LoadReport[] = []
  const pid = set.pids.policy ?? 0
  for (let round = 0; round < rounds; round++) {
    for (const which of ['without', 'with'] as const) {
      await world.setRules(which === 'with' ? gateRules() : 'otherwise: allow\nrules: []')
      // Not counted: what is left of reading the rules, and the compiler.
      const first = await load.run({ ...CLOSED, seconds: 0.5 })
      await set.found(first, score.pairs)
      const before = usage(pid).cpuUs
      const report = await load.run({ ...CLOSED, seconds: seconds / 2 })
      await set.found(report, score.pairs)
      cpuUs[which] += usage(pid).cpuUs - before
      messages[which] += report.sent
      reports.push(first, report)
    }
  }
  return {
    withUs: cpuUs.with / messages.with,
    withoutUs: cpuUs.without / messages.without,
    wrong: wrongOf(reports),
  }
}

export function rulesText({ withUs, withoutUs }: RulesCost): string {
  return `CPU of policy per message: ${withUs.toFixed(1)} us with 200 rules and ${TERMS} terms, ${withoutUs.toFixed(1)} us without`
}
