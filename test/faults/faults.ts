// SPDX-License-Identifier: Apache-2.0
// Kills the parts of the suite under steady load, at random and at named points, and counts what became of each message.
import { existsSync } from 'node:fs'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { crashAtSync, slowSync } from '../harness/slow-sync.ts'
import { HOST, SCREEN, startWorld, type World } from '../harness/world.ts'
import { count, isClean, MISSING, type Result } from './count.ts'
import { SteadyLoad, UNACKNOWLEDGED_AT_MOST } from './steady.ts'
import { openTold, type Told } from './told.ts'

export type Mode = 'closed' | 'open'

export type Part = 'policy' | 'archive' | 'server'

/**
 * How a point is reached: by the load alone; by the next sync; the policy hangs; it is gone; it hung or was gone, and is told what
 * was refused meanwhile; the server starts.
 */
type Way = 'load' | 'sync' | 'silence' | 'outage' | 'after-silence' | 'after-outage' | 'start'

type PointShape = { name: string; part: Part } & Readonly<Record<Mode, Way | null>>

/** Where a part ends, and how that comes about in each mode; null: never, since a closed host keeps no question. */
export const POINTS = [
  { name: 'before-append', part: 'policy', closed: 'load', open: 'load' },
  { name: 'after-append-before-fsync', part: 'policy', closed: 'sync', open: 'sync' },
  { name: 'after-fsync-before-answer', part: 'policy', closed: 'load', open: 'load' },
  { name: 'after-answer-before-release', part: 'server', closed: 'load', open: 'load' },
  { name: 'before-commit', part: 'archive', closed: 'load', open: 'load' },
  { name: 'between-commits', part: 'archive', closed: 'load', open: 'load' },
  { name: 'after-commit', part: 'archive', closed: 'load', open: 'load' },
  { name: 'before-spool-of-question', part: 'server', closed: null, open: 'outage' },
  { name: 'after-spool-of-question', part: 'server', closed: null, open: 'outage' },
  { name: 'before-spool-of-settlement', part: 'server', closed: 'silence', open: 'silence' },
  { name: 'after-spool-of-settlement', part: 'server', closed: 'silence', open: 'silence' },
  { name: 'before-spool-of-outage-count', part: 'server', closed: 'after-outage', open: 'after-silence' },
  { name: 'after-spool-of-outage-count', part: 'server', closed: 'after-outage', open: 'after-silence' },
  { name: 'before-spool-of-announcement', part: 'server', closed: 'silence', open: 'silence' },
  { name: 'after-spool-of-announcement', part: 'server', closed: 'silence', open: 'silence' },
  { name: 'before-first-write-of-run', part: 'server', closed: 'start', open: 'start' },
  { name: 'after-first-write-of-run', part: 'server', closed: 'start', open: 'start' },
] as const satisfies readonly PointShape[]

export type Point = (typeof POINTS)[number]

export const HANG = 'policy-hangs'

export type FaultsOptions = {
  mode: Mode
  server: ServerKind
  /** Kills at random moments. */
  rounds: number
  /** How often each named point, and each hang of the policy. */
  pointRounds: number
  /** Names of points, or HANG: no other. */
  only?: readonly string[]
  /** Go on with load until so many messages were sent. */
  messages?: number
  say?(line: string): void
}

/** `folder`: where everything was written; it stays, with findings.json in it, when something is wrong. */
export type FaultsResult = Result & { errorTexts: readonly string[]; folder: string }

const HERE = import.meta.dirname
export const PAIRS = 6
export const PER_PAIR = 25
/** What all clients together may have under way. */
export const UNDER_WAY = PAIRS * UNACKNOWLEDGED_AT_MOST
const BACK_WITHIN_MS = 45_000
const FELL_WITHIN_MS = 30_000

