// SPDX-License-Identifier: Apache-2.0
// Of the directory bench: what knowing the people costs the process policy, as it is installed: memory beside one that knows nobody, and
// how long it takes to be ready with them.
import { asInstalled } from '../harness/component.ts'
import { usage } from '../harness/meter.ts'
import { startStage } from '../policy/stage.ts'

export type PolicyFigures = {
  /** From the start of the process to its word that it is ready, with everybody in force. */
  readyS: number
  /** Resident and at most, above those of the same process without people. */
  peopleMb: number
  peopleMostMb: number
}

/** `snapshot`: as the process directory published it. */
export async function policyFigures(snapshot: string, people: number): Promise<PolicyFigures> {
  const without = await started('', 0)
  const knowing = await started(`people: { folder: ${snapshot} }\n`, people)
  return {
    readyS: knowing.readyS,
    peopleMb: knowing.rssMb - without.rssMb,
    peopleMostMb: knowing.peakRssMb - without.peakRssMb,
  }
}

async function started(settings: string, people: number) {
  const begun = performance.now()
  await using stage = await startStage({ ...asInstalled('policy'), settings })
  const readyS = (performance.now() - begun) / 1_000
  if (people > 0) {
    const inForce = await stage.policy.logged(({ event }) => event === 'people in force')
    if (inForce.people !== people) throw new Error(`policy knows ${String(inForce.people)} people, not ${people}`)
  }
  const { rssMb, peakRssMb } = usage(stage.policy.pid)
  return { readyS, rssMb, peakRssMb }
}
