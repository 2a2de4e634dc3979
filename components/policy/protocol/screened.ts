// SPDX-License-Identifier: Apache-2.0
// The forwarded stanza -> what the rules look at.
import type { Foreign } from '../../kit/facts/facts.ts'
import { type Element, isElement } from '../../kit/xml/element.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import { type AddressPattern, domainOf, isMeant } from '../domain/address-pattern.ts'
import type { People } from '../domain/person.ts'
import type { Ask } from '../domain/screen.ts'
import type { Screened, Text } from '../domain/screened.ts'
import { readKinds } from './kinds.ts'
import { ADDRESSES, MUC, MUC_ADMIN, MUC_OWNER, MUC_USER } from './namespaces.ts'
import { readTexts } from './texts.ts'

/** Where transports are, and who people are on the networks behind them. */
export type Elsewhere = {
  /** The kind of network by the domain of its transport, lower case. */
  networks: ReadonlyMap<string, string>
  /** Bare JID of the person whose account it is; null where the table of this transport does not say. */
  personOf(transport: string, foreign: Foreign): string | null
}

export const NOWHERE: Elsewhere = { networks: new Map(), personOf: () => null }

/** `rooms`: domains whose addresses are rooms, for what does not say so itself (a private message to an occupant, say). */
export function readScreened(
  ask: Omit<Ask<Element>, 'stanza'>,
  stanza: Element,
  host: string,
  rooms: readonly AddressPattern[],
  people: People | null = null,
  elsewhere: Elsewhere = NOWHERE,
): Screened {
  const from = bareOf(stanza.attrs.from ?? '')
  const to = bareOf(stanza.attrs.to ?? '')
  const room = readRoom(stanza, from, to, ask.direction === 'sent', rooms)
  const all = addressees(stanza, to)
  let texts: readonly Text[] | null = null
  return {
    host,
    direction: ask.direction,
    via: ask.via,
    from,
    sender: (ask.foreign && elsewhere.personOf(host, ask.foreign)) ?? from,
    networks: networksOf(ask, [from, ...all], elsewhere),
    to: all,
    room,
    nick: nickOf(stanza.attrs.to ?? ''),
    kinds: readKinds(stanza, room),
    parts: PARTING.has(stanza.attrs.type ?? ''),
    people,
    texts: () => {
      texts ??= readTexts(stanza)
      return texts
    },
  }
}

const NO_NETWORKS: ReadonlySet<string> = new Set()

function networksOf(
  ask: Pick<Ask<Element>, 'network'>,
  addresses: readonly string[],
  { networks }: Elsewhere,
): ReadonlySet<string> {
  if (ask.network === undefined && networks.size === 0) return NO_NETWORKS
  const found = new Set<string>()
  if (ask.network !== undefined) found.add(ask.network)
  for (const address of addresses) {
    const network = networks.get(domainOf(address))
    if (network !== undefined) found.add(network)
  }
  return found.size === 0 ? NO_NETWORKS : found
}

const PARTING: ReadonlySet<string> = new Set(['unsubscribe', 'unsubscribed', 'error', 'result'])

function nickOf(address: string): string | null {
  const slash = address.indexOf('/')
  return slash < 0 || slash === address.length - 1 ? null : address.slice(slash + 1)
}

/** The address, those invited (XEP-0045 7.8.2), and XEP-0033 addresses. */
function addressees(stanza: Element, to: string): readonly string[] {
  const all = to === '' ? [] : [to]
  if (stanza.name !== 'message') return all
  for (const child of stanza.children) {
    if (!isElement(child)) continue
    const namespace = child.getNS()
    if (namespace === MUC_USER)
      for (const invite of child.getChildren('invite')) all.push(bareOf(invite.attrs.to ?? ''))
    if (namespace === ADDRESSES)
      for (const address of child.getChildren('address')) all.push(bareOf(address.attrs.jid ?? ''))
  }
  return all.filter((address) => address !== '')
}

function readRoom(
  stanza: Element,
  from: string,
  to: string,
  sent: boolean,
  rooms: readonly AddressPattern[],
): string | null {
  const there = sent ? to : from
  if (stanza.name === 'message' && stanza.attrs.type === 'groupchat') return there
  // Of either side, the one that is known to be a room.
  for (const address of sent ? [to, from] : [from, to])
    if (address.includes('@') && isMeant(address, rooms)) return address
  for (const child of stanza.children) {
    if (!isElement(child)) continue
    const namespace = child.getNS()
    if (namespace === MUC || namespace === MUC_OWNER || namespace === MUC_ADMIN) return there === '' ? null : there
    // XEP-0045 7.5: the mark of a private message; on an invitation that a room sends on, the room is the sender.
    if (namespace === MUC_USER) return there === '' ? null : there
  }
  return null
}
