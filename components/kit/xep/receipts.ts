// SPDX-License-Identifier: Apache-2.0
// XEP-0184: Message Delivery Receipts (1.4.0)
import type { Element } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'

export const RECEIPTS = 'urn:xmpp:receipts'

export function wantsReceipt(message: Element): boolean {
  return message.attrs.id !== undefined && message.getChild('request', RECEIPTS) !== undefined
}

/** `id`: of the message that arrived. */
export function writeReceipt(id: string): string {
  return `<received xmlns='${RECEIPTS}' id='${escapeAttribute(id)}'/>`
}
