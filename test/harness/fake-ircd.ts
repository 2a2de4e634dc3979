// SPDX-License-Identifier: Apache-2.0
// A small made-up IRC server, for what no server of Debian offers: draft/chathistory, draft/multiline, draft/message-redaction, SASL
// SCRAM-SHA-256, STS; and for a server that lies, floods, or stops reading. Whatever a real server can show is tested on a real server.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { freePorts } from '../../deploy/demo/ports.ts'
import { makeAuthority } from './certificates.ts'
import { type Channel, type Kept, obey } from './fake-irc-commands.ts'
import { daemonFolder } from './ircd.ts'

export type FakeIrcdOptions = {
  /** What CAP LS shows, with values; default FAKE_CAPS. */
  caps?: Readonly<Record<string, string>>
  /** Beside those of every server. */
  isupport?: readonly string[]
  /** Account and password for SASL PLAIN and SCRAM-SHA-256; `sasl` is then among the capabilities. */
  accounts?: Readonly<Record<string, string>>
  mechanisms?: readonly string[]
  /** What it does with CAP: says nothing, or that nobody is registered; default: it knows it. */
  cap?: 'silent' | 'unregistered'
  /** A port with TLS beside the plain one. */
  tls?: boolean
  /** Seconds for which the plain port tells clients to use the other (needs `tls`). */
  sts?: number
}

export const FAKE_CAPS: Readonly<Record<string, string>> = {
  batch: '',
  'echo-message': '',
  'labeled-response': '',
  'message-tags': '',
  'server-time': '',
  'account-tag': '',
  'draft/chathistory': '',
  'draft/multiline': 'max-bytes=4096,max-lines=24',
  'draft/message-redaction': '',
  'standard-replies': '',
}

/** One connection to it. */
export type FakeClient = {
  readonly socket: Socket
  readonly secure: boolean
  nick: string
  user: string
  account: string | null
  readonly caps: Set<string>
  registered: boolean
  negotiating: boolean
  /** Every line that it wrote. */
  readonly lines: string[]
  /** Lines of an open batch of this client, by its reference. */
  readonly batches: Map<
    string,
    {
      type: string
      target: string
      label: string | null
      lines: { text: string; concat: boolean; tags: ReadonlyMap<string, string> }[]
    }
  >
  sasl: { mechanism: string; state: unknown } | null
}

export type FakeIrcd = AsyncDisposable & {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly tlsPort: number
  readonly caFile: string | null
  readonly clients: ReadonlySet<FakeClient>
  readonly channels: ReadonlyMap<string, Channel>
  /** Of this nick; undefined when it is not here. */
  client(nick: string): FakeClient | undefined
  /** Resolves with the first line that fits, from anybody, come or to come. */
  got(like: RegExp, seconds?: number): Promise<string>
  /** Somebody who has no connection says something in a channel; gives its msgid. */
  say(
    nick: string,
    channel: string,
    text: string,
    more?: { tags?: Readonly<Record<string, string>>; at?: number },
  ): string
  /** Into the history only. */
  remember(nick: string, channel: string, text: string, at: number): string
  /** How far the holder of this nick has read, as a stamp; undefined: nothing. */
  read(nick: string, target: string): string | undefined
  /** As they are, to one connection or to all. */
  bytes(bytes: Uint8Array | string, nick?: string): void
  /** From now on nothing is read (and so nothing answered), or again. */
  deaf(is: boolean): void
  /** From now on what is read is not obeyed, or again. */
  mute(is: boolean): void
  /** All connections are cut; new ones are taken. */
  cut(): void
  /** The ports are closed, connections cut; `open` opens them again. */
  close(): Promise<void>
  open(): Promise<void>
}

export type FakeHouse = {
  readonly name: string
  readonly options: FakeIrcdOptions
  readonly tlsPort: number
  readonly clients: Set<FakeClient>
  readonly channels: Map<string, Channel>
  number: number
  /** Passwords by account; those that wait for their code. */
  readonly accounts: Map<string, string>
  readonly signingUp: Map<string, { password: string; code: string }>
  /** By nick and target: how far is read, as a stamp. */
  readonly read: Map<string, string>
}

