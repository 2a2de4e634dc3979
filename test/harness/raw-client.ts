// SPDX-License-Identifier: Apache-2.0
// An XMPP client on a bare socket, for load and faults: SASL PLAIN (or ANONYMOUS), bind, XEP-0198 (1.6) with resumption; strings, no trees.
// What it has sent and nobody has acknowledged it keeps, so that a successor can send it again, as a real client does.
import { connect, type Socket } from 'node:net'
import { attribute, escaped, splitter } from './stanza-splitter.ts'

export type Login = {
  address: string
  port: number
  domain: string
  user: string
  password: string
  resource: string
  /** XEP-0198: 'no', 'count' (acknowledgements only) or 'resume'. Default 'no'. */
  management?: 'no' | 'count' | 'resume'
  /** Broadcast presence after login; default true. */
  presence?: boolean
  /** SASL ANONYMOUS: the server makes up who it is, whatever stands above. */
  anonymous?: boolean
}

/** What a client of XEP-0198 takes along into its next connection. */
export type Managed = {
  /** Null when the server did not offer resumption. */
  id: string | null
  /** Stanzas received, modulo 2^32. */
  handled: number
  /** How many of ours the server has acknowledged, modulo 2^32. */
  acknowledged: number
  /** Sent and not acknowledged, oldest first. */
  unacknowledged: string[]
}

export type Ended = { why: string }

export type Told = {
  /** Every message, presence and IQ, as text, from the first moment on. */
  stanza?(stanza: string): void
  /** A stanza of ours is acknowledged by XEP-0198; called once for each, in order. */
  acknowledged?(stanza: string): void
  /** A message of an earlier session that was not acknowledged is sent again in this new one. */
  resent?(stanza: string): void
}

const NS_SM = 'urn:xmpp:sm:3'

export class RawClient {
  readonly login: Login
  managed: Managed | null = null
  /** Settles when the connection is gone, for whatever reason. */
  readonly ended: Promise<Ended>
  /** True when this connection continued an earlier session (XEP-0198 section 5). */
  resumed = false
  readonly #told: Told
  readonly #socket: Socket
  readonly #end: (why: string) => void
  #pending = ''
  #flushing = false
  /** What `#exchange` waits for; stanzas count as control elements until the session is bound. */
  #control: (element: string) => void = () => {}
  #bound = false

