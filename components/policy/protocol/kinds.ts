// SPDX-License-Identifier: Apache-2.0
// What a stanza is, in the words of the rule file.
import { type Element, isElement } from '../../kit/xml/element.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import type { Kind } from '../domain/screened.ts'
import {
  CORRECTION,
  DIRECT_INVITATION,
  ENCRYPTIONS,
  FASTEN,
  isAboutFiles,
  MUC,
  MUC_ADMIN,
  MUC_OWNER,
  MUC_USER,
  PUBSUB,
  PUBSUB_OWNER,
  REACTIONS,
  RETRACTIONS,
  SIGNATURES,
  VCARD_TEMP,
  VCARD4,
} from './namespaces.ts'

export function readKinds(stanza: Element, room: string | null): Set<Kind> {
  const kinds = new Set<Kind>()
  if (stanza.attrs.type === 'error') kinds.add('error')
  if (stanza.name === 'message') addMessage(stanza, room, kinds)
  else if (stanza.name === 'presence') addPresence(stanza, kinds)
  else addIq(stanza, kinds)
  return kinds
}

/** RFC 6121 section 3: types of presence that ask for or settle a subscription. */
export const SUBSCRIPTIONS: ReadonlySet<string> = new Set(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])

function addMessage(message: Element, room: string | null, kinds: Set<Kind>): void {
  kinds.add('message')
  const type = message.attrs.type
  let body = false
  let subject = false
  for (const child of message.children) {
    if (!isElement(child)) continue
    if (child.name === 'body') {
      body = true
      // XEP-0364: ciphertext in the body itself, in that of any language.
      if (child.getText().startsWith('?OTR')) kinds.add('encrypted')
    } else if (child.name === 'subject') subject = true
    else addExtension(child, kinds)
  }
  if (type === 'groupchat') kinds.add('groupchat')
  // XEP-0045 7.5: to one occupant, by the nick.
  else if (room !== null && isOccupant(message, room)) kinds.add('private')
  // XEP-0045 8.1: a subject without a body changes the subject of the room.
  if (type === 'groupchat' && subject && !body) kinds.add('subject')
}

function addExtension(child: Element, kinds: Set<Kind>): void {
  const namespace = child.getNS() ?? ''
  if (namespace === 'jabber:client') return
  if (ENCRYPTIONS.has(namespace)) kinds.add('encrypted')
  else if (SIGNATURES.has(namespace)) kinds.add('signed')
  else if (namespace === DIRECT_INVITATION) kinds.add('invitation')
  else if (namespace === MUC_USER && (child.getChild('invite') || child.getChild('decline'))) kinds.add('invitation')
  else if (namespace === CORRECTION) kinds.add('correction')
  else if (namespace === REACTIONS) kinds.add('reaction')
  else if (RETRACTIONS.includes(namespace)) kinds.add('retraction')
  else if (namespace === FASTEN) {
    if (RETRACTIONS.some((each) => child.getChild('retract', each))) kinds.add('retraction')
  } else if (isAboutFiles(namespace) || namesFile(child)) kinds.add('file-offer')
  // XEP-0060 12.7: events that the server sends on are PEP as well.
  else if (namespace === `${PUBSUB}#event`) kinds.add('pep')
}

function addPresence(presence: Element, kinds: Set<Kind>): void {
  kinds.add('presence')
  const type = presence.attrs.type
  if (type !== undefined && SUBSCRIPTIONS.has(type)) kinds.add('subscription')
  else if (type === undefined && presence.getChild('x', MUC)) kinds.add('join')
  else if (type === undefined || type === 'unavailable') kinds.add('status')
  // XEP-0027: the status of a presence, signed.
  if (presence.children.some((child) => isElement(child) && SIGNATURES.has(child.getNS() ?? ''))) kinds.add('signed')
}

function addIq(iq: Element, kinds: Set<Kind>): void {
  kinds.add('iq')
  for (const payload of iq.children) {
    if (!isElement(payload)) continue
    const namespace = payload.getNS() ?? ''
    if (namespace === PUBSUB || namespace === PUBSUB_OWNER) {
      kinds.add('pep')
      if (payload.getChild('publish')?.attrs.node === VCARD4) kinds.add('vcard')
    } else if (namespace === VCARD_TEMP || namespace === VCARD4) kinds.add('vcard')
    else if (namespace === MUC_OWNER) kinds.add('room-config')
    else if (namespace === MUC_ADMIN) kinds.add('room-admin')
    else if (isAboutFiles(namespace) || namesFile(payload)) kinds.add('file-offer')
  }
}

/** XEP-0234, 0372, 0385: the namespace of a file stands one or two levels down. */
function namesFile(element: Element, levels = 3): boolean {
  return element.children.some(
    (child) => isElement(child) && (isAboutFiles(child.getNS() ?? '') || (levels > 1 && namesFile(child, levels - 1))),
  )
}

/** The room's side of it names an occupant and not the room itself. */
function isOccupant(message: Element, room: string): boolean {
  return [message.attrs.to, message.attrs.from].some((address) => address?.includes('/') && bareOf(address) === room)
}
