// SPDX-License-Identifier: Apache-2.0
// The same load on the server alone, killed as often: what it loses, doubles or disorders by itself, to compare with.
import { setTimeout } from 'node:timers/promises'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { HOST, startWorld } from '../harness/world.ts'
import { judge } from './count.ts'
import { PAIRS, PER_PAIR } from './faults.ts'
import { reportLines } from './report.ts'
import { SteadyLoad } from './steady.ts'

/** Once with people who write only to those who are there, once also to those away. Always ends well: nothing is expected of it. */
export async function bare(
  server: ServerKind,
  version: string,
  rounds: number,
  say: (line: string) => void,
): Promise<0> {
  for (const toThoseAway of [false, true]) {
    await using world = await startWorld({ server, bare: true })
    const { address, ports } = world
    await using load = new SteadyLoad({
      ...{ address, port: ports.c2s, domain: HOST, pairs: PAIRS, messagesPerSecond: PER_PAIR, toThoseAway },
    })
    await load.start()
    for (let round = 1; round <= rounds; round++) {
      await setTimeout(Math.random() * 400)
      world.server.kill('SIGKILL')
      await world.server.exited
      await setTimeout(Math.random() * 500)
      await world.startServer()
      if (Math.random() < 0.5) await load.flowing(45_000)
    }
    await load.flowing(45_000)
    await load.drain(20_000)
    // Nothing is recorded: of what is found only that counts which the two ends see.
    const { counted, findings } = judge(load.messages, load.disordered, new Map(), [])
    const seen = findings.filter(({ what }) => what === 'lost' || what === 'doubled' || what === 'disordered')
    for (const line of reportLines({ findings: seen.slice(0, 20), unexplained: [] })) say(line)
    const { sent, delivered, errors, lost, doubled, disordered } = counted
    say(
      JSON.stringify({
        bare: true,
        server: `${server} ${version}`,
        rounds,
        toThoseAway,
        sent,
        delivered,
        errors,
        lost,
        doubled,
        disordered,
      }),
    )
  }
  return 0
}
