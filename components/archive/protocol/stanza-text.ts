// SPDX-License-Identifier: Apache-2.0
// Everything in a stanza that a person can read: the text of every element, and of every attribute that is not for programs alone.
// What a rule of policy finds, a search must find too: both are held to the same list of places (test/harness/text-places.ts).
import type { Element } from '../../kit/xml/element.ts'
import { decodedPercent } from '../../kit/xmpp/percent.ts'
import { PARTS_WORDS, readableAttributes, readableText } from '../../kit/xmpp/readable.ts'

/** More than a server lets pass; a bound all the same. */
const MAX_CHARACTERS = 2_000_000

/** Their texts are in the index like all others, but stand for nothing in a list: short ciphertext looks like a word. */
const CIPHERTEXT = new Set([
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:1',
  'urn:xmpp:omemo:2',
  'urn:xmpp:openpgp:0',
  'jabber:x:encrypted',
  'jabber:x:signed',
])

/** `excerpt`: the first line that is no ciphertext. */
export type Gathered = { lines: string[]; excerpt: string; note: string }

/** The texts, each once, in the order of the stanza; then what those with %XX escapes say decoded, each once. */
export function gatherText(stanza: Element): Gathered {
  const lines = new Set<string>()
  let room = MAX_CHARACTERS
  let excerpt = ''
  let note = ''
  const add = (text: string, inList: boolean) => {
    const line = text.trim()
    if (!line) return
    if (line.length > room) note = 'only the first part of its text is in the index'
    lines.add(line.slice(0, room))
    if (inList) excerpt ||= line
    room = Math.max(0, room - line.length)
  }
  // XEP-0045 7.2.2: whoever joins or changes the nick says it in the resource.
  const { to = '' } = stanza.attrs
  const pending: { element: Element; ciphertext: boolean }[] = [{ element: stanza, ciphertext: false }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { element, ciphertext } = next
    for (const text of shownAttributes(element, element === stanza)) add(text, !ciphertext && element !== stanza)
    if (element.getNS() === XHTML || (element.getName() === 'html' && element.getNS() === XHTML_IM)) {
      for (const line of readBlocks(element)) add(line, !ciphertext)
      continue
    }
    let text = ''
    const inside: typeof pending = []
    for (const child of element.children) {
      if (typeof child === 'string') text += child
      else inside.push({ element: child, ciphertext: ciphertext || CIPHERTEXT.has(child.attrs.xmlns ?? '') })
    }
    add(readableText(element, text), !ciphertext)
    pending.push(...inside.reverse())
  }
  if (stanza.name === 'presence' && to.includes('/')) add(to.slice(to.indexOf('/') + 1), false)
  // Behind all others: what has no room in the index any more is then what is there already as it was written.
  for (const line of [...lines]) add(decodedPercent(line) ?? '', false)
  return { lines: [...lines], excerpt, note }
}

function shownAttributes(element: Element, isStanza = false): string[] {
  const values = readableAttributes(element, isStanza).map(({ value }) => value)
  return values.filter((value) => !PICTURE.test(value))
}

/** RFC 2397: a picture written into an address. */
const PICTURE = /^data:[^,]*;base64,[A-Za-z0-9+/=%]*$/i

const XHTML = 'http://www.w3.org/1999/xhtml'
const XHTML_IM = 'http://jabber.org/protocol/xhtml-im'
/** XEP-0071 as it is read: marks inside a word do not part it, w<b>or</b>d; blocks and breaks do. A line each, and one per attribute. */
function readBlocks(root: Element): string[] {
  const lines: string[] = []
  const aside: string[] = []
  let line = ''
  const part = () => {
    lines.push(line)
    line = ''
  }
  const open: { element: Element; next: number }[] = [{ element: root, next: 0 }]
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const child = top.element.children[top.next++]
    const inline = !PARTS_WORDS.has(typeof child === 'object' ? child.getName() : top.element.getName())
    if (child === undefined) {
      if (!inline) part()
      open.pop()
    } else if (typeof child === 'string') line += child
    else {
      if (!inline) part()
      aside.push(...shownAttributes(child))
      open.push({ element: child, next: 0 })
    }
  }
  return [...lines, line, ...aside]
}

/** RFC 5646 by its shape. What is another one is a text of its sender: it is in the index, and in no field that outlives an erasure. */
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}$/

export function langOf(element: Element): string {
  const said = element.attrs['xml:lang'] ?? ''
  return LANGUAGE.test(said) ? said : ''
}
