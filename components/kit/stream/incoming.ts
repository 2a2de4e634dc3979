// SPDX-License-Identifier: Apache-2.0
// What a server may say on a component's stream, XEP-0114 (1.6) section 3: the root, the handshake, and only then stanzas.
import type { EventEmitter } from 'node:events'
import type { Element } from '../xml/element.ts'
import { type ReadStanza, type XmlLimits, XmlReader } from '../xml/reader.ts'
import { NS } from '../xmpp/namespaces.ts'

export type IncomingEvents = {
  authenticated(): void
  /** After the handshake: whatever stands at the level of stanzas. */
  stanza(stanza: ReadStanza): void
  /** Before the handshake: the server refuses us. */
  streamError(error: Element): void
  /** What came was refused: nothing more is read. */
  refused(condition: string, what: string): void
  ended(): void
}

/** The reader of one connection; `library` is told what it needs to open and to close. */
export function openIncoming(
  library: EventEmitter,
  limits: Partial<XmlLimits> | undefined,
  events: IncomingEvents,
): XmlReader {
  let authenticated = false
  return new XmlReader(
    {
      start(root) {
        if (root.is('stream', NS.streams)) library.emit('start', root)
        else events.refused('bad-format', 'not an XMPP stream')
      },
      stanza(stanza) {
        const { element } = stanza
        if (authenticated) events.stanza(stanza)
        else if (element.is('handshake', NS.component)) {
          authenticated = true
          library.emit('element', element)
          events.authenticated()
        } else if (element.is('error', NS.streams)) events.streamError(element)
        else events.refused('not-authorized', 'a stanza before the handshake')
      },
      end() {
        library.emit('end')
        events.ended()
      },
      fault: ({ condition, message }) => events.refused(condition, message),
    },
    limits,
  )
}
