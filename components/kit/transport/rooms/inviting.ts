// SPDX-License-Identifier: Apache-2.0
// Invitations both ways: XEP-0045 §7.8 (mediated) and XEP-0249 (direct).

import { MUC_USER } from '../../xep/muc.ts'
import type { Element } from '../../xml/element.ts'
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import { bareOf } from '../../xmpp/jid.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { readAddress, writeAddress } from '../address.ts'
import { orRefusal, refusalOf } from '../faults.ts'
import { NetworkFault } from '../network.ts'
import type { House } from './house.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { readerOf, type Seat } from './seat.ts'
import type { RoomAddress } from './seating.ts'
import { newId } from './telling.ts'

export const CONFERENCE = 'jabber:x:conference'
const MOST = 20

/** The mediated invitations and refusals in a message to a room; null: it is none. */
export function readMediated(message: Element): { invites: readonly Element[]; declines: readonly Element[] } | null {
  const x = message.getChild('x', MUC_USER)
  const invites = x?.getChildren('invite', MUC_USER) ?? []
  const declines = x?.getChildren('decline', MUC_USER) ?? []
  return invites.length + declines.length === 0 ? null : { invites, declines }
}

/** `mayUse`: whether somebody is one of our people, to whom the gateway may write. */
export async function mediate(
  house: House,
  rooms: Rooms,
  message: StanzaOf<'message'>,
  to: RoomAddress,
  { invites, declines }: NonNullable<ReturnType<typeof readMediated>>,
  mayUse: (owner: string) => boolean,
): Promise<void> {
  if (invites.length + declines.length > MOST)
    throw new StanzaError('modify', 'bad-request', {}, { cause: 'too many at once' })
  for (const decline of declines) {
    const whom = decline.attrs.to ?? ''
    // Only to somebody who could have invited: one of ours who is in the room.
    if (rooms.of(to.network, to.name)?.seats.has(bareOf(whom)) !== true)
      throw new StanzaError('cancel', 'item-not-found', house.text.inAll('kit-transport-person-unknown'))
    sendMediated(house, message, whom, 'decline', reasonOf(decline))
  }
  if (invites.length === 0) return
  const place = rooms.mustBeIn(to.network, to.name, message.from)
  for (const invite of invites) {
    const whom = invite.attrs.to ?? ''
    const address = readAddress(whom, house.domain, house.network)
    if (address !== null) {
      if (address.kind !== 'person' || address.network !== to.network) throw new StanzaError('modify', 'jid-malformed')
      await inviteThere(house, place.seat, place.room, address.name)
      continue
    }
    const owner = bareOf(whom)
    if (whom === '' || !mayUse(owner)) throw new StanzaError('auth', 'forbidden')
    const session = house.sessions.of(owner, to.network)
    // A room that lets in only whom it invited must know him by his name there.
    if (session?.isUp === true) await inviteThere(house, place.seat, place.room, session.nick)
    sendMediated(house, message, whom, 'invite', reasonOf(invite), place.seat.password)
  }
}

/** XEP-0249 to somebody at the network: the network invites him. False: it is no invitation. */
export async function inviteDirectly(
  house: House,
  rooms: Rooms,
  message: StanzaOf<'message'>,
  to: { network: string; name: string },
): Promise<boolean> {
  const jid = message.element.getChild('x', CONFERENCE)?.attrs.jid
  if (jid === undefined) return false
  const address = readAddress(jid, house.domain, house.network)
  if (address?.kind !== 'room' || address.network !== to.network) throw new StanzaError('modify', 'not-acceptable')
  const place = rooms.mustBeIn(address.network, address.name, message.from)
  await inviteThere(house, place.seat, place.room, to.name)
  return true
}

/** Somebody at the network invites one of ours. Asked about like whatever else comes in; told both ways in one message. */
export async function tellInvited(
  house: House,
  owner: string,
  network: string,
  name: string,
  by: string,
): Promise<void> {
  const room = escapeAttribute(writeAddress(house.domain, house.network, network, name))
  const from = escapeAttribute(writeAddress(house.domain, house.network, network, by))
  const rest = ` from='${room}' id='${newId()}'><x xmlns='${MUC_USER}'><invite from='${from}'/></x><x xmlns='${CONFERENCE}' jid='${room}'/></message>`
  const to = escapeAttribute(owner)
  const answer = await house.asker.ask({
    stanza: `<message xmlns='jabber:client' to='${to}'${rest}`,
    network: house.network.type,
    server: network,
    foreign: { nick: by },
    order: `${network}\0${by}\0${owner}`,
  })
  if (answer.action === 'deliver') house.link()?.send(`<message to='${to}'${rest}`)
  else house.counts[answer.why === 'policy' ? 'refusedIn' : 'withheld']++
}

async function inviteThere(house: House, seat: Seat, room: Room, nick: string): Promise<void> {
  if (seat.state !== 'in') throw refusalOf(new NetworkFault('down', ''), house.text)
  await orRefusal(seat.session.invite(room.name, nick), house, readerOf({ room, seat }))
}

function sendMediated(
  house: House,
  message: StanzaOf<'message'>,
  to: string,
  kind: 'invite' | 'decline',
  reason: string,
  password?: string,
): void {
  const why = reason === '' ? '' : `<reason>${escapeText(reason)}</reason>`
  const key = password === undefined ? '' : `<password>${escapeText(password)}</password>`
  const room = escapeAttribute(bareOf(message.to))
  const direct = kind === 'invite' ? `<x xmlns='${CONFERENCE}' jid='${room}'/>` : ''
  house
    .link()
    ?.send(
      `<message to='${escapeAttribute(to)}' from='${room}' id='${newId()}'><x xmlns='${MUC_USER}'><${kind} from='${escapeAttribute(message.from)}'>${why}</${kind}>${key}</x>${direct}</message>`,
    )
}

function reasonOf(element: Element): string {
  return element.getChildText('reason')?.slice(0, 1000) ?? ''
}
