// SPDX-License-Identifier: Apache-2.0
// @xmpp/component 0.13.1 ships no types. What kit/stream uses of it, and the two seams it fills: Socket and Parser.
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events'
  import type { Element } from '@xmpp/xml'

  /** What the library does to its socket. */
  interface ComponentSocket extends EventEmitter {
    connect(to: { host: string; port: number }): void
    write(text: string, done: (error?: Error | null) => void): void
    end(): void
  }

  /** What the library listens to: start, element, end. It calls write only from its own data listener. */
  interface ComponentParser extends EventEmitter {
    write(text: string): void
  }

  interface Component extends EventEmitter {
    Socket: new () => ComponentSocket
    Parser: new () => ComponentParser
    /** ms that opening, authenticating and closing may take each. */
    timeout: number
    options: { service: string; domain: string; lang?: string }
    reconnect: { stop(): void }
    connect(service: string): Promise<void>
    open(options: { domain: string; lang?: string }): Promise<unknown>
    write(text: string): Promise<void>
    close(timeout?: number): Promise<unknown>
    /** The bare library's own ways, used by tests that show its defects. */
    start(): Promise<unknown>
    stop(): Promise<unknown>
    send(element: unknown): Promise<void>
    iqCallee: {
      set(namespace: string, name: string, handler: (context: { stanza: Element; element: Element }) => unknown): void
    }
    middleware: { use(handler: (context: unknown, next: () => Promise<unknown>) => unknown): void }
  }

  export function component(options: { service: string; domain: string; password: string }): Component
}
