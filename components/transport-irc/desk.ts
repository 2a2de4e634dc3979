// SPDX-License-Identifier: Apache-2.0
// What every command of transport-irc works with, and how it knows who and where is meant.
import { type Args, type Asked, type Caller, CommandError, EXIT, type Said } from '../kit/process/command.ts'
import type { Catalogue } from '../kit/text/catalogue.ts'
import type { NetworkFault } from '../kit/transport/network.ts'
import type { LoginShown as KitLoginShown, PersonLogins } from '../kit/transport/people/keep.ts'
import type { People } from '../kit/transport/people/people.ts'
import type { Transport } from '../kit/transport/transport.ts'
import { bareOf } from '../kit/xmpp/jid.ts'
import type { Connected, Networks } from './sessions/networks.ts'
import { type Memory, placeOf } from './storage/memory.ts'

/** What may be shown of what somebody logs in with. */
export type LoginShown = KitLoginShown & { hasCertificate: boolean; afterwards: readonly string[] }

export type Logins = Pick<PersonLogins, 'set'> & {
  shown(owner: string, network: string): Promise<LoginShown>
}

/** `at`: milliseconds UTC. */
export type SigningUp = { account: string; secret: string; at: number }

export type Ban = { at: string; by: string; reason: string }
/** A person's word on a room, beside the settings. */
export type RoomWord = { stay?: boolean }

export type Desk = {
  networks: Networks
  transport: Pick<Transport, 'sessions' | 'words' | 'roomsOf' | 'leave' | 'announce' | 'state' | 'counts'>
  logins: Logins
  people: Pick<People, 'addContact' | 'entered' | 'identities' | 'registrations'>
  /** Why somebody may not use the gateway, as an id of the catalogue; null: he may. */
  refusal(person: string): string | null
  /** Of who has named none. */
  nickOf(person: string, network: string): string
  memory: Memory
  /** Accounts that wait for the code which the network sent, by person and network; lost at the end of the process. */
  signingUp: Map<string, SigningUp>
  say: Catalogue['say']
  /** People stay where they are by the settings. */
  stays: boolean
  /** Names of the settings. */
  listed: readonly { name: string; servers: readonly { host: string; port: number; tls: string }[] }[]
  stats(): Readonly<Record<string, string | number | null>>
  /** On record that an operator looked or acted for somebody. */
  record(caller: Caller, command: string, query: Readonly<Record<string, unknown>>): Promise<void>
  now(): number
}

/** Whose connections are meant: the caller's, or of whom he names. Only an operator may name another. */
export function personOf({ say }: Desk, args: Args, { caller, language }: Asked): string {
  const named = typeof args.person === 'string' ? bareOf(args.person) : null
  const own = caller.jid === undefined ? null : bareOf(caller.jid)
  if (named !== null && named !== own && !caller.rights.has('operator'))
    throw new CommandError(say('transport-irc-not-yours', language), EXIT.forbidden)
  const person = named ?? own
  if (person === null) throw new CommandError(say('transport-irc-whose', language), EXIT.usage)
  return person
}

/** The same, where something is done or kept for him: who may not use the gateway gets nothing, whoever asks for it. */
export function userOf(desk: Desk, args: Args, asked: Asked): string {
  const person = personOf(desk, args, asked)
  const id = desk.refusal(person)
  if (id !== null) throw new CommandError(desk.say(id, asked.language), EXIT.forbidden)
  return person
}

/** An operator looks or acts for somebody else. */
export function isForAnother({ person }: Args, { caller }: Asked): boolean {
  if (typeof person !== 'string' || !caller.rights.has('operator')) return false
  return caller.jid === undefined || bareOf(person) !== bareOf(caller.jid)
}

/** The network that is named, or the only one there is to be meant. */
export function networkOf({ networks, listed, say }: Desk, args: Args, { language }: Asked): string {
  const named =
    typeof args.network === 'string'
      ? args.network.trim().toLowerCase()
      : (networks.only ?? (listed.length === 1 ? listed[0]?.name : undefined))
  const known = listed.map(({ name }) => name).join(', ')
  if (named === undefined) throw new CommandError(say('transport-irc-which-network', language, { known }), EXIT.usage)
  if (networks.refuses(named) !== null)
    throw new CommandError(say('transport-irc-unknown-network', language, { network: named, known }), EXIT.usage)
  return named
}

/** His connection there, or why there is none. */
export function connectedOf({ networks, say }: Desk, person: string, network: string, { language }: Asked): Connected {
  const one = networks.of(person, network)
  if (one === null) throw new CommandError(say('transport-irc-not-connected', language, { network }), EXIT.notFound)
  return one
}

export function row(one: Readonly<Record<string, unknown>>): Said {
  return { say: 'row', row: one }
}

/** How a connection is shown to whose it is: what the network said last with the words that he may read. */
export async function shownToOwner(
  desk: Desk,
  one: Connected,
  language: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { owner, network, fault } = one
  return shown(desk, one, language, fault === null ? null : await desk.transport.words.heard(owner, network, fault.why))
}

/** How a connection is shown. */
export function shown(
  { transport, say }: Desk,
  { owner, network, session, since, fault }: Connected,
  language: string,
  why: NetworkFault | null = fault?.why ?? null,
): Readonly<Record<string, unknown>> {
  const rooms = transport.roomsOf(owner).filter((one) => one.network === network)
  return {
    network,
    nick: session.nick,
    state: session.isUp ? 'up' : fault === null ? 'connecting' : 'down',
    since: new Date(fault?.at ?? since).toISOString(),
    rooms: rooms.map(({ room }) => room),
    detail: why === null ? null : said(why, say, language),
    retry_at: fault?.retryAt == null ? null : new Date(fault.retryAt).toISOString(),
  }
}

/** In its own words where they may be read, else what it means. */
export function said({ isReadable, message, reason }: NetworkFault, say: Desk['say'], language: string): string {
  return isReadable && message !== '' ? message : say(`kit-transport-fault-${reason}`, language)
}

/** Where a person's word on a room is kept. */
export function roomPlace(person: string, network: string, roomKey: string): string {
  return `${placeOf(person, network)} ${roomKey}`
}
