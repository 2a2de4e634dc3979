// SPDX-License-Identifier: Apache-2.0
// The gateways that the irc bench measures side by side, each a component of the same Prosody to the same InspIRCd.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startBiboumi } from '../harness/biboumi.ts'
import { asInstalled, type Component, startComponent } from '../harness/component.ts'
import type { Inspircd } from '../harness/inspircd.ts'
import type { Name } from './irc-figures.ts'
import type { IrcLoad } from './irc-load.ts'

export const HOST = 'corp.example'
export const SECRET = 'not a secret: loopback only'

export type Gateway = AsyncDisposable & {
  readonly name: Name
  readonly pid: number
  /** Stands before the names of its people and channels, which are on the same IRC server as the other's. */
  readonly prefix: string
  roomOf(channel: string): string
  /** What each user has to set first: the port of the server, that nothing slows him on purpose, where it is so that nothing is kept. */
  settle(load: IrcLoad, users: readonly number[]): Promise<void>
  /** A new process, which remembers nobody. */
  restart(): Promise<void>
}

type Site = { ports: { component: number }; ircd: Inspircd; folder: string }

export const DOMAINS: Readonly<Record<Name, string>> = {
  biboumi: 'biboumi.corp.example',
  'biboumi-bare': 'biboumi-bare.corp.example',
  ours: 'irc.corp.example',
}

const COMMANDS = 'http://jabber.org/protocol/commands'

/** `history` as Debian installs it; without, each of its users says that nothing is to be kept. */
export async function openBiboumi({ ports, ircd }: Site, { history }: { history: boolean }): Promise<Gateway> {
  const name = history ? 'biboumi' : 'biboumi-bare'
  const domain = DOMAINS[name]
  const start = () => startBiboumi({ domain, secret: SECRET, port: ports.component })
  let daemon = await start()
  const server = `${ircd.address}@${domain}`
  return {
    name,
    prefix: history ? 'b' : 'n',
    get pid() {
      return daemon.pid
    },
    roomOf: (channel) => `${channel}%${server}`,
    async settle(load, users) {
      const submit = (values: Readonly<Record<string, string | number>>) => {
        const fields = Object.entries(values).map(
          ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
        )
        return `<x xmlns='jabber:x:data' type='submit'>${fields.join('')}</x>`
      }
      const configure = (to: string, form: string) => [
        `<iq type='set' id='{id}' to='${to}'><command xmlns='${COMMANDS}' node='configure' action='execute'/></iq>`,
        `<iq type='set' id='{id}' to='${to}'><command xmlns='${COMMANDS}' node='configure' action='complete' sessionid='{session}'>${form}</command></iq>`,
      ]
      await load.give({
        order: 'ask',
        users,
        iqs: [
          // Its default is ten messages at once and then one a second. A field that is not given is emptied.
          ...configure(server, submit({ throttle_limit: -1, ports: ircd.port, max_history_length: 20 })),
          ...(history ? [] : configure(domain, submit({ record_history: 0, max_history_length: 20, persistent: 0 }))),
        ],
      })
    },
    async restart() {
      await daemon[Symbol.asyncDispose]()
      daemon = await start()
    },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  }
}

/** As its unit starts it, with its history; without policy beside it, which biboumi has not either. */
export async function openOurs({ ports, ircd, folder }: Site): Promise<Gateway> {
  const network = 'irc.gatehouse.test'
  let number = 0
  let component: Component
  const start = async () => {
    number += 1
    const place = join(folder, `ours${number}`)
    await mkdir(place, { recursive: true })
    const write = (name: string, lines: readonly string[], mode = 0o644) =>
      writeFile(join(place, name), `${lines.join('\n')}\n`, { mode })
    await write('gatehouse.yaml', [
      ...['server:', '  host: 127.0.0.1', `  port: ${ports.component}`, `  hosts: [${HOST}]`],
      ...['folders:', `  state: ${join(place, 'state')}`, `  run: ${join(place, 'run')}`],
      ...[`  journals: ${join(place, 'journals')}`, 'people:', '  operators:', '    - user: root'],
    ])
    await write('transport-irc.secret', [SECRET], 0o600)
    await write('transport-irc.yaml', [
      ...['secret_file: transport-irc.secret', `hosts: [${HOST}]`, 'networks:'],
      `  - { name: ${network}, servers: ['irc://${ircd.address}:${ircd.port}'], allow_plain: true, flood: { lines: 1000, every: 1 ms }, connections: 100000 }`,
      'limits: { people: 100000, connects_per_minute: 60000, rooms: 10000, waiting: 10000 }',
      ...['policy:', '  ask: false', 'metrics:', '  port: 0'],
    ])
    component = await startComponent({
      name: 'transport-irc',
      file: join(place, 'transport-irc.yaml'),
      logFolder: place,
      ...asInstalled('transport-irc'),
    })
  }
  await start()
  return {
    name: 'ours',
    prefix: 'g',
    get pid() {
      return component.pid
    },
    roomOf: (channel) => `${channel}%${network}@${DOMAINS.ours}`,
    // Its settings say so.
    settle: async () => {},
    async restart() {
      await component.stop()
      await start()
    },
    [Symbol.asyncDispose]: () => component.stop(),
  }
}
