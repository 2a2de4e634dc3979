// SPDX-License-Identifier: Apache-2.0
// XEP-0313 of rooms: who is in a room may read what was said there, page by page.
import type { Iq, IqRoute } from '../../router/router.ts'
import { MAM, readMamQuery, writeFin, writeMamFields, writeMamResult, writeMetadata } from '../../xep/mam.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import { bareOf } from '../../xmpp/jid.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { readAddress } from '../address.ts'
import type { House } from '../rooms/house.ts'
import type { Room } from '../rooms/room.ts'
import type { Rooms } from '../rooms/rooms.ts'

const PAGE_MOST = 100

export function archiveRoutes(house: House, rooms: Rooms): readonly IqRoute[] {
  const route = (type: 'get' | 'set', name: string, answer: IqRoute['answer']): IqRoute => ({
    type,
    namespace: MAM,
    name,
    order: 'sender',
    answer,
    hidden: true,
  })
  return [
    route('get', 'query', () => writeMamFields()),
    route('set', 'query', (iq) => query(house, roomOf(house, rooms, iq), iq)),
    route('get', 'metadata', async (iq) => writeMetadata(await house.history.ends(roomOf(house, rooms, iq).key))),
  ]
}

function roomOf(house: House, rooms: Rooms, { from, to }: Iq): Room {
  const address = readAddress(to, house.domain, house.network)
  if (address?.kind !== 'room' || address.resource !== '') throw new StanzaError('cancel', 'service-unavailable')
  const room = rooms.of(address.network, address.name)
  if (room?.seats.has(bareOf(from)) !== true)
    throw new StanzaError('auth', 'forbidden', house.text.inAll('kit-transport-no-history'))
  return room
}

async function query(house: House, room: Room, iq: Iq): Promise<string> {
  const asked = readMamQuery(iq.payload, PAGE_MOST)
  const { paging, with: whom, queryId, flip, ...rest } = asked
  if (paging.from === 'index') throw new StanzaError('cancel', 'feature-not-implemented')
  // What is on its way to the others is part of what was said.
  await room.order.settled()
  const face = bareOf(iq.to)
  const found = await house.history.find({
    room: room.key,
    ...rest,
    ...(whom !== undefined && { nick: nickOf(whom, face) }),
    max: paging.max,
    page: paging.from === 'start' ? { from: 'start' } : { from: paging.from, id: paging.id },
  })
  if (found.missing === true) throw new StanzaError('cancel', 'item-not-found')
  const { messages, complete, count, index } = found
  const told = flip ? messages.toReversed() : messages
  const [to, from] = [escapeAttribute(iq.from), escapeAttribute(face)]
  for (const message of told) {
    const inner = `<message xmlns='jabber:client'${room.telling.writeKept(message, from)}`
    const xml = `<message to='${to}' from='${from}'>${writeMamResult(queryId, message.id, message.at, inner)}</message>`
    if (house.link()?.send(xml) !== true) throw new StanzaError('wait', 'resource-constraint')
  }
  return writeFin({ ids: messages.map(({ id }) => id), complete, count, index })
}

/** §4.1.1: in a room it is the address of an occupant. */
function nickOf(whom: string, room: string): string {
  const slash = whom.indexOf('/')
  if (bareOf(whom) !== room || slash === -1)
    throw new StanzaError('modify', 'bad-request', {}, { cause: 'with is an occupant' })
  return whom.slice(slash + 1)
}
