// SPDX-License-Identifier: Apache-2.0
// A made-up person on IRC, who knows nothing of XMPP: a socket, a nick, a channel.
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

export type IrcGuest = AsyncDisposable & {
  readonly nick: string
  say(text: string): void
  /** The next thing said in the channel by somebody else. Rejects when none comes within the bound. */
  hear(boundMs?: number): Promise<{ nick: string; text: string }>
}

const BOUND_MS = 10_000

/** Resolves when the server says that we are in the channel. */
export async function joinIrc(port: number, nick: string, channel: string): Promise<IrcGuest> {
  const socket = connect(port, '127.0.0.1')
  const heard: { nick: string; text: string }[] = []
  const changed = new EventTarget()
  const send = (line: string) => void socket.write(`${line}\r\n`)
  let inside = false
  // That it is gone, who waits is told by the bound.
  socket.on('error', () => {})
  createInterface({ input: socket }).on('line', (line) => {
    const [, from = '', command = '', target = '', text = ''] =
      /^(?::([^! ]+)\S* )?(\S+) ?(\S*) ?:?(.*)$/.exec(line) ?? []
    if (command === 'PING') send(`PONG ${target}`)
    else if (command === '001') send(`JOIN ${channel}`)
    else if (command === '366') inside = true
    else if (command === 'PRIVMSG' && target === channel) heard.push({ nick: from, text })
    changed.dispatchEvent(new Event('line'))
  })
  const until = async <T>(look: () => T | undefined, what: string, boundMs: number): Promise<T> => {
    const bound = AbortSignal.timeout(boundMs)
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      try {
        await once(changed, 'line', { signal: bound })
      } catch (cause) {
        throw new Error(`${nick} on IRC: ${what} within ${boundMs} ms`, { cause })
      }
    }
  }
  await once(socket, 'connect')
  send(`NICK ${nick}`)
  send(`USER ${nick} 0 * :A made-up person`)
  await until(() => inside || undefined, `not in ${channel}`, BOUND_MS)
  return {
    nick,
    say: (text) => send(`PRIVMSG ${channel} :${text}`),
    hear: (boundMs = BOUND_MS) => until(() => heard.shift(), 'heard nothing', boundMs),
    async [Symbol.asyncDispose]() {
      if (socket.destroyed) return
      const closed = once(socket, 'close')
      send('QUIT :bye')
      socket.setTimeout(2_000, () => socket.destroy())
      await closed
    },
  }
}
