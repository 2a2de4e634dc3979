// SPDX-License-Identifier: Apache-2.0
// The values the archive keeps and shows. A record is one number of one source; each try of it is kept.
import { bareOf, resourceOf } from '../../kit/xmpp/jid.ts'
import type { Outcome, Settled, Settlement } from './settling.ts'

/** `resource` is '' for a bare address. */
export type Address = { bare: string; resource: string }

export type LinkKind = 'correction' | 'retraction' | 'moderation' | 'reaction' | 'reply'
/** What this stanza is about: the id it names, as its XEP writes it. The other record stays as it is. */
export type Link = { kind: LinkKind; target: string }

/** `what` of a stanza that is no XML we can read. */
export const UNREADABLE = 'unreadable'

export type Recorded = 'content' | 'envelope' | 'nothing'
/** `what` of a stanza that a rule kept off the record. */
export const UNRECORDED = 'unrecorded'

/** What is read out of a stanza. All of it can be read again from the stanza itself. */
export type StanzaFields = {
  element: 'message' | 'presence' | 'iq' | 'unknown'
  /** What it is for a person: message, subject, correction, status, subscription, join, pep, vcard, room-config, file, ... */
  what: string
  type: string
  from: Address
  to: Address
  id: string
  originId: string
  language: string
  room: string
  /** Bare addresses named besides from and to: the invited, the room. */
  people: readonly string[]
  links: readonly Link[]
  /** Namespace of the encryption when the text cannot be read; else ''. */
  encrypted: string
  /** What a person can read in it, for the index; a line per text. */
  text: string
  /** The first body or other main text, for lists. */
  excerpt: string
  /** Why not everything could be read; '' when all is well. */
  note: string
}

/** Who somebody was at a time, as the company directory said. `id` is the person's own for ever. */
export type PersonThen = {
  id: string
  jid: string
  name: string
  mail: readonly string[]
  department: string
  groups: readonly string[]
}

/** One try of one number, as it is kept. Times are Unix ms; `at` is the helper's clock, null when it cannot be read. */
export type TryRecord = {
  journal: string
  position: number
  recordedAt: number
  source: string
  /** For what the server itself originated, which has no number: minus one made from its contents. */
  n: number
  try: number
  host: string
  direction: string
  via: string
  at: number | null
  fields: Omit<StanzaFields, 'excerpt' | 'text'>
  /** The words of the stanza and of its replacement as they go into the index. */
  words: string
  action: string
  rule: string
  rules: string
  /** Condition and texts of a refusal and whatever else the verdict says, JSON; '' when there is no more. */
  verdict: string
  replacement: string
  spooled: boolean
  /** How much of the stanza a rule let be recorded. */
  recorded: Recorded
  /** What rules said of it. */
  tags: readonly string[]
  /** Where rules found what they look for, JSON; '' for nowhere. */
  matched: string
  /** Hashes of who sender and recipient were then; '' where that was not told. */
  fromWho: string
  toWho: string
  /** The kind of network it came from through a transport, such as irc; '' for none. */
  network: string
  foreign: Foreign | null
  stanza: string
}

/** Who said it on another network, and on which; '' where that was not told. */
export type Foreign = { server: string; nick: string; account: string; identity: string }

export type OccupantEvent = {
  source: string
  host: string
  room: string
  nick: string
  jid: string
  event: 'joined' | 'left'
  at: number
}

/** `sure`: false when the server that told of the joining has been restarted since and told nothing again. */
export type Occupant = {
  nick: string
  jid: string
  identity: Identity | null
  person: PersonThen | null
  joinedAt: number
  leftAt: number | null
  sure: boolean
}

/** `name`: alice@corp.example#2; `sure`: false when it may as well be the next one; `several`: the address had more than this one. */
export type Identity = { name: string; sure: boolean; several: boolean }

