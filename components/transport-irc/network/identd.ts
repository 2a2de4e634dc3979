// SPDX-License-Identifier: Apache-2.0
// RFC 1413: tells a server which of our people a connection from here belongs to. It answers for connections that it is told of, and
// says nothing of others, and only to the machine that is at the other end of the connection.
import { once } from 'node:events'
import net from 'node:net'

/** As the asking server sees it: `localPort` here, `remotePort` there; the addresses are those between which it asks. */
export type Asked = { localAddress: string; localPort: number; remoteAddress: string; remotePort: number }

export type IdentdOptions = {
  host: string
  port: number
  /** The user's name there; null: not ours, or not to be told. */
  userOf: (asked: Asked) => string | null
}

export type Identd = AsyncDisposable & { readonly port: number }

const MOST_CONNECTIONS = 200
const ANSWER_MS = 10_000
const LONGEST = 1_000

export async function openIdentd({ host, port, userOf }: IdentdOptions): Promise<Identd> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A server that goes away while it asks is no fault of ours.
    socket.on('error', () => socket.destroy())
    socket.setTimeout(ANSWER_MS, () => socket.destroy())
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\n')
      if (end === -1) {
        if (text.length > LONGEST) socket.destroy()
        return
      }
      const between = {
        localAddress: plainAddress(socket.localAddress ?? ''),
        remoteAddress: plainAddress(socket.remoteAddress ?? ''),
      }
      socket.end(`${answer(text.slice(0, end), between, userOf)}\r\n`)
      socket.removeAllListeners('data')
    })
  })
  server.maxConnections = MOST_CONNECTIONS
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** `6193, 23` -> `6193, 23 : USERID : UNIX : alice` */
export function answer(
  asked: string,
  between: Pick<Asked, 'localAddress' | 'remoteAddress'>,
  userOf: IdentdOptions['userOf'],
): string {
  const found = /^\s*([0-9]{1,5})\s*,\s*([0-9]{1,5})\s*$/.exec(asked)
  const localPort = Number(found?.[1] ?? 0)
  const remotePort = Number(found?.[2] ?? 0)
  const ports = `${localPort}, ${remotePort}`
  if (found === null || !isPort(localPort) || !isPort(remotePort)) return `${ports} : ERROR : INVALID-PORT`
  const user = userOf({ ...between, localPort, remotePort })
  if (user === null) return `${ports} : ERROR : NO-USER`
  return `${ports} : USERID : UNIX : ${user.replace(/[\r\n\0:@!\s]/g, '').slice(0, 512)}`
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}

/** RFC 1413: the pair of ports says nothing without the pair of addresses. */
export function isBetween(asked: Asked, ends: Asked): boolean {
  return (
    asked.localPort === ends.localPort &&
    asked.remotePort === ends.remotePort &&
    asked.localAddress === plainAddress(ends.localAddress) &&
    asked.remoteAddress === plainAddress(ends.remoteAddress)
  )
}

/** An IPv4 address as it is written where both kinds are listened to. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/i, '')
}
