// SPDX-License-Identifier: Apache-2.0
// XEP-0402: PEP Native Bookmarks (1.2.0)
import { escapeAttribute, escapeText } from '../xml/writer.ts'

/** The node; an item's id is the bare address of the room. */
export const BOOKMARKS = 'urn:xmpp:bookmarks:1'

export type Bookmark = { name: string; autojoin: boolean; nick?: string }

export function writeBookmark({ name, autojoin, nick = '' }: Bookmark): string {
  const tag = `conference xmlns='${BOOKMARKS}' name='${escapeAttribute(name)}' autojoin='${autojoin}'`
  return nick === '' ? `<${tag}/>` : `<${tag}><nick>${escapeText(nick)}</nick></conference>`
}

/** §3.3: they are the person's alone, all of them stay, and none is sent at login. */
export const BOOKMARK_OPTIONS: Readonly<Record<string, string>> = {
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
  'pubsub#send_last_published_item': 'never',
  'pubsub#access_model': 'whitelist',
}
