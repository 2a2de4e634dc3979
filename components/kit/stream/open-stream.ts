// SPDX-License-Identifier: Apache-2.0
// The stream of a component to its server: its states, from connecting over up and down to closed, and what happens at each change.
// Limits, back-pressure, reconnecting and answers that outlive a connection are ours; the library below connects and writes.
import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { PING } from '../xep/ping.ts'
import type { Element } from '../xml/element.ts'
import type { ReadStanza, XmlReader } from '../xml/reader.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'
import { DEFAULT_BACKOFF, LOOPBACK_BACKOFF, pauseMs } from './backoff.ts'
import { InWork } from './in-work.ts'
import { openIncoming } from './incoming.ts'
import { HANDSHAKE_WITHIN_MS, type Library, openLibrary } from './library.ts'
import { isLoopback, type StreamOptions } from './options.ts'
import { Outgoing } from './outgoing.ts'
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
import { Timers } from './timers.ts'
import { aborted, Waiters } from './waiters.ts'
import { SERVER_CLOSED, type Wire } from './wire.ts'

const TICK_MS = 1000
/**
 * A connection that lasted this long ended the trouble before it: the pauses start small again (RFC 6120 section 3.3 has them grow
 * while reconnecting fails). What comes back with the connection, as a stanza that is sent again, ends it sooner than this.
 */
