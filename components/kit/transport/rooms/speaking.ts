// SPDX-License-Identifier: Apache-2.0
// What our people say in a room: messages, the subject, that they are typing. Refused with an error, or told in the room's one order.

import { escapeText } from '../../xml/writer.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { orRefusal, refusalOf, refuse } from '../faults.ts'
import { NetworkFault, type Outgoing } from '../network.ts'
import type { Client } from './client.ts'
import type { House } from './house.ts'
import { quoteOf, readSaid, reflected, type Said } from './reading.ts'
import type { Room } from './room.ts'
import type { Say } from './says.ts'
import { readerOf, type Seat } from './seat.ts'
import { newId } from './telling.ts'
import { writeGroupchat } from './writing.ts'

const QUOTED = 80
/** What has come to the sockets of others is read within this. */
const OTHERS_MS = 200

type Place = { room: Room; seat: Seat; client: Client }

/** A message of type groupchat. Rejects with the StanzaError that its sender gets. */
export function speak(house: House, message: StanzaOf<'message'>, place: Place): void | Promise<void> {
  const { room, seat } = place
  const said = readSaid(message.element)
  switch (said.kind) {
    case 'encrypted':
      throw new StanzaError('modify', 'not-acceptable', house.text.inAll('kit-transport-encrypted'))
    case 'unknown':
      throw new StanzaError('cancel', 'feature-not-implemented', house.text.inAll('kit-transport-nothing-to-say'))
    case 'nothing':
      return
    case 'read':
      return markRead(room, seat, said.id)
    case 'typing':
      if (seat.state === 'in') seat.session.typing({ room: room.name }, said.state)
      return
  }
  if (seat.state !== 'in') throw refusalOf(new NetworkFault('down', ''), house.text)
  if (said.kind === 'subject') return orRefusal(room.subject.set(seat, said.subject), house, readerOf(place))
  if (room.telling.says.countOf(seat.owner) >= house.settings.perSeat)
    throw refusalOf(new NetworkFault('busy', ''), house.text)
  const say: Say = {
    owner: seat.owner,
    nick: house.network.key(room.network, seat.shown),
    shown: seat.shown,
    mid: message.id,
    payload: reflected(message.element),
    body: said.body,
    withdraws: null,
    id: newId(),
    at: house.now(),
    sent: null,
    isPlaced: false,
    of: 1,
    parts: 0,
    seen: 0,
    copies: [],
    givenUp: null,
  }
  const order = said.body.startsWith('/') ? (seat.session.order?.(room.name, said.body) ?? null) : null
  if (order !== null) return obey(house, place, say, order)
  const speaksOf = said.replyTo ?? said.corrects ?? said.reaction ?? said.retracts
  // What speaks of nothing needs no looking up; it must still not overtake what does.
  if (speaksOf === undefined && seat.looking === 0) return hand(house, room, seat, say, { body: said.body })
  seat.looking++
  const looked = seat.saying.then(() => refer(house, room, seat, said, say))
  // In the order of arrival, also when one of them is refused.
  seat.saying = looked.catch(() => {})
  return looked.then(
    (outgoing) => {
      seat.looking--
      return hand(house, room, seat, say, outgoing)
    },
    (error: unknown) => {
      seat.looking--
      throw error
    },
  )
}

/** XEP-0333 §4: by the room's id, or by that of who wrote it. What is not known any more marks nothing. */
async function markRead(room: Room, seat: Seat, id: string): Promise<void> {
  if (seat.state !== 'in' || seat.session.markRead === undefined) return
  const read = (await room.telling.find(id)) ?? room.telling.recent.findLast((one) => one.mid === id)
  if (read !== null && read !== undefined) seat.session.markRead({ room: room.name }, read.at)
}

/** Who gave the order alone sees it, and what came of it: it was said to nobody. */
async function obey(house: House, place: Place, say: Say, order: Promise<readonly string[]>): Promise<void> {
  const { room, client } = place
  const reader = readerOf(place)
  const told = (await orRefusal(order, house, reader)).join('\n')
  const read = await house.words.read(reader.owner, reader.network, told)
  const lines = (read ?? house.text.say('kit-transport-unreadable', client.language)).split('\n')
  const { id, mid, payload } = say
  client.message(
    writeGroupchat(client.face.escaped, say.shown, {
      id,
      mid,
      payload,
      at: null,
      occupant: room.occupantIdOf(say.shown),
    }),
  )
  for (const line of lines) {
    if (line === '') continue
    const words = `<body>${escapeText(line)}</body>`
    client.message(
      writeGroupchat(client.face.escaped, null, { id: '', mid: newId(), payload: words, at: null, occupant: null }),
    )
  }
}

/** Hands it to the network now; settles when the network has it. */
async function hand(house: House, room: Room, seat: Seat, say: Say, outgoing: Outgoing): Promise<void> {
  room.telling.says.add(say)
  try {
    const sent = await seat.session.say({ room: room.name }, outgoing, (parts) => {
      say.of = parts
    })
    room.telling.answered(say, sent)
    // Where the one who speaks drives, and his own connection gives no copy, this is its place.
    if (room.course.driver === seat.owner) {
      seat.echoes = say.parts > 0
      // Every copy of it has come by now.
      room.telling.placeSay(say)
      // Nobody else of ours is there who could see a copy.
      if (!seat.echoes && room.seats.size === 1) room.telling.says.remove(say)
    }
    if (!room.telling.says.isEmpty) room.sweepSoon()
  } catch (error) {
    // A connection may end with our message said and not confirmed: the others of ours, whose connections end in the same moment, may have it.
    if (!say.isPlaced && room.seats.size > 1 && error instanceof NetworkFault && error.reason === 'down')
      await afterAMoment()
    const left = room.telling.failed(say, error)
    if (!room.telling.says.isEmpty) room.sweepSoon()
    if (left !== null) throw await refuse(left, house, readerOf({ room, seat }))
  }
}

function afterAMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, OTHERS_MS))
}

/** What the message speaks of, in the network's own ids. */
async function refer(
  house: House,
  room: Room,
  seat: Seat,
  said: Extract<Said, { kind: 'say' }>,
  say: Say,
): Promise<Outgoing> {
  const unknown = () => new StanzaError('cancel', 'item-not-found', house.text.inAll('kit-transport-unknown-message'))
  const outgoing: Outgoing = { body: said.body }
  if (said.replyTo !== undefined) {
    // An answer to what is no more known is still a message.
    const to = await room.telling.find(said.replyTo)
    if (to !== null) outgoing.replyTo = { id: to.foreign[0] ?? null, nick: to.nick, quote: quoteOf(to.body, QUOTED) }
  }
  if (said.corrects !== undefined) {
    const to = await room.telling.findOwn(seat.owner, said.corrects)
    if (to === null) throw unknown()
    outgoing.corrects = { id: to.foreign[0] ?? null, before: to.body }
  }
  if (said.reaction !== undefined) {
    const to = await room.telling.find(said.reaction.to)
    if (to === null) throw unknown()
    outgoing.reaction = { to: to.foreign[0] ?? null, emojis: said.reaction.emojis, quote: quoteOf(to.body, QUOTED) }
  }
  if (said.retracts !== undefined) {
    const to = (await room.telling.find(said.retracts)) ?? (await room.telling.findOwn(seat.owner, said.retracts))
    if (to === null) throw unknown()
    if (to.owner !== seat.owner) throw refusalOf(new NetworkFault('not-allowed', ''), house.text)
    outgoing.retracts = { id: to.foreign[0] ?? null }
    say.withdraws = to
  }
  return outgoing
}
