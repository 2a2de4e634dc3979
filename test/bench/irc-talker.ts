// SPDX-License-Identifier: Apache-2.0
// The person on IRC of the bench: in every channel, saying and hearing; lines only.
import { once } from 'node:events'
import { connect } from 'node:net'

export type Talker = {
  say(channel: string, text: string): void
  /** Resolves when all are entered; those it is in already are not entered again. */
  join(channels: readonly string[]): Promise<void>
  close(): void
}

export async function openTalker(
  { address, port, nick }: { address: string; port: number; nick: string },
  heard: (line: string) => void,
): Promise<Talker> {
  const socket = connect(port, address)
  socket.setEncoding('utf8')
  socket.setNoDelay(true)
  let rest = ''
  let pending = ''
  const entered = new Set<string>()
  const waiting = new Set<(line: string) => void>()
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('PING')) socket.write(`PONG${line.slice(4)}\r\n`)
      else if (line.includes(' PRIVMSG ')) heard(line)
      for (const look of waiting) look(line)
    }
  })
  const wait = async (fits: (line: string) => boolean, begin: () => void) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (line: string) => {
      if (fits(line)) resolve()
    }
    waiting.add(look)
    begin()
    await Promise.race([promise, closed])
    waiting.delete(look)
  }
  const closed = once(socket, 'close').then(() => {
    throw new Error('the IRC server closed the connection')
  })
  closed.catch(() => {})
  await once(socket, 'connect')
  await wait(
    (line) => / (376|422) /u.test(line),
    () => socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :Load\r\n`),
  )
  return {
    say(channel, text) {
      if (pending === '') {
        setImmediate(() => {
          socket.write(pending)
          pending = ''
        })
      }
      pending += `PRIVMSG ${channel} :${text}\r\n`
    },
    async join(channels) {
      for (const channel of channels) {
        if (entered.has(channel)) continue
        entered.add(channel)
        const end = ` 366 ${nick} ${channel} `
        await wait(
          (line) => line.includes(end),
          () => socket.write(`JOIN ${channel}\r\n`),
        )
      }
    },
    close: () => void socket.end('QUIT\r\n'),
  }
}
