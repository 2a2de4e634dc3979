// SPDX-License-Identifier: Apache-2.0
import type { Element } from '../xml/element.ts'

export type Iq = {
  type: 'get' | 'set'
  id: string
  from: string
  to: string
  language: string
  payload: Element
  /** Source text of a forwarded child, see Received.slice. */
  slice(child: Element): string | null
}

/** Returns the payload of the result (serialised XML, '' for none); throws StanzaError to refuse. */
export type IqAnswer = (iq: Iq, signal: AbortSignal) => Promise<string> | string

export type IqRoute = {
  type: 'get' | 'set'
  namespace: string
  name: string
  /** 'sender': one at a time per sending bare JID, in order. 'arrival': started in order, never waiting for one another. */
  order: 'sender' | 'arrival'
  answer: IqAnswer
}
