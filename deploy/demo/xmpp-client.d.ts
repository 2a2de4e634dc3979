// SPDX-License-Identifier: Apache-2.0
// What the demo and the tests use of @xmpp/client 0.13.3, which ships no types.
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events'
  import type { Element } from '@xmpp/xml'

  export interface XmppClient
    extends EventEmitter<{ element: [Element]; stanza: [Element]; nonza: [Element]; error: [Error] }> {
    /** Handlers answer with the payload of the result; true: an empty one. */
    readonly iqCallee: {
      set(namespace: string, element: string, handler: (context: { element: Element }) => Element | true): void
    }
    readonly iqCaller: { request(iq: Element): Promise<Element> }
    readonly reconnect: { stop(): void }
    readonly streamManagement: { readonly id: string }
    readonly socket: { destroy?(): void } | null
    /** Resolves with the full JID when the session is up. */
    start(): Promise<{ toString(): string }>
    stop(): Promise<unknown>
    send(element: Element): Promise<void>
  }

  export function client(options: {
    service: string
    domain: string
    username: string
    password: string
    resource?: string
  }): XmppClient

  export function xml(name: string, attrs?: Record<string, string>, ...children: (Element | string)[]): Element
}
