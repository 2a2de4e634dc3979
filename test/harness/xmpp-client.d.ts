// SPDX-License-Identifier: Apache-2.0
// What the tests use of @xmpp/client, which brings no types.
declare module '@xmpp/client' {
  import type { Element } from '@xmpp/xml'

  export { default as xml } from '@xmpp/xml'

  export type XmppClient = {
    readonly streamManagement: { id: string }
    readonly socket: { destroy?(): void } | null
    start(): Promise<{ toString(): string }>
    stop(): Promise<unknown>
    send(element: Element): Promise<void>
    on(event: 'stanza' | 'nonza', take: (stanza: Element) => void): void
    on(event: 'error', take: (error: Error) => void): void
  }

  export function client(options: {
    service: string
    domain: string
    username: string
    password: string
    resource?: string
  }): XmppClient
}
