// SPDX-License-Identifier: Apache-2.0
// Free ports on loopback.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below those that the system gives to outgoing connections (Linux: from 32768): one of these could take the port before it is used. */
const FROM = 10_000
const TO = 32_000

/** Gives `count` different ports that nobody listened on a moment ago. All are held open until the last is found. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const held = new Map<number, ReturnType<typeof createServer>>()
  for (let tries = 0; held.size < count; tries += 1) {
    if (tries > 1000 + count) throw new Error('no free port')
    const port = randomInt(FROM, TO)
    const server = held.has(port) ? null : await listen(port, address).catch(() => null)
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

function listen(port: number, address: string): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, address, () => resolve(server))
  })
}
