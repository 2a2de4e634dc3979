// SPDX-License-Identifier: Apache-2.0
// The socket the library gets: a TCP connection that takes bytes to our reader (never to the library), gathers what one turn
// writes into one segment, and lets no exception out.
import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'

export type WireEvents = {
  bytes(bytes: Buffer): void
  /** The connection takes more again after `needsDrain` was true. */
  drained(): void
}

/** The reason when the server's side ended in order. */
export const SERVER_CLOSED = 'closed by the server'

/** TCP keep-alive: first probe after this long without traffic; Node then probes every second, ten times. */
const KEEP_ALIVE_AFTER_MS = 20_000

/** Emits connect, error and, exactly once, close - as the library expects of a socket. */
export class Wire extends EventEmitter {
  readonly #socket = new Socket()
  readonly #events: WireEvents
  #paused = false
  /** Why it was closed, if we closed it. */
  reason: string | null = null

  constructor(events: WireEvents) {
    super()
    this.#events = events
    const socket = this.#socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS)
    socket.on('connect', () => this.emit('connect'))
    socket.on('data', (bytes) => {
      if (!socket.destroyed) this.#events.bytes(bytes)
    })
    socket.on('drain', () => this.#events.drained())
    // The server is going: nothing that is written now would be read.
    socket.on('end', () => this.destroy(SERVER_CLOSED))
    socket.on('error', (error) => {
      this.reason ??= error.message
      if (this.listenerCount('error') > 0) this.emit('error', error)
    })
    socket.on('close', (hadError) => this.emit('close', hadError))
  }

  connect(to: { host: string; port: number }): void {
    this.#socket.connect(to)
  }

  write(text: string, done: (error?: Error | null) => void): void {
    this.#socket.write(text, 'utf8', done)
  }

  /** Called by the library to leave. */
  end(): void {
    this.#socket.end()
  }

  destroy(reason: string): void {
    this.reason ??= reason
    this.#socket.destroy()
  }

  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  get paused(): boolean {
    return this.#paused
  }

  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    this.#socket.resume()
  }
}
