// SPDX-License-Identifier: Apache-2.0
// A stanza as the archive's fields. XEP-0045 XEP-0071 XEP-0163 XEP-0308 XEP-0359 XEP-0380 XEP-0424 XEP-0425 XEP-0444 XEP-0461.
import type { Element } from '../../kit/xml/element.ts'
import { address, type Link, type StanzaFields, UNREADABLE, UNRECORDED } from '../domain/record.ts'
import { gatherText, langOf } from './stanza-text.ts'

const CLIENT = 'jabber:client'
const MUC = 'http://jabber.org/protocol/muc'
const MUC_USER = `${MUC}#user`
const ENCRYPTED = new Set([
  'eu.siacs.conversations.axolotl encrypted',
  'urn:xmpp:omemo:1 encrypted',
  'urn:xmpp:omemo:2 encrypted',
  'urn:xmpp:openpgp:0 openpgp',
  'jabber:x:encrypted x',
])

/** `isRoom` knows the rooms seen so far. Never throws for what a person may send: what is strange stays in the stanza. */
export function readStanzaFields(stanza: Element, isRoom: (bare: string) => boolean): StanzaFields {
  const { attrs } = stanza
  const element =
    stanza.name === 'message' || stanza.name === 'presence' || stanza.name === 'iq' ? stanza.name : 'unknown'
  const found = readChildren(stanza)
  const text = gatherText(stanza)
  const from = address(attrs.from)
  const to = address(attrs.to)
  const type = attrs.type ?? ''
  const room = roomOf(found, { element, type, from, to }, isRoom)
  if (room) found.people.push(room)
  return {
    element,
    what: found.what || plainWhat(element, type, found, Boolean(room)),
    type,
    from,
    to,
    id: attrs.id ?? '',
    originId: found.originId,
    language: langOf(stanza) || found.language,
    room,
    people: [...new Set(found.people.map((one) => address(one).bare))],
    links: found.links,
    encrypted: found.encrypted,
    text: text.lines.join('\n'),
    excerpt: found.body || found.subject || found.status || text.excerpt,
    note: text.note,
  }
}

/** When the stanza is no XML we can read: its fields are empty, its bare letters are still found. */
export function unreadableFields(raw: string, why: string): StanzaFields {
  const nobody = { bare: '', resource: '' }
  const text = raw.slice(0, 100_000).replace(/<[^<>]*>/g, ' ')
  return {
    element: 'unknown',
    what: UNREADABLE,
    type: '',
    from: nobody,
    to: nobody,
    id: '',
    originId: '',
    language: '',
    room: '',
    people: [],
    links: [],
    encrypted: '',
    text,
    excerpt: text.trim().slice(0, 200),
    note: `not readable as XML: ${why}`,
  }
}

/** When a rule kept it off the record: nothing is known of it. */
export function unrecordedFields(): StanzaFields {
  return { ...unreadableFields('', ''), what: UNRECORDED, note: '' }
}

type Found = {
  what: string
  originId: string
  language: string
  body: string
  subject: string
  hasSubject: boolean
  status: string
  encrypted: string
  people: string[]
  links: Link[]
  muc: '' | 'join' | 'user' | 'invite' | 'config'
}

function readChildren(stanza: Element): Found {
  const found: Found = {
    what: '',
    originId: '',
    language: '',
    body: '',
    subject: '',
    hasSubject: false,
    status: '',
    encrypted: '',
    people: [],
    links: [],
    muc: '',
  }
  for (const child of stanza.children) {
    if (typeof child === 'string') continue
    readChild(child, child.getNS() ?? CLIENT, localName(child), found)
  }
  return found
}

function readChild(child: Element, namespace: string, name: string, found: Found): void {
  if (namespace === CLIENT || namespace === 'jabber:server' || namespace === 'jabber:component:accept') {
    readOwnChild(child, name, found)
    return
  }
  const key = `${namespace} ${name}`
  if (ENCRYPTED.has(key)) found.encrypted ||= namespace
  switch (key) {
    case 'urn:xmpp:eme:0 encryption':
      found.encrypted ||= namespaceOf(child.attrs.namespace) || namespace
      break
    case 'urn:xmpp:sid:0 origin-id':
      found.originId = child.attrs.id ?? ''
      break
    case 'urn:xmpp:message-correct:0 replace':
      link(found, 'correction', child.attrs.id)
      break
    case 'urn:xmpp:message-retract:1 retract':
      link(found, 'retraction', child.attrs.id)
      if (elementIn(child, 'moderated')) link(found, 'moderation', child.attrs.id)
      break
    case 'urn:xmpp:fasten:0 apply-to':
      if (elementIn(child, 'moderate') || elementIn(child, 'moderated')) link(found, 'moderation', child.attrs.id)
      else if (elementIn(child, 'retract')) link(found, 'retraction', child.attrs.id)
      break
    case 'urn:xmpp:message-moderate:1 moderate':
      link(found, 'moderation', child.attrs.id)
      break
    case 'urn:xmpp:reactions:0 reactions':
      link(found, 'reaction', child.attrs.id)
      break
    case 'urn:xmpp:reply:0 reply':
      found.links.push({ kind: 'reply', target: child.attrs.id ?? '' })
      break
    case `${MUC} x`:
      found.muc = 'join'
      break
    case `${MUC_USER} x`:
      readMucUser(child, found)
      break
    case 'jabber:x:conference x':
      found.what = 'invite'
      if (child.attrs.jid) found.people.push(child.attrs.jid)
      break
    default:
      found.what ||= PAYLOADS.get(key) ?? PAYLOADS.get(namespace) ?? ''
      if (namespace === `${MUC}#owner` || namespace === `${MUC}#admin`) found.muc = 'config'
  }
}

