// SPDX-License-Identifier: Apache-2.0
// What is asked of a room by iq: XEP-0045 §9 and §10 (roles, affiliations, configuration), XEP-0410 (am I still here?), XEP-0425.
import type { Iq, IqRoute } from '../../router/router.ts'
import { type Field, FormFault, readSubmitted, writeForm } from '../../xep/data-forms.ts'
import { MUC_ADMIN, MUC_OWNER } from '../../xep/muc.ts'
import type { Element } from '../../xml/element.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import { bareOf } from '../../xmpp/jid.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { readAddress, writeAddress } from '../address.ts'
import { orRefusal, refusalOf } from '../faults.ts'
import { type Affiliation, NetworkFault, type Role, type RoomField } from '../network.ts'
import type { House } from './house.ts'
import { NS_MODERATE, NS_RETRACT } from './reading.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { readerOf, type Seat } from './seat.ts'
import type { RoomAddress } from './seating.ts'

const ROLES: readonly (Role | 'none')[] = ['moderator', 'participant', 'visitor', 'none']
const AFFILIATIONS: readonly Affiliation[] = ['owner', 'admin', 'member', 'none', 'outcast']
const CONFIG = 'http://jabber.org/protocol/muc#roomconfig'
const MOST_ITEMS = 50
const SUBMITTED = { fields: 200, characters: 20_000 }

export function roomRoutes(house: House, rooms: Rooms): readonly IqRoute[] {
  const route = (
    type: 'get' | 'set',
    namespace: string,
    name: string,
    answer: IqRoute['answer'],
    hidden = false,
  ): IqRoute => ({
    type,
    namespace,
    name,
    order: 'sender',
    answer,
    answerWithinMs: 60_000,
    ...(hidden && { hidden: true as const }),
  })
  const place = (iq: Iq) => placeOf(house, rooms, iq)
  return [
    { ...route('get', NS.ping, 'ping', (iq) => ping(house, rooms, iq)), order: 'arrival' },
    route('get', MUC_ADMIN, 'query', (iq) => list(house, place(iq), itemsOf(iq.payload)), true),
    route('set', MUC_ADMIN, 'query', (iq) => change(house, place(iq), itemsOf(iq.payload)), true),
    route('get', MUC_OWNER, 'query', (iq) => showForm(house, place(iq), iq.language), true),
    route('set', MUC_OWNER, 'query', (iq) => configure(house, place(iq), iq.payload), true),
    route('set', NS_MODERATE, 'moderate', (iq) => moderate(house, place(iq), iq.payload), true),
  ]
}

type Place = { room: Room; seat: Seat; to: RoomAddress }

/** Only who is in the room may ask it anything. */
function placeOf(house: House, rooms: Rooms, iq: Iq): Place {
  const to = readAddress(iq.to, house.domain, house.network)
  if (to?.kind !== 'room' || to.resource !== '') throw new StanzaError('cancel', 'service-unavailable')
  const found = rooms.mustBeIn(to.network, to.name, iq.from)
  if (found.seat.state !== 'in') throw refusalOf(new NetworkFault('down', ''), house.text)
  return { room: found.room, seat: found.seat, to }
}

/** XEP-0410 §3: answered here, never by the network: a nick that the network has changed belongs to somebody else by then. */
function ping(house: House, rooms: Rooms, { from, to }: Iq): string {
  const address = readAddress(to, house.domain, house.network)
  if (address === null || address.kind !== 'room') return ''
  if (address.resource === '') return ''
  const found = rooms.mustBeIn(address.network, address.name, from)
  const key = (nick: string) => house.network.key(address.network, nick)
  const asked = key(address.resource)
  if (asked === key(found.seat.shown) || asked === key(found.client.asked)) return ''
  if (found.room.occupants.get(address.resource) === null) throw new StanzaError('cancel', 'item-not-found')
  throw new StanzaError('cancel', 'feature-not-implemented')
}

type AdminItem = {
  nick: string | undefined
  jid: string | undefined
  role: Role | 'none' | undefined
  affiliation: Affiliation | undefined
  reason: string
}

function itemsOf(query: Element): AdminItem[] {
  const items = query.getChildren('item', MUC_ADMIN)
  if (items.length === 0 || items.length > MOST_ITEMS) throw bad('items are wanted')
  return items.map((item) => {
    const { nick, jid } = item.attrs
    const role = ROLES.find((one) => one === item.attrs.role)
    const affiliation = AFFILIATIONS.find((one) => one === item.attrs.affiliation)
    if ((role === undefined) === (affiliation === undefined)) throw bad('a role or an affiliation is wanted')
    return { nick, jid, role, affiliation, reason: item.getChildText('reason')?.slice(0, 1000) ?? '' }
  })
}

