// SPDX-License-Identifier: Apache-2.0
// XEP-0030 below the gateway: rooms and who is in them, networks and their rooms (page by page, XEP-0059).
import type { Discovery, Iq } from '../../router/router.ts'
import { writeForm } from '../../xep/data-forms.ts'
import { readNode, writeItems } from '../../xep/disco.ts'
import { MAM, MAM_EXTENDED } from '../../xep/mam.ts'
import { MUC } from '../../xep/muc.ts'
import { type Paging, pageOf, readPaging, writePage } from '../../xep/result-sets.ts'
import { SEARCH } from '../../xep/search.ts'
import { VCARD_TEMP } from '../../xep/vcard-temp.ts'
import { VCARD4 } from '../../xep/vcard4.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import { bareOf, sameJid } from '../../xmpp/jid.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { type Address, readAddress, writeAddress, writeNetworkAddress } from '../address.ts'
import { refuse } from '../faults.ts'
import type { Listed, RoomKind } from '../network.ts'
import type { House } from './house.ts'
import { NS_CHAT_STATES, NS_CORRECT, NS_MODERATE, NS_REACTIONS, NS_REPLY, NS_RETRACT } from './reading.ts'
import type { Rooms } from './rooms.ts'
import { OCCUPANT_ID, STANZA_ID } from './writing.ts'

const ROOM_FEATURES = [
  MUC,
  'muc_semianonymous',
  'http://jabber.org/protocol/muc#stable_id',
  'http://jabber.org/protocol/muc#self-ping-optimization',
  MAM,
  MAM_EXTENDED,
  STANZA_ID,
  OCCUPANT_ID,
  NS_MODERATE,
  NS_CORRECT,
  NS_REPLY,
  NS_REACTIONS,
  NS_RETRACT,
  NS_CHAT_STATES,
  NS.discoInfo,
  NS.discoItems,
  NS.ping,
]
const ROOM_INFO = `${MUC}#roominfo`

/** Rows of a list of rooms that are kept; how long they are shown again; how many lists at once. */
const LISTED_MOST = 50_000
const LIST_KEPT_MS = 60_000
const LISTS_MOST = 50
const PAGE_MOST = 500

type List = { at: number; rows: Promise<readonly { room: Listed; jid: string }[]> }

/** Who may use it, and the networks that are offered to them. */
type Offered = { mayUse(owner: string): unknown; networks?: readonly string[] }

