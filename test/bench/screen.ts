// SPDX-License-Identifier: Apache-2.0
// bench screen: how many verdicts a second policy gives on one core, with this file in the place of the XMPP server on another.
// 10,000 terms and 50 regular expressions, bodies of 1 kB, one message in a hundred with a term; journal and sync included.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { asInstalled } from '../harness/component.ts'
import { usage } from '../harness/meter.ts'
import { ask, DOMAIN, HOST, type Stage, screenOf, startStage } from '../policy/stage.ts'
import { oneOf, randomFrom } from './disguises.ts'
import { madeUpTerms, PATTERNS, rulesOf, TERMS } from './rules.ts'

const SHAPE = {
  quick: { rounds: 2, questions: 60_000 },
  normal: { rounds: 5, questions: 150_000 },
  long: { rounds: 11, questions: 400_000 },
} as const
const BODY = 1_000
/** As the helper gathers questions of one turn under load. */
const PER_SCREEN = 16
const IN_FLIGHT = 24

export async function screen({ form }: { form: keyof typeof SHAPE }): Promise<number> {
  const shape = SHAPE[form]
  if (availableParallelism() < 2) {
    process.stderr.write('screen: two cores are wanted, one of them for the mock server\n')
    return 2
  }
  const random = randomFrom(7)
  const terms = madeUpTerms(random)
  const bodies = Array.from({ length: 400 }, (_, index) =>
    bodyOf(random, index % 100 === 7 ? oneOf(terms, random) : null),
  )
  await using stage = await startStage({ ...asInstalled('policy'), rules: `version: 1\n${rulesOf(terms)}` })
  pin(stage.policy.pid, 0)
  pin(process.pid, 1)
  const screens = writeScreens(bodies)
  await load(stage, screens, 20_000)
  const rates: number[] = []
  const cpuUs: number[] = []
  for (let round = 0; round < shape.rounds; round += 1) {
    const before = usage(stage.policy.pid).cpuUs
    const mainBefore = mainThreadUs(stage.policy.pid)
    const begun = performance.now()
    await load(stage, screens, shape.questions)
    rates.push(shape.questions / ((performance.now() - begun) / 1_000))
    cpuUs.push((usage(stage.policy.pid).cpuUs - before) / shape.questions)
    process.stdout.write(
      `round ${round + 1}: ${Math.round(rates.at(-1) ?? 0)} verdicts/s, ${(cpuUs.at(-1) ?? 0).toFixed(1)} us of CPU each, ${((mainThreadUs(stage.policy.pid) - mainBefore) / shape.questions).toFixed(1)} of them to read, decide and answer, the others for the journal\n`,
    )
  }
  process.stdout.write(
    `${TERMS} terms, ${PATTERNS} regular expressions, bodies of ${BODY} characters, ${PER_SCREEN} questions a screen, one core for policy with its journal; ` +
      `main ${asInstalled('policy').main.replace(process.cwd(), '.')}, Node ${process.version}, peak ${usage(stage.policy.pid).peakRssMb.toFixed(0)} MB\n`,
  )
  process.stdout.write(`${JSON.stringify({ bench: 'screen', verdicts_per_s: Math.round(median(rates)) })}\n`)
  return 0
}

const WORDS =
  'the of and to in that for with on as at by from this which or an are be have not was were but they when we there can all more will time about would them some other into only new could these two may then now such like our over also first after work people between year being under many most before must through where much good should well because each system those just long own same still use made might while both last never home day water part place house even different small great number point group again large hand high every problem fact area week company case question question during without second later'.split(
    ' ',
  )

function bodyOf(random: () => number, term: string | null): string {
  const words: string[] = []
  for (let length = 0; length < BODY; length += (words.at(-1)?.length ?? 0) + 1) words.push(oneOf(WORDS, random))
  if (term !== null) words[20] = term
  return words.join(' ').slice(0, BODY)
}

/** Written before the clock runs: the mock server must cost less than what it measures. Numbers may come again. */
function writeScreens(bodies: readonly string[]): Buffer[] {
  return Array.from({ length: bodies.length / PER_SCREEN }, (_, at) => {
    const asks = bodies.slice(at * PER_SCREEN, (at + 1) * PER_SCREEN).map((body, index) => ask(index + 1, body))
    return Buffer.from(`<iq type='set' id='load' from='${HOST}' to='${DOMAIN}'>${screenOf(asks.join(''))}</iq>`)
  })
}

async function load(stage: Stage, screens: readonly Buffer[], questions: number): Promise<void> {
  const { socket } = stage.peer
  const wanted = Math.ceil(questions / PER_SCREEN)
  let sent = 0
  let answered = 0
  const done = Promise.withResolvers<void>()
  const next = () => {
    const one = screens[sent % screens.length]
    if (sent >= wanted || one === undefined) return
    sent += 1
    socket.write(one)
  }
  const onData = (bytes: Buffer) => {
    for (let at = bytes.indexOf("type='result'"); at >= 0; at = bytes.indexOf("type='result'", at + 1)) {
      answered += 1
      if (answered >= wanted) return done.resolve()
      next()
    }
  }
  socket.on('data', onData)
  for (let lane = 0; lane < IN_FLIGHT; lane += 1) next()
  await done.promise
  socket.off('data', onData)
}

/** All threads of a process on one core. */
function pin(pid: number, core: number): void {
  const { status, stderr } = spawnSync('taskset', ['-acp', String(core), String(pid)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`taskset: ${stderr}`)
}

/** The main thread has the number of the process. USER_HZ is 100. */
function mainThreadUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

function median(all: readonly number[]): number {
  return all.toSorted((one, other) => one - other)[Math.floor(all.length / 2)] ?? 0
}
