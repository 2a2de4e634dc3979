// SPDX-License-Identifier: Apache-2.0
// urn:gatehouse:directory:1: what a helper publishes for a person. Page: deploy/servers/DIRECTORY.md §8.
import { writeSubmitted } from '../../kit/xep/data-forms.ts'
import { MOVED, MOVED_ITEM, MOVED_OPTIONS, writeMovedStatement } from '../../kit/xep/moved.ts'
import { escapeAttribute } from '../../kit/xml/writer.ts'
import { DIRECTORY } from './state.ts'

const OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options'

/** On the old account: the person is at `newJid` now; '' takes that back. */
export function writeMoved(oldJid: string, newJid: string): string {
  const item = `xmlns='${DIRECTORY}' jid='${escapeAttribute(oldJid)}' node='${MOVED}' id='${MOVED_ITEM}'`
  if (newJid === '') return `<retract ${item}/>`
  return `<publish ${item}><options>${writeSubmitted(OPTIONS, MOVED_OPTIONS)}</options>${writeMovedStatement(newJid)}</publish>`
}
