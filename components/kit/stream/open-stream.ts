// SPDX-License-Identifier: Apache-2.0
// The stream over @xmpp/component, the only file that imports it. The library connects, opens, authenticates, writes and closes;
// reading, limits, back-pressure, reconnecting and answers that outlive a connection are ours. Its own answerer is taken off.
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { component } from '@xmpp/component'
import { PING } from '../xep/ping.ts'
import type { Element } from '../xml/element.ts'
import type { XmlFault } from '../xml/fault.ts'
import { type ReadStanza, XmlReader } from '../xml/reader.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'
import { DEFAULT_BACKOFF, LOOPBACK_BACKOFF, pauseMs } from './backoff.ts'
import { isLoopback, type StreamOptions } from './options.ts'
import { DEFAULT_OUTBOX, Outbox, type OutboxOptions } from './outbox.ts'
import { DEFAULT_PULSE, Pulse } from './pulse.ts'
import {
  type Clock,
  type Stream,
  type StreamCounts,
  type StreamEvents,
  type StreamLog,
  type StreamState,
  systemClock,
} from './stream.ts'
import { adviseOnLoss, readStreamError, writeStreamError } from './stream-errors.ts'
import { aborted, Waiters } from './waiters.ts'
import { SERVER_CLOSED, Wire } from './wire.ts'

/** What is repeated after a reconnect at most; older answers were almost surely read. */
const UNPROVEN: OutboxOptions = { answers: 10_000, units: 256 * 1024, keepMs: 60_000 }
const TICK_MS = 1000
/** A connection that lasted this long ended the trouble before it: the pauses start small again. */
const STEADY_MS = 10_000

/** Begins to connect at once and goes on until drained. Throws when the link would be refused (see allowClear). */
export function openStream(options: StreamOptions, events: StreamEvents): Stream {
  if (!isLoopback(options.host) && options.allowClear !== true)
    throw new Error(
      `${options.host} is not this machine and the link has no TLS: put stunnel between, or allow it in the settings`,
    )
  return new ComponentStream(options, events)
}

class ComponentStream implements Stream {
  readonly domain: string
  readonly counts: StreamCounts = {
    received: 0,
    sent: 0,
    lostReplies: 0,
    repeatedReplies: 0,
    refusedSends: 0,
    reconnects: 0,
    faults: 0,
    pauses: 0,
  }
  state: StreamState = 'connecting'
  trouble: string | null = null

  readonly #options: StreamOptions
  readonly #events: StreamEvents
  readonly #log: StreamLog
  readonly #clock: Clock
  readonly #inWorkMost: { stanzas: number; units: number }
  readonly #queuedMost: number
  readonly #entity: ReturnType<typeof component>

  #wire: Wire | null = null
  #reader: XmlReader | null = null
  #pulse: Pulse
  #attempt = 0
  #upAt = 0
  #draining = false
  #cancelTimers: (() => void)[] = []

  #queue: string[] = []
  /** Those of the queue that are answers. */
  #replies: string[] = []
  #queuedUnits = 0
  #queuedStanzas = 0
  #written: Promise<void> = Promise.resolve()
  #inWork = 0
  #inWorkUnits = 0
  /** Answers without a connection, and answers written to this one that no ping has proven read. */
  readonly #waiting: Outbox
  readonly #unproven: Outbox
  #pingId = ''
  #pingPlace = 0
  #lostBefore = 0

  readonly #waiters = new Waiters()

  constructor(options: StreamOptions, events: StreamEvents) {
    this.#options = options
    this.domain = options.domain
    this.#events = events
    this.#log = options.log
    this.#clock = options.clock ?? systemClock
    this.#inWorkMost = options.inWork ?? { stanzas: 2000, units: 32 * 1024 * 1024 }
    this.#queuedMost = options.queuedBytes ?? 16 * 1024 * 1024
    this.#waiting = new Outbox(options.outbox ?? DEFAULT_OUTBOX)
    this.#unproven = new Outbox(UNPROVEN)
    this.#pulse = new Pulse(this.#clock.now(), options.pulse ?? DEFAULT_PULSE)
    this.#entity = this.#adopt()
    this.#connect()
    this.#scheduleTick()
  }

