// SPDX-License-Identifier: Apache-2.0
// Somebody on IRC who knows nothing of Gatehouse: a socket, the lines that came, and the lines that a test writes. Shares no code with
// our own client, so that an error there cannot hide here.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

export type IrcLogin = {
  address: string
  port: number
  nick: string
  tls?: { ca?: string; cert?: string; key?: string; servername?: string }
  /** Asked for by CAP REQ, all or none. */
  caps?: readonly string[]
  password?: string
  user?: string
  realname?: string
}

export type IrcPerson = AsyncDisposable & {
  readonly nick: string
  /** Everything that came, in order, without the line ends; answers to PING are not among them. */
  readonly lines: readonly string[]
  /** What was said (PRIVMSG) to a channel, or to us: [nick, text] in order; CTCP and all. */
  heard(target: string): [string, string][]
  /** Lines in the protocol, as they are. */
  send(...lines: readonly string[]): void
  /** Anything, without a line end. */
  bytes(bytes: Uint8Array | string): void
  say(target: string, text: string): void
  /** The first line that fits and that nobody has waited for before, come or to come; rejects after `seconds` (15). */
  next(like: RegExp, seconds?: number): Promise<string>
  /** Writes a line and gives all that comes up to the line that fits, that one included. */
  ask(line: string, until: RegExp): Promise<string[]>
  /** Resolves when the server has done everything that was sent before. */
  fence(): Promise<void>
  /** Resolves with the nicks that are there, with their prefixes, our own included. */
  join(channel: string, key?: string): Promise<string[]>
  /** The nicks that are in a channel now, without prefixes, sorted. */
  names(channel: string): Promise<string[]>
  oper(oper: { name: string; password: string }): Promise<void>
  /** The connection is cut without a word. */
  break(): void
  /** Stops reading, as a stuck client would. */
  pause(): void
  resume(): void
  quit(text?: string): Promise<void>
  /** Settles when the connection is gone. */
  readonly ended: Promise<void>
}

const WAIT_SECONDS = 15

/** By the server of the tests and a nick. */
export function irc(
  ircd: { address: string; port: number },
  nick: string,
  more: Omit<Partial<IrcLogin>, 'nick'> = {},
): Promise<IrcPerson> {
  return joinIrc({ address: ircd.address, port: ircd.port, nick, ...more })
}

/** Resolves when the server has welcomed us; rejects with what it said when it does not. */
export async function joinIrc(login: IrcLogin): Promise<IrcPerson> {
  const { address, port, nick, tls } = login
  const socket: Socket | TLSSocket =
    tls === undefined
      ? connect(port, address)
      : connectTls({ host: address, port, ...tls, rejectUnauthorized: tls.ca !== undefined })
  socket.setNoDelay(true)
  const lines: string[] = []
  const taken = new Set<number>()
  const looking = new Set<() => void>()
  const ended = Promise.withResolvers<void>()
  let rest = ''
  let fault = 'closed'
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const line = part.replace(/\r$/u, '')
      const ping = /^(?:@\S+ )?(?::\S+ )?PING (.*)$/u.exec(line)
      if (ping === null) lines.push(line)
      else socket.write(`PONG ${ping[1]}\r\n`)
    }
    for (const look of looking) look()
  })
  socket.on('error', (error) => {
    fault = error.message
  })
  socket.on('close', () => {
    ended.resolve()
    for (const look of looking) look()
  })
  const send = (...all: readonly string[]) => void socket.write(all.map((line) => `${line}\r\n`).join(''))

  function find(like: RegExp, from: number, seconds: number, take: boolean): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const look = () => {
      const at = lines.findIndex((line, index) => index >= from && !taken.has(index) && like.test(line))
      if (at >= 0) {
        if (take) taken.add(at)
        resolve(at)
      } else if (socket.destroyed)
        reject(new Error(`${nick}: the connection is gone (${fault}) before ${like}: ${tail()}`))
    }
    looking.add(look)
    const late = setTimeout(
      () => reject(new Error(`${nick}: nothing like ${like} within ${seconds} s: ${tail()}`)),
      seconds * 1_000,
    )
    look()
    return promise.finally(() => {
      clearTimeout(late)
      looking.delete(look)
    })
  }
  const tail = () => `\n${lines.slice(-8).join('\n')}`
  const next = async (like: RegExp, seconds = WAIT_SECONDS) => lines[await find(like, 0, seconds, true)] ?? ''
  const ask = async (line: string, until: RegExp) => {
    const from = lines.length
    send(line)
    return lines.slice(from, (await find(until, from, WAIT_SECONDS, false)) + 1)
  }
  let fences = 0
  const namesIn = (all: readonly string[]) =>
    all.flatMap((line) => / 353 \S+ \S+ \S+ :(.*)$/u.exec(line)?.[1]?.trim().split(' ') ?? [])
  const bare = (name: string) => name.replace(/^[~&@%+!]+/u, '').replace(/!.*$/u, '')

  await once(socket, tls === undefined ? 'connect' : 'secureConnect')
  if (login.password !== undefined) send(`PASS ${login.password}`)
  const { caps = [] } = login
  if (caps.length > 0) send('CAP LS 302', `CAP REQ :${caps.join(' ')}`)
  send(`NICK ${nick}`, `USER ${login.user ?? 'tester'} 0 * :${login.realname ?? 'A tester'}`)
  if (caps.length > 0) {
    const answer = await next(/ CAP \S+ (ACK|NAK) /u)
    if (/ NAK /u.test(answer)) throw new Error(`${nick}: ${answer}`)
    send('CAP END')
  }
  await next(/ (376|422) /u)
  const quit = async (text = 'bye') => {
    if (socket.destroyed) return
    send(`QUIT :${text}`)
    const late = setTimeout(() => socket.destroy(), 2_000)
    socket.resume()
    await ended.promise
    clearTimeout(late)
  }
  return {
    nick,
    lines,
    ended: ended.promise,
    heard: (target) =>
      lines.flatMap((line): [string, string][] => {
        const said = /^(?:@\S+ )?:([^! ]+)\S* PRIVMSG (\S+) :?(.*)$/u.exec(line)
        return said !== null && said[2]?.toLowerCase() === target.toLowerCase() ? [[said[1] ?? '', said[3] ?? '']] : []
      }),
    send,
    bytes: (bytes) => void socket.write(bytes),
    say: (target, text) => send(`PRIVMSG ${target} :${text}`),
    next,
    ask,
    async fence() {
      fences += 1
      await ask(`PING fence${fences}`, new RegExp(` PONG .*fence${fences}\\b`, 'u'))
    },
    async join(channel, key = '') {
      const all = await ask(`JOIN ${channel} ${key}`.trim(), / (366|40[357]|437|47[1345]|489|520) /u)
      if (!/ 366 /u.test(all.at(-1) ?? '')) throw new Error(`${nick} cannot enter: ${all.at(-1)}`)
      return namesIn(all)
    },
    names: async (channel) =>
      namesIn(await ask(`NAMES ${channel}`, / 366 /u))
        .map(bare)
        .sort(),
    oper: async ({ name, password }) => void (await ask(`OPER ${name} ${password}`, / 381 /u)),
    break: () => void socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    quit,
    [Symbol.asyncDispose]: () => quit(),
  }
}
