// SPDX-License-Identifier: Apache-2.0
// What a question costs policy: CPU of its main thread (reading, deciding, writing) and of the whole process, over the real
// socket and journal. For people:  node test/policy/profile/main.ts [QUESTIONS] [PER_SCREEN] [IN_FLIGHT] [BODY] [RULES_FILE|-]
// [NODE_FLAGS...]. As its unit would start it after npm run build, else from the sources.
// With NODE_OPTIONS=--cpu-prof in GATEHOUSE_PROFILE the process leaves a profile in its folder, which is then kept.
import { readFileSync } from 'node:fs'
import { asInstalled } from '../../harness/component.ts'
import { usage } from '../../harness/meter.ts'
import { ask, DOMAIN, HOST, screenOf, startStage } from '../stage.ts'

const [questions = 40_000, perScreen = 1, inFlight = 64, bodyLength = 100] = process.argv.slice(2, 6).map(Number)
const rules =
  process.argv[6] === undefined || process.argv[6] === '-' ? undefined : readFileSync(process.argv[6], 'utf8')
const profile = process.env.GATEHOUSE_PROFILE

const command = asInstalled('policy')
await using stage = await startStage({
  ...command,
  flags: [...command.flags, ...process.argv.slice(7)],
  ...(rules === undefined ? {} : { rules }),
  ...(profile === undefined ? {} : { environment: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` } }),
})
const body = 'lorem ipsum '.repeat(Math.ceil(bodyLength / 12)).slice(0, bodyLength)

await load(5_000)
const { pid } = stage.policy
const before = { main: mainThreadUs(pid), all: usage(pid).cpuUs, at: performance.now() }
await load(questions)
const seconds = (performance.now() - before.at) / 1_000
const us = (from: number, to: number) => Math.round(((to - from) / questions) * 10) / 10
console.log(
  JSON.stringify({
    questions,
    per_screen: perScreen,
    in_flight: inFlight,
    body: bodyLength,
    per_second: Math.round(questions / seconds),
    main_us: us(before.main, mainThreadUs(pid)),
    process_us: us(before.all, usage(pid).cpuUs),
    rss_mb: Math.round(usage(pid).rssMb),
    peak_rss_mb: Math.round(usage(pid).peakRssMb),
    main: command.main.replace(process.cwd(), '.'),
    node: process.version,
  }),
)

/** Raw writes and a count of answers: the loader must cost less than what it loads. */
async function load(count: number): Promise<void> {
  const { socket } = stage.peer
  let sent = 0
  let answered = 0
  const done = Promise.withResolvers<void>()
  const next = () => {
    if (sent >= count) return
    const asks = Array.from({ length: Math.min(perScreen, count - sent) }, (_, index) => ask(sent + index + 1, body))
    sent += asks.length
    socket.write(
      `<iq type='set' id='load' from='${HOST}' to='${DOMAIN}'>${screenOf(asks.join(''), { done: sent - 1 })}</iq>`,
    )
  }
  const onData = (bytes: Buffer) => {
    for (let at = bytes.indexOf("type='result'"); at >= 0; at = bytes.indexOf("type='result'", at + 1)) {
      answered += perScreen
      if (answered >= count) return done.resolve()
      next()
    }
  }
  socket.on('data', onData)
  for (let lane = 0; lane < inFlight; lane += 1) next()
  await done.promise
  socket.off('data', onData)
}

/** The main thread has the number of the process. USER_HZ is 100. */
function mainThreadUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
