// SPDX-License-Identifier: Apache-2.0
import type { Element } from '../../kit/xml/element.ts'
import { write } from '../../kit/xml/writer.ts'

/** A stanza without what stands in it: name, addresses, type and id. */
export function writeEnvelope(stanza: Element): string {
  const { children } = stanza
  try {
    stanza.children = []
    return write(stanza)
  } finally {
    stanza.children = children
  }
}
