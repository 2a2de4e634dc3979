// SPDX-License-Identifier: Apache-2.0
// Reads one stanza after the other out of facts, as strictly as a stream is read.
import type { Element } from '../../kit/xml/element.ts'
import { openParser } from '../../kit/xml/parse.ts'

export type StanzaReader = {
  /** The one element of the text. Throws an Error that says what is wrong; the next text is read all the same. */
  read(text: string): Element
}

/** More than any server takes; what is larger is kept unread. */
const LIMITS = { stanzaBytes: 16 * 1024 * 1024, depth: 128 }

export function openStanzaReader(): StanzaReader {
  const parser = openParser(LIMITS)
  return { read: (text) => parser.read(text).element }
}
