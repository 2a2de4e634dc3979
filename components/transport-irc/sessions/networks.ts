// SPDX-License-Identifier: Apache-2.0
// The networks of the settings, as the transport sees them: which may be reached, what is a name there, and a connection for each person.
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  type Login,
  type Network,
  NetworkFault,
  type NetworkSession,
  type SessionEvents,
} from '../../kit/transport/network.ts'
import { bareOf, domainOf } from '../../kit/xmpp/jid.ts'
import type { IrcChannel, IrcConnection, IrcSettings, StsStore } from '../network/irc.ts'
import { openIrcConnection } from '../network/irc-connection.ts'
import { keyBy } from '../network/wire/casemapping.ts'
import { wrongNick } from '../network/wire/nick.ts'
import { type IrcNetwork, isSameNetwork, NETWORK_NAME, unlistedNetwork } from '../network-settings.ts'
import { fitsAny } from './masks.ts'
import { fill, nickFrom, userFrom } from './names.ts'
import type { SayingWords } from './saying.ts'
import { openSession } from './session.ts'
import { type Counted as CountedByTelling, openTelling } from './telling.ts'

/** What is known of a network from an earlier connection, kept over restarts: two spellings of a name must not change their meaning. */
export type Known = {
  casemapping: string
  nickLength: number
  /** Somebody was let in by SCRAM: a server that then offers only PLAIN may be another one. */
  scram?: true
}
export type KnownStore = { read(network: string): Known | null; write(network: string, known: Known): void }

export type Counted = CountedByTelling | 'connected' | 'lost'

export type NetworksOptions = {
  /** These may be others at any time; a connection keeps those with which it was opened. */
  readonly networks: readonly IrcNetwork[]
  readonly others: boolean
  readonly only: string | null
  readonly limits: {
    perPerson: { networks: number; rooms: number }
    people: number
    connectsPerMinute: number
    /** Lines of one person that wait for their turn. */
    waiting: number
  }
  /** Why a person may not be connected now, such as one who is banned; null: he may. */
  refusesPerson(owner: string): string | null
  known: KnownStore
  sts: StsStore
  software: string
  words: SayingWords & {
    label(id: string): string
    refused(id: string, args?: Readonly<Record<string, string>>): string
  }
  counted(what: Counted, network: string): void
  now(): number
}

/** One connection, for operators and limits. */
export type Connected = {
  owner: string
  network: string
  /** The name that was given there (USER). */
  user: string
  session: NetworkSession
  connection: IrcConnection
  since: number
  /** When the person himself did something last. */
  activeAt: number
  /** Since when it is not up, and why; null: it is. */
  fault: { at: number; why: NetworkFault; retryAt: number | null } | null
  /** Takes the settings as they stand now: they count from the next connection on, and while there is none that is tried at once. */
  renew(): void
  /** What became of the first try since it was last asked to connect: null when it came up. */
  tried: PromiseWithResolvers<NetworkFault | null>
}

export type Networks = Network & {
  connected(): Iterable<Connected>
  of(owner: string, network: string): Connected | null
  /** The settings of a network that may be reached; null: it may not. */
  settings(network: string): IrcNetwork | null
}