/** One world, all kills one after the other, one count at the end: also where a part does not come back, of what went before. */
export async function faults(options: FaultsOptions): Promise<FaultsResult> {
  const stage = await openFaults(options)
  await using _all = stage
  const say = (line: string) => options.say?.(`${options.mode}: ${line}`)
  const broken = await killAll(stage, options, say).then(
    () => [],
    (fault: unknown) => [`the run ended early: ${inspect(fault)}`],
  )
  for (const text of broken) say(text)
  say(`counting ${stage.load.messages.length} messages`)
  return await finish(stage, broken)
}

async function killAll(stage: FaultStage, options: FaultsOptions, say: (line: string) => void): Promise<void> {
  const { pointRounds, rounds, messages = 0, only } = options
  const isMeant = (name: string) => only === undefined || only.includes(name)
  const began = performance.now()
  for (const point of POINTS) {
    if (!isMeant(point.name)) continue
    if (point[options.mode] === null) say(`${point.name}: not reached, since a closed host keeps no question`)
    for (let round = 1; point[options.mode] !== null && round <= pointRounds; round++)
      await timed(`${round}/${pointRounds} ${point.name}`, () => crashAt(stage, point))
  }
  for (let round = 1; isMeant(HANG) && round <= pointRounds; round++)
    await timed(`${round}/${pointRounds} ${HANG}`, () => hang(stage))
  for (let round = 1; round <= rounds; round++) {
    const part = pick<Part | 'connections'>(['policy', 'archive', 'server', 'connections'])
    const what = part === 'connections' ? 'break connections' : `kill -9 ${part === 'server' ? options.server : part}`
    await timed(`${round}/${rounds} ${what}`, () => killAtRandom(stage, part))
  }
  for (let told = 0; stage.load.messages.length < messages; ) {
    await stage.load.flowing(BACK_WITHIN_MS)
    if (stage.load.messages.length < told + 5000) continue
    told = stage.load.messages.length
    say(`${told} of ${messages} messages sent`)
  }

  async function timed(what: string, work: () => Promise<void>): Promise<void> {
    const started = performance.now()
    await work()
    const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1)
    const sent = stage.load.messages.length
    say(`${what}, in order again after ${seconds(started)} s (${sent} sent, ${seconds(began)} s in all)`)
  }
}

export type FaultStage = AsyncDisposable & {
  mode: Mode
  world: World
  load: SteadyLoad
  told: Told
  crashFile(part: Part): string
  /** The helper's folder for its screen. */
  spools: string
}

/** Where folders are put that are otherwise in the world's own: policy's journal, and the server's data with the helper's spool. */
export type Setting = { mode: Mode; server: ServerKind; journal?: string; data?: string }

/**
 * Whether people write to those who are away, too. What ejabberd keeps for these (disc_only_copies of Mnesia) is on no disk for some
 * seconds: a kill -9 loses it, with Gatehouse or without.
 */
const TO_THOSE_AWAY: Readonly<Record<ServerKind, boolean>> = { prosody: true, ejabberd: false }