/** What an IQ (or a message) carries, for people. */
const PAYLOADS = new Map([
  ['http://jabber.org/protocol/pubsub', 'pep'],
  ['http://jabber.org/protocol/pubsub#event', 'pep'],
  ['vcard-temp vCard', 'vcard'],
  ['urn:ietf:params:xml:ns:vcard-4.0 vcard', 'vcard'],
  [`${MUC}#owner`, 'room-config'],
  [`${MUC}#admin`, 'room-admin'],
  ['http://jabber.org/protocol/si si', 'file'],
  ['urn:xmpp:jingle:1 jingle', 'file'],
  ['http://jabber.org/protocol/ibb', 'file'],
  ['http://jabber.org/protocol/bytestreams query', 'file'],
  ['urn:xmpp:sfs:0 file-sharing', 'file'],
  ['jabber:iq:roster query', 'roster'],
  ['jabber:iq:register query', 'register'],
  ['http://jabber.org/protocol/commands command', 'command'],
])

function readOwnChild(child: Element, name: string, found: Found): void {
  switch (name) {
    case 'body':
      found.body ||= child.getText()
      found.language ||= langOf(child)
      break
    case 'subject':
      found.hasSubject = true
      found.subject ||= child.getText()
      found.language ||= langOf(child)
      break
    case 'status':
      found.status ||= child.getText()
      found.language ||= langOf(child)
      break
  }
}

function readMucUser(x: Element, found: Found): void {
  found.muc = 'user'
  for (const child of x.children) {
    if (typeof child === 'string' || (child.name !== 'invite' && child.name !== 'decline')) continue
    found.muc = 'invite'
    found.what = child.name
    for (const person of [child.attrs.to, child.attrs.from]) if (person) found.people.push(person)
  }
}

function link(found: Found, kind: Link['kind'], target: string | undefined): void {
  found.what = kind
  found.links.push({ kind, target: target ?? '' })
}

function plainWhat(element: string, type: string, found: Found, inRoom: boolean): string {
  if (element === 'message') {
    if (type === 'error') return 'error'
    if (found.encrypted) return 'encrypted'
    return found.hasSubject && !found.body ? 'subject' : 'message'
  }
  if (element !== 'presence') return element
  if (/^(un)?subscribed?$/.test(type)) return 'subscription'
  if (found.muc === 'join') return 'join'
  if (inRoom) return type === 'unavailable' ? 'leave' : 'room-presence'
  return found.status ? 'status' : 'presence'
}

/** '' for what is none: a field outlives an erasure, a text of the sender must not. */
function namespaceOf(said = ''): string {
  return /^[a-z][a-z0-9-]*[:.]\S{1,256}$/i.test(said) ? said : ''
}

type Ends = Pick<StanzaFields, 'element' | 'type' | 'from' | 'to'>

/** A room speaks to full addresses and is spoken to at its bare one (XEP-0045 7.4); joins and private messages go to room/nick. */
function roomOf(found: Found, { element, type, from, to }: Ends, isRoom: (bare: string) => boolean): string {
  if (isRoom(to.bare)) return to.bare
  if (isRoom(from.bare)) return from.bare
  if (element === 'message' && type === 'groupchat') return to.resource ? from.bare : to.bare
  if (found.muc === 'join' || found.muc === 'config') return to.bare
  if (found.muc === 'user') return element === 'presence' ? from.bare : to.bare
  if (found.muc === 'invite') return to.resource ? from.bare : to.bare
  return ''
}

function elementIn(parent: Element, name: string): boolean {
  return parent.children.some((child) => typeof child !== 'string' && localName(child) === name)
}

function localName(element: Element): string {
  const colon = element.name.indexOf(':')
  return colon < 0 ? element.name : element.name.slice(colon + 1)
}
