// SPDX-License-Identifier: Apache-2.0
// bench irc: our gateway to IRC beside Debian's biboumi in one run, on the same Prosody and the same InspIRCd, in turn. Neither asks a policy.
// biboumi runs twice: as Debian installs it, where it keeps history as ours does, which is like for like; and without its history, which is
// the fastest it can be made. Ours keeps its history beside both. A message counts when everybody has it: each XMPP user of the room and the
// person on IRC.
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../deploy/demo/ports.ts'
import { startServer } from '../../deploy/demo/site.ts'
import { biboumiLack } from '../harness/biboumi.ts'
import { inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { usage } from '../harness/meter.ts'
import { ANYBODY } from '../harness/world.ts'
import { CROWD, openCrowd } from './irc-crowd.ts'
import { figuresOf, type Memory, type Name, RIVALS, type Row, rowText } from './irc-figures.ts'
import { DOMAINS, type Gateway, HOST, openBiboumi, openOurs, SECRET } from './irc-gateways.ts'
import { type IrcLoad, type IrcReport, type IrcRun, type Lane, startIrcLoad } from './irc-load.ts'

/**
 * A run in which a slow one comes to fewer than `least` messages may take `within` seconds: of a few there is neither a rate nor a p99.
 * The quick form does not wait until ours has given back the memory that joining took.
 */
const SHAPE = {
  quick: { rounds: 1, seconds: 0.4, warmUpMs: 200, least: 10, within: 1.5, joins: 1, settleMs: 1_000 },
  normal: { rounds: 5, seconds: 3, warmUpMs: 700, least: 60, within: 6, joins: 3, settleMs: 4_000 },
  long: { rounds: 11, seconds: 8, warmUpMs: 1_500, least: 150, within: 15, joins: 5, settleMs: 10_000 },
} as const

const USERS = 50
const CROWD_PEOPLE = 2_000
const MANY_USERS = 500
const BODY = 80
/** Messages under way, of all rooms together. */
const WINDOW = { 'one room': 16, 'fifty rooms': 100 } as const
/** Of what the slower of the two carried in the first round: where p99 is measured, at the same rate for both and in all rounds. */
const CALM = 0.4

const SHAPES = ['one room', 'fifty rooms'] as const
const DIRECTIONS = ['to-xmpp', 'to-irc'] as const

export async function irc({ form }: { form: keyof typeof SHAPE }): Promise<number> {
  const lack = inspircdLack() ?? biboumiLack()
  if (lack !== null) {
    process.stderr.write(`irc: ${lack}\n`)
    return 2
  }
  const shape = SHAPE[form]
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const [c2s = 0, component = 0] = await freePorts(2)
  const ports = { c2s, component }
  opened.use(
    await startServer('prosody', {
      ...{ folder: join(folder, 'prosody'), ports, hosts: [{ name: HOST }], tls: false },
      components: Object.values(DOMAINS).map((name) => ({ name, secret: SECRET })),
      prosody: { global: ANYBODY },
    }),
  )
  const ircd = opened.use(await startInspircd({ linkedBy: [CROWD] }))
  opened.use(await openCrowd(ircd, '#crowd', CROWD_PEOPLE))
  const load = opened.use(startIrcLoad())
  const target = {
    xmpp: { address: '127.0.0.1', port: c2s, domain: HOST },
    irc: { address: ircd.address, port: ircd.port, nick: 'talker' },
  }
  await load.give({ order: 'users', target, count: USERS })
  const site = { ports, ircd, folder }
  const biboumi = opened.use(await openBiboumi(site, { history: true }))
  const bare = opened.use(await openBiboumi(site, { history: false }))
  const ours = opened.use(await openOurs(site))
  const gateways = [biboumi, bare, ours]
  for (const gateway of gateways) await prepare(gateway, load)
  const rows: Row[] = []
  const rates = new Map<string, number>()
  for (let round = 0; round < shape.rounds; round += 1) {
    const inTurn = round % 2 === 0 ? gateways : gateways.toReversed()
    for (const rooms of SHAPES)
      for (const direction of DIRECTIONS)
        rows.push(...(await besides(load, inTurn, { round, rooms, direction, shape, rates })))
    for (const gateway of inTurn) rows.push(await joinRound(round, gateway, load, shape.joins))
  }
  const memory = await memoryOf(gateways, [biboumi, ours], load, target, shape.settleMs)
  const { lines, json, right } = figuresOf(rows, memory)
  for (const line of lines) say(line)
  say(
    `Prosody, InspIRCd 3, load generator and the gateway share ${availableParallelism()} cores; median of ${shape.rounds} rounds in turn; Node ${process.version}`,
  )
  say(JSON.stringify(json))
  return right ? 0 : 1
}

type Turn = {
  round: number
  rooms: (typeof SHAPES)[number]
  direction: (typeof DIRECTIONS)[number]
  shape: { seconds: number; warmUpMs: number; least: number; within: number }
  /** That of the first round stays, so that rounds can be compared. */
  rates: Map<string, number>
}

/** What each carries; and how long a message takes in ours and in each of the others, at a rate that both of them carry. */
async function besides(load: IrcLoad, inTurn: readonly Gateway[], turn: Turn): Promise<Row[]> {
  const { round, rooms, direction, shape, rates } = turn
  const what = `${rooms}, ${direction}`
  const run = { direction, seconds: shape.seconds, warmUpMs: shape.warmUpMs, size: BODY }
  const rows: Row[] = []
  const add = (row: Exclude<Row, { kind: 'join' }>) => {
    rows.push(row)
    say(rowText(row))
  }
  const carried = new Map<Name, number>()
  for (const gateway of inTurn) {
    const before = usage(gateway.pid).cpuUs
    const lanes = lanesOf(gateway)[rooms]
    const least = { messages: shape.least, within: shape.within }
    const report = await measured(load, { ...run, least, lanes, mode: { closed: WINDOW[rooms] } })
    const cpuUs = (usage(gateway.pid).cpuUs - before) / report.sent
    carried.set(gateway.name, report.perSecond)
    add({ kind: 'full', round, what, gateway: gateway.name, report, cpuUs })
  }
  for (const beside of RIVALS) {
    const both = inTurn.filter(({ name }) => name === 'ours' || name === beside)
    const key = `${what}, ${beside}`
    const slower = Math.min(...both.map(({ name }) => carried.get(name) ?? Number.NaN))
    const rate = rates.get(key) ?? Math.max(1, CALM * slower)
    rates.set(key, rate)
    const seconds = Math.max(shape.seconds, Math.min(shape.within, shape.least / rate))
    for (const gateway of both) {
      const report = await measured(load, { ...run, seconds, lanes: lanesOf(gateway)[rooms], mode: { open: rate } })
      add({ kind: 'calm', round, what, gateway: gateway.name, beside, rate, report })
    }
  }
  return rows
}

/** Everybody in: fifty in one room, and each of them in one of his own. */
async function prepare(gateway: Gateway, load: IrcLoad): Promise<void> {
  await gateway.settle(load, numbers(USERS))
  const lanes = Object.values(lanesOf(gateway)).flat()
  await load.give({ order: 'channels', names: lanes.map(({ channel }) => channel) })
  for (const rooms of SHAPES) await load.give({ order: 'join', lanes: lanesOf(gateway)[rooms] })
}

function lanesOf({ prefix, roomOf }: Gateway): Record<(typeof SHAPES)[number], Lane[]> {
  const lane = (channel: string, users: readonly number[]): Lane => ({ channel, room: roomOf(channel), users, prefix })
  return {
    'one room': [lane(`#${prefix}one`, numbers(USERS))],
    'fifty rooms': numbers(USERS).map((at) => lane(`#${prefix}room${at}`, [at])),
  }
}

async function measured(load: IrcLoad, run: IrcRun): Promise<IrcReport> {
  const { report } = await load.give({ order: 'run', run })
  if (report === undefined) throw new Error('the load generator gave no report')
  return report
}

/** A channel with so many nicks, entered by somebody who is connected already; the best of some, since each is a single event. */
async function joinRound(round: number, gateway: Gateway, load: IrcLoad, joins: number): Promise<Row> {
  const times: number[] = []
  for (let at = 0; at < joins; at += 1) {
    const { ms = Number.NaN, people = 0 } = await load.give({
      ...{ order: 'time-join', user: at, room: gateway.roomOf('#crowd'), prefix: gateway.prefix },
    })
    if (people < CROWD_PEOPLE) throw new Error(`${gateway.name} showed ${people} of ${CROWD_PEOPLE} people`)
    times.push(ms)
  }
  const joinMs = times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.NaN
  say(
    `round ${round + 1}: joining ${CROWD_PEOPLE} nicks, ${gateway.name}: ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`,
  )
  return { kind: 'join', round, gateway: gateway.name, joinMs }
}

/** Of a new process, before anybody has come and when all are in one of fifty rooms, ten people each. */
async function memoryOf(
  all: readonly Gateway[],
  gateways: readonly Gateway[],
  load: IrcLoad,
  target: Parameters<typeof connectAll>[1],
  settleMs: number,
) {
  for (const gateway of all)
    await load.give({ order: 'join', leave: true, lanes: Object.values(lanesOf(gateway)).flat() })
  await connectAll(load, target)
  const memory: Memory[] = []
  for (const gateway of gateways) {
    await gateway.restart()
    await settled(settleMs)
    const emptyMb = usage(gateway.pid).rssMb
    await gateway.settle(load, numbers(MANY_USERS))
    const lanes = numbers(USERS).map((at): Lane => {
      const channel = `#${gateway.prefix}many${at}`
      const users = numbers(MANY_USERS).filter((user) => user % USERS === at)
      return { channel, room: gateway.roomOf(channel), users, prefix: gateway.prefix }
    })
    await load.give({ order: 'join', lanes })
    await settled(settleMs)
    const fullMb = usage(gateway.pid).rssMb
    memory.push({ gateway: gateway.name, emptyMb, fullMb })
    await load.give({ order: 'join', leave: true, lanes })
  }
  return memory
}

function connectAll(
  load: IrcLoad,
  target: {
    xmpp: { address: string; port: number; domain: string }
    irc: { address: string; port: number; nick: string }
  },
) {
  return load.give({ order: 'users', target, count: MANY_USERS })
}

function settled(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