export async function startFakeIrcd(options: FakeIrcdOptions = {}): Promise<FakeIrcd> {
  await using opened = new AsyncDisposableStack()
  const address = '127.0.0.1'
  const name = 'fake.gatehouse.test'
  const [port = 0, tlsPort = 0] = await freePorts(2)
  let caFile: string | null = null
  let secrets: { cert: string; key: string } | null = null
  if (options.tls === true) {
    const { folder, leave } = await daemonFolder('fake-ircd')
    opened.defer(leave)
    const authority = await makeAuthority(folder)
    const files = await authority.sign('server', `/CN=${name}`, [`DNS:${name}`, 'DNS:localhost', `IP:${address}`])
    secrets = { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8') }
    caFile = authority.caFile
  }
  const house: FakeHouse = {
    name,
    options,
    tlsPort,
    clients: new Set(),
    channels: new Map(),
    number: 0,
    read: new Map(),
    accounts: new Map(Object.entries(options.accounts ?? {})),
    signingUp: new Map(),
  }
  const looking = new Set<() => void>()
  const written: string[] = []
  let isDeaf = false
  let isMute = false
  const take = (socket: Socket, secure: boolean) => {
    const client: FakeClient = {
      ...{ socket, secure, nick: '*', user: '', account: null, caps: new Set(), registered: false, negotiating: false },
      ...{ lines: [], batches: new Map(), sasl: null },
    }
    house.clients.add(client)
    let rest = ''
    socket.setEncoding('utf8')
    if (isDeaf) socket.pause()
    socket.on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const line = part.replace(/\r$/u, '')
        client.lines.push(line)
        written.push(line)
        if (!isMute) obey(house, client, line)
      }
      for (const look of looking) look()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      house.clients.delete(client)
      for (const channel of house.channels.values()) leave(channel, client)
    })
  }
  const leave = (channel: Channel, client: FakeClient) => {
    if (!channel.members.delete(client)) return
    for (const one of channel.members) one.socket.write(`:${client.nick}!${client.user}@fake QUIT :gone\r\n`)
  }
  let servers: Server[] = []
  const open = async () => {
    servers = [createServer((socket) => take(socket, false)).listen(port, address)]
    if (secrets !== null) servers.push(createTls(secrets, (socket) => take(socket, true)).listen(tlsPort, address))
    await Promise.all(servers.map((server) => once(server, 'listening')))
  }
  const cut = () => {
    for (const { socket } of house.clients) socket.destroy()
  }
  const close = async () => {
    const closed = servers
      .filter((server) => server.listening)
      .map((server) => new Promise((done) => server.close(done)))
    cut()
    await Promise.all(closed)
  }
  const client = (nick: string) => [...house.clients].find((one) => one.nick.toLowerCase() === nick.toLowerCase())
  const remember = (nick: string, channel: string, text: string, at: number): Kept => {
    const kept = {
      id: `fake${++house.number}`,
      at,
      from: `${nick}!${nick}@fake`,
      text,
      command: 'PRIVMSG',
      tags: new Map(),
    }
    channelOf(house, channel).history.push(kept)
    return kept
  }
  await open()
  opened.defer(close)
  const all = opened.move()
  return {
    ...{ name, address, port, caFile, clients: house.clients, channels: house.channels, client, cut, close, open },
    tlsPort: secrets === null ? 0 : tlsPort,
    async got(like, seconds = 10) {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const look = () => {
        const found = written.find((line) => like.test(line))
        if (found !== undefined) resolve(found)
      }
      looking.add(look)
      const late = setTimeout(
        () => reject(new Error(`nobody wrote ${like}; last: ${written.slice(-8).join(' | ')}`)),
        seconds * 1_000,
      )
      look()
      return await promise.finally(() => {
        clearTimeout(late)
        looking.delete(look)
      })
    },
    say(nick, channel, text, { tags = {}, at = Date.now() } = {}) {
      const kept = remember(nick, channel, text, at)
      const all = Object.entries({ ...tags, msgid: kept.id, time: new Date(at).toISOString() })
      for (const one of channelOf(house, channel).members) {
        const shown = one.caps.has('message-tags')
          ? `@${all.map(([key, value]) => (value === '' ? key : `${key}=${value}`)).join(';')} `
          : ''
        one.socket.write(`${shown}:${kept.from} PRIVMSG ${channel} :${text}\r\n`)
      }
      return kept.id
    },
    remember: (nick, channel, text, at) => remember(nick, channel, text, at).id,
    read: (nick, target) => house.read.get(`${nick} ${target}`.toLowerCase()),
    bytes(bytes, nick) {
      for (const one of house.clients) if (nick === undefined || one.nick === nick) one.socket.write(bytes)
    },
    deaf(is) {
      isDeaf = is
      for (const { socket } of house.clients) is ? socket.pause() : socket.resume()
    },
    mute(is) {
      isMute = is
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

export function channelOf(house: FakeHouse, name: string): Channel {
  const key = name.toLowerCase()
  const there = house.channels.get(key)
  if (there !== undefined) return there
  const made: Channel = { name, members: new Set(), operators: new Set(), topic: '', history: [] }
  house.channels.set(key, made)
  return made
}
