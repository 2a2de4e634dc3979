// SPDX-License-Identifier: Apache-2.0
// Who stood behind an address at a time. A server tells of its accounts: each has an id of its own as long as it exists, so that
// another account by the same name is another identity. Pure; times are Unix ms of the helper's clock.
import type { AccountEvent } from '../../kit/facts/facts.ts'

/** Identities of an address count from 1, in the order in which they became known; 0 stands for no account that is known of. */
export type Word = { ordinal: number; event: AccountEvent; at: number }

/**
 * From..until (not included) the identity held the address; null: since ever, or still. `sureUntil`: behind it nothing was heard of it
 * before another one was there, whose making nobody told; null: sure to the end.
 */
export type Period = { ordinal: number; from: number | null; until: number | null; sureUntil: number | null }

export type Holder = { ordinal: number; sure: boolean }

/** `words` in the order of their times. */
export function periodsOf(words: readonly Word[]): Period[] {
  const periods: Period[] = []
  let last = 0
  for (const { ordinal, event, at } of words) {
    const current = periods.at(-1)
    const isOpen = current !== undefined && current.until === null
    if (isOpen && current.ordinal === ordinal) {
      if (event === 'removed') current.until = at
    } else {
      // Its end is all that is known of one that is removed before anything else was heard of it.
      const from = event !== 'removed' ? at : isOpen ? last + 1 : (current?.until ?? null)
      if (isOpen) {
        current.until = from ?? at
        current.sureUntil = event === 'created' ? null : last
      }
      const isFirst = current === undefined && event !== 'created'
      periods.push({ ordinal, from: isFirst ? null : from, until: event === 'removed' ? at : null, sureUntil: null })
    }
    last = at
  }
  return periods
}

/** null when nothing is known of the address. */
export function holderAt(periods: readonly Period[], at: number): Holder | null {
  if (periods.length === 0) return null
  const held = periods.find(({ from, until }) => (from === null || from <= at) && (until === null || at < until))
  if (held === undefined) return { ordinal: 0, sure: true }
  return { ordinal: held.ordinal, sure: held.sureUntil === null || at <= held.sureUntil }
}

export type Span = { from: number; until: number }

/** When the identity held the address; of 0 when nobody known did. `until` is not included. */
export function spansOf(periods: readonly Period[], ordinal: number): Span[] {
  const all = periods.map((one) => ({ ...one, from: one.from ?? NEVER, until: one.until ?? EVER }))
  if (ordinal !== 0) return all.filter((one) => one.ordinal === ordinal).map(({ from, until }) => ({ from, until }))
  const edges = [NEVER, ...all.flatMap(({ from, until }) => [from, until]), EVER]
  const between: Span[] = []
  for (let at = 0; at < edges.length; at += 2) between.push({ from: edges[at] ?? NEVER, until: edges[at + 1] ?? EVER })
  return periods.length === 0 ? [] : between.filter(({ from, until }) => from < until)
}

const NEVER = Number.MIN_SAFE_INTEGER
const EVER = Number.MAX_SAFE_INTEGER

/** A word that says nothing that those around it do not say: the same identity is there before it and after it. */
export function isNeedless(before: Word | undefined, { ordinal, event }: Word, after: Word | undefined): boolean {
  return (
    event === 'seen' &&
    before?.ordinal === ordinal &&
    before.event !== 'removed' &&
    after !== undefined &&
    after.ordinal === ordinal
  )
}

/** `alice@corp.example#2` */
export function writeIdentity(address: string, ordinal: number): string {
  return `${address}#${ordinal}`
}

/** An address as it is asked for; no domain holds a #. `ordinal` null: all identities. */
export function readIdentity(text: string): { address: string; ordinal: number | null } {
  const [, address, ordinal] = /^(.+)#(\d{1,9})$/.exec(text) ?? []
  return address === undefined ? { address: text, ordinal: null } : { address, ordinal: Number(ordinal) }
}
