// SPDX-License-Identifier: Apache-2.0
// The kinds of protocol/kinds.ts in the few words that a helper understands: what is known of a stanza by its name, its type and
// the names of the elements in it. Where these do not tell, `maybe` says at most where it can be.
import { escapeAttribute } from '../../kit/xml/writer.ts'
import type { Kind } from '../domain/screened.ts'
import { SUBSCRIPTIONS } from './kinds.ts'
import {
  CORRECTION,
  DIRECT_INVITATION,
  ENCRYPTIONS,
  FASTEN,
  FILES,
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

/** The condition of a kind: where it is certain, the kind is there; where it is denied, it is not. */
export function writeKind(kind: Kind): string {
  return KINDS[kind]
}

const is = (name: 'message' | 'presence' | 'iq') => `<stanza is='${name}'/>`
const type = (name: string) => `<type is='${name}'/>`
const all = (...of: readonly string[]) => `<all>${of.join('')}</all>`
const any = (...of: readonly string[]) => `<any>${of.join('')}</any>`
const not = (of: string) => `<not>${of}</not>`
const maybe = (of: string) => `<maybe>${of}</maybe>`

type Child = { ns?: Iterable<string>; name?: string; except?: string; levels?: number; starts?: string }

function child({ ns, name, except, levels, starts }: Child): string {
  const said = { ns: ns && [...ns].join(' '), name, except, levels, starts }
  const written = Object.entries(said).map(([key, value]) =>
    value === undefined ? '' : ` ${key}='${escapeAttribute(String(value))}'`,
  )
  return `<child${written.join('')}/>`
}

/** An extension of a message: what is called body or subject is read as such, in any namespace. */
const extension = (ns: Iterable<string>) => child({ ns, except: 'body subject' })
const message = (...of: readonly string[]) => all(is('message'), ...of)
const presence = (...of: readonly string[]) => all(is('presence'), ...of)
const iq = (...of: readonly string[]) => all(is('iq'), ...of)
const joining = child({ ns: [MUC], name: 'x' })
const files = FILES.map((beginning) => `${beginning}*`)

const KINDS: Readonly<Record<Kind, string>> = {
  message: is('message'),
  presence: is('presence'),
  iq: is('iq'),
  error: type('error'),
  groupchat: message(type('groupchat')),
  private: maybe(message(not(type('groupchat')), '<room/>')),
  subject: message(type('groupchat'), child({ name: 'subject' }), not(child({ name: 'body' }))),
  invitation: message(
    any(
      extension([DIRECT_INVITATION]),
      maybe(all(child({ ns: [MUC_USER] }), child({ name: 'invite decline', levels: 2 }))),
    ),
  ),
  subscription: presence(any(...[...SUBSCRIPTIONS].map(type))),
  join: presence('<type/>', joining),
  status: presence(any(type('unavailable'), all('<type/>', not(joining)))),
  pep: any(message(maybe(child({ ns: [`${PUBSUB}#event`] }))), iq(child({ ns: [PUBSUB, PUBSUB_OWNER] }))),
  vcard: iq(any(child({ ns: [VCARD_TEMP, VCARD4] }), maybe(child({ name: 'publish', levels: 2 })))),
  'room-config': iq(child({ ns: [MUC_OWNER] })),
  'room-admin': iq(child({ ns: [MUC_ADMIN] })),
  'file-offer': any(
    message(extension(files)),
    iq(child({ ns: files })),
    maybe(all(not(is('presence')), child({ ns: files, levels: 4 }))),
  ),
  // XEP-0364: ciphertext in the body itself.
  encrypted: message(any(extension(ENCRYPTIONS), maybe(child({ name: 'body', starts: '?OTR' })))),
  signed: any(message(extension(SIGNATURES)), presence(child({ ns: SIGNATURES }))),
  correction: message(extension([CORRECTION])),
  retraction: message(
    any(
      extension(RETRACTIONS),
      maybe(all(child({ ns: [FASTEN] }), child({ ns: RETRACTIONS, name: 'retract', levels: 2 }))),
    ),
  ),
  reaction: message(extension([REACTIONS])),
}
