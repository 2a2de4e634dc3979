// SPDX-License-Identifier: Apache-2.0
// The load generator's process: pairs of clients, the first of each sends to the second. Started by load.ts, talks over IPC.
import { RawClient } from '../harness/raw-client.ts'
import { bodyPool } from './bodies.ts'
import type { LoadReport, LoadRun, LoadTarget, ToWorker } from './load.ts'

type Pair = {
  index: number
  sender: RawClient
  receiver: RawClient
  /** Scheduled (open) or real (closed) time of sending by number, ms of performance.now(). */
  at: number[]
  /** How often each number came, and whether it came back as an error. */
  came: number[]
  sent: number
  open: number
  newest: number
}

type Current = {
  run: LoadRun
  token: string
  bodies: readonly string[]
  latencies: number[]
  /** Latencies before this are not kept. */
  measureFrom: number
  report: Omit<LoadReport, 'p50Ms' | 'p99Ms' | 'p999Ms' | 'maxMs'>
  refill: boolean
  settled: () => void
}

const pairs: Pair[] = []
let current: Current | null = null
let runs = 0

process.on('message', (order: ToWorker) => {
  void obey(order).then(
    (answer) => process.send?.({ done: order.order, answer }),
    (fault: unknown) =>
      process.send?.({ fault: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) }),
  )
})
process.once('disconnect', () => {
  for (const pair of pairs) for (const client of [pair.sender, pair.receiver]) void client.close()
})

async function obey(order: ToWorker): Promise<LoadReport | null> {
  if (order.order === 'run') return await measure(order.run)
  await connectAll(order.target)
  return null
}

async function connectAll(target: LoadTarget): Promise<void> {
  for (let index = 0; index < target.pairs; index++) {
    const login = (side: 'a' | 'b') => ({
      address: target.address,
      port: target.port,
      domain: target.domain,
      user: `${target.prefix ?? 'load'}${index}${side}`,
      password: target.password ?? 'load',
      resource: 'load',
      management: target.management ?? ('no' as const),
    })
    const receiver = await RawClient.login(login('b'), { stanza: (stanza) => arrived(index, stanza) })
    const sender = await RawClient.login(login('a'), { stanza: (stanza) => answered(index, stanza) })
    for (const client of [sender, receiver]) void client.ended.then(({ why }) => broke(client, why))
    pairs.push({ index, sender, receiver, at: [], came: [], sent: 0, open: 0, newest: -1 })
  }
}

function broke(client: RawClient, why: string): void {
  if (current === null) return
  current.report.broken.push(`${client.jid}: ${why}`)
  current.settled()
}

async function measure(run: LoadRun): Promise<LoadReport> {
  const { promise, resolve } = Promise.withResolvers<void>()
  runs += 1
  const token = `${run.token ?? `r${process.pid.toString(36)}`}x${runs}`
  for (const pair of pairs) Object.assign(pair, { at: [], came: [], sent: 0, open: 0, newest: -1 })
  const started = performance.now()
  const cpu = process.cpuUsage()
  const now: Current = {
    run,
    token,
    bodies: bodyPool(run.bodies, run.words ?? []),
    latencies: [],
    measureFrom: started + (run.warmUpMs ?? 0),
    refill: true,
    settled: resolve,
    report: {
      token,
      startedAt: Date.now(),
      stoppedAt: 0,
      drainedAt: 0,
      ...{ seconds: 0, sent: 0, delivered: 0, measured: 0, perSecond: 0, cpuUsPerMessage: 0 },
      ...{ errors: 0, lost: 0, doubled: 0, disordered: 0 },
      errorTexts: [],
      broken: [],
      endWord: `${token}end`,
    },
  }
  current = now
  const measured = await (run.mode === 'closed' ? closedLoop(now, run.window) : openLoop(now, run.rate, started))
  now.refill = false
  // One more of each pair: all hold the same word, by which a follower is asked whether it has everything.
  for (const pair of pairs) sendNext(now, pair, performance.now(), `${now.report.endWord} `)
  now.report.stoppedAt = Date.now()
  const stopped = performance.now()
  const late = setTimeout(resolve, run.drainMs ?? 10_000)
  settleIfDone(now)
  await promise
  clearTimeout(late)
  now.report.drainedAt = Date.now()
  const used = process.cpuUsage(cpu)
  current = null
  const { report } = now
  report.seconds = (stopped - now.measureFrom) / 1000
  report.measured = measured
  report.perSecond = measured / report.seconds
  report.sent = pairs.reduce((sum, pair) => sum + pair.sent, 0)
  report.lost = pairs.reduce((sum, pair) => sum + pair.open, 0)
  report.cpuUsPerMessage = (used.user + used.system) / Math.max(1, report.sent)
  return { ...report, ...spread(now.latencies), ...(run.keep === true ? { latenciesMs: now.latencies } : {}) }
}

