// SPDX-License-Identifier: Apache-2.0
// One connection to one LDAP server (RFC 4511): opened, protected, bound, asked one thing after the other.
// ldapts brings the messages; its Client is not used, because it ends a paged search at the first empty page, gives the entries of a
// page only with its last, and hides the controls of the answer.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import tls from 'node:tls'
import {
  BerReader,
  BindRequest,
  BindResponse,
  type Control,
  ExtendedRequest,
  ExtendedResponse,
  type Filter,
  type MessageResponse,
  ProtocolOperation,
  SearchReference,
  SearchRequest,
  SearchResponse,
  UnbindRequest,
} from 'ldapts'
import { isLoopback } from '../../kit/stream/options.ts'
import { SourceFault } from '../domain/source.ts'
import { entryReader, type RawEntry } from './entry.ts'
import { type Frame, frameCutter } from './frames.ts'
import { faultOf } from './result-codes.ts'

export type ConnectionSettings = {
  /** ldaps://host:port or ldap://host:port. */
  url: string
  tls: TlsSettings
  bind: Bind
  /** Let ldap:// without StartTLS leave this machine. */
  allowPlain: boolean
  connectWithinMs: number
  /** The longest silence in the middle of an answer. */
  answerWithinMs: number
  /** A larger entry is read over; only its DN is given. */
  entryBytes: number
}

export type TlsSettings = {
  /** On ldap://: StartTLS (RFC 4511 §4.14) before anything else. */
  startTls: boolean
  /** PEM. With it, no other authority is believed. */
  caFile?: string
  /** The name that the certificate must bear; else that of the URL. */
  serverName?: string
  /** Of our own, for SASL EXTERNAL. */
  certFile?: string
  keyFile?: string
}

/** The password is read from its file at each bind, so that a new one needs no restart. */
export type Bind = { kind: 'simple'; dn: string; passwordFile: string } | { kind: 'external' } | { kind: 'anonymous' }

export type Question = {
  base: string
  scope: 'base' | 'one' | 'sub'
  filter: Filter
  attributes: readonly string[]
  controls?: readonly Control[]
}

export type Answer = { controls: readonly Control[]; referrals: readonly string[] }

