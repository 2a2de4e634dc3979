// SPDX-License-Identifier: Apache-2.0
// One of `networks:` in config/transport-irc.yaml: how a network is reached, and what people may do there.
import { isDeepStrictEqual } from 'node:util'
import type { Holds, Secret, Words } from '../kit/process/words.ts'

export type IrcServer = {
  host: string
  port: number
  /** 'sts': in clear only to be told where TLS is (STS); where the server does not tell, nothing is said to it. */
  tls: 'tls' | 'sts' | 'plain'
}

export type IrcNetwork = {
  /** As in addresses, lower case. */
  name: string
  /** Tried in this order. */
  servers: readonly IrcServer[]
  tls: {
    /** SHA-256 of certificates, hex: with any, only these are believed. */
    pins: readonly string[]
    /** Path of authorities to believe in the place of the system's. */
    caFile: string | null
  }
  password: Secret | null
  /** Ways to log in, the best first; none: what is safe. */
  mechanisms: readonly (typeof MECHANISMS)[number][]
  /** What is not UTF-8 is read so; and written so, where it is not utf-8. */
  encoding: string
  /** Token bucket of each connection: so many lines at once, then one each time. */
  flood: { lines: number; everyMs: number }
  webirc: { name: string; password: Secret } | null
  /** Addresses of this machine to go out from; a person always goes from the same. */
  localAddresses: readonly string[]
  /** Patterns; * and ? as in IRC masks. */
  channels: { allow: readonly string[]; deny: readonly string[] }
  /** The most connections of all people. */
  connections: number
  /** Templates of what a person is called who says nothing: {local} is the first part of his address. */
  nick: string
  user: string
  realName: string
  /** Lines said after each login, before rooms are entered. */
  afterwards: readonly string[]
}

export type SaidNetwork = Holds<ReturnType<typeof networkFields>>

export const NETWORK_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
const SERVER = /^(ircs?):\/\/(\[[0-9a-f:.]+\]|[^\s/:@[\]]+)(?::(\d{1,5}))?\/?$/i
const PIN = /^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i
const MECHANISMS = ['EXTERNAL', 'SCRAM-SHA-256', 'PLAIN'] as const
const ENCODINGS = [
  'utf-8',
  'windows-1252',
  'iso-8859-2',
  'iso-8859-15',
  'windows-1250',
  'windows-1251',
  'koi8-r',
] as const

export function networkFields(words: Words) {
  return {
    name: words.text({ pattern: NETWORK_NAME, wanted: { id: 'transport-irc-wanted-network-name' } }),
    servers: words.list(words.text({ pattern: SERVER, wanted: { id: 'transport-irc-wanted-server' } }), {
      about: 'ircs://HOST:PORT with TLS (6697), irc://HOST:PORT (6667) in clear; tried in this order.',
      atMost: 32,
    }),
    allow_plain: words.yesNo({
      default: false,
      about: 'Talk in clear to irc:// servers. Without it they are only asked where TLS is (STS).',
    }),
    tls: words.group({
      pins: words.list(words.text({ pattern: PIN, wanted: { id: 'transport-irc-wanted-pin' } }), {
        default: [],
        about: 'SHA-256 fingerprints of certificates. With any, only these are believed.',
        atMost: 32,
      }),
      ca_file: words.maybe(words.file({ about: 'Authorities to believe in the place of those of the system.' })),
    }),
    password_file: words.maybe(words.secretFile({ about: 'A password that the server wants of everybody (PASS).' })),
    mechanisms: words.list(words.choice(MECHANISMS, {}), {
      default: [],
      about:
        'How people log in (SASL), in this order. [EXTERNAL, SCRAM-SHA-256, PLAIN], where PLAIN hands the password over, only with TLS and not where SCRAM has worked before; who names PLAIN here lets it be said. Never behind SCRAM that was refused.',
      atMost: 3,
    }),
    encoding: words.choice(ENCODINGS, {
      default: 'utf-8',
      about: 'What is not UTF-8 is read as windows-1252 where this is utf-8, else as this says; and written so.',
    }),
    flood: words.group({
      lines: words.whole({ min: 1, max: 1_000, default: 5, about: 'So many lines at once, of each connection,' }),
      every: words.duration({ default: '2 s', atMost: '1 min', about: 'and then one each time.' }),
    }),
    webirc: words.group({
      name: words.text({ default: 'gatehouse' }),
      password_file: words.maybe(
        words.secretFile({
          about: 'With it the server is told who connects (WEBIRC): its host is the virtual host of the person.',
        }),
      ),
    }),
    local_addresses: words.list(words.text({ pattern: ADDRESS, wanted: { id: 'transport-irc-wanted-address' } }), {
      default: [],
      about: 'Addresses of this machine to go out from; a person always goes from the same.',
      atMost: 65_536,
    }),
    channels: words.group({
      allow: words.list(words.text({}), {
        default: ['*'],
        about: 'Patterns of channels that may be entered;',
        atMost: 10_000,
      }),
      deny: words.list(words.text({}), {
        default: [],
        about: 'and of those that may not, first of all.',
        atMost: 10_000,
      }),
    }),
    connections: words.whole({ min: 1, max: 1_000_000, default: 1_000, about: 'The most connections of all people.' }),
    nick: words.text({ default: '{local}', about: 'Of who names none; {local} is the first part of his address.' }),
    user: words.text({ default: '{local}', about: 'User name there.' }),
    real_name: words.text({ default: '{local}', about: 'Real name there.' }),
    afterwards: words.list(words.text({}), {
      default: [],
      about: 'Lines said after each login, before rooms are entered.',
      atMost: 100,
    }),
  }
}

