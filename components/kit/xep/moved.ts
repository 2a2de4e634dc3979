// SPDX-License-Identifier: Apache-2.0
// XEP-0283: Moved (0.2.0)
import { escapeText } from '../xml/writer.ts'

/** The node of the old account; its one item is called so. */
export const MOVED = 'urn:xmpp:moved:1'
export const MOVED_ITEM = 'current'

/** §5.1: the statement on the old account, by which contacts verify where the person is now. */
export function writeMovedStatement(newJid: string): string {
  return `<moved xmlns='${MOVED}'><new-jid>${escapeText(newJid)}</new-jid></moved>`
}

/** Whoever asks must be able to read it, since nobody is subscribed to the old account any more. */
export const MOVED_OPTIONS: Readonly<Record<string, string>> = {
  'pubsub#persist_items': 'true',
  'pubsub#access_model': 'open',
}
