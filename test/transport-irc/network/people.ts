// SPDX-License-Identifier: Apache-2.0
// Our own client in tests: connected, with everything that it told, in order.
import type { IrcConnection, IrcEvents, IrcSettings } from '../../../components/transport-irc/network/irc.ts'
import { openIrcConnection } from '../../../components/transport-irc/network/irc-connection.ts'
import type { World } from '../../../components/transport-irc/network/session.ts'

type Told = { [Name in keyof IrcEvents]: { name: Name; values: Parameters<IrcEvents[Name]> } }[keyof IrcEvents]

export type Person = AsyncDisposable & {
  readonly irc: IrcConnection
  readonly told: readonly Told[]
  /** The first of that name, not yet given, told already or to come, that fits. */
  next<Name extends keyof IrcEvents>(
    name: Name,
    fits?: (...values: Parameters<IrcEvents[Name]>) => boolean,
  ): Promise<Parameters<IrcEvents[Name]>>
  /** All of that name so far. */
  all<Name extends keyof IrcEvents>(name: Name): Parameters<IrcEvents[Name]>[]
}

const WAIT_MS = 15_000

const NAMES: readonly (keyof IrcEvents)[] = [
  ...(['up', 'down', 'nick', 'entered', 'names', 'join', 'part', 'kick', 'quit', 'netsplit', 'netjoin'] as const),
  ...(['renamed', 'changed', 'ranked', 'mode', 'topic', 'message', 'reaction', 'redacted', 'typing', 'out'] as const),
  ...(['listing', 'kept', 'invited', 'inviting', 'presence', 'said', 'read'] as const),
]

/** Opens a connection and does not wait for anything. */
export function person(
  server: { address: string; port: number },
  nick: string,
  settings: Partial<IrcSettings> = {},
  world: Partial<World> = {},
): Person {
  const told: Told[] = []
  const given = new Set<Told>()
  const looking = new Set<() => void>()
  const events: Partial<Record<keyof IrcEvents, unknown>> = {}
  for (const name of NAMES)
    events[name] = (...values: unknown[]) => {
      told.push({ name, values } as Told)
      for (const look of [...looking]) look()
    }
  const irc = openIrcConnection(
    {
      servers: [{ host: server.address, port: server.port, tls: 'plain' }],
      ...{ nick, user: nick.toLowerCase().slice(0, 8), realname: `${nick} of the tests` },
      flood: { burst: 1_000, perSecond: 1_000 },
      ...settings,
    },
    events as Partial<IrcEvents>,
    world,
  )
  return {
    irc,
    told,
    next(name, fits) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = told.find(
            (each) => !given.has(each) && each.name === name && (fits === undefined || fits(...(each.values as never))),
          )
          if (found === undefined) return
          given.add(found)
          clearTimeout(timer)
          looking.delete(look)
          resolve(found.values as never)
        }
        const timer = setTimeout(() => {
          looking.delete(look)
          reject(new Error(`${nick}: no ${name}; told: ${told.map((each) => each.name).join(' ')}`))
        }, WAIT_MS)
        looking.add(look)
        look()
      })
    },
    all: (name) => told.filter((each) => each.name === name).map((each) => each.values as never),
    [Symbol.asyncDispose]: () => irc.quit(),
  }
}

/** Connected and registered. */
export async function arrived(
  server: { address: string; port: number },
  nick: string,
  settings: Partial<IrcSettings> = {},
  world: Partial<World> = {},
): Promise<Person> {
  const one = person(server, nick, settings, world)
  await one.next('up')
  return one
}

export async function faultOf(asked: Promise<unknown>): Promise<{ reason: string; code: string; unsure: boolean }> {
  try {
    await asked
  } catch (fault) {
    const { reason, code, unsure } = fault as { reason: string; code: string; unsure: boolean }
    return { reason, code, unsure }
  }
  throw new Error('it was not refused')
}