type Tell = (path: readonly PropertyKey[], id: string) => void

export function networkSettings(said: SaidNetwork, tell: Tell): IrcNetwork {
  if (said.servers.length === 0) tell(['servers'], 'transport-irc-wanted-server')
  const servers = said.servers.flatMap((text, at): IrcServer[] => {
    const [, scheme = '', host = '', port] = SERVER.exec(text) ?? []
    const isTls = scheme.toLowerCase() === 'ircs'
    const number = port === undefined ? (isTls ? 6697 : 6667) : Number(port)
    if (number < 1 || number > 65_535) tell(['servers', at], 'transport-irc-wanted-server')
    return [
      { host: host.replace(/^\[|\]$/g, ''), port: number, tls: isTls ? 'tls' : said.allow_plain ? 'plain' : 'sts' },
    ]
  })
  for (const [name, list] of Object.entries(said.channels))
    list.forEach((pattern, at) => {
      if (/[\s,]/.test(pattern)) tell(['channels', name, at], 'transport-irc-wanted-channel')
    })
  said.afterwards.forEach((line, at) => {
    if (/[\r\n\0]/.test(line)) tell(['afterwards', at], 'transport-irc-wanted-line')
  })
  const { ca_file, pins } = said.tls
  const { webirc } = said
  return {
    name: said.name,
    servers,
    tls: {
      pins: pins.map((pin) => pin.replaceAll(':', '').toLowerCase()),
      caFile: ca_file ?? null,
    },
    password: said.password_file ?? null,
    mechanisms: said.mechanisms,
    encoding: said.encoding,
    flood: { lines: said.flood.lines, everyMs: said.flood.every },
    webirc: webirc.password_file === undefined ? null : { name: webirc.name, password: webirc.password_file },
    localAddresses: said.local_addresses,
    channels: said.channels,
    connections: said.connections,
    nick: said.nick,
    user: said.user,
    realName: said.real_name,
    afterwards: said.afterwards,
  }
}

/** It is reached in the same way, as the same; two secrets look alike until they are shown. */
export function isSameNetwork(one: IrcNetwork, other: IrcNetwork): boolean {
  return isDeepStrictEqual(shown(one), shown(other))
}

function shown({ password, webirc, ...rest }: IrcNetwork): unknown {
  return { ...rest, password: password?.reveal(), webirc: webirc && { ...webirc, password: webirc.password.reveal() } }
}

/** A network that is in no settings, known by the name of its server alone: TLS that can be verified, and the defaults. */
export function unlistedNetwork(name: string): IrcNetwork {
  return {
    name,
    servers: [{ host: name, port: 6697, tls: 'tls' }],
    tls: { pins: [], caFile: null },
    password: null,
    mechanisms: [],
    encoding: 'utf-8',
    flood: { lines: 5, everyMs: 2_000 },
    webirc: null,
    localAddresses: [],
    channels: { allow: ['*'], deny: [] },
    connections: 1_000,
    nick: '{local}',
    user: '{local}',
    realName: '{local}',
    afterwards: [],
  }
}