/** Opens, protects and binds. Rejects with a SourceFault. */
export async function connect(settings: ConnectionSettings, signal: AbortSignal): Promise<Connection> {
  const { hostname, port, protocol } = new URL(settings.url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const secure = protocol === 'ldaps:'
  if (!secure && !settings.tls.startTls && !settings.allowPlain && !isLoopback(host))
    throw new SourceFault('refused', `${settings.url} would leave this machine without TLS; no setting allows that`)
  const options = await readTls(settings.tls, host).catch((error: unknown) => {
    throw asFault(error, settings.url, signal)
  })
  const within = AbortSignal.any([signal, AbortSignal.timeout(settings.connectWithinMs)])
  const plain = net.connect({ host, port: Number(port) || (secure ? 636 : 389), noDelay: true })
  const connection = new Connection(plain, settings)
  try {
    await opened(plain, 'connect', within)
    if (secure) await connection.protect(options, within)
    else if (settings.tls.startTls) await connection.startTls(options, within)
    await connection.bind(settings.bind, signal)
    return connection
  } catch (error) {
    connection.end()
    throw asFault(error, settings.url, signal)
  }
}

const UNBIND_WITHIN_MS = 1_000
/** RFC 4511 §4.13: what is not asked for may be passed over. */
const INTERMEDIATE = 0x79

export class Connection implements AsyncDisposable {
  readonly url: string
  readonly #readEntry = entryReader()
  #socket: net.Socket
  readonly #settings: ConnectionSettings
  #number = 0
  #waiting: Waiting | null = null
  #ended: SourceFault | null = null

  constructor(socket: net.Socket, settings: ConnectionSettings) {
    this.url = settings.url
    this.#settings = settings
    this.#socket = socket
    this.#listen()
  }

  /**
   * One search. `take` sees each entry as it arrives. Rejects unless the server said that it gave everything it was asked for:
   * a size limit, a broken line or a silence is never the end of an answer.
   */
  async search(question: Question, take: (entry: RawEntry) => void, signal: AbortSignal): Promise<Answer> {
    const { base, scope, filter, attributes, controls = [] } = question
    const messageId = this.#next()
    const request = new SearchRequest({
      messageId,
      baseDN: base,
      scope,
      filter,
      attributes: [...attributes],
      // Bounded by what we wait, not by the ten seconds that ldapts asks for.
      timeLimit: 0,
      controls: [...controls],
    })
    const referrals: string[] = []
    const answer = await this.#ask(request.write(), messageId, signal, (operation, reader, whole) => {
      if (operation === ProtocolOperation.LDAP_RES_SEARCH_ENTRY) take(this.#readEntry(reader, whole))
      else if (operation === ProtocolOperation.LDAP_RES_SEARCH_REF) referrals.push(...readReference(reader, messageId))
      else if (operation === ProtocolOperation.LDAP_RES_SEARCH) {
        const done = new SearchResponse({ messageId })
        done.parse(reader, [...controls])
        return done
      } else if (operation !== INTERMEDIATE) throw new Error(`operation ${operation} in the answer to a search`)
      return null
    })
    return { controls: answer.controls ?? [], referrals }
  }

  async bind(bind: Bind, signal: AbortSignal): Promise<void> {
    if (bind.kind === 'anonymous') return
    const messageId = this.#next()
    const request =
      bind.kind === 'external'
        ? new BindRequest({ messageId, mechanism: 'EXTERNAL' })
        : new BindRequest({ messageId, dn: bind.dn, password: await readPassword(bind.passwordFile) })
    await this.#ask(request.write(), messageId, signal, (operation, reader) => {
      expect(operation, ProtocolOperation.LDAP_RES_BIND)
      const response = new BindResponse({ messageId })
      response.parse(reader, [])
      return response
    })
  }

  async startTls(options: tls.ConnectionOptions, signal: AbortSignal): Promise<void> {
    const messageId = this.#next()
    const request = new ExtendedRequest({ messageId, oid: '1.3.6.1.4.1.1466.20037' })
    await this.#ask(request.write(), messageId, signal, (operation, reader) => {
      expect(operation, ProtocolOperation.LDAP_RES_EXTENSION)
      const response = new ExtendedResponse({ messageId })
      response.parse(reader, [])
      return response
    })
    await this.protect(options, signal)
  }

  /** From here on everything goes through TLS; what came in clear before does not count. */
  async protect(options: tls.ConnectionOptions, signal: AbortSignal): Promise<void> {
    const plain = this.#socket
    plain.removeAllListeners('data')
    plain.removeAllListeners('error')
    plain.removeAllListeners('close')
    plain.on('error', (error) => this.#fail(error))
    const secured = tls.connect({ ...options, socket: plain })
    this.#socket = secured
    this.#listen()
    await opened(secured, 'secureConnect', signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== null) return
    this.#ended = new SourceFault('stopped', 'the connection was ended by us')
    this.#waiting?.failed(this.#ended)
    const socket = this.#socket
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.setTimeout(UNBIND_WITHIN_MS, () => socket.destroy())
    socket.end(new UnbindRequest({ messageId: this.#next() }).write(), () => socket.destroy())
    await closed
  }

  end(): void {
    this.#fail(new SourceFault('stopped', 'the connection was ended by us'))
  }

  get usable(): boolean {
    return this.#ended === null
  }

  #next(): number {
    this.#number = this.#number >= 2 ** 31 - 1 ? 1 : this.#number + 1
    return this.#number
  }

  #listen(): void {
    const cut = frameCutter(this.#settings.entryBytes, (frame) => this.#read(frame))
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        cut(chunk)
      } catch (error) {
        this.#fail(new SourceFault('bad-answer', `${this.url}: ${textOf(error)}`, { cause: error }))
      }
    })
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new SourceFault('half', `${this.url} closed the connection`)))
  }

  #read({ bytes, whole }: Frame): void {
    const reader = new BerReader(bytes)
    reader.readSequence()
    const messageId = reader.readInt()
    const operation = reader.readSequence()
    // RFC 4511 §4.4.1: a notice of disconnection has no number.
    if (messageId === 0) {
      this.#fail(new SourceFault('half', `${this.url} says that it disconnects`))
      return
    }
    const waiting = this.#waiting
    // To read over it could be to leave out a part of an answer.
    if (waiting === null || waiting.messageId !== messageId || operation === null)
      throw new Error(`an answer that nobody waits for, to request ${messageId}`)
    waiting.heard()
    const response = waiting.read(operation, reader, whole)
    if (response === null) return
    if (!whole) throw new Error('the end of an answer is larger than an entry may be')
    const fault = faultOf(response, this.url)
    if (fault === null) waiting.done(response)
    else waiting.failed(fault)
  }

  async #ask(request: Buffer, messageId: number, signal: AbortSignal, read: Reading): Promise<MessageResponse> {
    if (this.#ended !== null) throw this.#ended
    if (this.#waiting !== null) throw new Error('a connection is asked one thing after the other')
    const answer = Promise.withResolvers<MessageResponse>()
    const { answerWithinMs } = this.#settings
    const silence = setTimeout(() => {
      this.#fail(new SourceFault('late', `${this.url} said nothing for ${answerWithinMs} ms`))
    }, answerWithinMs)
    const stop = (): void => this.#fail(new SourceFault('stopped', 'the reading was ended', { cause: signal.reason }))
    this.#waiting = {
      messageId,
      read,
      heard: () => silence.refresh(),
      done: answer.resolve,
      failed: answer.reject,
    }
    try {
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
      if (this.#ended === null) this.#socket.write(request)
      return await answer.promise
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', stop)
      this.#waiting = null
    }
  }

  #fail(error: Error): void {
    this.#ended ??= asFault(error, this.url)
    this.#waiting?.failed(this.#ended)
    this.#socket.destroy()
  }
}