/** §9.3, §9.5, §10.3 ...: those with this role, or this affiliation. */
async function list(house: House, { room, seat }: Place, [item]: readonly AdminItem[]): Promise<string> {
  const items: string[] = []
  if (item?.role !== undefined) {
    for (const { nick, role, affiliation } of room.occupants.all())
      if (role === item.role)
        items.push(`<item nick='${escapeAttribute(nick)}' role='${role}' affiliation='${affiliation}'/>`)
  } else if (item?.affiliation !== undefined) {
    const affiliation = item.affiliation
    const told = await orRefusal(seat.session.affiliated(room.name, affiliation), house, readerOf({ room, seat }))
    for (const { who } of told) {
      const jid = escapeAttribute(writeAddress(house.domain, house.network, room.network, who))
      const nick = room.occupants.get(who) === null ? '' : ` nick='${escapeAttribute(who)}'`
      items.push(`<item jid='${jid}'${nick} affiliation='${affiliation}'/>`)
    }
  }
  return `<query xmlns='${MUC_ADMIN}'>${items.join('')}</query>`
}

async function change(house: House, { room, seat }: Place, items: readonly AdminItem[]): Promise<string> {
  for (const item of items) {
    const who = item.nick ?? whoIs(house, room, item.jid)
    if (who === null) throw bad('who is meant is not said')
    if (item.role !== undefined) {
      const role = item.role
      if (room.occupants.get(who) === null)
        throw new StanzaError('cancel', 'item-not-found', house.text.inAll('kit-transport-person-unknown'))
      await orRefusal(seat.session.role(room.name, who, role, item.reason), house, readerOf({ room, seat }))
    } else if (item.affiliation !== undefined) {
      const affiliation = item.affiliation
      await orRefusal(
        seat.session.affiliation(room.name, who, affiliation, item.reason),
        house,
        readerOf({ room, seat }),
      )
    }
  }
  return ''
}

/** A person of the network, or one of ours by his own address. */
function whoIs(house: House, room: Room, jid: string | undefined): string | null {
  if (jid === undefined) return null
  const address = readAddress(jid, house.domain, house.network)
  if (address !== null) return address.kind === 'person' && address.network === room.network ? address.name : null
  return room.seats.get(bareOf(jid))?.shown ?? null
}

/** §10.2. */
async function showForm(house: House, { room, seat }: Place, language: string): Promise<string> {
  const fields = await orRefusal(seat.session.configuration(room.name), house, readerOf({ room, seat }))
  const form = writeForm({
    type: 'form',
    title: house.text.say('kit-transport-room-form', language, { room: room.name }),
    fields: [{ type: 'hidden', var: 'FORM_TYPE', values: [CONFIG] }, ...fields.map(fieldOf)],
  })
  return `<query xmlns='${MUC_OWNER}'>${form}</query>`
}

function fieldOf({ name, label, type, value, options }: RoomField): Field {
  return {
    var: name,
    type,
    label,
    values: [value],
    ...(options && { options: options.map((one) => ({ label: one, value: one })) }),
  }
}

async function configure(house: House, { room, seat }: Place, query: Element): Promise<string> {
  if (query.getChild('destroy', MUC_OWNER) !== undefined)
    throw refusalOf(new NetworkFault('unsupported', ''), house.text)
  const form = query.getChild('x', NS.dataForms)
  if (form === undefined) throw bad('a form is wanted')
  if (form.attrs.type === 'cancel') return ''
  const values: Record<string, string> = {}
  try {
    for (const [name, [value = '']] of readSubmitted(form, SUBMITTED)) if (name !== 'FORM_TYPE') values[name] = value
  } catch (error) {
    if (error instanceof FormFault) throw bad(error.message)
    throw error
  }
  await orRefusal(seat.session.configure(room.name, values), house, readerOf({ room, seat }))
  return ''
}

/** XEP-0425 §4. The network decides who may. */
async function moderate(house: House, { room, seat }: Place, query: Element): Promise<string> {
  const { id } = query.attrs
  if (id === undefined || query.getChild('retract', NS_RETRACT) === undefined)
    throw bad('what is to be retracted is not said')
  const found = await room.telling.find(id)
  if (found === null)
    throw new StanzaError('cancel', 'item-not-found', house.text.inAll('kit-transport-unknown-message'))
  const reason = query.getChildText('reason')?.slice(0, 1000) ?? ''
  const retracts = { id: found.foreign[0] ?? null, ...(reason !== '' && { reason }) }
  await orRefusal(seat.session.say({ room: room.name }, { body: '', retracts }), house, readerOf({ room, seat }))
  return ''
}

function bad(cause: string): StanzaError {
  return new StanzaError('modify', 'bad-request', {}, { cause })
}