  private constructor(login: Login, socket: Socket, told: Told) {
    this.login = login
    this.#told = told
    this.#socket = socket
    const { promise, resolve } = Promise.withResolvers<Ended>()
    this.ended = promise
    this.#end = (why) => resolve({ why })
    const cut = splitter({
      opened: () => {},
      take: (stanza) => this.#take(stanza),
      closed: () => this.#socket.end(),
    })
    socket.setNoDelay(true)
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => cut(text))
    socket.on('error', (fault) => this.#end(fault.message))
    socket.on('close', () => this.#end('closed'))
  }

  /** Logs in; with `previous` tries to resume first. Rejects when the server refuses or the connection ends before. */
  static async login(login: Login, told: Told = {}, previous: Managed | null = null): Promise<RawClient> {
    const socket = connect(login.port, login.address)
    const client = new RawClient(login, socket, told)
    const late = setTimeout(() => socket.destroy(), LOGIN_WITHIN_MS)
    try {
      await client.#open(previous)
      return client
    } catch (fault) {
      socket.destroy()
      throw fault
    } finally {
      clearTimeout(late)
    }
  }

  get jid(): string {
    return `${this.login.user}@${this.login.domain}/${this.login.resource}`
  }

  /** Queues one stanza for the next write; everything queued within one turn leaves in one write. */
  send(stanza: string): void {
    this.managed?.unacknowledged.push(stanza)
    this.raw(stanza)
  }

  /** As `send`, without keeping it for a later connection. */
  raw(text: string): void {
    this.#pending += text
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => this.#flush())
  }

  /** Asks the server what it has handled. */
  requestAcknowledgement(): void {
    this.raw(`<r xmlns='${NS_SM}'/>`)
  }

  /** Resolves when the text stands in the system's buffer: one call of `write(2)` as far as the buffer takes it. */
  async writeNow(text: string): Promise<void> {
    this.#flush()
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(text, (fault) => (fault ? reject(fault) : resolve()))
    })
  }

  /** Stanzas and control elements in one buffer that the system takes in one call; throws if it does not. Stanzas are kept as by `send`. */
  sendTogether(elements: readonly string[]): void {
    this.#flush()
    if (this.#socket.writableLength > 0) throw new Error('something else is still being written')
    this.managed?.unacknowledged.push(...elements.filter(isStanza))
    this.#socket.write(elements.join(''))
    // What write(2) takes whole is counted as written before the call returns; the rest would wait here.
    if (this.#socket.writableLength > 0) throw new Error('the system took it in parts')
  }

  /** Our own port of the connection. */
  get localPort(): number {
    return this.#socket.localPort ?? 0
  }

  /** Ends the stream in good order. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return
    this.#flush()
    this.#socket.end('</stream:stream>')
    const late = setTimeout(() => this.#socket.destroy(), 3_000)
    await this.ended
    clearTimeout(late)
  }

  /** As if the cable were pulled, but noticed at once. */
  break(): void {
    this.#socket.destroy()
  }

  #flush(): void {
    this.#flushing = false
    const text = this.#pending
    this.#pending = ''
    if (text !== '' && this.#socket.writable) this.#socket.write(text)
  }

  #take(stanza: string): void {
    const managed = this.managed
    if (isStanza(stanza)) {
      if (managed !== null) managed.handled = (managed.handled + 1) >>> 0
      if (this.#bound) this.#told.stanza?.(stanza)
      else this.#control(stanza)
    } else if (managed !== null && stanza.startsWith('<r ')) {
      this.raw(`<a xmlns='${NS_SM}' h='${managed.handled}'/>`)
    } else if (managed !== null && stanza.startsWith('<a ')) {
      this.#acknowledged(managed, stanza)
    } else {
      if (stanza.startsWith('<stream:error')) this.#end(stanza)
      this.#control(stanza)
    }
  }

  #acknowledged(managed: Managed, element: string): void {
    const h = attribute(element, 'h')
    if (h === null) return
    const count = (Number(h) - managed.acknowledged) >>> 0
    managed.acknowledged = Number(h)
    for (const stanza of managed.unacknowledged.splice(0, count)) this.#told.acknowledged?.(stanza)
  }

  async #open(previous: Managed | null): Promise<void> {
    const { domain, user, password, resource, anonymous = false } = this.login
    const header = `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
    await this.#exchange(header, /^<stream:features/)
    const proof = anonymous ? '' : Buffer.from(`\0${user}\0${password}`).toString('base64')
    await this.#exchange(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${anonymous ? 'ANONYMOUS' : 'PLAIN'}'>${proof}</auth>`,
      /^<success/,
    )
    await this.#exchange(header, /^<stream:features/)
    if (previous !== null && previous.id !== null && (await this.#resume(previous, previous.id))) return
    const bind = `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${escaped(resource)}</resource></bind></iq>`
    await this.#exchange(bind, /^<iq [^>]*type=['"]result/)
    this.#bound = true
    if (this.login.management !== undefined && this.login.management !== 'no') {
      const ask = this.login.management === 'resume' ? " resume='true'" : ''
      const enabled = await this.#exchange(`<enable xmlns='${NS_SM}'${ask}/>`, /^<enabled/)
      this.managed = { id: attribute(enabled, 'id'), handled: 0, acknowledged: 0, unacknowledged: [] }
    }
    if (this.login.presence !== false) this.send('<presence/>')
    // What the earlier session never had acknowledged goes again, as clients do that could not resume.
    for (const stanza of previous?.unacknowledged ?? []) {
      if (!stanza.startsWith('<message')) continue
      this.#told.resent?.(stanza)
      this.send(stanza)
    }
  }

  async #resume(previous: Managed, id: string): Promise<boolean> {
    // Set before the answer: what the server sends again follows `<resumed/>` in the same packet.
    this.managed = previous
    this.#bound = true
    const ask = `<resume xmlns='${NS_SM}' h='${previous.handled}' previd='${escaped(id)}'/>`
    const answer = await this.#exchange(ask, /^<(resumed|failed)/)
    this.#acknowledged(previous, answer)
    this.resumed = answer.startsWith('<resumed')
    if (this.resumed) {
      for (const stanza of previous.unacknowledged) this.raw(stanza)
    } else {
      this.managed = null
      this.#bound = false
    }
    return this.resumed
  }

  /** Writes, and waits for the element that fits. */
  #exchange(text: string, wanted: RegExp): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#control = (element) => {
      if (wanted.test(element)) resolve(element)
      else if (/^<(failure|stream:error|failed)|^<iq [^>]*type=['"]error/.test(element)) {
        reject(new Error(`refused: ${element}`))
      }
    }
    void this.ended.then(({ why }) => reject(new Error(`the connection ended: ${why}`)))
    this.raw(text)
    return promise.finally(() => {
      this.#control = () => {}
    })
  }
}

const LOGIN_WITHIN_MS = 30_000

function isStanza(element: string): boolean {
  return element.startsWith('<message') || element.startsWith('<iq') || element.startsWith('<presence')
}
