// SPDX-License-Identifier: Apache-2.0
// What a journal tells: the kinds of fact and their fields, versions 1 to 3. Written by policy and by every process that is
// looked into; read by followers such as archive. Page: FACTS.md. Unknown kinds and fields are kept, never refused.

/** Which way a stanza goes past the helper: from one of its host's own people, or to them from elsewhere. */
export type Direction = 'sent' | 'received'
/** `network`: a transport asks about what came from the network that it carries to. */
export type Via = 'c2s' | 's2s' | 'component' | 'network'

/** Who said it on another network: `account` is a login there, and tells who somebody is; a nick does not. `identity`: as the network shows it. */
export type Foreign = { server: string; nick: string; account?: string; identity?: string }

/** What the screen answered. Texts are those the sender was shown, by language. */
export type Verdict =
  | { action: 'allow'; rule: string }
  | { action: 'refuse'; rule: string; condition: string; text: Readonly<Record<string, string>> }
  | { action: 'replace'; rule: string; stanza: string }

/** How much of a stanza a rule lets be recorded: all of it, its outermost element without what stands in it, or nothing. */
export type Recorded = 'content' | 'envelope' | 'nothing'

/** Where a rule found something: text number `text` (from 0, as policy reads texts) in the place `where`, UTF-16 units. */
export type MatchedAt = { rule: string; text: number; where: string; start: number; end: number }

/** What the server did in the end with a number. */
export type Outcome = 'released' | 'refused' | 'bounced' | 'unscreened' | 'gone'

/** `seen`: it is there, and nobody told of its making. */
export type AccountEvent = 'created' | 'seen' | 'removed'

/** `at` is always the helper's (or the writing process's) own clock, RFC 3339 UTC with milliseconds; the journal adds the recorder's. */
export type Fact =
  /** A run of a helper (or process) announced itself. What its predecessor had reserved and not settled is *tail unknown*. */
  | {
      kind: 'source'
      source: string
      at: string
      node: string
      hosts: readonly string[]
      software: string
      helper: string
      predecessor?: { source: string; mark: number; reserved: number }
    }
  /** One try of one question, with the verdict. `stanza` is the forwarded element, byte for byte as the helper sent it. */
  | {
      kind: 'ask'
      source: string
      n: number
      try: number
      host: string
      direction: Direction
      via: Via
      at: string
      stanza: string
      verdict: Verdict
      rules: string
      /** The server let it pass (or bounced it) without a verdict and tells of it later from its spool. */
      spooled?: true
      /** What rules that held on the way, or the one that decided, said of it. */
      tags?: readonly string[]
      /** Absent: content. With `nothing`, `stanza` is empty. */
      record?: Exclude<Recorded, 'content'>
      /** Where the rules that held found what they look for; at most 100 places. */
      matched?: readonly MatchedAt[]
      /** Who sender and recipient were at that moment: hashes of `identity` facts that stand before. */
      who?: WhoWas
      /** With `via` network: which kind of network, such as irc, and who said it there. */
      network?: string
      foreign?: Foreign
    }
  /** Who somebody is from now on, as the company directory says; before the first fact that names its hash, and whenever it changes. */
  | {
      kind: 'identity'
      hash: string
      id: string
      jid: string
      name: string
      mail: readonly string[]
      department?: string
      groups: readonly string[]
      at: string
    }
  /** All numbers up to `to` are settled as their only try's verdict said, unless a settle says otherwise. */
  | { kind: 'done'; source: string; to: number }
  /** How number n ended, where that is not what its only try's verdict implies. `rule`: the one that closed an open host for it. */
  | { kind: 'settle'; source: string; n: number; try?: number; outcome: Outcome; rule?: string; at: string }
  /** The last number given out so far; `end` when the source stopped in good order. */
  | { kind: 'mark'; source: string; last: number; at: string; end?: true }
  /** Bounced without being asked because the breaker was open: numbers from..to, count of them. */
  | {
      kind: 'outage'
      source: string
      host: string
      from: number
      to: number
      count: number
      outcome: Outcome
      rule?: string
      at: string
    }
  | {
      kind: 'occupant'
      source: string
      host: string
      room: string
      nick: string
      jid: string
      event: 'joined' | 'left'
      at: string
    }
  | {
      kind: 'session'
      source: string
      host: string
      jid: string
      via: string
      event: 'started' | 'ended'
      /** The account that logged in, as in `account`. */
      account?: string
      at: string
    }
  /** An account of the server was made, met for the first time, or removed. `id` is its own: another one by that name has another. */
  | { kind: 'account'; source: string; host: string; jid: string; event: AccountEvent; id: string; at: string }
  /** The XEP-0359 id that `by` gave to the released message n. */
  | { kind: 'stanza-id'; source: string; n: number; by: string; id: string; at: string }
  /** What the server itself originated and nobody was asked about. */
  | { kind: 'observed'; source: string; host: string; from: string; stanza: string; at: string }
  /** A rule set came into force; `hash` is SHA-256 of the file, hex, or of the list of its hash and those of `files`. */
  | {
      kind: 'rules'
      hash: string
      rules: number
      file: string
      /** SHA-256 of each file that the rule file names, by its name there. */
      files?: Readonly<Record<string, string>>
      at: string
    }
  /** What goes to this domain goes to a network of this kind, and what comes from it comes from there. At each start of policy. */
  | { kind: 'network'; network: string; domain: string; at: string }
  /**
   * Somebody looked. Kept before the answer is given. `query` and `reason` as given, `hits` null where not counted. `denied`:
   * the asker has not the right; nothing was shown, and `query` is what was said, unread.
   */
  | {
      kind: 'access'
      who: Who
      /** `ad-hoc`: by XEP-0050, who as the server said. Absent: at the socket, who as the kernel said. */
      via?: string
      command: string
      query: Readonly<Record<string, unknown>>
      hits: number | null
      reason?: string
      denied?: true
      at: string
    }
  /**
   * A plan of the directory is carried out, whose SHA-256 is `plan`: version `seq` of what is provisioned. Kept before it is done; `who`:
   * whoever told it to, absent: the process by itself. Of people `locked` are among those changed.
   */
  | {
      kind: 'directory'
      seq: number
      plan: string
      people: { added: number; changed: number; removed: number; locked: number }
      groups: { added: number; changed: number; removed: number }
      memberships: { added: number; removed: number }
      who?: Who
      via?: string
      at: string
    }
  /** What a follower that counts found missing, or closed because it came late. Page: FACTS.md. */
  | Missing<'gap'>
  | Missing<'tail-unknown'>
  | Missing<'ended-without-mark'>
  /** Positions of a journal that were gone before this follower had read them. */
  | { kind: 'journal-gap'; journal: string; from: number; to: number; at: string }

/** By the hash of the identity; absent where the directory does not name the address. */
export type WhoWas = { from?: string; to?: string }

/** Numbers from..to of a source, `count` of them missing when it was found; `closed` when the last of them has come. */
type Missing<K extends string> = {
  kind: K
  event: 'found' | 'closed'
  source: string
  from: number
  to: number
  count: number
  at: string
}

export type Who = { uid: number; user: string } | { jid: string }

export type FactKind = Fact['kind']
export type FactOf<K extends FactKind> = Extract<Fact, { kind: K }>

/**
 * The latest version. Version 2: an `ask` whose stanza is not, or not whole, in the record. Version 3: an `ask` about what came from
 * another network.
 */
export const FACTS_VERSION = 3