/** Keeps `window` messages of each pair under way; gives how many came in the measured time. */
function closedLoop(now: Current, window: number): Promise<number> {
  const { run } = now
  for (const pair of pairs) for (let i = 0; i < window; i++) sendNext(now, pair, performance.now())
  return new Promise((resolve) => {
    let before = 0
    setTimeout(() => {
      before = now.report.delivered
    }, run.warmUpMs ?? 0)
    const end = () => resolve(now.report.delivered - before)
    setTimeout(end, (run.warmUpMs ?? 0) + run.seconds * 1000)
  })
}

/** Sends at a fixed rate whatever happens; each latency counts from the time at which the message was due. */
function openLoop(now: Current, rate: number, started: number): Promise<number> {
  const total = Math.round(rate * (now.run.seconds + (now.run.warmUpMs ?? 0) / 1000))
  return new Promise((resolve) => {
    let next = 0
    const tick = () => {
      const time = performance.now()
      while (next < total && started + (next * 1000) / rate <= time) {
        const pair = pairs[next % pairs.length]
        if (pair !== undefined) sendNext(now, pair, started + (next * 1000) / rate)
        next += 1
      }
      if (next < total && now.report.broken.length === 0) {
        setTimeout(tick, Math.max(0, started + (next * 1000) / rate - performance.now()))
      } else resolve(now.latencies.length)
    }
    tick()
  })
}

function sendNext(now: Current, pair: Pair, at: number, extra = ''): void {
  const number = pair.sent
  pair.sent += 1
  pair.open += 1
  pair.at.push(at)
  pair.came.push(0)
  const { receiver } = pair
  const id = word(now, pair, number)
  const body = now.bodies[(number + pair.index) % now.bodies.length]
  pair.sender.send(
    `<message type='chat' id='${id}' to='${receiver.login.user}@${receiver.login.domain}'><body>${id} ${extra}${body}</body></message>`,
  )
  if (pair.sender.managed !== null && number % 5 === 4) pair.sender.requestAcknowledgement()
}

/** Id of a message, and the first word of its body: unique, one word for every tokenizer. */
function word(now: Current, pair: Pair, number: number): string {
  return `${now.token}p${pair.index}n${number}`
}

function numberOf(stanza: string, token: string): number {
  const start = stanza.indexOf(token)
  if (start < 0) return -1
  const n = stanza.indexOf('n', start + token.length)
  return Number.parseInt(stanza.slice(n + 1, n + 12), 10)
}

function arrived(index: number, stanza: string): void {
  const pair = pairs[index]
  if (pair === undefined || current === null || !stanza.startsWith('<message')) return
  const number = numberOf(stanza, current.token)
  if (number < 0) return
  const before = pair.came[number]
  if (before === undefined) return
  pair.came[number] = before + 1
  if (before > 0) {
    current.report.doubled += 1
    return
  }
  if (number < pair.newest) current.report.disordered += 1
  else pair.newest = number
  const time = performance.now()
  const at = pair.at[number] ?? time
  if (at >= current.measureFrom) current.latencies.push(time - at)
  current.report.delivered += 1
  closeOne(current, pair)
}

function answered(index: number, stanza: string): void {
  const pair = pairs[index]
  if (pair === undefined || current === null || !stanza.startsWith('<message') || !stanza.includes('<error')) return
  const number = numberOf(stanza, current.token)
  if (number < 0) return
  current.report.errors += 1
  if (current.report.errorTexts.length < 3) current.report.errorTexts.push(stanza)
  closeOne(current, pair)
}

function closeOne(now: Current, pair: Pair): void {
  pair.open -= 1
  if (now.refill && now.run.mode === 'closed') sendNext(now, pair, performance.now())
  else settleIfDone(now)
}

function settleIfDone(now: Current): void {
  if (!now.refill && pairs.every((pair) => pair.open === 0)) now.settled()
}

function spread(latencies: number[]): { p50Ms: number; p99Ms: number; p999Ms: number; maxMs: number } {
  const sorted = Float64Array.from(latencies).sort()
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) }
}
