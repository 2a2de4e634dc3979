// SPDX-License-Identifier: Apache-2.0
import type { Element } from './element.ts'
import { XmlFault } from './fault.ts'
import { type ReadStanza, type XmlLimits, XmlReader } from './reader.ts'

/** Reads the text of exactly one stanza, as strictly as a stream is read. Throws XmlFault; its place counts from this text. */
export function parse(text: string, limits: Partial<XmlLimits> = {}): Element {
  return parseStanza(text, limits).element
}

/** As parse, with the source text of forwarded children. `namespace` is the default one around the stanza, as of a stream. */
export function parseStanza(text: string, limits: Partial<XmlLimits> = {}, namespace = ''): ReadStanza {
  const stanzas: ReadStanza[] = []
  let fault: XmlFault | null = null
  const reader = new XmlReader(
    {
      start() {},
      stanza: (stanza) => stanzas.push(stanza),
      end() {},
      fault: (found) => {
        fault = found
      },
    },
    limits,
  )
  const before = `<s xmlns='${namespace}'>`
  reader.write(Buffer.from(before))
  // A lone surrogate has no UTF-8: Buffer.from would repair it, so it is refused first.
  if (!text.isWellFormed())
    throw new XmlFault('unsupported-encoding', 'a lone surrogate', { offset: 0, line: 1, column: 0 })
  reader.write(Buffer.from(text))
  reader.write(Buffer.from('</s>'))
  if (fault !== null) throw movedBack(fault, before.length)
  const [stanza] = stanzas
  if (stanza === undefined || stanzas.length > 1 || stanza.raw.length !== text.trim().length)
    throw new XmlFault('bad-format', 'one element is wanted', { offset: 0, line: 1, column: 0 })
  return stanza
}

function movedBack(fault: XmlFault, units: number): XmlFault {
  const { offset, line, column } = fault.place
  const what = fault.message.replace(/ \(line \d+, column \d+\)$/, '')
  const place = { offset: Math.max(0, offset - units), line, column: line === 1 ? Math.max(0, column - units) : column }
  return new XmlFault(fault.condition, what, place)
}
