// SPDX-License-Identifier: Apache-2.0
// @xmpp/client 0.13.3 ships no types. What the demo and the tests use of it.
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events'
  import type { Element } from '@xmpp/xml'

  export interface Client extends EventEmitter {
    /** Resolves with the full JID when the session is up. */
    start(): Promise<{ toString(): string }>
    stop(): Promise<unknown>
    send(element: Element): Promise<void>
    reconnect: { stop(): void }
    streamManagement: { enabled: boolean; inbound: number; outbound: number }
    iqCaller: { request(iq: Element, timeoutMs?: number): Promise<Element> }
    iqCallee: { get(namespace: string, name: string, answer: () => Element | true): void }
  }

  export function client(options: {
    service: string
    domain: string
    username: string
    password: string
    resource?: string
  }): Client

  export function xml(name: string, attrs?: Record<string, string>, ...children: (Element | string)[]): Element
}
