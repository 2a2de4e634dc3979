// SPDX-License-Identifier: Apache-2.0
// XEP-0045: Multi-User Chat (1.35.5)
// What an owner of rooms needs who takes no part in them.
import type { Element } from '../xml/element.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'
import { writeSubmitted } from './data-forms.ts'

export const MUC = 'http://jabber.org/protocol/muc'
export const MUC_USER = `${MUC}#user`
export const MUC_OWNER = `${MUC}#owner`
export const MUC_ADMIN = `${MUC}#admin`
const ROOM_CONFIG = `${MUC}#roomconfig`

/** §16.6: this presence is your own; the room is new, and locked until it has been configured. */
export const OWN_PRESENCE = 110
export const ROOM_MADE = 201

export type Affiliation = 'owner' | 'admin' | 'member' | 'outcast' | 'none'
const AFFILIATIONS: readonly Affiliation[] = ['owner', 'admin', 'member', 'outcast', 'none']

/** `jid` is bare. */
export type Affiliated = { jid: string; affiliation: Affiliation }

/** §7.2: in the presence of one who enters and wants to read nothing of before. */
export const ENTERING = `<x xmlns='${MUC}'><history maxchars='0'/></x>`

/** Status codes in a presence of a room. */
export function readStatus(presence: Element): number[] {
  const x = presence.getChild('x', MUC_USER)
  return (x?.getChildren('status', MUC_USER) ?? []).map(({ attrs }) => Number(attrs.code))
}

/** §10.2: the payload that asks for the form of the owner. */
export const CONFIG_QUERY = `<query xmlns='${MUC_OWNER}'/>`

/** Which fields this room service has; it may refuse others. */
export function readConfigNames(query: Element): ReadonlySet<string> {
  const fields = query.getChild('x', NS.dataForms)?.getChildren('field', NS.dataForms) ?? []
  return new Set(fields.flatMap(({ attrs }) => (attrs.var === undefined ? [] : [attrs.var])))
}

/** §10.2: fields that are not named stay as they are. */
export function writeConfig(values: Readonly<Record<string, string | readonly string[]>>): string {
  return `<query xmlns='${MUC_OWNER}'>${writeSubmitted(ROOM_CONFIG, values)}</query>`
}

/** §9.5, §10.5: the list of those with this affiliation. */
export function askAffiliated(affiliation: Affiliation): string {
  return `<query xmlns='${MUC_ADMIN}'><item affiliation='${affiliation}'/></query>`
}

export function readAffiliated(query: Element): Affiliated[] {
  return query.getChildren('item', MUC_ADMIN).flatMap(({ attrs }) => {
    const affiliation = AFFILIATIONS.find((one) => one === attrs.affiliation)
    return affiliation === undefined || attrs.jid === undefined ? [] : [{ jid: attrs.jid, affiliation }]
  })
}

/** Several at once: the service takes all of them, or none. Not so Prosody, which takes the first. */
export function writeAffiliations(changes: readonly Affiliated[]): string {
  const items = changes.map(
    ({ jid, affiliation }) => `<item affiliation='${affiliation}' jid='${escapeAttribute(jid)}'/>`,
  )
  return `<query xmlns='${MUC_ADMIN}'>${items.join('')}</query>`
}

/** §8.1: of a message of type groupchat. */
export function writeSubject(subject: string): string {
  return `<subject>${escapeText(subject)}</subject>`
}
