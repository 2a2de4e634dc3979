// SPDX-License-Identifier: Apache-2.0
// Plays the server's half of XEP-0114 over a real socket. A test sends raw bytes and reads whole stanzas.
// The handshake and the framing are pinned with literal bytes of the specification in test/kit/stream/handshake.test.ts.
import { createHash } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { Element } from '../../components/kit/xml/element.ts'
import { type ReadStanza, XmlReader } from '../../components/kit/xml/reader.ts'

export type ServerOptions = {
  domain: string
  secret: string
  /** 0: a free one. */
  port?: number
  streamId?: string
  /** What follows a right handshake: accept it (default), or stay silent. A wrong one always gets not-authorized. */
  handshake?: 'accept' | 'silent'
  /** Do not even answer the stream header. */
  mute?: boolean
}

/** One connection of the component, authenticated. */
export type Peer = {
  readonly socket: Socket
  /** Everything the component wrote on this connection, as text. */
  readonly wrote: string
  /** Raw bytes or text, as they are. */
  send(raw: string | Buffer): void
  /** The next stanza the component sends that is not a ping of its stream (those are sent back, as a server routes them). */
  next(): Promise<ReadStanza>
  /** Sends an iq (its id is added) and waits for the answer with that id; other stanzas stay for next(). */
  ask(
    type: 'get' | 'set',
    payload: string,
    addresses?: { from?: string; to?: string; language?: string },
  ): Promise<Element>
  /** A fence: what the component wrote before it is all in `unread` when this resolves. */
  fence(): Promise<void>
  /** Stanzas read and not yet taken by next(). */
  readonly unread: readonly ReadStanza[]
  /** Set to false to let the stream's own pings go unanswered. */
  returnsPings: boolean
  readonly closed: Promise<void>
  /** Ends as a server that stops: </stream:stream> and FIN. */
  end(): void
  /** Vanishes: RST. */
  destroy(): void
}

export type ComponentServer = AsyncDisposable & {
  readonly port: number
  /** The next connection that has authenticated. */
  accepted(): Promise<Peer>
  /** Connections so far, authenticated or not. */
  readonly connections: number
  /** Ends every connection and stops listening; start another on the same port to play a restart. */
  stop(): Promise<void>
}

/** Never the same id twice, also over reconnects: a repeated answer must not pass for another. */
let asks = 0

export async function startComponentServer(options: ServerOptions): Promise<ComponentServer> {
  const sockets = new Set<Socket>()
  const accepted = queue<Peer>()
  let connections = 0
  const server: Server = createServer((socket) => {
    connections++
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {
      // A component may vanish: tests look at what it did, not at this socket.
    })
    serve(socket, options, accepted.put)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  async function stop(): Promise<void> {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return {
    port,
    accepted: accepted.take,
    get connections() {
      return connections
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function serve(socket: Socket, options: ServerOptions, accept: (peer: Peer) => void): void {
  const { domain, secret } = options
  const streamId = options.streamId ?? '3BF96D32'
  const stanzas = queue<ReadStanza>()
  const asked = new Map<string, (answer: Element) => void>()
  let authenticated = false
  let wrote = ''

  const peer: Peer = {
    socket,
    get wrote() {
      return wrote
    },
    send: (raw) => void socket.write(raw),
    next: stanzas.take,
    ask(type, payload, { from = `tester@${domain}.server/t`, to = domain, language } = {}) {
      const id = `ask-${++asks}`
      const lang = language === undefined ? '' : ` xml:lang='${language}'`
      return new Promise((resolve) => {
        asked.set(id, resolve)
        socket.write(`<iq type='${type}' id='${id}' from='${from}' to='${to}'${lang}>${payload}</iq>`)
      })
    },
    async fence() {
      await peer.ask('get', `<ping xmlns='urn:xmpp:ping'/>`)
    },
    get unread() {
      return stanzas.waiting
    },
    returnsPings: true,
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    end: () => void socket.end('</stream:stream>'),
    destroy: () => void socket.resetAndDestroy(),
  }

  const reader = new XmlReader({
    start() {
      if (options.mute) return
      socket.write(
        `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='${domain}' id='${streamId}'>`,
      )
    },
    stanza(stanza) {
      if (!authenticated) readHandshake(stanza.element)
      else readStanza(stanza)
    },
    end: () => void socket.end('</stream:stream>'),
    fault(fault) {
      throw new Error(`the component wrote bad XML: ${fault.message}`)
    },
  })
  socket.on('data', (bytes) => {
    wrote += bytes.toString('utf8')
    reader.write(bytes)
  })

  function readHandshake(element: Element): void {
    const right = createHash('sha1').update(`${streamId}${secret}`, 'utf8').digest('hex')
    if (!element.is('handshake', 'jabber:component:accept') || element.getText() !== right) {
      socket.end(
        `<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`,
      )
      return
    }
    authenticated = true
    if (options.handshake === 'silent') return
    socket.write('<handshake/>')
    accept(peer)
  }

  function readStanza(stanza: ReadStanza): void {
    const { name, attrs } = stanza.element
    const answer =
      name === 'iq' && (attrs.type === 'result' || attrs.type === 'error') ? asked.get(attrs.id ?? '') : undefined
    if (answer !== undefined) {
      asked.delete(attrs.id ?? '')
      answer(stanza.element)
    } else if (attrs.id?.startsWith('gh-ping-')) {
      if (peer.returnsPings) socket.write(stanza.raw)
    } else stanzas.put(stanza)
  }
}

type Queue<T> = { put(item: T): void; take(): Promise<T>; readonly waiting: readonly T[] }

function queue<T>(): Queue<T> {
  const waiting: T[] = []
  const takers: ((item: T) => void)[] = []
  return {
    waiting,
    put(item) {
      const taker = takers.shift()
      if (taker === undefined) waiting.push(item)
      else taker(item)
    },
    take() {
      const item = waiting.shift()
      return item === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(item)
    },
  }
}
