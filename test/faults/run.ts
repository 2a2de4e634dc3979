// SPDX-License-Identifier: Apache-2.0
// npm run test:faults -- --rounds N: kills parts under load and counts at both ends; the last line is one flat JSON object.
import { parseArgs } from 'node:util'
import { prosodyVersion } from '../../deploy/demo/prosody.ts'
import { faults, type Mode } from './faults.ts'

const HELP = `npm run test:faults -- [--rounds N] [--points N] [--messages N] [--mode closed|open] [--quick | --long]

  --rounds N    kills at random moments, in each mode (20)
  --points N    how often each named point is reached, in each mode (1)
  --messages N  go on until so many messages were sent, over all modes
  --mode M      the outage rule; default: closed, then open
  --quick       5 rounds, closed, points once
  --long        200 rounds, points ten times, 100000 messages, both modes
`

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      points: { type: 'string' },
      messages: { type: 'string' },
      mode: { type: 'string' },
      quick: { type: 'boolean' },
      long: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  const modes = values.mode ?? (values.quick ? 'closed' : 'closed,open')
  const unknown = modes.split(',').filter((mode) => mode !== 'closed' && mode !== 'open')
  const version = await prosodyVersion()
  if (values.help || unknown.length > 0 || version === null) {
    process.stderr.write(version === null ? 'prosody is not installed\n' : HELP)
    return values.help ? 0 : 2
  }
  const each = modes.split(',') as Mode[]
  const rounds = Number(values.rounds ?? (values.long ? 200 : values.quick ? 5 : 20))
  const pointRounds = Number(values.points ?? (values.long ? 10 : 1))
  const messages = Number(values.messages ?? (values.long ? 100_000 : 0)) / each.length
  const total = {
    sent: 0,
    delivered: 0,
    archived: 0,
    errors: 0,
    lost: 0,
    unrecorded: 0,
    phantom: 0,
    doubled: 0,
    disordered: 0,
  }
  let wrong = false
  for (const mode of each) {
    const { counted, findings, unexplained, folder } = await faults({ mode, rounds, pointRounds, messages, say })
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += counted[name]
    for (const { what, message, settlements } of findings.slice(0, 20)) {
      say(
        `${what}: ${message.id} sent ${message.sends}, came ${message.deliveries}, errors ${message.errors}, records [${settlements}]`,
      )
    }
    for (const text of unexplained) say(`not explained: ${text}`)
    say(`${mode}: ${counted.tail} records of killed servers stay undecided, ${counted.unsettled} of others`)
    wrong ||= findings.length > 0 || unexplained.length > 0
    if (findings.length > 0) say(`${findings.length} findings; the folder was ${folder} (GATEHOUSE_KEEP=1 keeps it)`)
  }
  const result = { faults: true, server: `prosody ${version}`, rounds: rounds * each.length, ...total }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  return wrong || total.disordered > 0 ? 1 : 0
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
