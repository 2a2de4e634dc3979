// SPDX-License-Identifier: Apache-2.0
// npm run test:faults -- --rounds N: kills parts under load and counts at both ends; the last line is one flat JSON object.
import { inspect, parseArgs } from 'node:util'
import { SERVERS } from '../../deploy/demo/site.ts'
import { bare } from './bare.ts'
import { isClean } from './count.ts'
import { type FaultsResult, faults, HANG, type Mode, POINTS } from './faults.ts'
import { closing, reportLines } from './report.ts'

const NAMES: readonly string[] = [...POINTS.map(({ name }) => name), HANG]
/** Each takes up to eight seconds, since policy or Prosody is gone for some time: too long for a minute. */
const NOT_QUICK: readonly string[] = NAMES.filter((name) => /first-write-of-run|announcement/.test(name))
const HELP = `npm run test:faults -- [--server NAME] [--rounds N] [--points N] [--messages N] [--mode M] [--only NAMES] [--quick | --long]
npm run test:faults -- --bare [--server NAME] [--rounds N]

  --server NAME prosody (default) or ejabberd
  --rounds N    kills at random moments, in each mode (20)
  --points N    how often each named point is reached, in each mode (1)
  --messages N  go on until so many messages were sent, over all modes
  --mode M      the outage rule, closed or open; default: closed, then open
  --only NAMES  no other named points than these, with commas between them, of
                ${NAMES.join('\n                ')}
  --quick       under a minute: 5 rounds, closed, points once, but for
                ${NOT_QUICK.join('\n                ')}
  --long        200 rounds, points ten times, 100000 messages, both modes
  --bare        the server alone, without Gatehouse: what it loses by itself of what it has acknowledged
`

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      server: { type: 'string', default: 'prosody' },
      bare: { type: 'boolean' },
      rounds: { type: 'string' },
      points: { type: 'string' },
      messages: { type: 'string' },
      mode: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean' },
      long: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  const modes = values.mode ?? (values.quick ? 'closed' : 'closed,open')
  const unknown = modes.split(',').filter((mode) => mode !== 'closed' && mode !== 'open')
  const only = values.only?.split(',') ?? (values.quick ? NAMES.filter((name) => !NOT_QUICK.includes(name)) : undefined)
  unknown.push(...(only ?? []).filter((name) => !NAMES.includes(name)))
  const { server } = values
  const isServer = server === 'prosody' || server === 'ejabberd'
  if (values.help || unknown.length > 0 || !isServer) {
    process.stderr.write(HELP)
    return values.help ? 0 : 2
  }
  const version = await SERVERS[server].version()
  if (version === null) {
    process.stderr.write(`${server} is not installed\n`)
    return 2
  }
  const each = modes.split(',') as Mode[]
  const rounds = Number(values.rounds ?? (values.long ? 200 : values.quick ? 5 : 20))
  const pointRounds = Number(values.points ?? (values.long ? 10 : 1))
  if (values.bare) return await bare(server, version, rounds, say)
  const messages = Number(values.messages ?? (values.long ? 100_000 : 0)) / each.length
  if (values.quick && values.only === undefined) say(`left to the other forms: ${NOT_QUICK.join(', ')}`)
  const results: (FaultsResult | null)[] = []
  for (const mode of each) {
    const result = await faults({
      mode,
      server,
      rounds,
      pointRounds,
      messages,
      say,
      ...(only === undefined ? {} : { only }),
    }).catch((fault: unknown) => {
      say(`${mode}: ${inspect(fault)}`)
      return null
    })
    results.push(result)
    if (result === null) continue
    const { counted, folder } = result
    for (const line of reportLines(result)) say(line)
    say(
      `${mode}: ${counted.tail} records of killed servers stay undecided (at most ${counted.tailOfOne} of one), ${counted.unsettled} of others`,
    )
    if (!isClean(result)) say(`${mode}: something is wrong; everything is in ${folder}`)
  }
  const { line, exit } = closing(`${server} ${version}`, rounds * each.length, results)
  say(line)
  return exit
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