  send(xml: string): boolean {
    if (this.state !== 'up' || this.#queuedUnits + (this.#wire?.queuedBytes ?? 0) > this.#queuedMost) {
      this.counts.refusedSends++
      return false
    }
    this.#push(xml, 1)
    return true
  }

  reply(xml: string): void {
    if (this.state === 'closed') {
      this.counts.lostReplies++
    } else if (this.state === 'up') {
      this.#replies.push(xml)
      this.#push(xml, 1)
    } else {
      this.counts.lostReplies += this.#waiting.hold(xml, this.#clock.now())
    }
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#waiters.until(() => this.state === 'up' || this.state === 'closed', signal)
  }

  async drain(signal: AbortSignal): Promise<void> {
    if (this.state === 'closed') return
    this.#draining = true
    const settled = () => this.state !== 'up' || (this.#inWork === 0 && this.#queue.length === 0)
    await this.#waiters.until(settled, signal).catch(() => {})
    if (this.state === 'up') {
      this.#flush()
      await Promise.race([this.#written, aborted(signal)])
      this.#wire?.resume()
      await Promise.race([this.#entity.close(2000).catch(() => {}), aborted(signal)])
    }
    this.#close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(AbortSignal.timeout(5000))
  }

  /** The library's entity with our socket and parser in its seams, and without its reconnecting and answering. */
  #adopt(): ReturnType<typeof component> {
    const { domain, secret, host, port } = this.#options
    const stream = this
    // The library hashes Latin-1 units; XEP-0114 wants the bytes of the stream's encoding, UTF-8.
    const password = Buffer.from(secret, 'utf8').toString('latin1')
    const entity = component({ service: 'xmpp://server', domain, password })
    entity.reconnect.stop()
    entity.removeAllListeners('element')
    entity.timeout = this.#options.handshakeWithinMs ?? 10_000
    entity.Socket = class extends Wire {
      constructor() {
        super({ bytes: (bytes) => stream.#hear(bytes), drained: () => stream.#flow() })
        stream.#wire = this
      }
      override connect(): void {
        super.connect({ host, port })
      }
    }
    entity.Parser = class extends EventEmitter {
      constructor() {
        super()
        stream.#reader = stream.#newReader(this)
      }
      write(): void {
        throw new Error('bytes go to the reader, not through the library')
      }
    }
    entity.on('error', () => {
      // What went wrong closes the wire, and is told there, once.
    })
    entity.on('disconnect', () => this.#lost())
    return entity
  }

  #connect(): void {
    if (this.state === 'closed') return
    const entity = this.#entity
    const within = this.#options.handshakeWithinMs ?? 10_000
    this.#later(within, () => {
      if (this.state !== 'up') this.#wire?.destroy(`no handshake within ${within} ms`)
    })
    const opening = entity.connect('xmpp://server').then(() => entity.open({ domain: this.domain }))
    const wire = this.#wire
    opening.catch((error: unknown) => {
      if (wire === this.#wire && this.state !== 'up') wire?.destroy(`the stream did not open: ${error}`)
    })
  }

  #newReader(parser: EventEmitter): XmlReader {
    let authenticated = false
    return new XmlReader(
      {
        start: (root) => {
          if (root.is('stream', NS.streams)) parser.emit('start', root)
          else this.#fault('bad-format', 'not an XMPP stream')
        },
        stanza: (stanza) => {
          if (authenticated) this.#take(stanza)
          else if (stanza.element.is('handshake', NS.component)) {
            authenticated = true
            parser.emit('element', stanza.element)
            this.#up()
          } else if (stanza.element.is('error', NS.streams)) this.#streamError(stanza.element)
          else this.#fault('not-authorized', 'a stanza before the handshake')
        },
        end: () => {
          parser.emit('end')
          if (!this.#draining) this.#wire?.destroy('the server ended the stream')
        },
        fault: (fault: XmlFault) => this.#fault(fault.condition, fault.message),
      },
      this.#options.limits,
    )
  }

  #hear(bytes: Buffer): void {
    this.#pulse.heard(this.#clock.now())
    this.#reader?.write(bytes)
  }

  #take(stanza: ReadStanza): void {
    const { element } = stanza
    if (this.#wire === null || this.#wire.reason !== null) return
    if (element.is('error', NS.streams)) this.#streamError(element)
    else if (this.#pingId !== '' && element.attrs.id === this.#pingId && element.name === 'iq') this.#pingAnswered()
    else if (!this.#draining && (element.name === 'iq' || element.name === 'message' || element.name === 'presence'))
      this.#handOver(stanza)
  }

  #handOver(stanza: ReadStanza): void {
    this.counts.received++
    let work: Promise<void> | undefined
    try {
      work = this.#events.take(stanza)
    } catch (error) {
      this.#log.error('a stanza could not be taken', { error })
    }
    if (work !== undefined) this.#count(work, stanza.raw.length)
  }

  #count(work: Promise<void>, units: number): void {
    this.#inWork++
    this.#inWorkUnits += units
    const done = () => {
      this.#inWork--
      this.#inWorkUnits -= units
      this.#flow()
      this.#waiters.wake()
    }
    work.then(done, (error: unknown) => {
      this.#log.error('a stanza could not be taken', { error })
      done()
    })
    this.#flow()
  }

  #push(xml: string, stanzas: number): void {
    if (this.#queue.length === 0) process.nextTick(() => this.#flush())
    this.#queue.push(xml)
    this.#queuedStanzas += stanzas
    this.#queuedUnits += xml.length
  }

  /** What waited for this connection; it stays unproven like any other answer. */
  #repeat(xml: string, answers: number): void {
    this.#push(xml, answers)
    this.#unproven.hold(xml, this.#clock.now(), answers)
  }

  /** One write for all that one turn of the loop has to say. */
  #flush(): void {
    if (this.#queue.length === 0 || this.state !== 'up') return
    const text = this.#queue.join('')
    this.counts.sent += this.#queuedStanzas
    // One flat text for many answers: thousands of small strings that live for a second would burden the collector.
    const answers = this.#replies.length
    if (answers > 0)
      this.#unproven.hold(answers === this.#queue.length ? text : this.#replies.join(''), this.#clock.now(), answers)
    this.#emptyQueue()
    this.#written = this.#entity.write(text).catch(() => {
      // The connection is going; its end is told by the wire.
    })
    this.#flow()
    this.#waiters.wake()
  }

  #emptyQueue(): void {
    this.#queue = []
    this.#replies = []
    this.#queuedUnits = 0
    this.#queuedStanzas = 0
  }