export type ShownTry = {
  try: number
  host: string
  direction: string
  via: string
  at: number | null
  recordedAt: number
  keptAt: number
  journal: string
  position: number
  element: string
  what: string
  type: string
  from: string
  to: string
  /** Who stood behind the address then; null when no server told. */
  fromIdentity: Identity | null
  toIdentity: Identity | null
  /** Who they were then, as the company directory said; null where it was not told, or is erased. */
  fromPerson: PersonThen | null
  toPerson: PersonThen | null
  /** The hashes by which the book has them. */
  fromWho: string
  toWho: string
  network: string
  foreign: Foreign | null
  room: string
  stanzaId: string
  originId: string
  language: string
  encrypted: string
  note: string
  action: string
  rule: string
  rules: string
  verdict: string
  replacement: string
  spooled: boolean
  size: number
  /** Hex digits of the stanza's SHA-256; '' once it is erased. */
  sha256: string
  /** SHA-256 of the salt's digits followed by the stanza. It stays when salt and stanza are erased, and says nothing then. */
  seal: string
  salt: string
  stanza: string
  erased: Erasure | null
  recorded: Recorded
  tags: readonly string[]
  matched: string
}

/** `at`: Unix ms. */
export type Erasure = { at: number; user: string; reason: string }

export type Related = { id: string; kind: LinkKind }

export type StepKind = 'original' | Extract<LinkKind, 'correction' | 'retraction' | 'moderation'>

/**
 * Why a step changes nothing. claims: another sender than that of the original; unconfirmed: a moderation that the room has not told of;
 * retracted: it came when nothing was left to correct; else what the server did with it.
 */
export type Why =
  | ''
  | 'claims'
  | 'unconfirmed'
  | 'retracted'
  | Exclude<Settlement, 'released' | 'unscreened' | 'originated'>

/** `confirmed`: the room gave it an id. */
export type Told = { id: string; kind: StepKind; shown: ShownTry; settlement: Settlement; confirmed: boolean }

export type Step = Told & { why: Why }

/** `missing`: the original is not on record, or not for the asker. `more`: there are further ones, which are left out. */
export type Lineage = {
  steps: readonly Step[]
  missing: boolean
  more: boolean
  state: 'original' | 'corrected' | 'retracted' | 'moderated'
  current: Step | null
}

/** A number with everything known about it. */
export type ShownRecord = {
  id: string
  fullId: string
  source: string
  n: number
  settlement: Settlement
  effectiveTry: number | null
  settledBy: Settled['by'] | 'outage'
  conflicting: boolean
  tries: readonly ShownTry[]
  settles: readonly { try?: number; outcome: Outcome; at: number | null }[]
  /** `count` numbers of from..to ended without a question. */
  outage: { from: number; to: number; count: number; outcome: string; at: number | null } | null
  stanzaIds: readonly { by: string; id: string }[]
  occupants: readonly Occupant[]
  /** What this record is about, and what later came about it. */
  about: readonly (Related | { target: string; kind: LinkKind })[]
  followedBy: readonly Related[]
  /** What it became, or what it changes; null where there is nothing of the kind. Exports do not look for it. */
  lineage?: Lineage | null
}

/** Virtual hosts by name, in lower case; null: all. A record belongs to the host that asked about it, and to that of its recipient. */
export type Hosts = readonly string[] | null

/** Times are Unix ms of the helper's clock; people are bare addresses. What is '' is not asked for. */
export type Search = {
  words: string
  /** Bare addresses; where there is none, what else names a person is looked for. */
  person: string
  peer: string
  /** As it was said: a name, an address of any time, a mail address. */
  personSaid?: string
  peerSaid?: string
  /** Only this identity of the address: its number, 0 for none that is known of. */
  personIdentity?: number
  peerIdentity?: number
  room: string
  /** That of the sender or of the recipient. */
  domain: string
  verdict: string
  settlement: string
  rule: string
  /** What a rule noted beside the verdict. */
  tag: string
  /** Only what came from or went to such a network, and what somebody said there: by nick, account or identity, in any case. */
  network?: string
  foreign?: string
  since: number | null
  until: number | null
  limit: number
  /** Virtual hosts to look at; null: all. */
  hosts: Hosts
}

export type Access = {
  journal: string
  position: number
  recordedAt: number
  at: number | null
  uid: number | null
  user: string
  command: string
  query: string
  hits: number | null
  reason: string
  /** Refused for want of a right. */
  denied: boolean
}

/** An address as the server stamped it; nothing is refused here, evidence is kept as it is. */
export function address(text: string | undefined): Address {
  return text ? { bare: bareOf(text), resource: resourceOf(text) } : { bare: '', resource: '' }
}

/** RFC 3339 as Unix ms; null when it is none. */
export function instant(text: string): number | null {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}
