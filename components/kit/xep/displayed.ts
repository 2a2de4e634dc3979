// SPDX-License-Identifier: Apache-2.0
// XEP-0490: Message Displayed Synchronization (1.0.1)
import type { Element } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { BOOKMARK_OPTIONS } from './bookmarks.ts'

/** The node; an item's id is the bare address of the conversation. */
export const DISPLAYED = 'urn:xmpp:mds:displayed:0'
const STANZA_ID = 'urn:xmpp:sid:0'

/** §4.2: as with bookmarks, the person's alone, and all of them stay. */
export const DISPLAYED_OPTIONS = BOOKMARK_OPTIONS

/** `by`: who gave the id. */
export function writeDisplayed(by: string, id: string): string {
  const stanzaId = `<stanza-id xmlns='${STANZA_ID}' by='${escapeAttribute(by)}' id='${escapeAttribute(id)}'/>`
  return `<displayed xmlns='${DISPLAYED}'>${stanzaId}</displayed>`
}

/** The id of the newest message that is read; null: this says none. */
export function readDisplayed(item: Element): string | null {
  return item.getChild('displayed', DISPLAYED)?.getChild('stanza-id', STANZA_ID)?.attrs.id ?? null
}
