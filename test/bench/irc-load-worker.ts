// SPDX-License-Identifier: Apache-2.0
// The load generator of the irc bench. Started by irc-load.ts, talks over IPC. Strings only, no trees: it must cost less than what it measures.
import { RawClient } from '../harness/raw-client.ts'
import type { IrcAnswer, IrcOrder, IrcReport, IrcRun, IrcTarget, Lane } from './irc-load.ts'
import { openTalker, type Talker } from './irc-talker.ts'

type Current = {
  token: string
  /** By number of the message: when it was due, how many still have to get it. */
  due: number[]
  waiting: number[]
  /** Latencies before this are not kept. */
  from: number
  latencies: number[]
  complete: number
  doubled: number
  errors: string[]
  direction: IrcRun['direction']
  done(): void
}

type Seat = Pick<Lane, 'room' | 'prefix'>

/** A run that ends does not wait longer for what has not come. */
const DRAIN_MS = 15_000
const ENTER_WITHIN_MS = 60_000
/** At once. */
const LOGINS = 10

let target: IrcTarget | null = null
let talker: Talker | null = null
const users: RawClient[] = []
/** By bare room and user: called with each stanza from that room. */
const entering = new Map<string, (stanza: string) => void>()
const asked = new Map<string, (stanza: string) => void>()
let current: Current | null = null
let runs = 0

process.on('message', (order: IrcOrder) => {
  void obey(order).then(
    (answer) => process.send?.({ answer }),
    (fault: unknown) =>
      process.send?.({ fault: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) }),
  )
})
process.once('disconnect', () => {
  talker?.close()
  for (const client of users) void client.close()
})

async function obey(order: IrcOrder): Promise<IrcAnswer> {
  if (order.order === 'users') await connectUsers(order.target, order.count)
  else if (order.order === 'channels') await talker?.join(order.names)
  else if (order.order === 'join') await enterAll(order.lanes, order.leave === true)
  else if (order.order === 'ask') await askAll(order.users, order.iqs)
  else if (order.order === 'time-join') return await timeJoin(order.user, order)
  else return { report: await measure(order.run) }
  return {}
}

async function connectUsers(wanted: IrcTarget, count: number): Promise<void> {
  target = wanted
  talker ??= await openTalker(wanted.irc, heardOnIrc)
  const { address, port, domain } = wanted.xmpp
  while (users.length < count) {
    const next = Array.from({ length: Math.min(LOGINS, count - users.length) }, (_, index) => users.length + index)
    const login = (at: number) => {
      const user = { user: `load${at}`, password: 'load', resource: 'load', presence: false }
      return RawClient.login({ address, port, domain, ...user }, { stanza: (stanza) => came(at, stanza) })
    }
    users.push(...(await Promise.all(next.map(login))))
  }
}

function came(at: number, stanza: string): void {
  if (stanza.startsWith('<message')) {
    if (current !== null) counted(current, stanza, 'to-xmpp')
    if (entering.size === 0 || !stanza.includes('<subject')) return
    const room = fromOf(stanza)
    entering.get(`${at} ${room}`)?.(stanza)
  } else if (stanza.startsWith('<presence')) {
    if (entering.size > 0) entering.get(`${at} ${fromOf(stanza)}`)?.(stanza)
  } else if (asked.size > 0) {
    for (const [id, take] of asked) if (stanza.includes(id)) take(stanza)
  }
}

/** The bare address that it is from. */
function fromOf(stanza: string): string {
  const start = stanza.indexOf(' from=') + 7
  const end = stanza.indexOf(stanza[start - 1] ?? "'", start)
  const slash = stanza.indexOf('/', start)
  return stanza.slice(start, slash > 0 && slash < end ? slash : end)
}

function heardOnIrc(line: string): void {
  if (current !== null) counted(current, line, 'to-irc')
}

/** Bodies are `TOKEN.NUMBER. text`. */
function counted(now: Current, text: string, side: IrcRun['direction']): void {
  const start = text.indexOf(now.token)
  if (start < 0) return
  if (text.includes('<error')) now.errors.push(text)
  const number = Number.parseInt(text.slice(start + now.token.length), 10)
  const due = now.due[number]
  const waiting = now.waiting[number]
  if (due === undefined || waiting === undefined) return
  if (waiting === 0) {
    now.doubled += 1
    return
  }
  now.waiting[number] = waiting - 1
  if (side === now.direction && due >= now.from) now.latencies.push(performance.now() - due)
  if (waiting > 1) return
  now.complete += 1
  now.done()
}

