// SPDX-License-Identifier: Apache-2.0
// The way to the network: which server, when, registered, alive; lost, and back again.
import { pauseMs } from '../../kit/stream/backoff.ts'
import { takeBatch, takeLine } from './incoming.ts'
import { type Ends, IrcFault, type IrcReason, type IrcServer } from './irc.ts'
import { type StsSaid, stsToKeep } from './login/sts.ts'
import { Outbox } from './outbox.ts'
import { Registration } from './registration.ts'
import { farewellOf } from './replies.ts'
import type { Session } from './session.ts'
import { isSkipped } from './skipping.ts'
import { type Address, IrcSocket } from './socket.ts'
import { type Line, readLine } from './wire/line.ts'

/** With these it makes no sense to come again before a person has changed something. */
const FATAL: ReadonlySet<IrcReason> = new Set<IrcReason>(['access', 'login', 'banned', 'nick-invalid', 'nick-taken'])
/** So long a server without CAP is waited for, before we say who we are in clear text. */
const CAP_MS = 5_000
/** A connection that held so long was a good one: the next loss begins with a short pause. */
const GOOD_MS = 30_000

/** Lines of who we are and what we can, before the server lets us in; a patient one asks for thirty. */
const MOST_INTRODUCED = 200

/** Units of text that are not held until the end of a turn. */
const LARGE = 32 * 1024

export type LinkEvents = { up: () => void; down: () => void }

export class Link {
  readonly #session: Session
  readonly #events: LinkEvents
  #socket: IrcSocket | null = null
  #registration: Registration | null = null
  #ends: Ends | null = null
  #address: (Address & { server: IrcServer }) | null = null
  /** Counts connections, so that what belongs to an old one is known. */
  #generation = 0
  #turn = 0
  #failures = 0
  #upSince = 0
  #heard = false
  /** Lines said before the server let us in. */
  #introduced = 0
  #holds = 0
  /** Lines written in this turn. */
  #pending = ''
  #isDue = false
  #isOver = false
  /** Where TLS is, said on the clear connection that was given up for it. */
  #upgrade: { host: string; port: number } | null = null
  #stsMs: number | null = null
  #cancels: (() => void)[] = []
  #cancelRetry: (() => void) | null = null
  #cancelStall: (() => void) | null = null

  constructor(session: Session, events: LinkEvents) {
    this.#session = session
    this.#events = events
  }

  get ends(): Ends | null {
    return this.#ends
  }

  connect(): void {
    if (this.#isOver || this.#socket !== null) return
    this.#cancelRetry?.()
    this.#cancelRetry = null
    this.#open()
  }

  /** Reading waits until the function given is called; also on a connection that comes in place of this one, from where it is up. */
  hold(): () => void {
    this.#holds += 1
    if (this.#holds === 1 && this.#session.isUp) this.#socket?.hold()
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holds -= 1
      if (this.#holds === 0 && this.#session.isUp) this.#socket?.release()
    }
  }

  /** Says goodbye; resolves when the connection is closed. Nothing comes after it. */
  async quit(text: string): Promise<void> {
    this.#isOver = true
    this.#cancelRetry?.()
    const socket = this.#socket
    if (socket === null) return
    if (this.#session.outbox !== null) {
      this.#session.outbox.close()
      this.#write(`QUIT :${text.replace(/[\r\n\0]/g, ' ')}`)
    }
    const closed = this.#closed
    this.#flush()
    socket.end()
    const cancel = this.#session.world.clock.after(2_000, () => socket.destroy(new IrcFault('down', 'quit')))
    await closed?.promise
    cancel()
  }

  #closed: PromiseWithResolvers<void> | null = null

  #open(): void {
    const { settings, limits, world } = this.#session
    const generation = ++this.#generation
    const address = this.#next()
    this.#address = address
    this.#upgrade = null
    this.#stsMs = null
    this.#heard = true
    this.#introduced = 0
    this.#session.counts.connects += 1
    this.#closed = Promise.withResolvers()
    const isCurrent = () => generation === this.#generation
    this.#socket = new IrcSocket(
      address,
      { settings, connectMs: limits.connectMs, bytesPerSecond: limits.bytesPerSecond, clock: world.clock },
      {
        reached: (ends) => {
          if (isCurrent()) this.#ends = ends
        },
        open: (ends) => {
          if (isCurrent()) this.#register(ends)
        },
        line: (bytes, start, end) => {
          if (isCurrent()) this.#read(bytes, start, end)
        },
        overlong: () => {
          this.#session.counts.overlong += 1
        },
        drain: () => {
          this.#cancelStall?.()
          this.#cancelStall = null
          if (isCurrent()) this.#session.outbox?.resume()
        },
        closed: (fault) => {
          if (isCurrent()) this.#lost(fault)
        },
      },
    )
  }

