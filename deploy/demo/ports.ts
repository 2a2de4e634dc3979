// SPDX-License-Identifier: Apache-2.0
// Free ports on loopback.
import { createServer } from 'node:net'

/** Gives `count` different ports that nobody listened on a moment ago. All are held open until the last is found. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0, address)))
  const ports = servers.map((server) => {
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('a listening socket without a port')
    return bound.port
  })
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  return ports
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
