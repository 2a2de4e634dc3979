// SPDX-License-Identifier: Apache-2.0
// One client of one of our people in one room: what is sent to it goes in order, also while it is still being told who is there, and while
// the stream takes nothing.
import { escapeAttribute } from '../../xml/writer.ts'
import type { Rest } from './writing.ts'

/** Stanzas of one `row` stay in order; they may pass others. */
export type Link = {
  send(xml: string, row?: object): boolean
  /** What was sent so far goes now, not with all else that this turn of the loop brings. */
  flush?(): void
}

/** The room as this client writes its address; clients that write it alike share what is made for them. */
export type Face = { readonly jid: string; readonly escaped: string }

export type ClientOptions = {
  jid: string
  /** The bare address. */
  owner: string
  language: string
  face: Face
  /** The nick it asked for: its pings go there, whatever the network made of it. */
  asked: string
  link(): Link | null
  /** So many stanzas wait at most. */
  most: number
  /** More waited: it cannot be told the truth about the room any more. */
  overrun(client: Client): void
}

/** How long is waited until a stream that took nothing is tried again. */
const AGAIN_MS = 20
/** Stanzas of a stream of them that one turn of the loop writes. */
const A_TURN = 512

export class Client {
  readonly jid: string
  readonly owner: string
  readonly face: Face
  /** The nick it wants to have: its pings go there, whatever the network made of it. */
  asked: string
  language: string
  /** In: whatever the room tells is for this client too. */
  isIn = false
  isGone = false
  readonly #message: string
  readonly #presence: string
  readonly #options: ClientOptions
  #queue: string[] = []
  /** Presences that are made only when there is room for them: occupants of a large room. They go before the queue. */
  readonly #sources: Iterator<Rest>[] = []
  /** The one of them that was made and not taken. */
  #untaken: string | null = null
  #cancel: (() => void) | null = null

  constructor(options: ClientOptions) {
    this.#options = options
    this.jid = options.jid
    this.owner = options.owner
    this.face = options.face
    this.asked = options.asked
    this.language = options.language
    const to = escapeAttribute(options.jid)
    this.#message = `<message to='${to}'`
    this.#presence = `<presence to='${to}'`
  }

  get waiting(): number {
    return this.#queue.length
  }

  message(rest: Rest): void {
    this.#put(this.#message + rest)
  }

  presence(rest: Rest): void {
    this.#put(this.#presence + rest)
  }

  /**
   * All of these presences, made one by one as the stream takes them, before anything that is put. One that has ended is given again where
   * it has more.
   */
  presences(rests: Iterator<Rest>): void {
    if (this.isGone) return
    if (this.#sources.at(-1) !== rests) this.#sources.push(rests)
    if (this.#cancel === null) this.#pump()
  }

  /** Nothing more is sent. */
  drop(): void {
    this.isGone = true
    this.isIn = false
    this.#queue = []
    this.#sources.length = 0
    this.#untaken = null
    this.#cancel?.()
    this.#cancel = null
  }

  #put(xml: string): void {
    if (this.isGone) return
    const isNext = this.#sources.length === 0 && this.#untaken === null && this.#queue.length === 0
    if (isNext && this.#options.link()?.send(xml, this) === true) return
    this.#queue.push(xml)
    if (this.#queue.length > this.#options.most) this.#options.overrun(this)
    else this.#later(AGAIN_MS)
  }

  #pump(): void {
    this.#cancel = null
    const link = this.#options.link()
    if (link === null) {
      this.#later(AGAIN_MS)
      return
    }
    for (let left = A_TURN; left > 0; left--) {
      const xml = this.#untaken ?? this.#next()
      if (xml === null) break
      this.#untaken = link.send(xml, this) ? null : xml
      if (this.#untaken === null) continue
      this.#later(AGAIN_MS)
      return
    }
    if (this.#sources.length > 0) {
      const turn = setImmediate(() => this.#pump())
      this.#cancel = () => clearImmediate(turn)
      return
    }
    let sent = 0
    while (sent < this.#queue.length && link.send(this.#queue[sent] as string, this)) sent++
    if (sent > 0) this.#queue.splice(0, sent)
    if (this.#queue.length > 0) this.#later(AGAIN_MS)
  }

  #next(): string | null {
    for (let source = this.#sources[0]; source !== undefined; source = this.#sources[0]) {
      const { done, value } = source.next()
      if (done !== true) return this.#presence + value
      this.#sources.shift()
    }
    return null
  }

  #later(ms: number): void {
    if (this.isGone || this.#cancel !== null) return
    const timer = setTimeout(() => this.#pump(), ms)
    timer.unref()
    this.#cancel = () => clearTimeout(timer)
  }
}
