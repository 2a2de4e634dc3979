// SPDX-License-Identifier: Apache-2.0
// Everything in a stanza that a person can read: the text of every element, and of the attributes that are shown to people.
import type { Element } from '../../kit/xml/element.ts'

/** More than a server lets pass; a bound all the same. */
const MAX_CHARACTERS = 2_000_000
const MAX_DEPTH = 200

/** Ciphertext, keys and pictures: they have no words, and are kept in the stanza itself. */
const UNREADABLE = new Set([
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:1',
  'urn:xmpp:omemo:2',
  'urn:xmpp:openpgp:0',
  'jabber:x:encrypted',
  'jabber:x:signed',
  'urn:xmpp:avatar:data',
  'http://jabber.org/protocol/ibb',
  'urn:xmpp:bob',
  'urn:xmpp:hashes:2',
  'http://jabber.org/protocol/chatstates',
  'http://jabber.org/protocol/caps',
])
const UNREADABLE_NAMES = new Set(['BINVAL', 'binval'])
const SHOWN_ATTRIBUTES = ['reason', 'nick', 'name', 'url', 'uri', 'target', 'desc', 'label'] as const

/** The texts, each once, in the order of the stanza. */
export function gatherText(stanza: Element): { lines: string[]; note: string } {
  const lines = new Set<string>()
  let room = MAX_CHARACTERS
  let note = ''
  const add = (text: string) => {
    const line = text.trim()
    if (!line) return
    if (line.length > room) note = 'only the first part of its text is in the index'
    lines.add(line.slice(0, room))
    room = Math.max(0, room - line.length)
  }
  const walk = (element: Element, depth: number): void => {
    if (depth > MAX_DEPTH) {
      note = 'too deep: what lies deeper is not in the index'
      return
    }
    if (UNREADABLE.has(element.attrs.xmlns ?? '') || UNREADABLE_NAMES.has(element.name)) return
    if (depth > 0) for (const name of SHOWN_ATTRIBUTES) if (element.attrs[name]) add(element.attrs[name])
    let text = ''
    for (const child of element.children) {
      if (typeof child === 'string') text += child
      else if (isInline(child)) text += child.getText()
      else walk(child, depth + 1)
    }
    add(text)
  }
  walk(stanza, 0)
  return { lines: [...lines], note }
}

/** Words of XHTML-IM are often split by marks inside them: w<b>or</b>d is one word. */
function isInline(element: Element): boolean {
  return (
    /^(b|i|u|em|strong|span|code|small|sub|sup)$/.test(element.name) &&
    element.children.every((one) => typeof one === 'string')
  )
}

export function langOf(element: Element): string {
  return element.attrs['xml:lang'] ?? ''
}
