// SPDX-License-Identifier: Apache-2.0
// Texts that hold one stanza each, as out of a file or a journal, read as strictly as a stream.
import type { Element } from './element.ts'
import { XmlFault } from './fault.ts'
import { type ReadStanza, type XmlLimits, XmlReader } from './reader.ts'

export type Parser = {
  /** Reads the text of exactly one stanza. Throws XmlFault; its place counts from this text. The next text is read all the same. */
  read(text: string): ReadStanza
}

/** One text. See `openParser`. */
export function parse(text: string, limits: Partial<XmlLimits> = {}): Element {
  return parseStanza(text, limits).element
}

/** As parse, with the source text of forwarded children. */
export function parseStanza(text: string, limits: Partial<XmlLimits> = {}, namespace = ''): ReadStanza {
  return openParser(limits, namespace).read(text)
}

/**
 * For many texts: one reader reads them as long as nothing is wrong. `namespace` is the default one around each stanza, as of a
 * stream.
 */
export function openParser(limits: Partial<XmlLimits> = {}, namespace = ''): Parser {
  const before = `<s xmlns='${namespace}'>`
  let stanzas: ReadStanza[] = []
  let faults: XmlFault[] = []
  let used: XmlReader | null = null
  const open = (): XmlReader => {
    const fresh = new XmlReader(
      {
        start() {},
        stanza: (stanza) => stanzas.push(stanza),
        end() {},
        fault: (fault) => faults.push(fault),
      },
      limits,
    )
    fresh.write(Buffer.from(before))
    return fresh
  }
  const take = (reader: XmlReader, text: string): ReadStanza | undefined => {
    stanzas = []
    faults = []
    reader.write(Buffer.from(text))
    return faults.length === 0 && stanzas.length === 1 ? stanzas[0] : undefined
  }
  return {
    read(text) {
      // A lone surrogate has no UTF-8: Buffer.from would repair it, so it is refused first.
      if (!text.isWellFormed()) throw new XmlFault('unsupported-encoding', 'a lone surrogate', START)
      if (used !== null) {
        const stanza = take(used, text)
        if (stanza?.raw.length === text.length) return stanza
      }
      // What is unfinished or left over must not run into the next text; and only a fresh reader knows the place in this one.
      used = null
      const reader = open()
      const stanza = take(reader, text)
      if (stanza?.raw.length === text.length) used = reader
      if (stanza !== undefined && stanza.raw.length === text.trim().length) return stanza
      const [fault] = faults
      throw fault ? movedBack(fault, before.length) : new XmlFault('bad-format', 'one element is wanted', START)
    },
  }
}

const START = { offset: 0, line: 1, column: 0 }

function movedBack(fault: XmlFault, units: number): XmlFault {
  const { offset, line, column } = fault.place
  const what = fault.message.replace(/ \(line \d+, column \d+\)$/, '')
  const place = { offset: Math.max(0, offset - units), line, column: line === 1 ? Math.max(0, column - units) : column }
  return new XmlFault(fault.condition, what, place)
}
