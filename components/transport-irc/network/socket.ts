// SPDX-License-Identifier: Apache-2.0
// The bytes to and from one server: TCP or TLS, verified, bounded in what is read at once.
import { createHash, type X509Certificate } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import type { Clock } from '../../kit/stream/stream.ts'
import { type Ends, IrcFault, type IrcSettings } from './irc.ts'
import { Frames, type OnLine } from './wire/frames.ts'

export type Address = { host: string; port: number; tls: boolean; pins: readonly string[] }

export type SocketEvents = {
  /** The way there is open; with TLS nothing can be said yet. A server may ask who we are (RFC 1413) from here on. */
  reached(ends: Ends): void
  open(ends: Ends): void
  line: OnLine
  overlong(): void
  /** Takes more. */
  drain(): void
  /** Once, whatever happened. */
  closed(fault: IrcFault): void
}

export type SocketOptions = {
  settings: Pick<IrcSettings, 'certificate' | 'ca' | 'localAddress'>
  connectMs: number
  bytesPerSecond: number
  clock: Clock
}

/** Bytes of a line with its tags: 8191 of tags (message-tags), the rest for servers that say more than they should. */
const LONGEST = 16 * 1024

export class IrcSocket {
  readonly #socket: net.Socket
  readonly #events: SocketEvents
  readonly #options: SocketOptions
  readonly #frames: Frames
  readonly #cancelConnect: () => void
  #holds = 0
  #bytes = 0
  #second = 0
  #isOver = false
  #fault: IrcFault | null = null

  constructor(address: Address, options: SocketOptions, events: SocketEvents) {
    this.#events = events
    this.#options = options
    this.#frames = new Frames(
      LONGEST,
      (bytes, start, end) => {
        if (!this.#isOver) events.line(bytes, start, end)
      },
      () => events.overlong(),
    )
    this.#socket = this.#connect(address)
    this.#cancelConnect = options.clock.after(options.connectMs, () =>
      this.destroy(new IrcFault('timeout', `${address.host}:${address.port} does not answer`)),
    )
  }

  /** False: full until `drain`. */
  write(bytes: Buffer): boolean {
    return this.#isOver || this.#socket.write(bytes)
  }

  /** Reads nothing until `release` was called as often. */
  hold(): void {
    this.#holds += 1
    this.#socket.pause()
  }

  release(): void {
    this.#holds -= 1
    if (this.#holds === 0) this.#socket.resume()
  }

  /** Sends what is written, then closes. */
  end(): void {
    this.#socket.end()
  }

  destroy(fault: IrcFault): void {
    this.#fault ??= fault
    this.#socket.destroy()
    this.#over()
  }

  #connect({ host, port, tls: isTls, pins }: Address): net.Socket {
    const { localAddress, ca, certificate } = this.#options.settings
    const common = { host, port, ...(localAddress === undefined ? {} : { localAddress }) }
    if (!isTls) {
      // One buffer serves all connections: what is read is used before the next is.
      const socket = net.connect({
        ...common,
        noDelay: true,
        keepAlive: true,
        onread: { buffer: SHARED, callback: this.#onRead },
      })
      return this.#listen(socket, 'connect', () => null)
    }
    const socket = tls.connect({
      ...common,
      servername: net.isIP(host) === 0 ? host : '',
      minVersion: 'TLSv1.2',
      // A pin stands for the authority; without one nobody unverified is talked to.
      rejectUnauthorized: pins.length === 0,
      ALPNProtocols: ['irc'],
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert }),
    })
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    socket.on('data', (chunk) => this.#read(chunk))
    return this.#listen(socket, 'secureConnect', () => wrongPin(socket.getPeerX509Certificate(), pins))
  }

  #listen<Socket extends net.Socket>(socket: Socket, ready: string, refuse: () => IrcFault | null): Socket {
    const ends = () => ({
      localAddress: socket.localAddress ?? '',
      localPort: socket.localPort ?? 0,
      remoteAddress: socket.remoteAddress ?? '',
      remotePort: socket.remotePort ?? 0,
      tls: ready === 'secureConnect',
    })
    socket.once('connect', () => this.#events.reached(ends()))
    socket.once(ready, () => {
      this.#cancelConnect()
      const refusal = refuse()
      if (refusal !== null) return this.destroy(refusal)
      this.#events.open(ends())
    })
    socket.on('drain', () => {
      if (!this.#isOver) this.#events.drain()
    })
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      if (this.#fault !== null) return
      this.#fault = new IrcFault(
        isAboutTrust(cause) ? 'protection' : 'down',
        // What Node advises speaks of flags of Node.
        cause.message.replace(/; if the root CA is installed locally.*$/s, ''),
        cause.code ?? 'down',
      )
      // It repeats the names in the certificate.
      this.#fault.isSaid = cause.code === 'ERR_TLS_CERT_ALTNAME_INVALID'
    })
    socket.on('close', () => this.#over())
    return socket
  }

  readonly #onRead = (size: number, buffer: Uint8Array): boolean => {
    this.#read(buffer === SHARED ? SHARED.subarray(0, size) : Buffer.from(buffer.buffer, buffer.byteOffset, size))
    return true
  }

  #read(chunk: Buffer): void {
    if (this.#isOver) return
    this.#frames.push(chunk)
    const now = this.#options.clock.now()
    if (now - this.#second >= 1000) {
      this.#second = now
      this.#bytes = 0
    }
    this.#bytes += chunk.length
    if (this.#bytes < this.#options.bytesPerSecond || this.#isOver) return
    this.#bytes = 0
    this.hold()
    this.#options.clock.after(Math.max(1, 1000 - (now - this.#second)), () => this.release())
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelConnect()
    this.#events.closed(this.#fault ?? new IrcFault('down', 'the server closed the connection'))
  }
}

const SHARED = Buffer.allocUnsafeSlow(64 * 1024)

/** Pins are compared without colons and case; base64 is that of the same 32 bytes. */
export function wrongPin(certificate: X509Certificate | undefined, pins: readonly string[]): IrcFault | null {
  if (pins.length === 0) return null
  if (certificate === undefined) return new IrcFault('protection', 'the server shows no certificate')
  const digests = [certificate.raw, certificate.publicKey.export({ type: 'spki', format: 'der' })].map((bytes) =>
    createHash('sha256').update(bytes).digest('hex'),
  )
  const fits = pins.some((pin) => digests.includes(hexOf(pin)))
  return fits ? null : new IrcFault('protection', `the certificate is not the pinned one: ${digests[0]}`)
}

/** Whether it can fit anything. */
export function isPin(pin: string): boolean {
  return /^[0-9a-f]{64}$/.test(hexOf(pin))
}

function hexOf(pin: string): string {
  const plain = pin.replace(/^sha256[:/]/i, '')
  const hex = plain.replaceAll(':', '').toLowerCase()
  return /^[0-9a-f]{64}$/.test(hex) ? hex : Buffer.from(plain, 'base64').toString('hex')
}

function isAboutTrust({ code = '' }: NodeJS.ErrnoException): boolean {
  return /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_|EPROTO)/.test(code)
}