export async function openFaults({ mode, server, journal, data }: Setting): Promise<FaultStage> {
  await using opened = new AsyncDisposableStack()
  const folder = `${process.env.TMPDIR ?? '/tmp'}/gatehouse-faults-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  const crashFile = (part: Part) => `${folder}.${part}`
  opened.defer(() => rm(`${folder}.so`, { recursive: true, force: true }))
  for (const part of ['policy', 'archive', 'server'] as const) opened.defer(() => rm(crashFile(part), { force: true }))
  const shim = await slowSync(`${folder}.so`, { crashFile: `${crashFile('policy')}.sync` })
  const world = opened.use(
    await startWorld({
      server,
      onOutage: mode,
      // A policy that hangs soon has all that it may have; what comes then is refused in either mode, and only counted.
      helper: mode === 'open' ? { max_questions: 120 } : {},
      ...(journal === undefined ? {} : { journal }),
      ...(data === undefined ? {} : { data }),
      policy: {
        main: join(HERE, 'mains/policy/main.ts'),
        environment: { ...shim, GATEHOUSE_CRASH: crashFile('policy') },
      },
      archiveProcess: {
        main: join(HERE, 'mains/archive/main.ts'),
        environment: { GATEHOUSE_CRASH: crashFile('archive') },
        lines: MISSING,
      },
      environment: { GATEHOUSE_CRASH: crashFile('server') },
      prosody: { modules: ['gatehouse_crash'], pluginPaths: [resolve(HERE, 'prosody')] },
      ejabberd: { modules: { mod_gatehouse_crash: {} }, sources: [resolve(HERE, 'ejabberd')] },
    }),
  )
  const told = opened.use(await openTold(world.journal))
  const load = opened.use(
    new SteadyLoad({
      address: world.address,
      port: world.ports.c2s,
      domain: HOST,
      pairs: PAIRS,
      messagesPerSecond: PER_PAIR,
      toThoseAway: TO_THOSE_AWAY[server],
    }),
  )
  await load.start()
  const spools = join(world.server.dataFolder, 'gatehouse', SCREEN)
  const all = opened.move()
  return { mode, world, load, told, crashFile, spools, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

/** Ends the load, and counts; `broken`: what went wrong before. Where anything is wrong the folder stays. */
export async function finish(stage: FaultStage, broken: readonly string[] = []): Promise<FaultsResult> {
  const { load, world, told } = stage
  world.keep ||= broken.length > 0
  try {
    await load.drain(20_000)
    const { messages, disordered, errorTexts } = load
    const counted = await count(world, { messages, disordered, sources: told.sources })
    const result = { ...counted, unexplained: [...broken, ...counted.unexplained], errorTexts, folder: world.folder }
    if (!isClean(result)) {
      world.keep = true
      await writeFile(join(world.folder, 'findings.json'), `${JSON.stringify(result, null, 1)}\n`)
    }
    return result
  } catch (fault) {
    world.keep = true
    throw new Error([...broken, `nothing can be counted any more; ${world.folder} stays`].join('; '), { cause: fault })
  }
}

export async function crashAt(stage: FaultStage, point: Point): Promise<void> {
  const { mode, world } = stage
  const way = point[mode]
  if (way === null) throw new Error(`${point.name} is not reached where the outage rule is ${mode}`)
  const file = stage.crashFile(point.part)
  if (way === 'start') await kill(world, point.part)
  if (way === 'sync') {
    await crashAtSync(`${file}.sync`, 'before', 'journals')
  } else {
    await writeFile(`${file}.new`, point.name)
    await rename(`${file}.new`, file)
  }
  const fallen = async () => {
    await within(partOf(world, point.part).exited, FELL_WITHIN_MS, `${point.part} did not reach ${point.name}`)
  }
  try {
    if (way === 'silence') await inSilence(stage, point.part, fallen)
    else if (way === 'after-silence') await afterSilence(stage, fallen)
    else if (way === 'after-outage') await afterOutage(stage, fallen)
    else if (way === 'start') await fallAtStart(world, file, fallen)
    else if (way === 'outage') await whileGone(world, fallen)
    else await fallen()
  } finally {
    // Where it was not reached, it must not be while all is counted.
    for (const armed of [file, `${file}.sync`]) await rm(armed, { force: true })
  }
  await startAgain(world, point.part)
  if (way === 'outage') await startAgain(world, 'policy')
  await inOrder(stage)
}

/**
 * A spool that holds something when the silence begins is not begun in it. Then all is brought in order, and there is a second silence.
 */
async function inSilence(stage: FaultStage, part: Part, fallen: () => Promise<void>): Promise<void> {
  const { exited } = partOf(stage.world, part)
  const fell = exited.then(() => true)
  const isOver = () => Promise.race([fell, setTimeout(FELL_WITHIN_MS / 2, false, { ref: false })])
  await whileSilent(stage.world, isOver)
  if (await Promise.race([fell, inOrder(stage).then(() => false)])) return
  await whileSilent(stage.world, fallen)
}

async function whileSilent({ policy }: World, until: () => Promise<unknown>): Promise<void> {
  policy?.kill('SIGSTOP')
  try {
    await until()
  } finally {
    policy?.kill('SIGCONT')
  }
}

async function whileGone(world: World, fallen: () => Promise<void>): Promise<void> {
  await kill(world, 'policy')
  await fallen()
}

/** What is refused where the rule is open is above a bound, and counted; where it is closed the questions that wait come first. */
async function afterSilence({ world, load }: FaultStage, fallen: () => Promise<void>): Promise<void> {
  // The count may be written before whoever is refused has heard of it: he waits for what he sent before.
  await whileSilent(world, () => Promise.race([load.refusing(BACK_WITHIN_MS), world.server.exited]))
  await fallen()
}

async function afterOutage({ world, load }: FaultStage, fallen: () => Promise<void>): Promise<void> {
  await kill(world, 'policy')
  await load.refusing(BACK_WITHIN_MS)
  await startAgain(world, 'policy')
  await fallen()
}

/** `file` is gone when the point was reached, be it before the server was ready. */
async function fallAtStart(world: World, file: string, fallen: () => Promise<void>): Promise<void> {
  try {
    await world.startServer()
  } catch (fault) {
    if (existsSync(file)) throw fault
    return
  }
  await fallen()
}

/**
 * A policy that does not answer is an outage: refused where closed, delivered unscreened where open; then it goes on. Meanwhile
 * clients lose their connections and resume their sessions: what they said is held then, and its answer on the way.
 */
export async function hang(stage: FaultStage): Promise<void> {
  const { world, load } = stage
  world.policy?.kill('SIGSTOP')
  load.breakSome()
  if (stage.mode === 'closed') await load.refusing(BACK_WITHIN_MS)
  else await load.flowing(BACK_WITHIN_MS)
  load.breakSome()
  world.policy?.kill('SIGCONT')
  await inOrder(stage)
}

/** Messages flow, the helper tells again how they ended, and no spool is left: what the next kill leaves open is a moment's work. */
async function inOrder({ load, told, spools }: FaultStage): Promise<void> {
  await load.flowing(BACK_WITHIN_MS)
  await told.settled(BACK_WITHIN_MS)
  const until = Date.now() + BACK_WITHIN_MS
  while ((await readdir(spools)).some((name) => name.startsWith('spool-'))) {
    if (Date.now() > until) throw new Error(`a spool is left in ${spools}`)
    await setTimeout(20)
  }
}

async function killAtRandom(stage: FaultStage, part: Part | 'connections'): Promise<void> {
  await setTimeout(Math.random() * 400)
  if (part === 'connections') stage.load.breakSome()
  else {
    await kill(stage.world, part)
    await setTimeout(Math.random() * 500)
    await startAgain(stage.world, part)
  }
  // The next kill comes while a spool is being replayed, or when all is in order.
  if (Math.random() < 0.5) await stage.load.flowing(BACK_WITHIN_MS)
  else await inOrder(stage)
}

async function kill(world: World, part: Part): Promise<void> {
  const one = partOf(world, part)
  one.kill('SIGKILL')
  await one.exited
}

async function startAgain(world: World, part: Part): Promise<void> {
  if (part === 'server') await world.startServer()
  else if (part === 'policy') await world.startPolicy()
  else await world.startArchive()
}

function partOf(world: World, part: Part): { kill(signal: NodeJS.Signals): void; exited: Promise<unknown> } {
  const one = world[part]
  if (one === null) throw new Error(`${part} does not run`)
  return one
}

async function within(event: Promise<unknown>, ms: number, what: string): Promise<void> {
  const late = new AbortController()
  const timer = setTimeout(ms, undefined, { signal: late.signal }).then(
    () => {
      throw new Error(what)
    },
    () => {},
  )
  try {
    await Promise.race([event, timer])
  } finally {
    late.abort()
  }
}

function pick<T>(list: readonly T[]): T {
  const one = list[Math.floor(Math.random() * list.length)]
  if (one === undefined) throw new Error('an empty list')
  return one
}
