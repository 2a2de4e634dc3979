// SPDX-License-Identifier: Apache-2.0
// A component's stream to its server, XEP-0114 (1.6), as the rest of the suite sees it. @xmpp/component stands behind it.
import type { Element } from '../xml/element.ts'

/** A stanza as it came: the parsed element, and the very text it stood in on the stream (and its forwarded parts). */
export type Received = {
  element: Element
  raw: string
  /** The source text of a child of a XEP-0297 `forwarded` in this stanza; null for any other element. */
  slice(child: Element): string | null
}

export type StreamState = 'connecting' | 'up' | 'down' | 'closed'

export type Stream = AsyncDisposable & {
  readonly domain: string
  readonly state: StreamState
  /** Why it is not up, and what the operator can do about it; null while it is up, and before the first attempt has failed. */
  readonly trouble: string | null
  readonly counts: Readonly<StreamCounts>
  /**
   * Writes one stanza, already serialised. False: the stream is down or its queue is full, nothing was written (counted). Those of one `row`
   * (of one recipient, say) stay in order among themselves, but may pass those of other rows that are written at the same time.
   */
  send(xml: string, row?: object): boolean
  /** What was sent so far goes now, not together with what else is said at once. */
  flush(): void
  /**
   * Sends an answer; if the stream is down it waits in a bounded outbox for the next connection, and is counted as lost when
   * the box is over its bound or its time.
   */
  reply(xml: string): void
  /** Resolves at the first time the stream is up. */
  ready(signal?: AbortSignal): Promise<void>
  /** Takes nothing new, writes what is queued, closes; bounded by the signal. */
  drain(signal: AbortSignal): Promise<void>
}

/** What the stream tells. `take` returns a promise when it wants the stream to count the stanza as in work (back-pressure). */
export type StreamEvents = {
  take(received: Received): Promise<void> | undefined
  up?(): void
  down?(reason: string): void
  /** What was sent goes to the server now: what must be kept before anybody sees it is kept here. */
  writing?(): void
}

/** Counters the stream keeps; the process turns them into metrics. */
export type StreamCounts = {
  received: number
  sent: number
  /** Answers that will not be sent (again): the outbox was full, or they were too old. A few of them may have been read before. */
  lostReplies: number
  /** Answers sent again after a reconnect, because nothing showed that the server had read them. */
  repeatedReplies: number
  /** `send` returned false. */
  refusedSends: number
  reconnects: number
  /** Connections ended because of what came over them: bad XML, limits, a stream error, silence. */
  faults: number
  /** Times reading was paused: the server did not read, or too much was in work. */
  pauses: number
}

/** One line with fields; never the text of a stanza. The process hands its own in. */
export type StreamLog = Record<
  'info' | 'warn' | 'error',
  (event: string, fields?: Readonly<Record<string, unknown>>) => void
>

/** Time as the stream sees it; tests hand in their own. `after` gives the function that cancels. */
export type Clock = {
  now(): number
  after(ms: number, act: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
}