const STEADY_MS = 3000

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
  readonly #queuedMost: number
  readonly #library: Library

  #wire: Wire | null = null
  #reader: XmlReader | null = null
  #pulse: Pulse
  #attempt = 0
  #upAt = 0
  #draining = false
  readonly #timers: Timers

  readonly #outgoing: Outgoing
  #written: Promise<void> = Promise.resolve()
  readonly #inWork: InWork
  #pingId = ''
  #pingPlace = 0
  #lostBefore = 0

  readonly #waiters = new Waiters()
  readonly #notTaken = (error: unknown) => this.#log.error('a stanza could not be taken', { error })

  constructor(options: StreamOptions, events: StreamEvents) {
    this.#options = options
    this.domain = options.domain
    this.#events = events
    this.#log = options.log
    this.#clock = options.clock ?? systemClock
    this.#queuedMost = options.queuedBytes ?? 16 * 1024 * 1024
    this.#timers = new Timers(this.#clock)
    this.#outgoing = new Outgoing(this.counts, () => this.#flush(), options.outbox, options.gathers)
    this.#inWork = new InWork(() => {
      this.#flow()
      this.#waiters.wake()
    }, options.inWork)
    this.#pulse = new Pulse(this.#clock.now(), options.pulse ?? DEFAULT_PULSE)
    this.#library = openLibrary(options, {
      wire: (wire) => {
        this.#wire = wire
      },
      parser: (parser) => {
        this.#reader = this.#newReader(parser)
      },
      bytes: (bytes) => this.#hear(bytes),
      drained: () => this.#flow(),
      gone: () => this.#lost(),
    })
    this.#connect()
    this.#scheduleTick()
  }

  send(xml: string, row?: object): boolean {
    if (this.state !== 'up' || this.#outgoing.units + (this.#wire?.queuedBytes ?? 0) > this.#queuedMost) {
      this.counts.refusedSends++
      return false
    }
    if (row === undefined) this.#outgoing.push(xml)
    else this.#outgoing.pushInRow(xml, row)
    return true
  }

  flush(): void {
    this.#flush()
  }

  reply(xml: string): void {
    if (this.state === 'closed') {
      this.counts.lostReplies++
    } else if (this.state === 'up') {
      this.#outgoing.reply(xml)
    } else {
      this.#outgoing.wait(xml, this.#clock.now())
    }
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#waiters.until(() => this.state === 'up' || this.state === 'closed', signal)
  }

  async drain(signal: AbortSignal): Promise<void> {
    if (this.state === 'closed') return
    this.#draining = true
    const settled = () => this.state !== 'up' || (this.#inWork.isEmpty && this.#outgoing.isEmpty)
    await this.#waiters.until(settled, signal).catch(() => {})
    if (this.state === 'up') {
      this.#flush()
      await Promise.race([this.#written, aborted(signal)])
      this.#wire?.resume()
      await Promise.race([this.#library.close(2000).catch(() => {}), aborted(signal)])
    }
    this.#close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(AbortSignal.timeout(5000))
  }

  #connect(): void {
    if (this.state === 'closed') return
    const within = this.#options.handshakeWithinMs ?? HANDSHAKE_WITHIN_MS
    this.#timers.after(within, () => {
      if (this.state !== 'up') this.#wire?.destroy(`no handshake within ${within} ms`)
    })
    const opening = this.#library.open()
    const wire = this.#wire
    opening.catch((error: unknown) => {
      if (wire === this.#wire && this.state !== 'up') wire?.destroy(`the stream did not open: ${error}`)
    })
  }

  #newReader(parser: EventEmitter): XmlReader {
    return openIncoming(parser, this.#options.limits, {
      authenticated: () => this.#up(),
      stanza: (stanza) => this.#take(stanza),
      streamError: (error) => this.#streamError(error),
      refused: (condition, what) => this.#fault(condition, what),
      ended: () => {
        if (!this.#draining) this.#wire?.destroy('the server ended the stream')
      },
    })
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
      this.#notTaken(error)
    }
    if (work === undefined) return
    this.#inWork.add(work, stanza.raw.length, this.#notTaken)
    this.#flow()
  }

  /** One write for all that one turn of the loop has to say. */
  #flush(): void {
    if (this.#outgoing.isEmpty || this.state !== 'up') return
    this.#events.writing?.()
    this.#written = this.#library.write(this.#outgoing.take(this.#clock.now())).catch(() => {
      // The connection is going; its end is told by the wire.
    })
    this.#flow()
    this.#waiters.wake()
  }

  /** Back-pressure: reads only while the server reads and our work is within its bound; goes on at half of it. */
  #flow(): void {
    const wire = this.#wire
    if (wire === null || this.#draining) return
    const stop = wire.needsDrain || this.#inWork.isOver(wire.paused ? 0.5 : 1)
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
    const lateReplies = this.#outgoing.resume(this.#upAt)
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
    this.#timers.cancel()
    const unwritten = this.#outgoing.drop()
    if (!wasUp) this.#library.giveUp(reason)
    if (this.state === 'closed') return
    this.state = wasUp ? 'down' : this.state
    this.trouble = reason
    const now = this.#clock.now()
    // The server closed after our own end of stream: it has read everything before that.
    if (this.#draining && reason === SERVER_CLOSED) this.#outgoing.proven(this.#outgoing.place)
    this.#outgoing.keep(unwritten, now)
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
    this.#timers.after(inMs, () => {
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
    this.#outgoing.expire(now)
    const wire = this.#wire
    if (this.state !== 'up' || wire === null) return
    const reading = wire.needsDrain ? 'drain' : wire.paused ? 'work' : 'yes'
    const sign = this.#pulse.check(now, reading, this.#outgoing.isUnproven)
    if (sign === 'ping') this.#ping(now)
    if (sign === 'dead')
      wire.destroy(reading === 'drain' ? 'the server does not read' : 'the server is silent, even to a ping')
  }

  #ping(now: number): void {
    this.#pingId = `gh-ping-${randomUUID()}`
    this.#pingPlace = this.#outgoing.place
    this.#pulse.pinged(now)
    const to = escapeAttribute(this.#options.pingTo ?? `${this.domain}/ping`)
    this.#outgoing.push(
      `<iq type='get' id='${this.#pingId}' from='${escapeAttribute(this.domain)}' to='${to}'>${PING}</iq>`,
    )
  }

  /** Its answer, or the ping itself on its way back to us: the server has read all that was written before it. */
  #pingAnswered(): void {
    this.#pingId = ''
    this.#pulse.answered()
    this.#outgoing.proven(this.#pingPlace)
  }

  #close(): void {
    this.state = 'closed'
    this.#outgoing.close()
    this.#timers.cancel()
    this.#wire?.destroy('closed by us')
    this.#waiters.wake()
  }

  #scheduleTick(): void {
    this.#timers.after(TICK_MS, () => {
      this.#tick()
      if (this.state !== 'closed') this.#scheduleTick()
    })
  }
}
