// SPDX-License-Identifier: Apache-2.0
// Every text of a stanza that a person could read: what stands in elements, in attributes, and the nick of a join; and what those with
// %XX escapes say decoded.
import { type Element, isElement } from '../../kit/xml/element.ts'
import { PARTS_WORDS, readableAttributes, readableText } from '../../kit/xmpp/readable.ts'
import { withDecoded } from '../domain/decoded.ts'
import type { Text } from '../domain/screened.ts'
import { XHTML, XHTML_IM } from './namespaces.ts'

/** A text and the element it stands in; `attribute` is null for the text of the element itself. */
export type Placed = Text & { element: Element; attribute: string | null }

/** All texts in document order. The same stanza gives the same list each time: a replacement counts on the places. */
export function readTexts(stanza: Element): readonly Placed[] {
  const texts: Placed[] = []
  // XEP-0045 7.2.2: whoever joins or changes the nick says it in the resource.
  const to = stanza.attrs.to ?? ''
  if (stanza.name === 'presence' && to.includes('/')) {
    texts.push({
      where: 'nick',
      value: to.slice(to.indexOf('/') + 1),
      onReplace: 'keep',
      element: stanza,
      attribute: 'to',
    })
  }
  const pending: { element: Element; top: boolean }[] = childrenOf(stanza, true).reverse()
  addOwn(stanza, stanza.name, 'keep', texts)
  addAttributes(stanza, texts, true)
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { element, top } = next
    const isCopy = element.getName() === 'html' && element.getNS() === XHTML_IM
    if (isCopy || element.getNS() === XHTML) {
      addFormatted(element, isCopy ? 'drop' : 'keep', texts)
      continue
    }
    const rewritable = top && stanza.name === 'message' && (element.name === 'body' || element.name === 'subject')
    addOwn(element, element.getName(), rewritable ? 'rewrite' : 'keep', texts)
    addAttributes(element, texts, false)
    pending.push(...childrenOf(element, false).reverse())
  }
  return withDecoded(texts)
}

/** Formatted text: a copy of a body (XEP-0071), or a text of its own (XEP-0277). */
function addFormatted(element: Element, onReplace: 'drop' | 'keep', texts: Placed[]): void {
  const as = { where: 'html', onReplace, element, attribute: null }
  const seen = flow(element)
  const unseen = flow(element, MAYBE_UNSEEN)
  texts.push({ ...as, value: seen })
  if (unseen !== seen) texts.push({ ...as, value: unseen })
  addAttributes(element, texts, false)
}

function childrenOf(element: Element, top: boolean): { element: Element; top: boolean }[] {
  return element.children.filter(isElement).map((child) => ({ element: child, top }))
}

function addOwn(element: Element, where: string, onReplace: Text['onReplace'], texts: Placed[]): void {
  // What a client shows as the text of an element is all of its own text, whatever elements stand between.
  let value = ''
  for (const child of element.children) if (!isElement(child)) value += child
  const readable = readableText(element, value)
  if (readable.trim() !== '') texts.push({ where, value: readable, onReplace, element, attribute: null })
}

function addAttributes(element: Element, texts: Placed[], isStanza: boolean): void {
  for (const { name, value } of readableAttributes(element, isStanza))
    texts.push({ where: `${element.getName()}@${name}`, value, onReplace: 'keep', element, attribute: name })
}

/** XEP-0071 as it is read: a word may be cut by formatting and is still a word; blocks and breaks part words, those of `except` do not. */
function flow(element: Element, except: ReadonlySet<string> = NONE): string {
  let text = ''
  let aside = ''
  const parts = (name: string) => PARTS_WORDS.has(name) && !except.has(name)
  const open: { element: Element; next: number }[] = [{ element, next: 0 }]
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const child = top.element.children[top.next++]
    if (child === undefined) {
      if (parts(top.element.getName())) text += ' '
      open.pop()
    } else if (!isElement(child)) text += child
    else {
      if (parts(child.getName())) text += ' '
      for (const { value } of readableAttributes(child, false)) aside += ` ${value}`
      open.push({ element: child, next: 0 })
    }
  }
  return `${text} ${aside}`
}

const NONE: ReadonlySet<string> = new Set()
/** What may be there and not be seen. */
const MAYBE_UNSEEN: ReadonlySet<string> = new Set(['img', 'object', 'input', 'video', 'audio', 'iframe'])
