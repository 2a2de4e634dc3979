// SPDX-License-Identifier: Apache-2.0
// Another server, played by the test, dialback (XEP-0220) included: what it hears, and a stream of it to ours.
import { connect, createServer, type Socket } from 'node:net'
import { HOST, soon } from './house.ts'

export type Far = AsyncDisposable & {
  address: string
  /** Whom the streams to it were for. */
  to: string[]
  /** Resolves when there was a stream to this name. */
  called(name: string): Promise<void>
}

export type FarStream = Disposable & {
  write(xml: string): void
  got(pattern: RegExp): Promise<RegExpExecArray>
  /** Eve, who is there, writes to Bob. */
  say(body: string): void
}

const header = (from: string, to: string, id = '') =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' from='${from}' to='${to}'${id} version='1.0'>`

/** What was heard over a socket is what is to come next: what fitted is left behind. */
function listen(socket: Socket): { got(pattern: RegExp): Promise<RegExpExecArray> } {
  let heard = ''
  const waiting = new Set<() => void>()
  const closed = new Promise<never>((_, reject) => socket.once('close', () => reject(new Error('the stream ended'))))
  closed.catch(() => {})
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    heard += chunk.toString()
    for (const look of waiting) look()
  })
  return {
    got: (pattern) => {
      const { promise, resolve } = Promise.withResolvers<RegExpExecArray>()
      const look = () => {
        const found = pattern.exec(heard)
        if (!found) return
        waiting.delete(look)
        heard = heard.slice(found.index + found[0].length)
        resolve(found)
      }
      waiting.add(look)
      look()
      return soon(Promise.race([promise, closed]), `${pattern} in ${heard.slice(-300)}`)
    },
  }
}

/** A server at the address that takes every stream, notes whom it is for, and vouches for every key. */
export async function openFar(address: string): Promise<Far> {
  const sockets = new Set<Socket>()
  const to: string[] = []
  const waiting = new Set<() => void>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const ear = listen(socket)
    const vouch = async () => {
      const [, name = ''] = await ear.got(/<stream:stream [^>]*\bto=['"]([^'"]*)['"][^>]*>/)
      to.push(name)
      for (const look of waiting) look()
      const features = "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>"
      socket.write(`${header(address, HOST, " id='a1'")}${features}`)
      for (;;) {
        const [, what, id] = await ear.got(/<db:(result|verify)\b(?:[^>]* id=['"]([^'"]*)['"])?[^>]*>[^<]*<\/db:\1>/)
        socket.write(
          `<db:${what} from='${address}' to='${HOST}'${id === undefined ? '' : ` id='${id}'`} type='valid'/>`,
        )
      }
    }
    vouch().catch(() => socket.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(5269, address, () => resolve())
  })
  return {
    address,
    to,
    called: (name) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (to.includes(name)) resolve()
      }
      waiting.add(look)
      look()
      return soon(promise, `a stream to ${name}`)
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

/** A stream of that server to ours at the port, which believes it. */
export async function streamOf({ address }: Far, port: number): Promise<FarStream> {
  const socket = connect(port, '127.0.0.1')
  const { got } = listen(socket)
  const write = (xml: string) => void socket.write(xml)
  write(header(address, HOST))
  await got(/<\/stream:features>/)
  write(`<db:result from='${address}' to='${HOST}'>key</db:result>`)
  await got(/<db:result[^>]*type=['"]valid['"]/)
  return {
    write,
    got,
    say: (body) =>
      write(
        `<message from='eve@${address}/x' to='bob@${HOST}' id='${body.replaceAll(' ', '-')}'><body>${body}</body></message>`,
      ),
    [Symbol.dispose]: () => void socket.destroy(),
  }
}
