// SPDX-License-Identifier: Apache-2.0
// Addresses below a transport: NAME%NETWORK@GATEWAY, NETWORK@GATEWAY, and NAME@GATEWAY where one network is meant without being named.
import { escapeNode, unescapeNode } from '../xep/jid-escaping.ts'
import { bareOf, formatJid, parseJid } from '../xmpp/jid.ts'
import type { Network } from './network.ts'

/** `name` as the network writes it, `network` in lower case, `resource` '' where absent. */
export type Address = { resource: string } & (
  | { kind: 'gateway' }
  | { kind: 'network'; network: string }
  | { kind: 'room'; network: string; name: string }
  | { kind: 'person'; network: string; name: string }
)

type Reading = Pick<Network, 'only' | 'isRoom' | 'refuses'>

/** What stands between a name and its network. The last one counts: names may hold it, networks may not. */
const SEPARATOR = '%'

/** Null where the address is none of this gateway, or names nothing. */
export function readAddress(address: string, gateway: string, network: Reading): Address | null {
  const jid = parseJid(address)
  if (jid === null || bareOf(jid.domain) !== bareOf(gateway)) return null
  const { resource } = jid
  if (jid.local === '') return { kind: 'gateway', resource }
  const local = unescapeNode(jid.local)
  const at = local.lastIndexOf(SEPARATOR)
  const behind = local.slice(at + 1).toLowerCase()
  if (network.only === null) {
    if (at === -1) return { kind: 'network', network: local.toLowerCase(), resource }
    return at === 0 || behind === '' ? null : named(behind, local.slice(0, at))
  }
  // A name may hold the separator: it parts one only where a network that may be reached stands behind it.
  return at > 0 && behind !== '' && network.refuses(behind) === null
    ? named(behind, local.slice(0, at))
    : named(network.only, local)

  function named(of: string, name: string): Address {
    return { kind: network.isRoom(name) ? 'room' : 'person', network: of, name, resource }
  }
}

/** Of a network itself; where it is the only one, the gateway's. */
export function writeNetworkAddress(gateway: string, { only }: Pick<Network, 'only'>, network: string): string {
  return network === only ? gateway : bareOf(formatJid({ local: escapeNode(network), domain: gateway, resource: '' }))
}

/** The bare address of a room or a person, in the one spelling in which servers hand it on. */
export function writeAddress(gateway: string, { only }: Pick<Network, 'only'>, network: string, name: string): string {
  const local = network === only ? name : `${name}${SEPARATOR}${network}`
  return bareOf(formatJid({ local: escapeNode(local), domain: gateway, resource: '' }))
}
