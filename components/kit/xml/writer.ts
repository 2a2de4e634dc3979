// SPDX-License-Identifier: Apache-2.0
// Element or text -> XML text. Characters that XML 1.0 cannot carry (§2.2: most controls, U+FFFE, U+FFFF, lone surrogates) are
// dropped: they come from sources that allow them (IRC, LDAP, a database), and one must not be able to close our stream.
import { type Element, isElement } from './element.ts'

const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not pass
  /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
const IN_TEXT = /[&<>\r]/g
const IN_ATTRIBUTE = /[&<>"'\t\n\r]/g

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}

/** For character data. A carriage return becomes a reference, else the reader would turn it into a line feed. */
export function escapeText(text: string): string {
  return carriable(text).replace(IN_TEXT, reference)
}

/** For an attribute value in either kind of quotes. White space other than the blank becomes references, which survive reading. */
export function escapeAttribute(value: string): string {
  return carriable(value).replace(IN_ATTRIBUTE, reference)
}

/** The XML text of an element. Walks without recursion: depth costs memory, never the stack. */
export function write(element: Element): string {
  let out = openTag(element)
  if (element.children.length === 0) return out
  const open: { element: Element; next: number }[] = [{ element, next: 0 }]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (top.next >= top.element.children.length) {
      out += `</${top.element.name}>`
      open.pop()
      continue
    }
    const child = top.element.children[top.next++]
    if (child === undefined || child === null) continue
    if (!isElement(child)) {
      out += escapeText(String(child))
    } else {
      out += openTag(child)
      if (child.children.length > 0) open.push({ element: child, next: 0 })
    }
  }
  return out
}

function openTag(element: Element): string {
  let tag = `<${element.name}`
  for (const name of Object.keys(element.attrs)) {
    const value = element.attrs[name]
    if (value !== undefined && value !== null) tag += ` ${name}='${escapeAttribute(String(value))}'`
  }
  return element.children.length === 0 ? `${tag}/>` : `${tag}>`
}

function carriable(text: string): string {
  return text.replace(FORBIDDEN, '')
}

function reference(character: string): string {
  return REFERENCES[character] as string
}
