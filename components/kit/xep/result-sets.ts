// SPDX-License-Identifier: Apache-2.0
// XEP-0059: Result Set Management (1.0)
import type { Element } from '../xml/element.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'

export const RESULT_SETS = 'http://jabber.org/protocol/rsm'

/** What part of a result is wanted: `max` items (0: only their count, §2.7) behind an item, before one ('' is the end), or from an index. */
export type Paging = { max: number } & (
  | { from: 'start' }
  | { from: 'after' | 'before'; id: string }
  | { from: 'index'; index: number }
)

/** Items [from, to) of all, and whether all of it is said. */
export type Page = { from: number; to: number }

const WHOLE = /^\d{1,15}$/

/** Null where the request has no `set`. Never more than `most` items are given. Throws StanzaError: bad-request. */
export function readPaging(request: Element, most: number): Paging | null {
  const set = request.getChild('set', RESULT_SETS)
  if (set === undefined) return null
  const max = Math.min(most, wholeIn(set, 'max') ?? most)
  const [after, before] = [textIn(set, 'after'), textIn(set, 'before')]
  const index = wholeIn(set, 'index')
  if ([after, before, index].filter((one) => one !== undefined).length > 1)
    throw bad('one of after, before and index is wanted')
  if (after !== undefined) return { max, from: 'after', id: after }
  if (before !== undefined) return { max, from: 'before', id: before }
  return index === undefined ? { max, from: 'start' } : { max, from: 'index', index }
}

/** Of the items that `ids` names, in order. Null: the item to go on from is not there (§2.4 wants item-not-found). */
export function pageOf(paging: Paging, ids: readonly string[]): Page | null {
  const { length } = ids
  if (paging.from === 'start') return { from: 0, to: Math.min(paging.max, length) }
  if (paging.from === 'index') {
    if (paging.index > length) return null
    return { from: paging.index, to: Math.min(paging.index + paging.max, length) }
  }
  // §2.5: an empty `before` is the end of all.
  if (paging.from === 'before' && paging.id === '') return { from: Math.max(0, length - paging.max), to: length }
  const at = ids.indexOf(paging.id)
  if (at === -1) return null
  if (paging.from === 'after') return { from: at + 1, to: Math.min(at + 1 + paging.max, length) }
  return { from: Math.max(0, at - paging.max), to: at }
}

/** The element of a result: where the page begins and ends, and how many there are in all. */
export function writePage({ from, to }: Page, ids: readonly string[]): string {
  const [first, last] = [ids[from], ids[to - 1]]
  const ends =
    to > from && first !== undefined && last !== undefined
      ? `<first index='${escapeAttribute(String(from))}'>${escapeText(first)}</first><last>${escapeText(last)}</last>`
      : ''
  return `<set xmlns='${RESULT_SETS}'>${ends}<count>${ids.length}</count></set>`
}

function textIn(set: Element, name: string): string | undefined {
  return set.getChild(name, RESULT_SETS)?.getText()
}

function wholeIn(set: Element, name: string): number | undefined {
  const text = textIn(set, name)?.trim()
  if (text === undefined) return undefined
  if (!WHOLE.test(text)) throw bad(`${name} is a whole number`)
  return Number(text)
}

function bad(cause: string): StanzaError {
  return new StanzaError('modify', 'bad-request', cause)
}
