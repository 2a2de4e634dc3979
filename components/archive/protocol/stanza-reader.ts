// SPDX-License-Identifier: Apache-2.0
// Reads one stanza after the other out of facts, as strictly as a stream is read, with one parser as long as nothing is wrong.
import type { Element } from '../../kit/xml/element.ts'
import type { XmlFault } from '../../kit/xml/fault.ts'
import { XmlReader } from '../../kit/xml/reader.ts'

export type StanzaReader = {
  /** The one element of the text. Throws an Error that says what is wrong; the next text is read all the same. */
  read(text: string): Element
}

/** More than any server takes; what is larger is kept unread. */
const LIMITS = { stanzaBytes: 16 * 1024 * 1024, depth: 128 }

export function openStanzaReader(): StanzaReader {
  let stanzas: { element: Element; raw: string }[] = []
  let fault: XmlFault | null = null
  let reader: XmlReader | null = null
  const open = (): XmlReader => {
    const fresh = new XmlReader(
      {
        start() {},
        stanza: (stanza) => stanzas.push(stanza),
        end() {},
        fault: (found) => {
          fault = found
        },
      },
      LIMITS,
    )
    fresh.write(Buffer.from("<stream xmlns=''>"))
    return fresh
  }
  return {
    read(text) {
      stanzas = []
      fault = null
      if (!text.isWellFormed()) throw new Error('a lone surrogate')
      reader ??= open()
      reader.write(Buffer.from(text))
      const [stanza] = stanzas
      if (fault === null && stanza && stanzas.length === 1 && stanza.raw.length === text.length) return stanza.element
      // What is unfinished or left over must not run into the next text.
      reader = null
      if (fault !== null) throw fault
      throw new Error('one element is wanted')
    },
  }
}
