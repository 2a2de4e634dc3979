// SPDX-License-Identifier: Apache-2.0
// Many people in one channel without a connection of each: a server that links into InspIRCd and says that they are on it. Allowed by
// `linkedBy: [CROWD]`; protocol 1202, as services speak it.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Inspircd } from '../harness/inspircd.ts'

export const CROWD = 'crowd.gatehouse.test'
const ID = '9CR'

/** Resolves when the server has taken them all; they leave with the connection. */
export async function openCrowd(ircd: Inspircd, channel: string, people: number): Promise<AsyncDisposable> {
  const socket = connect(ircd.serverPort, ircd.address)
  socket.setEncoding('utf8')
  await once(socket, 'connect')
  const send = (...lines: readonly string[]) => void socket.write(lines.map((line) => `${line}\r\n`).join(''))
  const { promise: taken, resolve, reject } = Promise.withResolvers<void>()
  const now = Math.floor(Date.now() / 1_000)
  let rest = ''
  let burst = false
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/\r?\n/u)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('ERROR')) reject(new Error(line))
      if (/^(:\S+ )?SERVER /u.test(line) && !burst) {
        burst = true
        send(
          `:${ID} BURST ${now}`,
          ...burstOf(channel, people, now),
          `:${ID} ENDBURST`,
          `:${ID} PING ${ID} ${ircd.name}`,
        )
      }
      const ping = /^:(\S+) PING (\S+)/u.exec(line)
      if (ping !== null) send(`:${ID} PONG ${ID} ${ping[1]}`)
      if (/ PONG /u.test(line)) resolve()
    }
  })
  socket.on('close', () => reject(new Error('the server closed the link')))
  send('CAPAB START 1202', 'CAPAB CAPABILITIES :CASEMAPPING=rfc1459', 'CAPAB END')
  send(`SERVER ${CROWD} ${ircd.linkPassword} 0 ${ID} :A crowd`)
  await taken
  return {
    async [Symbol.asyncDispose]() {
      if (socket.destroyed) return
      const closed = once(socket, 'close')
      socket.end()
      await closed
    },
  }
}

function burstOf(channel: string, people: number, now: number): string[] {
  const ids = Array.from({ length: people }, (_, at) => `${ID}A${at.toString(36).toUpperCase().padStart(5, '0')}`)
  const lines = ids.map(
    (id, at) =>
      `:${ID} UID ${id} ${now} crowd${at} host${at}.example host${at}.example c${at} 127.0.0.1 ${now} + :Of the crowd`,
  )
  for (let at = 0; at < ids.length; at += 20) {
    lines.push(
      `:${ID} FJOIN ${channel} ${now} + :${ids
        .slice(at, at + 20)
        .map((id) => `,${id}`)
        .join(' ')}`,
    )
  }
  return lines
}