type Reading = (operation: number, reader: BerReader, whole: boolean) => MessageResponse | null

type Waiting = {
  messageId: number
  read: Reading
  heard(): void
  done(response: MessageResponse): void
  failed(fault: SourceFault): void
}

function expect(operation: number, wanted: number): void {
  if (operation !== wanted) throw new Error(`operation ${operation} where ${wanted} is the answer`)
}

function readReference(reader: BerReader, messageId: number): readonly string[] {
  const reference = new SearchReference({ messageId })
  reference.parse(reader, [])
  return reference.uris
}

async function readTls(settings: TlsSettings, host: string): Promise<tls.ConnectionOptions> {
  const { caFile, certFile, keyFile } = settings
  const name = settings.serverName ?? host
  return {
    minVersion: 'TLSv1.2',
    // An address is no server name (RFC 6066 §3); the certificate is then compared with the address itself.
    ...(net.isIP(name) === 0 && { servername: name }),
    host: name,
    ...(caFile !== undefined && { ca: await readFile(caFile) }),
    ...(certFile !== undefined && { cert: await readFile(certFile) }),
    ...(keyFile !== undefined && { key: await readFile(keyFile) }),
  }
}

/** RFC 4513 §5.1.2: a name with an empty password binds nobody, and many servers call that success. */
async function readPassword(file: string): Promise<string> {
  const password = (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  if (password === '') throw new SourceFault('refused', `${file} is empty: a bind without a password is nobody's`)
  return password
}

async function opened(socket: net.Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  const stop = (): void => {
    socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('stopped'))
  }
  const over = new AbortController()
  // An end without an error is an end all the same.
  const closed = once(socket, 'close', { signal: over.signal }).then(() => {
    throw new Error('closed before it was open')
  })
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.race([once(socket, event, { signal: over.signal }), closed])
  } finally {
    signal.removeEventListener('abort', stop)
    closed.catch(() => {})
    over.abort()
  }
}

function asFault(error: unknown, url: string, signal?: AbortSignal): SourceFault {
  if (error instanceof SourceFault) return error
  if (signal?.aborted === true) return new SourceFault('stopped', 'the reading was ended', { cause: error })
  return new SourceFault('away', `${url}: ${textOf(error)}`, { cause: error })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
