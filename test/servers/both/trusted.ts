// SPDX-License-Identifier: Apache-2.0
// What a component with privileges (XEP-0356) writes when it speaks for Alice.
import { HOST } from './house.ts'

export function wrapped(from: string, namespace: string, body: string): string {
  return `<message from='${from}' to='${HOST}'><privilege xmlns='${namespace}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@${HOST}' to='bob@${HOST}' type='chat' id='pr'><body>${body}</body></message></forwarded></privilege></message>`
}
