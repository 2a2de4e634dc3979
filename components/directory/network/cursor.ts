// SPDX-License-Identifier: Apache-2.0
// Where a reading stood: what to say to the server to hear only of later changes.
import type { Cursor } from '../domain/source.ts'
import { generalizedTime } from './disabled.ts'

/**
 * usn: the greatest update number of one AD server, which `server` names ([MS-ADTS] §3.1.1.1.9); other servers number otherwise.
 * dirsync: its own cookie, in base64.
 * time: a moment by the directory's clock at which everything earlier had been read. `counter` is the server's own word on how far its
 * writes go (contextCSN, highestCommittedUSN), '' where it has none.
 */
export type Stand =
  | { kind: 'usn'; server: string; usn: number; counter: string }
  | { kind: 'dirsync'; server: string; cookie: string; counter: string }
  | { kind: 'time'; server: string; atMs: number; counter: string }

const VERSION = 1

export function writeCursor(stand: Stand): Cursor {
  return JSON.stringify({ version: VERSION, ...stand })
}

/** Null when it is of another version or none of ours: everything is then to be read. */
export function readCursor(cursor: Cursor): Stand | null {
  let said: unknown
  try {
    said = JSON.parse(cursor)
  } catch {
    return null
  }
  if (typeof said !== 'object' || said === null) return null
  const { version, kind, server, counter, usn, atMs, cookie } = said as Partial<Record<string, unknown>>
  if (version !== VERSION || typeof server !== 'string' || typeof counter !== 'string') return null
  if (kind === 'usn' && typeof usn === 'number' && Number.isSafeInteger(usn)) return { kind, server, usn, counter }
  if (kind === 'dirsync' && typeof cookie === 'string') return { kind, server, cookie, counter }
  if (kind === 'time' && typeof atMs === 'number' && Number.isFinite(atMs)) return { kind, server, atMs, counter }
  return null
}

/**
 * A moment by the directory's clock, and when it was so by ours, which may be wrong but goes on at the same pace. `greatest`: the latest
 * stamp of any entry that was read; null where none is known.
 */
export type Moment = { atMs: number; ours: number; greatest: number | null }

/** modifyTimestamp has whole seconds. */
const STAMP_MS = 1_000
/** By so much may our clock go faster than the directory's. */
const PACE = 0.99

/**
 * A moment of the directory's clock that surely had come when a reading began, so that whatever changes later bears a later stamp. Where
 * the reading saw a later stamp than any before, the clock had come to it when it ended, which counts alone: what two clocks drift apart
 * must not add up. Otherwise the clock has gone on since the moment known before. Null while neither is known. All in milliseconds; `began`
 * and `ended` by our steady clock.
 */
export function momentOf(
  before: Moment | null,
  seen: number | null,
  began: number,
  ended: number,
  overlapMs: number,
): Moment | null {
  if (seen !== null && (before === null || before.greatest === null || seen > before.greatest)) {
    return { atMs: Math.floor(seen - (ended - began)), ours: began, greatest: seen }
  }
  if (before === null) return null
  // Nothing that was read bears a later stamp than the greatest: to go on behind it would win nothing.
  const most = (before.greatest ?? before.atMs) + overlapMs + STAMP_MS
  const atMs = Math.min(before.atMs + (began - before.ours) * PACE, most)
  return { atMs: Math.floor(atMs), ours: began, greatest: before.greatest }
}

/** The time in a modifyTimestamp or an entryCSN; null when it is neither. */
export function stampTime(text: string): number | null {
  return generalizedTime(text.split('#')[0] ?? '')
}

/** The value to compare an attribute with: a CSN has microseconds and three counters more (as OpenLDAP writes it). */
export function stampText(atMs: number, attribute: string): string {
  const [date = '', fraction = '000Z'] = new Date(atMs).toISOString().replace(/[-:T]/g, '').split('.')
  if (attribute.toLowerCase() !== 'entrycsn') return `${date}Z`
  return `${date}.${fraction.slice(0, 3)}000Z#000000#000#000000`
}