  #next(): Address & { server: IrcServer } {
    const { settings, world } = this.#session
    const server = settings.servers[this.#turn % settings.servers.length] as IrcServer
    const pins = server.pins ?? []
    if (this.#upgrade !== null) return { server, ...this.#upgrade, tls: true, pins }
    if (server.tls === 'tls') return { server, host: server.host, port: server.port, tls: true, pins }
    const policy = settings.sts?.read(server.host) ?? null
    if (policy !== null && policy.until > world.now())
      return { server, host: server.host, port: policy.port, tls: true, pins }
    return { server, host: server.host, port: server.port, tls: false, pins }
  }

  #register(ends: Ends): void {
    const { settings, limits, world } = this.#session
    this.#ends = ends
    const outbox = new Outbox({
      flood: settings.flood ?? { burst: 10, perSecond: 1 },
      most: limits.queue,
      clock: world.clock,
      write: (text) => this.#write(text),
      sizeOf: (text) => this.#session.encoding.sizeOf(text),
      onPause: () => this.#session.asks.fence(),
    })
    this.#session.outbox = outbox
    this.#registration = new Registration({
      settings,
      isTls: ends.tls,
      mayBeClear: this.#address?.server.tls === 'plain',
      send: (line) => this.#answer(line),
      nonce: () => this.#session.nonce(),
      sts: (said) => this.#hearSts(said),
      fail: (fault) => this.#socket?.destroy(fault),
      changed: () => this.#session.factsChanged(),
      loggedIn: (account) => {
        this.#session.me = { ...this.#session.me, account }
      },
    })
    this.#session.caps = this.#registration.caps
    this.#session.factsChanged()
    this.#after(limits.registerMs, () => {
      if (!this.#session.isUp && this.#registration !== null) this.#socket?.destroy(this.#registration.whyLate())
    })
    if (!ends.tls) this.#after(CAP_MS, () => this.#registration?.introduce())
    this.#watchIdle()
    this.#registration.start()
  }

  /** Before the server lets us in nothing else is written; later it waits its turn like any line. In both cases there is an end of it. */
  #answer(line: string): boolean {
    if (this.#session.isUp) return this.#session.outbox?.send(line) ?? false
    this.#introduced += 1
    if (this.#introduced > MOST_INTRODUCED) {
      this.#socket?.destroy(new IrcFault('other', 'the server asks without end before it lets us in'))
      return false
    }
    this.#write(line)
    return true
  }

  /** Lines of one turn go out together: a write of its own for each would cost more than the line. */
  #write(text: string): boolean {
    this.#session.counts.linesOut += 1
    this.#pending += `${text}\r\n`
    if (this.#pending.length >= LARGE) return this.#flush()
    if (!this.#isDue) {
      this.#isDue = true
      setImmediate(() => {
        this.#isDue = false
        if (this.#pending !== '' && !this.#flush()) this.#session.outbox?.pause()
      })
    }
    return true
  }

  #flush(): boolean {
    const bytes = this.#session.encoding.write(this.#pending)
    this.#pending = ''
    const takes = this.#socket?.write(bytes) ?? true
    // A server that reads nothing for so long is gone, whatever it still says.
    if (!takes)
      this.#cancelStall ??= this.#session.world.clock.after(this.#session.limits.pongMs, () => this.#stalled())
    return takes
  }

  #stalled(): void {
    this.#cancelStall = null
    this.#socket?.destroy(new IrcFault('timeout', 'the server reads no more'))
  }

  #read(bytes: Buffer, start: number, end: number): void {
    const session = this.#session
    session.counts.linesIn += 1
    this.#heard = true
    if (
      session.isUp &&
      session.channels.attentive === 0 &&
      isSkipped(bytes, start, end, session.nickBytes, session.watched.size > 0, session.asks.wantsAll)
    ) {
      session.counts.skipped += 1
      return
    }
    const line = readLine(session.encoding.read(bytes.subarray(start, end)))
    if (line === null) session.counts.malformed += 1
    else this.#take(line)
  }

  #take(line: Line): void {
    const session = this.#session
    switch (line.command) {
      case 'PING':
        session.outbox?.send(`PONG :${line.params.at(-1) ?? ''}`, 'urgent')
        return
      case 'PONG':
        session.asks.pong(line.params.at(-1) ?? '')
        return
      case 'ERROR':
        session.farewell = farewellOf(line.params[0] ?? '', session.isUp)
        return
      case 'ACK':
        session.asks.labelEnds(line.tags.get('label') ?? '')
        return
      case 'BATCH':
        takeBatch(session, line)
        return
    }
    if (!session.isUp || line.command === 'CAP' || line.command === 'AUTHENTICATE' || /^90[0-8]$/.test(line.command)) {
      if (this.#registration?.read(line) === true) return
      if (!session.isUp) this.#readWelcome(line)
    } else if (line.command === '005') session.learnIsupport(line.params.slice(1, -1))
    takeLine(session, line)
  }

  #readWelcome(line: Line): void {
    const session = this.#session
    switch (line.command) {
      case '001':
        session.setNick(this.#registration?.nick ?? session.nick)
        return
      case '004':
        session.software = line.params[2] ?? ''
        return
      case '005':
        session.learnIsupport(line.params.slice(1, -1))
        return
      case '376':
      case '422':
        if (this.#registration?.hasEnded !== true) return
        session.isUp = true
        if (this.#holds > 0) this.#socket?.hold()
        this.#upSince = session.world.clock.now()
        this.#events.up()
        return
    }
  }

  /** True: this connection is given up for one with TLS. */
  #hearSts(said: StsSaid): boolean {
    const { settings, world } = this.#session
    const address = this.#address
    if (address === null || this.#ends === null) return false
    if (this.#ends.tls) {
      const policy = stsToKeep(said, address.port, world.now())
      this.#stsMs = said.durationMs
      if (policy !== undefined) settings.sts?.write(address.host, policy)
      return false
    }
    if (said.port === null) return false
    this.#upgrade = { host: address.host, port: said.port }
    const socket = this.#socket
    this.#clear()
    // What still comes from the clear connection is of an older generation, and nobody's.
    this.#generation += 1
    socket?.destroy(new IrcFault('down', 'TLS instead'))
    const { port } = this.#upgrade
    queueMicrotask(() => {
      if (this.#isOver || this.#socket !== null) return
      this.#upgrade = { host: address.host, port }
      this.#open()
    })
    return true
  }

  #watchIdle(): void {
    const { limits } = this.#session
    this.#after(limits.idleMs, () => {
      if (this.#heard || this.#holds > 0) {
        this.#heard = false
        return this.#watchIdle()
      }
      this.#write('PING :are-you-there')
      this.#after(limits.pongMs, () => {
        if (!this.#heard && this.#holds === 0)
          this.#socket?.destroy(new IrcFault('timeout', 'the server says nothing any more'))
        else this.#watchIdle()
      })
    })
  }

  #after(ms: number, act: () => void): void {
    const generation = this.#generation
    const cancel = this.#session.world.clock.after(ms, () => {
      this.#cancels = this.#cancels.filter((each) => each !== cancel)
      if (generation === this.#generation) act()
    })
    this.#cancels.push(cancel)
  }

  #clear(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels = []
    this.#cancelStall?.()
    this.#cancelStall = null
    this.#session.outbox?.close()
    this.#session.outbox = null
    this.#pending = ''
    this.#socket = null
    this.#registration = null
    this.#ends = null
  }

  #lost(why: IrcFault): void {
    const session = this.#session
    const { world, limits, settings } = session
    const fault = why.reason === 'down' ? (session.farewell ?? why) : why
    const wasUp = session.isUp
    const address = this.#address
    // IRCv3 STS: the time of a policy begins anew when the connection ends.
    if (this.#ends?.tls === true && address !== null && this.#stsMs !== null && this.#stsMs > 0)
      settings.sts?.write(address.host, { port: address.port, until: world.now() + this.#stsMs })
    this.#clear()
    this.#closed?.resolve()
    session.reset()
    session.asks.lost(fault)
    this.#events.down()
    if (this.#isOver) return
    if (wasUp && world.clock.now() - this.#upSince >= GOOD_MS) this.#failures = 0
    else this.#turn += 1
    this.#failures += 1
    if (FATAL.has(fault.reason) && fault.code !== 'sasl-missing') {
      session.tell('down', fault, null)
      return
    }
    // The other servers of a network are tried before the pauses grow.
    const round = Math.ceil(this.#failures / settings.servers.length)
    const pause = pauseMs(round, world.random, limits.backoff)
    this.#cancelRetry = world.clock.after(pause, () => {
      this.#cancelRetry = null
      this.connect()
    })
    session.tell('down', fault, world.now() + pause)
  }
}
