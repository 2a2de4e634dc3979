// SPDX-License-Identifier: Apache-2.0
// A company with IRC: an XMPP server, transport-irc as a process, real clients on one side and bare sockets on the other.
import { mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { askCommand, type Row } from '../harness/ask-command.ts'
import { type Component, type ComponentSettings, startComponent } from '../harness/component.ts'
import { type Slixmpp, type SlixmppClient, startSlixmpp } from '../harness/slixmpp.ts'
import { HOST, startWorld, type World, type WorldOptions } from '../harness/world.ts'

export const GATEWAY = 'irc.corp.example'
export const NETWORK = 'irc.gatehouse.test'

type Said = Readonly<Record<string, unknown>>

export type IrcPlaceOptions = {
  server?: ServerKind
  /** Entries of `networks:`; a name is given to the first one where it has none. */
  networks: readonly Said[]
  /** Further settings of transport-irc. */
  settings?: Said
  /** Files beside the settings, for their owner only. */
  files?: Readonly<Record<string, string>>
  /** With mod_gatehouse and policy; the rule file below `version: 1`. Default: the server alone, and nobody is asked. */
  rules?: string
  /** What only the one server understands. */
  world?: Pick<WorldOptions, 'prosody' | 'ejabberd' | 'serverArchive' | 'archiveProcess'>
}

export type IrcPlace = AsyncDisposable & {
  readonly world: World
  readonly slixmpp: Slixmpp
  readonly transport: Component
  /** Again, after it has ended. */
  start(change?: Partial<ComponentSettings>): Promise<Component>
  settings(said: Said): void
  /** Logs in as NAME@corp.example/RESOURCE (desk). */
  person(name: string, resource?: string): Promise<SlixmppClient>
  ask(command: string, args?: Readonly<Record<string, unknown>>): Promise<Row[]>
}

/** Of an ircd in the clear, where nobody is slowed. */
export function plain({ address, port }: { address: string; port: number }, more: Said = {}): Said {
  return {
    name: NETWORK,
    servers: [`irc://${address}:${port}`],
    allow_plain: true,
    flood: { lines: 1_000, every: '1 ms' },
    ...more,
  }
}

export async function openIrcPlace(options: IrcPlaceOptions): Promise<IrcPlace> {
  await using opened = new AsyncDisposableStack()
  const { server = 'prosody', rules } = options
  const isAsked = rules !== undefined
  const world = opened.use(
    await startWorld({
      server,
      gateway: GATEWAY,
      ...options.world,
      ...(isAsked ? { rules, network: 'irc' } : { bare: true }),
    }),
  )
  const config = join(world.folder, 'config')
  mkdirSync(config, { recursive: true })
  writeFileSync(join(config, 'transport-irc.secret'), `${world.secret}\n`, { mode: 0o600 })
  writeFileSync(join(config, 'transport-irc.key'), `${'0123456789abcdef'.repeat(4)}\n`, { mode: 0o600 })
  for (const [name, text] of Object.entries(options.files ?? {}))
    writeFileSync(join(config, name), text, { mode: 0o600 })
  // The command line asks as whoever runs the tests.
  const me = userInfo().username
  writeFileSync(
    join(config, 'irc-gatehouse.yaml'),
    JSON.stringify({
      server: { host: world.address, port: world.ports.component, hosts: [HOST] },
      folders: { state: join(world.folder, 'state'), run: world.run, journals: join(world.folder, 'journals') },
      people: { operators: [{ user: me }, { jid: `otto@${HOST}` }] },
    }),
  )
  const settings = (said: Said) =>
    writeFileSync(
      join(config, 'transport-irc.yaml'),
      JSON.stringify({
        shared: 'irc-gatehouse.yaml',
        secret_file: 'transport-irc.secret',
        domain: GATEWAY,
        hosts: [HOST],
        networks: options.networks,
        policy: { ask: isAsked },
        secrets: { key_file: 'transport-irc.key' },
        metrics: { port: 0 },
        ...options.settings,
        ...said,
      }),
    )
  settings({})
  const place = { current: null as Component | null }
  const start = async (change: Partial<ComponentSettings> = {}) => {
    const file = join(config, 'transport-irc.yaml')
    place.current = await startComponent({ name: 'transport-irc', file, logFolder: world.folder, ...change })
    return place.current
  }
  opened.defer(async () => place.current?.stop())
  await start()
  const slixmpp = opened.use(startSlixmpp())
  const all = opened.move()
  return {
    world,
    slixmpp,
    get transport() {
      if (place.current === null) throw new Error('it was never started')
      return place.current
    },
    start,
    settings,
    person: (name, resource = 'desk') =>
      slixmpp.login({ jid: `${name}@${HOST}/${resource}`, address: world.address, port: world.ports.c2s }),
    ask: (command, args) => askCommand(world.run, `transport-irc ${command}`, args),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** `#talk%irc.gatehouse.test@irc.corp.example`. */
export function roomOf(channel: string, network = NETWORK): string {
  return `${channel}%${network}@${GATEWAY}`
}

/** Enters, until the subject is there, which is the last of it; gives the own presence. */
export async function enter(client: SlixmppClient, room: string, nick: string, more = ''): Promise<string> {
  await client.send(
    `<presence xmlns='jabber:client' to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'>${more}</x></presence>`,
  )
  const self = await client.wait(like('presence', `from="${room}/`, 'code="110"'), 20)
  await client.wait(like('message', `from="${room}`, 'type="groupchat"', '<subject'), 10)
  return self
}

export function groupchat(room: string, body: string, id: string, more = ''): string {
  return `<message xmlns='jabber:client' type='groupchat' to='${room}' id='${id}'><body>${body}</body>${more}</message>`
}

/** A stanza of this name that has all of this in it, in whatever order. */
export function like(name: 'message' | 'presence' | 'iq', ...parts: readonly string[]): RegExp {
  const all = parts.map((part) => `(?=[\\s\\S]*${part.replaceAll(/[.*+?^$()|[\]\\{}]/g, '\\$&')})`)
  return new RegExp(`^<${name}\\b${all.join('')}`)
}

let questions = 0

/** Asks by iq, and gives the answer; rejects when it is an error. */
export async function asks(client: SlixmppClient, type: 'get' | 'set', to: string, payload: string): Promise<string> {
  const answer = await refusedOrNot(client, type, to, payload)
  if (/^<iq[^>]*type="error"/.test(answer)) throw new Error(answer)
  return answer
}

/** The same, where an error is what is wanted. */
export async function refusedOrNot(
  client: SlixmppClient,
  type: 'get' | 'set',
  to: string,
  payload: string,
): Promise<string> {
  questions += 1
  const id = `ask${questions}`
  await client.send(`<iq xmlns='jabber:client' type='${type}' id='${id}' to='${to}'>${payload}</iq>`)
  return client.wait(like('iq', `id="${id}"`), 20)
}
