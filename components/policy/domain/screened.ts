// SPDX-License-Identifier: Apache-2.0
// What the rules look at: one stanza as the helper forwarded it, already read. No XML from here on.
import type { Direction, Via } from '../../kit/facts/facts.ts'
import type { People } from './person.ts'

/** What a stanza is, in the words of the rule file. One stanza can be several: an encrypted message is `message` and `encrypted`. */
export const KINDS = [
  'message',
  'presence',
  'iq',
  'error',
  'groupchat',
  'private',
  'subject',
  'invitation',
  'subscription',
  'join',
  'status',
  'pep',
  'vcard',
  'room-config',
  'room-admin',
  'file-offer',
  'encrypted',
  'signed',
  'correction',
  'retraction',
  'reaction',
] as const

export type Kind = (typeof KINDS)[number]

export const DIRECTIONS = ['sent', 'received'] as const satisfies readonly Direction[]
export const VIAS = ['c2s', 's2s', 'component', 'network'] as const satisfies readonly Via[]

/** A piece of text that a person could read. `where` names the place: body, subject, status, nick, ... */
export type Text = {
  where: string
  value: string
  /**
   * What becomes of it when the message is replaced: written anew with the words masked, left out, or left as it is.
   * `decoded`: it stands nowhere; it is the text before it with its %XX escapes decoded, and follows what becomes of that.
   */
  onReplace: 'rewrite' | 'drop' | 'keep' | 'decoded'
}

export type Screened = {
  host: string
  direction: Direction
  via: Via
  /** Bare JID, prepared for comparison (bareOf). */
  from: string
  /** Bare JID of who said it: `from`, or the person whose account on another network it was. */
  sender: string
  /** Kinds of other networks, such as irc, from which it comes or to which it goes. */
  networks: ReadonlySet<string>
  /** Bare JIDs of all it is meant for: the address, people invited, XEP-0033 addresses. Empty for what goes to nobody in particular. */
  to: readonly string[]
  /** Bare JID of the room it goes to or comes from, null outside rooms. */
  room: string | null
  /** The resource of the address it is for: in a room whom it is for there, or the nick to be had. */
  nick: string | null
  kinds: ReadonlySet<Kind>
  /** It only ends or answers something (unsubscribe, unsubscribed, an error, a result): no wall is in its way. */
  parts: boolean
  /** Null while nobody knows who people are. */
  people: People | null
  /** Every text in it, in document order. Read at the first call only: rules that look at no text cost nothing. */
  texts(): readonly Text[]
}