  /** Back-pressure: reads only while the server reads and our work is within its bound; goes on at half of it. */
  #flow(): void {
    const wire = this.#wire
    if (wire === null || this.#draining) return
    const { stanzas, units } = this.#inWorkMost
    const share = wire.paused ? 0.5 : 1
    const stop = wire.needsDrain || this.#inWork > stanzas * share || this.#inWorkUnits > units * share
    if (stop && !wire.paused) {
      this.counts.pauses++
      wire.pause()
    } else if (!stop && wire.paused) wire.resume()
  }

  #up(): void {
    this.state = 'up'
    this.trouble = null
    this.#upAt = this.#clock.now()
    this.#pulse = new Pulse(this.#upAt, this.#options.pulse ?? DEFAULT_PULSE)
    this.#pingId = ''
    this.counts.lostReplies += this.#waiting.expire(this.#upAt)
    const lateReplies = this.#waiting.size
    for (const { xml, answers } of this.#waiting.take()) this.#repeat(xml, answers)
    this.#log.info('stream up', {
      domain: this.domain,
      lateReplies,
      lost: this.counts.lostReplies - this.#lostBefore,
    })
    this.#lostBefore = this.counts.lostReplies
    this.#events.up?.()
    this.#waiters.wake()
  }

  /** The connection is gone, whatever the cause: once for each. */
  #lost(): void {
    const reason = adviseOnLoss(this.#wire?.reason ?? 'the connection was lost')
    const wasUp = this.state === 'up'
    this.#wire = null
    this.#reader = null
    this.#cancel()
    const unwritten = this.#replies
    this.#emptyQueue()
    if (!wasUp) this.#entity.emit('error', new Error(reason))
    if (this.state === 'closed') return
    this.state = wasUp ? 'down' : this.state
    this.trouble = reason
    const now = this.#clock.now()
    // The server closed after our own end of stream: it has read everything before that.
    if (this.#draining && reason === SERVER_CLOSED) this.#unproven.dropTo(this.#unproven.place)
    for (const { xml, answers } of this.#unproven.take()) {
      this.counts.repeatedReplies += answers
      this.counts.lostReplies += this.#waiting.hold(xml, now, answers)
    }
    for (const xml of unwritten) this.counts.lostReplies += this.#waiting.hold(xml, now)
    if (this.#draining) {
      this.#close()
      return
    }
    if (wasUp && now - this.#upAt >= STEADY_MS) this.#attempt = 0
    const backoff = this.#options.backoff ?? (isLoopback(this.#options.host) ? LOOPBACK_BACKOFF : DEFAULT_BACKOFF)
    const inMs = pauseMs(++this.#attempt, this.#options.random ?? Math.random, backoff)
    this.#log.warn('stream down', { domain: this.domain, reason, attempt: this.#attempt, againInMs: inMs })
    if (wasUp) this.#events.down?.(reason)
    this.#scheduleTick()
    this.#later(inMs, () => {
      this.counts.reconnects++
      this.#connect()
    })
    this.#waiters.wake()
  }

  #streamError(element: Element): void {
    const { condition, text, advice } = readStreamError(element)
    this.counts.faults++
    this.#log.error('stream error from the server', { condition, text, advice })
    this.#wire?.destroy(`stream error ${condition}: ${advice}`)
  }

  /** Says why (RFC 6120 §4.9), and goes: nothing more is read from this connection. */
  #fault(condition: string, what: string): void {
    this.counts.faults++
    this.#log.error('what the server sent was refused', { condition, what })
    this.#wire?.write(writeStreamError(condition), () => {})
    this.#wire?.destroy(`refused: ${condition}`)
  }

  #tick(): void {
    const now = this.#clock.now()
    this.counts.lostReplies += this.#waiting.expire(now)
    const wire = this.#wire
    if (this.state !== 'up' || wire === null) return
    const reading = wire.needsDrain ? 'drain' : wire.paused ? 'work' : 'yes'
    const sign = this.#pulse.check(now, reading, this.#unproven.size > 0)
    if (sign === 'ping') this.#ping(now)
    if (sign === 'dead')
      wire.destroy(reading === 'drain' ? 'the server does not read' : 'the server is silent, even to a ping')
  }

  #ping(now: number): void {
    this.#pingId = `gh-ping-${randomUUID()}`
    this.#pingPlace = this.#unproven.place
    this.#pulse.pinged(now)
    const to = escapeAttribute(this.#options.pingTo ?? this.domain)
    this.#push(`<iq type='get' id='${this.#pingId}' from='${escapeAttribute(this.domain)}' to='${to}'>${PING}</iq>`, 1)
  }

  /** Its answer, or the ping itself on its way back to us: the server has read all that was written before it. */
  #pingAnswered(): void {
    this.#pingId = ''
    this.#pulse.answered()
    this.#unproven.dropTo(this.#pingPlace)
  }

  #close(): void {
    this.state = 'closed'
    this.counts.lostReplies += this.#waiting.size
    this.#cancel()
    this.#wire?.destroy('closed by us')
    this.#waiters.wake()
  }

  #scheduleTick(): void {
    this.#later(TICK_MS, () => {
      this.#tick()
      if (this.state !== 'closed') this.#scheduleTick()
    })
  }

  #later(ms: number, act: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#cancelTimers = this.#cancelTimers.filter((each) => each !== cancel)
      act()
    })
    this.#cancelTimers.push(cancel)
  }

  #cancel(): void {
    for (const cancel of this.#cancelTimers) cancel()
    this.#cancelTimers = []
  }
}