export function openDiscovery(house: House, rooms: Rooms, { mayUse, networks = [] }: Offered): Discovery {
  const { network, domain } = house
  const lists = new Map<string, List>()

  /** One list for each person: a network shows different rooms to different people. */
  function listOf(owner: string, of: string, signal: AbortSignal): List['rows'] {
    const key = `${owner}\0${of}`
    const found = lists.get(key)
    if (found !== undefined && house.now() - found.at < LIST_KEPT_MS) return found.rows
    for (const [old, { at }] of lists)
      if (house.now() - at >= LIST_KEPT_MS || lists.size >= LISTS_MOST) lists.delete(old)
    const rows = readList(owner, of, signal)
    lists.set(key, { at: house.now(), rows })
    rows.catch(() => {
      if (lists.get(key)?.rows === rows) lists.delete(key)
    })
    return rows
  }

  async function readList(owner: string, of: string, signal: AbortSignal) {
    try {
      await house.sessions.open(owner, of)
      const session = await house.sessions.up(owner, of, signal)
      const rows: { room: Listed; jid: string }[] = []
      for await (const room of session.list(signal)) {
        if (rows.length >= LISTED_MOST) break
        rows.push({ room, jid: writeAddress(domain, network, of, room.room) })
      }
      return rows.sort((one, other) => (one.jid < other.jid ? -1 : 1))
    } catch (error) {
      throw await refuse(error, house, { owner, network: of })
    }
  }

  async function listed(iq: Iq, of: string, signal: AbortSignal): Promise<string> {
    const refused = network.refuses(of)
    if (refused !== null) throw new StanzaError('cancel', 'item-not-found')
    const paging: Paging = readPaging(iq.payload, PAGE_MOST) ?? { max: PAGE_MOST, from: 'start' }
    const rows = await listOf(bareOf(iq.from), of, signal)
    const ids = rows.map(({ jid }) => jid)
    const page = pageOf(paging, ids)
    if (page === null) throw new StanzaError('cancel', 'item-not-found')
    const items = rows
      .slice(page.from, page.to)
      .map(
        ({ room, jid }) =>
          `<item jid='${escapeAttribute(jid)}' name='${escapeAttribute(`${room.room} (${room.people})`)}'/>`,
      )
    return `<query xmlns='${NS.discoItems}'>${items.join('')}${writePage(page, ids)}</query>`
  }

  function roomInfo(address: Extract<Address, { kind: 'room' }>, iq: Iq): string {
    const place = rooms.of(address.network, address.name)
    const mine = place?.seats.has(bareOf(iq.from)) === true ? place : null
    const fields = [
      { type: 'hidden', var: 'FORM_TYPE', values: [ROOM_INFO] },
      { type: 'text-single', var: 'muc#maxhistoryfetch', values: [String(house.settings.given)] },
    ] as const
    const known =
      mine === null
        ? []
        : ([
            { type: 'text-single', var: 'muc#roominfo_subject', values: [mine.subject.shown.subject] },
            { type: 'text-single', var: 'muc#roominfo_occupants', values: [String(mine.occupants.size)] },
          ] as const)
    // Only who is in it is told: the network hides some rooms from others.
    const kind = mine?.seats.get(bareOf(iq.from))?.session.kind?.(mine.name) ?? null
    const subject =
      kind === null
        ? []
        : ([{ type: 'boolean', var: 'muc#roominfo_subjectmod', values: [kind.isSubjectFree ? '1' : '0'] }] as const)
    return writeDescribed(
      [{ category: 'conference', type: 'text', name: mine?.name ?? address.name }],
      [...ROOM_FEATURES, ...(kind === null ? ['muc_unmoderated'] : featuresOf(kind))],
      writeForm({ type: 'result', fields: [...fields, ...known, ...subject] }),
    )
  }

  function read(iq: Iq): Address | null {
    if (sameJid(iq.to, domain)) return null
    const address = readAddress(iq.to, domain, network)
    if (address === null) throw new StanzaError('cancel', 'item-not-found')
    return address
  }

  return {
    info(iq) {
      const address = read(iq)
      if (address === null || address.kind === 'gateway') return null
      const node = readNode(iq.payload)
      if (address.kind === 'network') {
        if (network.refuses(address.network) !== null || node !== null)
          throw new StanzaError('cancel', 'item-not-found')
        const identities = [
          { category: 'gateway', type: network.type, name: address.network },
          { category: 'conference', type: 'text', name: address.network },
        ]
        return writeDescribed(
          identities,
          [MUC, NS.discoInfo, NS.discoItems, NS.ping, ...(network.searches ? [SEARCH] : [])],
          '',
        )
      }
      if (address.kind === 'person') {
        if (node !== null) throw new StanzaError('cancel', 'item-not-found')
        return writeDescribed(
          [{ category: 'account', type: 'registered', name: address.name }],
          [NS.discoInfo, NS.ping, VCARD_TEMP, VCARD4],
          '',
        )
      }
      if (address.kind !== 'room') throw new StanzaError('cancel', 'service-unavailable')
      // §6.6: occupants are asked through the room, and what is at the network has no features of its own.
      if (address.resource !== '') {
        if (rooms.of(address.network, address.name)?.occupants.get(address.resource) == null)
          throw new StanzaError('cancel', 'item-not-found')
        return writeDescribed(
          [{ category: 'client', type: 'bot', name: address.resource }],
          [NS.discoInfo, VCARD_TEMP],
          '',
        )
      }
      if (node !== null && node !== 'x-roomuser-item') throw new StanzaError('cancel', 'item-not-found')
      if (node === 'x-roomuser-item') {
        // §7.12: the name under which this person is known there.
        const nick = rooms.of(address.network, address.name)?.seats.get(bareOf(iq.from))?.shown
        const identity = nick === undefined ? [] : [{ category: 'conference', type: 'text', name: nick }]
        return writeDescribed(identity, [], '', node)
      }
      return roomInfo(address, iq)
    },
    items(iq, signal) {
      const address = read(iq)
      if (address === null) {
        if (readNode(iq.payload) !== null) return null
        if (network.only !== null) return listed(iq, network.only, signal)
        // From there their rooms are found.
        const offered = mayUse(bareOf(iq.from)) === null ? networks : []
        return writeItems(offered.map((name) => ({ jid: writeNetworkAddress(domain, network, name), name })))
      }
      if (readNode(iq.payload) !== null) throw new StanzaError('cancel', 'item-not-found')
      if (address.kind === 'network') return listed(iq, address.network, signal)
      if (address.kind !== 'room' || address.resource !== '') return writeItems([])
      // §6.5: who is in the room is for those who are in it.
      const place = rooms.clientIn(address.network, address.name, iq.from)
      if (place === null) return writeItems([])
      const ids = [...place.room.occupants.all()].map(({ nick }) => nick)
      const paging: Paging = readPaging(iq.payload, PAGE_MOST) ?? { max: PAGE_MOST, from: 'start' }
      const page = pageOf(paging, ids)
      if (page === null) throw new StanzaError('cancel', 'item-not-found')
      const room = bareOf(iq.to)
      const items = ids.slice(page.from, page.to).map((nick) => `<item jid='${escapeAttribute(`${room}/${nick}`)}'/>`)
      return `<query xmlns='${NS.discoItems}'>${items.join('')}${writePage(page, ids)}</query>`
    },
  }
}

/** §15.3. */
function featuresOf({ isModerated, isForMembers, hasPassword, isHidden }: RoomKind): string[] {
  return [
    isModerated ? 'muc_moderated' : 'muc_unmoderated',
    isForMembers ? 'muc_membersonly' : 'muc_open',
    hasPassword ? 'muc_passwordprotected' : 'muc_unsecured',
    isHidden ? 'muc_hidden' : 'muc_public',
  ]
}

function writeDescribed(
  identities: readonly { category: string; type: string; name: string }[],
  features: readonly string[],
  form: string,
  node: string | null = null,
): string {
  const said = identities.map(
    ({ category, type, name }) =>
      `<identity category='${category}' type='${escapeAttribute(type)}' name='${escapeAttribute(name)}'/>`,
  )
  const known = [...new Set(features)].sort().map((feature) => `<feature var='${feature}'/>`)
  const of = node === null ? '' : ` node='${escapeAttribute(node)}'`
  return `<query xmlns='${NS.discoInfo}'${of}>${said.join('')}${known.join('')}${form}</query>`
}
