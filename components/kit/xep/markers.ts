// SPDX-License-Identifier: Apache-2.0
// XEP-0333: Displayed Markers (1.0.0)
import type { Element } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'

export const MARKERS = 'urn:xmpp:chat-markers:0'

/** §4.1: in a message whose reader is to be told of. */
export const MARKABLE = `<markable xmlns='${MARKERS}'/>`

/** `id`: of the newest message that was read. */
export function writeMarker(id: string): string {
  return `<displayed xmlns='${MARKERS}' id='${escapeAttribute(id)}'/>`
}

/** The id of the newest message that was read; null: it says none. */
export function readMarker(message: Element): string | null {
  return message.getChild('displayed', MARKERS)?.attrs.id ?? null
}
