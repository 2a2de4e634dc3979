// SPDX-License-Identifier: Apache-2.0
// What an asker waits for at most, and how much of it.

export type AskerBounds = {
  /** A try waits so long, a question for its verdict at most so long, tries and all. */
  tryMs: number
  holdMs: number
  /** Questions that wait, and their characters; more are withheld. */
  questions: number
  characters: number
  /** Characters that the spool of an open outage may take; then it is closed. */
  spoolCharacters: number
  /** Reports of who is in a room that wait; the oldest go first. */
  reports: number
  replayMs: number
  markMs: number
  probeMs: number
  /** How often times are looked at. */
  lookMs: number
}

export const ASKER_BOUNDS: AskerBounds = {
  tryMs: 2_000,
  holdMs: 5_000,
  questions: 1_000,
  characters: 32 << 20,
  spoolCharacters: 256 << 20,
  reports: 10_000,
  replayMs: 250,
  markMs: 5_000,
  probeMs: 1_000,
  lookMs: 250,
}

/** One line with fields; never the text of a stanza. */
export type AskerLog = Record<
  'info' | 'warn' | 'error',
  (event: string, fields?: Readonly<Record<string, unknown>>) => void
>

/** PROTOCOL.md section 10: of what one screen asks or tells. */
export const CHARACTERS_PER_SCREEN = 64 << 10
