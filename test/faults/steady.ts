// SPDX-License-Identifier: Apache-2.0
// Steady load by clients that behave like real ones: XEP-0198 with resumption, reconnecting, and sending again what the server
// never acknowledged. Every message is counted at both ends.
import { setTimeout } from 'node:timers/promises'
import { type Login, type Managed, RawClient, type Told } from '../harness/raw-client.ts'

export type Message = {
  id: string
  pair: number
  number: number
  /** A word shared by at most BATCH messages, to find them in the archive. */
  batch: string
  /** First sending, and each time again in a new session; what a resumption repeats is not counted. */
  sends: number
  deliveries: number
  errors: number
  acknowledged: boolean
}

export type SteadyOptions = {
  address: string
  port: number
  domain: string
  pairs: number
  /** Per pair. */
  messagesPerSecond: number
  /** Also while they are away; else each logs in only when whom he writes to is there. */
  toThoseAway: boolean
}

export function bodyOf({ id, batch }: Message): string {
  return `${id} ${batch} steady load`
}

export const BATCH = 100
/** Of one pair; it sends nothing new until the server has acknowledged some of them. */
export const UNACKNOWLEDGED_AT_MOST = 50

export class SteadyLoad {
  readonly messages: Message[] = []
  /**
   * Messages whose first delivery came after that of a later one of the same pair. One that was refused, and that the client sends
   * again in a new session since the refusal was never acknowledged, may come after those that were sent in the session before.
   */
  readonly disordered: Message[] = []
  /** Texts of the first errors. */
  readonly errorTexts: string[] = []
  readonly #options: SteadyOptions
  readonly #run = `f${process.pid.toString(36)}${Math.random().toString(36).slice(2, 6)}`
  readonly #byId = new Map<string, Message>()
  /** Of each pair the newest that came: of all, and of those that were sent last in the same session of the sender. */
  readonly #newest: { number: number; session: number; inSession: number }[] = []
  /** Which session of its sender each message was sent in last. */
  readonly #sentIn = new Map<Message, number>()
  readonly #session: number[] = []
  /** How many each pair has sent. */
  readonly #sent: number[] = []
  readonly #stop = new AbortController()
  readonly #online: Promise<void>[] = []
  readonly #senders: (RawClient | null)[] = []
  readonly #receivers: (RawClient | null)[] = []
  readonly #timers: NodeJS.Timeout[] = []
  readonly #watching = new Set<(message: Message) => void>()
  #sending = false

  constructor(options: SteadyOptions) {
    this.#options = options
  }

