// SPDX-License-Identifier: Apache-2.0
// @xmpp/component behind our own word, the only file that imports it. It connects, opens, authenticates, writes and closes; our
// socket and our reader stand in its seams, and its own reconnecting and answering are taken off.
import { EventEmitter } from 'node:events'
import { component } from '@xmpp/component'
import type { StreamOptions } from './options.ts'
import { Wire } from './wire.ts'

export type LibraryEvents = {
  /** A new connection is about to be made. */
  wire(wire: Wire): void
  /** Its reader is wanted, which emits `start`, `element` and `end` to the library. */
  parser(parser: EventEmitter): void
  bytes(bytes: Buffer): void
  drained(): void
  /** The connection is gone, whatever the cause: once for each. */
  gone(): void
}

export type Library = {
  /** Connects and authenticates; rejects when that fails. */
  open(): Promise<void>
  write(text: string): Promise<void>
  /** Ends the stream in good order. */
  close(withinMs: number): Promise<void>
  /** Ends an `open` that is still under way. */
  giveUp(reason: string): void
}

export const HANDSHAKE_WITHIN_MS = 10_000

export function openLibrary(options: StreamOptions, events: LibraryEvents): Library {
  const { domain, secret, host, port } = options
  // The library hashes Latin-1 units; XEP-0114 wants the bytes of the stream's encoding, UTF-8.
  const password = Buffer.from(secret, 'utf8').toString('latin1')
  const entity = component({ service: 'xmpp://server', domain, password })
  entity.reconnect.stop()
  entity.removeAllListeners('element')
  entity.timeout = options.handshakeWithinMs ?? HANDSHAKE_WITHIN_MS
  entity.Socket = class extends Wire {
    constructor() {
      super(events)
      events.wire(this)
    }
    override connect(): void {
      super.connect({ host, port })
    }
  }
  entity.Parser = class extends EventEmitter {
    constructor() {
      super()
      events.parser(this)
    }
    write(): void {
      throw new Error('bytes go to the reader, not through the library')
    }
  }
  entity.on('error', () => {
    // What went wrong closes the wire, and is told there, once.
  })
  entity.on('disconnect', () => events.gone())
  return {
    async open() {
      await entity.connect('xmpp://server')
      await entity.open({ domain })
    },
    write: (text) => entity.write(text),
    async close(withinMs) {
      await entity.close(withinMs)
    },
    giveUp: (reason) => void entity.emit('error', new Error(reason)),
  }
}
