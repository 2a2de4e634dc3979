// SPDX-License-Identifier: Apache-2.0
// What a room sends, as XML text. Everything behind the address of the recipient is the same for all who write the room alike, so it is
// made once.
import { hash } from 'node:crypto'
import { writeDelay } from '../../xep/mam.ts'
import { MUC_USER } from '../../xep/muc.ts'
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import type { Affiliation, Occupant, Role } from '../network.ts'

export const OCCUPANT_ID = 'urn:xmpp:occupant-id:0'
export const STANZA_ID = 'urn:xmpp:sid:0'
const HATS = 'urn:xmpp:hats:0'

/** XEP-0045 §15.6.2 and §10.1.1: codes that are said here. */
export const STATUS = {
  configured: 104,
  self: 110,
  nickGiven: 210,
  banned: 301,
  renamed: 303,
  kicked: 307,
  stopping: 332,
  technical: 333,
} as const

const ID_LENGTH = 22

/**
 * XEP-0421 §3: the same person has the same id, under whatever nick, as far as the network says who it is. The secret stands first, and
 * half of the hash is not shown, so that nobody can go on from one id to another.
 */
export function occupantId(key: Buffer, room: string, who: string): string {
  return hash('sha256', `${key.toString('latin1')}\0${room}\0${who}`, 'base64url').slice(0, ID_LENGTH)
}

/** Behind the recipient's address: a room's bare address is given escaped. */
export type Rest = string

export type ShownOccupant = Occupant & { id: string }

/** But for why he is away. */
export function looksAlike(one: ShownOccupant, other: ShownOccupant): boolean {
  return (
    one.nick === other.nick &&
    one.role === other.role &&
    one.affiliation === other.affiliation &&
    one.id === other.id &&
    (one.away === undefined) === (other.away === undefined) &&
    hasSameHats(one, other)
  )
}

export function hasSameHats(one: Occupant, other: Occupant): boolean {
  return one.hats === other.hats || (one.hats ?? []).join('\0') === (other.hats ?? []).join('\0')
}

export type Item = {
  role: Role | 'none'
  affiliation: Affiliation
  /** Of 303: the new one. */
  nick?: string
  actor?: string
  reason?: string
}

/** §7.2.2, §7.2.3. */
export function writeAvailable(room: string, occupant: ShownOccupant, codes: readonly number[] = []): Rest {
  const away =
    occupant.away === undefined
      ? ''
      : `<show>away</show>${occupant.away === '' ? '' : `<status>${escapeText(occupant.away)}</status>`}`
  return ` from='${room}/${escapeAttribute(occupant.nick)}'>${away}${writeUser(occupant, codes)}${writeOccupantId(occupant.id)}${hatsOf(occupant)}</presence>`
}

/** §7.14, §8.2, §9.1, §7.6. `text` is what the person said, or why. */
export function writeUnavailable(
  room: string,
  nick: string,
  item: Item,
  codes: readonly number[],
  text: string | undefined,
  id: string | null,
): Rest {
  const status = text === undefined || text === '' ? '' : `<status>${escapeText(text)}</status>`
  return ` from='${room}/${escapeAttribute(nick)}' type='unavailable'>${status}${writeUser(item, codes)}${id === null ? '' : writeOccupantId(id)}</presence>`
}

/** A message of the room: `who` null is the room itself. `id` '' for what is not kept. */
export function writeGroupchat(
  room: string,
  who: string | null,
  {
    id,
    mid,
    payload,
    occupant,
    at,
  }: { id: string; mid: string; payload: string; occupant: string | null; at: number | null },
): Rest {
  const from = who === null ? room : `${room}/${escapeAttribute(who)}`
  const named = mid === '' ? '' : ` id='${escapeAttribute(mid)}'`
  const stanzaId = id === '' ? '' : `<stanza-id xmlns='${STANZA_ID}' by='${room}' id='${id}'/>`
  const delay = at === null ? '' : writeDelayOf(room, at)
  return ` from='${from}' type='groupchat'${named}>${payload}${occupant === null ? '' : writeOccupantId(occupant)}${stanzaId}${delay}</message>`
}

function writeDelayOf(room: string, at: number): string {
  // The room is escaped already, and addresses hold nothing that the second time would change but & which the first one makes.
  return writeDelay(at).replace(' stamp=', ` from='${room}' stamp=`)
}

/** Older than this when it comes: it was said before, and that is told. */
export const LIVE_MS = 60_000

/** XEP-0203, where it was said some time ago. */
export function writeLate(at: number | null, now: number): string {
  return at === null || now - at <= LIVE_MS ? '' : writeDelay(at)
}

export function writeOccupantId(id: string): string {
  return `<occupant-id xmlns='${OCCUPANT_ID}' id='${id}'/>`
}

function writeUser({ role, affiliation, ...item }: Item, codes: readonly number[]): string {
  const nick = 'id' in item || item.nick === undefined ? '' : ` nick='${escapeAttribute(item.nick)}'`
  const actor = item.actor === undefined ? '' : `<actor nick='${escapeAttribute(item.actor)}'/>`
  const reason = item.reason === undefined || item.reason === '' ? '' : `<reason>${escapeText(item.reason)}</reason>`
  const inside = actor + reason
  const one = `<item affiliation='${affiliation}' role='${role}'${nick}${inside === '' ? '/>' : `>${inside}</item>`}`
  return `<x xmlns='${MUC_USER}'>${one}${codes.length === 0 ? '' : codes.map((code) => `<status code='${code}'/>`).join('')}</x>`
}

/** XEP-0317 §4. */
function hatsOf({ hats }: Occupant): string {
  if (hats === undefined || hats.length === 0) return ''
  const each = hats.map(
    (hat) => `<hat title='${escapeAttribute(hat)}' uri='urn:gatehouse:hat:${encodeURIComponent(hat)}'/>`,
  )
  return `<hats xmlns='${HATS}'>${each.join('')}</hats>`
}