  /** Resolves when everybody is logged in and a message of each pair has come. */
  async start(): Promise<void> {
    const { pairs, messagesPerSecond } = this.#options
    const up: Promise<void>[] = []
    for (let pair = 0; pair < pairs; pair++) {
      this.#newest.push({ number: -1, session: -1, inSession: -1 })
      this.#session.push(0)
      this.#sent.push(0)
      up.push(this.#keep(pair, 'b', this.#receivers, { stanza: (stanza) => this.#arrived(pair, stanza) }))
    }
    await Promise.all(up)
    for (let pair = 0; pair < pairs; pair++) {
      const told: Told = {
        stanza: (stanza) => this.#answered(stanza),
        acknowledged: (stanza) => this.#acknowledged(stanza),
        resent: (stanza) => this.#resent(stanza),
      }
      up.push(this.#keep(pair, 'a', this.#senders, told))
    }
    await Promise.all(up)
    this.#sending = true
    for (let pair = 0; pair < pairs; pair++) {
      this.#timers.push(setInterval(() => this.#sendNext(pair), 1000 / messagesPerSecond))
      this.#timers.push(setInterval(() => this.#askHandled(pair), 100))
    }
    await this.flowing(10_000)
  }

  /** Resolves when of each pair a message that is sent from now on has been delivered; rejects after the time. */
  async flowing(withinMs: number): Promise<void> {
    const waiting = new Map(this.#sent.map((sent, pair) => [pair, sent]))
    await this.#watch(withinMs, (message) => {
      const from = waiting.get(message.pair)
      if (from !== undefined && message.deliveries > 0 && message.number >= from) waiting.delete(message.pair)
      return waiting.size === 0
    }).catch((cause: unknown) => {
      throw new Error(`messages of pairs ${[...waiting.keys()]} do not flow again`, { cause })
    })
  }

  /** Resolves when an error has come for a message that is sent from now on. */
  async refusing(withinMs: number): Promise<void> {
    const from = [...this.#sent]
    await this.#watch(withinMs, (message) => message.errors > 0 && message.number >= (from[message.pair] ?? 0))
  }

  /** Sends nothing new; resolves when every message has been delivered or refused, or after the time. */
  async drain(withinMs: number): Promise<void> {
    this.#sending = false
    const open = () => this.messages.some((message) => message.deliveries === 0 && message.errors === 0)
    const until = Date.now() + withinMs
    while (open() && Date.now() < until) await setTimeout(50)
    // A second copy would be on its way now: each end answers a ping behind it.
    await Promise.all(
      this.#receivers.map((client) => client?.send("<iq type='get' id='fence'><ping xmlns='urn:xmpp:ping'/></iq>")),
    )
    await setTimeout(300)
  }

  /** Breaks the connections of about half of all clients, as if cables were pulled; they come back and resume their sessions. */
  breakSome(): void {
    for (const client of [...this.#senders, ...this.#receivers]) if (Math.random() < 0.5) client?.break()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    for (const timer of this.#timers) clearInterval(timer)
    for (const client of [...this.#senders, ...this.#receivers]) client?.break()
    await Promise.all(this.#online)
  }

  async #watch(withinMs: number, fits: (message: Message) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = (message: Message) => {
      if (fits(message)) resolve()
    }
    const late = globalThis.setTimeout(() => reject(new Error(`not within ${withinMs} ms`)), withinMs)
    this.#watching.add(look)
    try {
      await promise
    } finally {
      this.#watching.delete(look)
      clearTimeout(late)
    }
  }

  /** Keeps one client online until the end; resolves at its first login. */
  #keep(pair: number, side: 'a' | 'b', place: (RawClient | null)[], told: Told): Promise<void> {
    const { address, port, domain, toThoseAway } = this.#options
    const login: Login = {
      address,
      port,
      domain,
      user: `${this.#run}${pair}${side}`,
      password: 'x',
      resource: 'desk',
      management: 'resume',
    }
    const first = Promise.withResolvers<void>()
    const stay = async () => {
      let previous: Managed | null = null
      while (!this.#stop.signal.aborted) {
        try {
          if (side === 'a' && !toThoseAway) await this.#isThere(pair)
          if (side === 'a') this.#session[pair] = (this.#session[pair] ?? 0) + 1
          const there = Promise.withResolvers<void>()
          const client: RawClient = await RawClient.login(login, passing(told, there.resolve), previous)
          client.send(`<iq type='get' id='${THERE}' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
          await Promise.race([there.promise, client.ended])
          place[pair] = client
          first.resolve()
          await client.ended
          previous = client.managed
        } catch {
          // The server is down or going down: as a real client, try again.
          await setTimeout(50 + Math.random() * 100)
        }
        place[pair] = null
      }
    }
    this.#online.push(stay())
    return first.promise
  }

  async #isThere(pair: number): Promise<void> {
    while (this.#receivers[pair] === null || this.#receivers[pair] === undefined) {
      await setTimeout(20, undefined, { signal: this.#stop.signal })
    }
  }

  #sendNext(pair: number): void {
    const client = this.#senders[pair]
    if (!this.#sending || client === null || client === undefined || client.managed === null) return
    if (client.managed.unacknowledged.length >= UNACKNOWLEDGED_AT_MOST) return
    const number = this.#sent[pair] ?? 0
    this.#sent[pair] = number + 1
    const id = `${this.#run}p${pair}n${number}`
    const batch = `${this.#run}p${pair}b${Math.floor(number / BATCH)}`
    const message = { id, pair, number, batch, sends: 1, deliveries: 0, errors: 0, acknowledged: false }
    const to = `${this.#run}${pair}b@${this.#options.domain}`
    this.messages.push(message)
    this.#byId.set(id, message)
    this.#sentIn.set(message, this.#session[pair] ?? 0)
    client.send(`<message type='chat' id='${id}' to='${to}'><body>${bodyOf(message)}</body></message>`)
  }

  #askHandled(pair: number): void {
    const client = this.#senders[pair]
    if (client?.managed !== null && client?.managed.unacknowledged.length !== 0) client?.requestAcknowledgement()
  }

  #of(stanza: string): Message | undefined {
    return this.#byId.get(/ id=['"]([^'"]*)/.exec(stanza)?.[1] ?? '')
  }

  #arrived(pair: number, stanza: string): void {
    const message = stanza.startsWith('<message') ? this.#of(stanza) : undefined
    if (message === undefined) return
    message.deliveries += 1
    const session = this.#sentIn.get(message) ?? 0
    const before = this.#newest[pair] ?? { number: -1, session, inSession: -1 }
    const inSession = before.session === session ? before.inSession : -1
    const newest = message.errors === 0 ? before.number : inSession
    if (message.deliveries === 1 && message.number < newest) this.disordered.push(message)
    this.#newest[pair] = {
      number: Math.max(before.number, message.number),
      session,
      inSession: Math.max(inSession, message.number),
    }
    for (const look of this.#watching) look(message)
  }

  #answered(stanza: string): void {
    const message = stanza.startsWith('<message') && stanza.includes('<error') ? this.#of(stanza) : undefined
    if (message === undefined) return
    message.errors += 1
    if (this.errorTexts.length < 3) this.errorTexts.push(stanza)
    for (const look of this.#watching) look(message)
  }

  #acknowledged(stanza: string): void {
    const message = this.#of(stanza)
    if (message !== undefined) message.acknowledged = true
  }

  #resent(stanza: string): void {
    const message = this.#of(stanza)
    if (message === undefined) return
    message.sends += 1
    this.#sentIn.set(message, this.#session[message.pair] ?? 0)
  }
}

const THERE = 'there'

/** Calls `there` when the answer has come behind which a client's presence is known to the server. */
function passing(told: Told, there: () => void): Told {
  return {
    ...told,
    stanza(stanza) {
      if (stanza.startsWith('<iq') && / id=['"]there['"]/.test(stanza)) there()
      told.stanza?.(stanza)
    },
  }
}
