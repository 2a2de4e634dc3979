// SPDX-License-Identifier: Apache-2.0
// What an asker is asked, and what it answers.

/** Who said it there. `account`: a login that the network vouches for. `identity`: as it shows who it is. None of them is ever ''. */
export type Foreign = { nick: string; account?: string; identity?: string }

export function foreignOf({ nick, account, identity }: Foreign): Foreign {
  return { nick, ...(account && { account }), ...(identity && { identity }) }
}

export type Question = {
  /** One stanza as it will be sent, every namespace below it declared inside. */
  stanza: string
  /** The kind of network, and which one. */
  network: string
  server: string
  foreign: Foreign
  /** Answers of the same order come as they were asked for. */
  order: string
  /** When it came, Unix ms; default: now. */
  at?: number
}

export type Answer =
  /** The stanza as it was asked about, or what a rule made of it (`replaced`; then without the namespace of its stream). */
  | { action: 'deliver'; stanza: string; replaced: boolean }
  /** `text` by language, as the sender of ours would read it. */
  | { action: 'refuse'; why: 'policy'; rule: string; condition: string; text: Readonly<Record<string, string>> }
  /** Nobody could be asked, and the rule for that is `closed`. */
  | { action: 'refuse'; why: 'outage' }

export type AskerState = {
  asking: boolean
  /** Policy says that this transport is not in its settings. */
  isStranger: boolean
  waiting: number
  owed: number
  withheld: number
  unscreened: number
  last: number
  done: number
}
