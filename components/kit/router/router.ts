// SPDX-License-Identifier: Apache-2.0
// What a component says to the router, and what the router does for it. create-router.ts fulfils it.
import type { DiscoInfo, DiscoItem, Identity } from '../xep/disco.ts'
import type { SoftwareVersion } from '../xep/version.ts'
import type { Element } from '../xml/element.ts'
import type { ReadStanza } from '../xml/reader.ts'
import type { StanzaOf } from '../xmpp/stanza.ts'

export type Iq = {
  type: 'get' | 'set'
  id: string
  from: string
  to: string
  language: string
  payload: Element
  /** Source text of a forwarded child, see ReadStanza.slice. */
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
  /** Its namespace is no feature for everybody; see Nodes. */
  hidden?: true
  /** The answer is remote-server-timeout after this long, and the signal aborts. */
  answerWithinMs?: number
}

/** What service discovery shows below the component itself, to this sender. null: there is no such node. A StanzaError refuses. */
export type Nodes = {
  /** Of the component itself, beside those for everybody. */
  features(iq: Iq): readonly string[]
  info(node: string, iq: Iq): DiscoInfo | null
  items(node: string, iq: Iq): readonly DiscoItem[] | null
}

/** What service discovery shows elsewhere below the component's domain, or in a way of its own. null: as every component. */
export type Discovery = {
  info(iq: Iq, signal: AbortSignal): Promise<string> | string | null
  items(iq: Iq, signal: AbortSignal): Promise<string> | string | null
}

/** What the router needs of a stream; kit/stream's fulfils it. */
export type Link = {
  /** False: nothing was written. */
  send(xml: string): boolean
  /** An answer: kept for the next connection if this one is down. */
  reply(xml: string): void
}

/** What the router wants to be told. The promise of `take` settles when the stanza is no longer in work. */
export type LinkEvents = {
  take(received: ReadStanza): Promise<void> | undefined
  down(reason: string): void
}

/** One line with fields; never the text of a stanza. */
export type RouterLog = Record<'warn' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>

export type RouterOptions = {
  domain: string
  routes: readonly IqRoute[]
  /** Who this is, for XEP-0030 and XEP-0092. */
  identity: Identity
  software: SoftwareVersion
  /** Beside the namespaces of the routes that are not `hidden`. */
  features?: readonly string[]
  nodes?: Nodes
  items?: () => readonly DiscoItem[]
  /** Asked first. */
  disco?: Discovery
  /** Messages and presences but errors; a StanzaError is sent back. Without a handler messages get service-unavailable. */
  message?: (message: StanzaOf<'message'>, received: ReadStanza) => void | Promise<void>
  presence?: (presence: StanzaOf<'presence'>, received: ReadStanza) => void | Promise<void>
  /** Messages and presences of type error, which nobody answers. */
  bounced?: (stanza: StanzaOf<'message' | 'presence'>) => void
  log: RouterLog
  answerWithinMs?: number
  /** Bounds: stanzas in work at once, those waiting of one sender, our own requests without an answer. */
  most?: Partial<RouterBounds>
}

export type RouterBounds = { inWork: number; perSender: number; requests: number }

export const DEFAULT_BOUNDS: RouterBounds = { inWork: 10_000, perSender: 200, requests: 10_000 }

export type RouterCounts = {
  results: number
  errors: number
  /** Answers of handlers that came after their deadline; the sender had its error already. */
  late: number
  /** Stanzas without a usable sender or with one that may not be answered. */
  unanswerable: number
}

export type Router<L extends Link = Link> = {
  readonly stream: L
  readonly counts: Readonly<RouterCounts>
  /** Stanzas whose handlers are at work or wait their turn. */
  inWork(): number
  /**
   * An iq of ours; resolves with the element of the result, rejects with the StanzaError of the answer, with
   * wait/remote-server-timeout after `timeoutMs`, or wait/recipient-unavailable when the stream is (or goes) down.
   */
  request(to: string, payloadXml: string, options: { timeoutMs: number; type?: 'get' | 'set' }): Promise<Element>
}
