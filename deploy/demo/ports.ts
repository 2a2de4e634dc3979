// SPDX-License-Identifier: Apache-2.0
// Free ports on loopback.
import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { platform } from 'node:process'

/** Below those that the system gives to outgoing connections (Linux: from 32768): one of these could take the port before it is used. */
const FROM = 10_000
const TO = 32_000

/**
 * Gives `count` different ports that nobody listened on a moment ago. All are held open until the last is found, and no other process
 * that asks here is given one of them while this one lives: not between this and their use, nor while a server is started again.
 */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const held = new Map<number, Server>()
  for (let tries = 0; held.size < count; tries += 1) {
    if (tries > 1000 + count) throw new Error('no free port')
    const port = randomInt(FROM, TO)
    const server = (await reserve(port)) ? await listen(port, address).catch(() => null) : null
    if (server !== null) held.set(port, server)
  }
  await Promise.all([...held.values()].map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  return [...held.keys()]
}

/** Gives `wanted` if nobody listens there, any free port otherwise. */
export async function portNear(wanted: number, address = '127.0.0.1'): Promise<number> {
  const server = await listen(wanted, address).catch(() => null)
  if (server !== null) {
    await new Promise<void>((resolve) => server.close(() => resolve()))
    return wanted
  }
  const [port] = await freePorts(1, address)
  if (port === undefined) throw new Error('no free port')
  return port
}

/** A name without a file that one process can have (unix(7), abstract sockets), and that goes with it however it ends; other systems have none. */
async function reserve(port: number): Promise<boolean> {
  if (platform !== 'linux') return true
  const mark = await listening((server, done) => server.listen(`\0gatehouse-port-${port}`, done)).catch(() => null)
  mark?.unref()
  return mark !== null
}

function listen(port: number, address: string): Promise<Server> {
  return listening((server, done) => server.listen(port, address, done))
}

function listening(listen: (server: Server, done: () => void) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    listen(server, () => resolve(server))
  })
}