const UNKNOWN: Known = { casemapping: 'rfc1459', nickLength: 30 }
const ROOM = /^[#&+!]/
const MINUTE_MS = 60_000

export function openNetworks(options: NetworksOptions): Networks {
  const { words, now } = options
  const known = new Map<string, Known>()
  const keys = new Map<string, (name: string) => string>()
  const all = new Map<string, Connected>()
  /** While nothing is read: holds back who comes later too. */
  const holds = new Set<(connection: IrcConnection) => void>()
  /** Times of new connections within the last minute, by network. */
  const recent = new Map<string, number[]>()

  const settings = (network: string): IrcNetwork | null => {
    const found = options.networks.find(({ name }) => name === network)
    if (found !== undefined) return found
    return options.others && NETWORK_NAME.test(network) && network.includes('.') ? unlistedNetwork(network) : null
  }
  const factsOf = (network: string): Known => {
    const found = known.get(network) ?? options.known.read(network) ?? UNKNOWN
    known.set(network, found)
    return found
  }

  /** Asked several times for each message. */
  const keyFor = (network: string) => {
    const found = keys.get(network)
    if (found !== undefined) return found
    const made = keyBy(factsOf(network).casemapping)
    keys.set(network, made)
    return made
  }

  return {
    type: 'irc',
    searches: true,
    get only() {
      return options.only
    },
    refuses: (network) => (settings(network) === null ? words.refused('transport-irc-no-network', { network }) : null),
    isRoom: (name) => ROOM.test(name),
    key: (network, name) => keyFor(network)(name),
    wrongNick: (network, nick) => wrongNick(nick, factsOf(network).nickLength),
    open,
    hold() {
      const releases = [...all.values()].map(({ connection }) => connection.hold())
      const held = (connection: IrcConnection) => releases.push(connection.hold())
      holds.add(held)
      return () => {
        holds.delete(held)
        for (const release of releases) release()
      }
    },
    connected: () => all.values(),
    of: (owner, network) => all.get(placeOf(owner, network)) ?? null,
    settings,
  }

  function open(network: string, owner: string, login: Login, events: SessionEvents): NetworkSession {
    const of = settings(network)
    if (of === null) throw NetworkFault.readable('not-allowed', words.refused('transport-irc-no-network', { network }))
    requireRoom(network, of, owner)
    const place = placeOf(owner, network)
    const told: SessionEvents & Parameters<typeof openTelling>[1] = {
      ...events,
      up(nick) {
        one.fault = null
        one.tried.resolve(null)
        learn(network, connection)
        options.counted('connected', network)
        events.up(nick)
      },
      down(fault, retryAt) {
        one.fault = { at: now(), why: fault, retryAt }
        one.tried.resolve(fault)
        options.counted('lost', network)
        events.down(fault, retryAt)
      },
      counted: (what) => options.counted(what, network),
    }
    let used = { of, settled: settingsOf(of, owner, login) }
    const connection: IrcConnection = openIrcConnection(
      used.settled,
      openTelling(() => connection, told),
    )
    const session = openSession({
      connection,
      words,
      most: options.limits.perPerson,
      refuses: (channel) => wrongChannel(settings(network) ?? of, channel),
      known: (channel) => knownChannel(connection, network, channel),
      active() {
        one.activeAt = now()
      },
      ended() {
        if (all.get(place) === one) all.delete(place)
      },
    })
    const one: Connected = {
      owner: bareOf(owner),
      network,
      user: used.settled.user,
      session,
      connection,
      since: now(),
      activeAt: now(),
      fault: null,
      tried: Promise.withResolvers(),
      renew() {
        const anew = settings(network)
        if (anew === null) return
        // Under the same name as before: by that identd knows him.
        const settled = { ...settingsOf(anew, owner, login), user: one.user }
        if (isSameNetwork(anew, used.of) && settled.ca === used.settled.ca) return
        connection.settle(settled)
        used = { of: anew, settled }
      },
    }
    all.set(place, one)
    for (const held of holds) held(connection)
    return session
  }

  /** Only one of those who are in a channel keeps its members; all may change their ranks. */
  function knownChannel(own: IrcConnection, network: string, name: string): IrcChannel | null {
    const here = own.channel(name)
    if (here?.attention === 'all' && here.complete) return here
    for (const one of all.values()) {
      const channel = one.network === network && one.connection.isUp ? one.connection.channel(name) : null
      if (channel?.attention === 'all' && channel.complete) return channel
    }
    return here
  }

  function requireRoom(network: string, of: IrcNetwork, owner: string): void {
    const { limits } = options
    const why = options.refusesPerson(owner)
    if (why !== null) throw NetworkFault.readable('not-allowed', why)
    const mine = [...all.values()].filter((one) => one.owner === bareOf(owner))
    const there = [...all.values()].filter((one) => one.network === network)
    const people = new Set([...all.values()].map((one) => one.owner))
    if (mine.length >= limits.perPerson.networks)
      throw NetworkFault.readable(
        'too-many',
        words.refused('transport-irc-too-many-networks', { most: String(limits.perPerson.networks) }),
      )
    if (there.length >= of.connections || (mine.length === 0 && people.size >= limits.people))
      throw NetworkFault.readable('too-many', words.refused('transport-irc-too-many-people'))
    const at = now()
    const times = (recent.get(network) ?? []).filter((time) => at - time < MINUTE_MS)
    if (times.length >= limits.connectsPerMinute)
      throw NetworkFault.readable('busy', words.refused('transport-irc-too-many-connects'))
    recent.set(network, [...times, at])
  }

  function wrongChannel(of: IrcNetwork, channel: string): string | null {
    const name = keyFor(of.name)(channel)
    const fold = (patterns: readonly string[]) => patterns.map(keyFor(of.name))
    const { allow, deny } = of.channels
    return !fitsAny(fold(deny), name) && fitsAny(fold(allow), name)
      ? null
      : words.refused('transport-irc-channel-closed', { channel })
  }

  function learn(network: string, { facts }: IrcConnection): void {
    const casemapping = facts.isupport.get('CASEMAPPING') ?? 'rfc1459'
    const { nickLength } = facts
    const before = factsOf(network)
    if (before.casemapping === casemapping && before.nickLength === nickLength) return
    keep(network, { ...before, casemapping, nickLength })
  }

  function keep(network: string, now: Known): void {
    known.set(network, now)
    keys.delete(network)
    options.known.write(network, now)
  }

  function saslOf(of: IrcNetwork, login: Login): NonNullable<IrcSettings['sasl']> {
    const { account = login.nick, secret } = login
    return {
      account,
      ...(secret === undefined ? {} : { secret }),
      ...(of.mechanisms.length === 0 ? {} : { mechanisms: of.mechanisms }),
      // Who has something to log in with is not let in as a stranger.
      required: true,
      scram: {
        wasSeen: () => factsOf(of.name).scram === true,
        isSeen() {
          const before = factsOf(of.name)
          if (before.scram !== true) keep(of.name, { ...before, scram: true })
        },
      },
    }
  }

  function settingsOf(of: IrcNetwork, owner: string, login: Login): IrcSettings {
    const { secret, certificate } = login
    const { lines, everyMs } = of.flood
    const local = of.localAddresses
    const localAddress = local[numberOf(owner) % Math.max(1, local.length)]
    return {
      servers: serversOf(of),
      nick: login.nick || nickFrom(of.nick, owner, factsOf(of.name).nickLength),
      user: userFrom(of.user, owner),
      realname: login.name ?? fill(of.realName, owner),
      encoding: of.encoding,
      flood: { burst: lines, perSecond: everyMs === 0 ? 1_000 : 1_000 / everyMs },
      afterwards: [...of.afterwards, ...(login.afterwards ?? [])],
      sts: options.sts,
      version: options.software,
      limits: { queue: options.limits.waiting },
      ...(of.password === null ? {} : { password: of.password.reveal() }),
      ...(secret === undefined && certificate === undefined ? {} : { sasl: saslOf(of, login) }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(of.tls.caFile === null ? {} : { ca: readFileSync(of.tls.caFile, 'utf8') }),
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(of.webirc === null
        ? {}
        : {
            webirc: {
              password: of.webirc.password.reveal(),
              gateway: of.webirc.name,
              host: domainOf(owner),
              address: addressOf(owner),
            },
          }),
    }
  }
}

/** Where one has TLS, those in clear are only asked where TLS is: else whoever keeps the one away would have us talk to the other. */
function serversOf({ servers, tls: { pins } }: IrcNetwork): IrcSettings['servers'] {
  const hasTls = servers.some(({ tls }) => tls === 'tls')
  return servers.map((server) => ({
    ...server,
    ...(hasTls && server.tls === 'plain' ? { tls: 'sts' as const } : {}),
    ...(pins.length === 0 ? {} : { pins }),
  }))
}

function placeOf(owner: string, network: string): string {
  return `${bareOf(owner)} ${network}`
}

/** The same for a person always. */
function numberOf(owner: string): number {
  return Number.parseInt(hash('sha256', bareOf(owner), 'hex').slice(0, 8), 16)
}

/** An address that no other person has, for servers that know people by theirs (RFC 4193). */
function addressOf(owner: string): string {
  const digits = hash('sha256', bareOf(owner), 'hex')
  const groups = [0, 1, 2, 3, 4, 5, 6].map((at) => digits.slice(at * 4, at * 4 + 4))
  return ['fd00', ...groups].join(':')
}