async function measure(run: IrcRun): Promise<IrcReport> {
  runs += 1
  const started = performance.now()
  const cpu = process.cpuUsage()
  const measureFrom = started + run.warmUpMs
  const filler = 'x'.repeat(run.size)
  const { direction, lanes } = run
  const now: Current = {
    ...{ token: `tk${runs}.`, due: [], waiting: [], from: measureFrom, latencies: [], complete: 0, doubled: 0 },
    ...{ errors: [], direction, done: () => {} },
  }
  current = now
  const turn = lanes.map(() => 0)
  const send = (due: number) => {
    const number = now.due.length
    const at = number % lanes.length
    const lane = lanes[at]
    if (lane === undefined) return
    const body = `${now.token}${number}. ${filler}`
    now.due.push(due)
    // The sender on XMPP gets his own reflected; the person on IRC does not get his own.
    now.waiting.push(lane.users.length + (direction === 'to-irc' ? 1 : 0))
    if (direction === 'to-xmpp') return talker?.say(lane.channel, body)
    const user = users[lane.users[(turn[at] ?? 0) % lane.users.length] ?? 0]
    turn[at] = (turn[at] ?? 0) + 1
    user?.send(`<message type='groupchat' id='m${runs}x${number}' to='${lane.room}'><body>${body}</body></message>`)
  }
  const measured = await ('closed' in run.mode
    ? closed(now, run, run.mode.closed, send)
    : open(now, run, run.mode.open, started, send))
  const stopped = performance.now()
  await drained(now)
  const used = process.cpuUsage(cpu)
  const wall = performance.now() - started
  current = null
  const sorted = Float64Array.from(now.latencies).sort()
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
  return {
    ...{ measured, perSecond: measured / ((stopped - measureFrom) / 1_000) },
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), sent: now.due.length, lost: now.due.length - now.complete },
    ...{
      doubled: now.doubled,
      generatorShare: (used.user + used.system) / 1_000 / wall,
      errors: now.errors.slice(0, 3),
    },
  }
}

function closed(now: Current, run: IrcRun, window: number, send: (due: number) => void): Promise<number> {
  const { seconds, warmUpMs, least = { messages: 0, within: seconds } } = run
  now.done = () => send(performance.now())
  for (let lane = 0; lane < window; lane += 1) send(performance.now())
  return new Promise((resolve) => {
    setTimeout(() => {
      const before = now.complete
      const over = () => {
        now.done = () => {}
        resolve(now.complete - before)
      }
      setTimeout(() => {
        if (now.complete - before >= least.messages) return over()
        const late = setTimeout(over, (least.within - seconds) * 1_000)
        now.done = () => {
          send(performance.now())
          if (now.complete - before < least.messages) return
          clearTimeout(late)
          over()
        }
      }, seconds * 1_000)
    }, warmUpMs)
  })
}

function open(now: Current, run: IrcRun, rate: number, started: number, send: (due: number) => void): Promise<number> {
  const total = Math.round((rate * (run.warmUpMs + run.seconds * 1_000)) / 1_000)
  return new Promise((resolve) => {
    let next = 0
    const tick = () => {
      while (next < total && started + (next * 1_000) / rate <= performance.now()) {
        send(started + (next * 1_000) / rate)
        next += 1
      }
      if (next < total) setTimeout(tick, Math.max(0, started + (next * 1_000) / rate - performance.now()))
      else resolve(now.complete)
    }
    tick()
  })
}

async function drained(now: Current): Promise<void> {
  if (now.complete >= now.due.length) return
  const { promise, resolve } = Promise.withResolvers<void>()
  now.done = () => {
    if (now.complete >= now.due.length) resolve()
  }
  const late = setTimeout(resolve, DRAIN_MS)
  await promise
  clearTimeout(late)
}

async function enterAll(lanes: readonly Lane[], leave: boolean): Promise<void> {
  await Promise.all(lanes.flatMap((lane) => lane.users.map((user) => (leave ? part(user, lane) : enter(user, lane)))))
}

/** Resolves when the room's subject has come: the end of entering; gives how many presences came before. */
function enter(at: number, { room, prefix }: Seat): Promise<number> {
  const client = userAt(at)
  let people = 0
  return within(
    `${at} ${room}`,
    (stanza, resolve, reject) => {
      if (stanza.includes("type='error'")) reject(new Error(stanza))
      else if (stanza.startsWith('<presence')) people += 1
      else resolve(people)
    },
    () =>
      client.send(
        `<presence to='${room}/${prefix}${at}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>`,
      ),
  )
}

/** Resolves with our own leaving. */
async function part(at: number, { room, prefix }: Seat): Promise<void> {
  const client = userAt(at)
  await within(
    `${at} ${room}`,
    (stanza, resolve) => {
      if (stanza.includes("type='unavailable'") && /code=.110/u.test(stanza)) resolve(0)
    },
    () => client.send(`<presence type='unavailable' to='${room}/${prefix}${at}'/>`),
  )
}

async function timeJoin(user: number, seat: Seat): Promise<IrcAnswer> {
  const begun = performance.now()
  const people = await enter(user, seat)
  const ms = performance.now() - begun
  await part(user, seat)
  return { ms, people }
}

async function askAll(numbers: readonly number[], iqs: readonly string[]): Promise<void> {
  await Promise.all(
    numbers.map(async (at) => {
      let session = ''
      for (const [index, iq] of iqs.entries()) {
        const id = `ask${at}x${index}y`
        const { promise, resolve } = Promise.withResolvers<string>()
        asked.set(id, resolve)
        userAt(at).send(iq.replaceAll('{id}', id).replaceAll('{session}', session))
        const answer = await promise
        asked.delete(id)
        if (/type=.error/u.test(answer)) throw new Error(answer)
        session = /sessionid=.([^'"]+)/u.exec(answer)?.[1] ?? ''
      }
    }),
  )
}

function userAt(at: number): RawClient {
  const user = users[at]
  if (user === undefined || target === null) throw new Error(`there is no user ${at}`)
  return user
}

function within(
  key: string,
  look: (stanza: string, resolve: (value: number) => void, reject: (why: Error) => void) => void,
  begin: () => void,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  entering.set(key, (stanza) => look(stanza, resolve, reject))
  const late = setTimeout(() => reject(new Error(`${key}: not within ${ENTER_WITHIN_MS} ms`)), ENTER_WITHIN_MS)
  begin()
  return promise.finally(() => {
    clearTimeout(late)
    entering.delete(key)
  })
}
