// SPDX-License-Identifier: Apache-2.0
// What our people said and got no answer to yet: neither is it at the network for certain, nor were they told that it is not. Whoever is left
// without an answer by the end of the process gets an error from the next one.
import { StoreVersion } from '../../store/faults.ts'
import type { Catalogue } from '../../text/catalogue.ts'
import { readMarker } from '../../xep/markers.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { writeError } from '../../xmpp/stanza-error.ts'
import { restarted } from '../faults.ts'
import type { Counts, House } from '../rooms/house.ts'
import { answeredLine, type LeftOver, lineOf, openUnansweredFile, readLeftOver, type Taken } from './file.ts'

export type UnansweredOptions = {
  path: string
  /** Of what an earlier run left: it was answered after all, or there is nobody to answer. */
  isAnswered(taken: Taken): Promise<boolean>
  text: Catalogue
  log: House['log']
  counts: Pick<Counts, 'unnoted' | 'unanswered'>
  now(): number
  send(xml: string): boolean
}

export type Unanswered = {
  /** Until `work` is settled the message has no answer; the error of one that rejects is sent by the router. Gives `work`. */
  follow(message: StanzaOf<'message'>, work: void | Promise<void>): void | Promise<void>
  /** The stream is up: errors reach people. */
  up(): void
  down(): void
  /** After the stream's drain. What is still without an answer stays for the next start. */
  close(): void
}

/** Of those that were answered: they are gathered for one write. Who is killed meanwhile leaves errors which say that it may have been said. */
const GATHERED_MS = 50
const LOGGED_AGAIN_MS = 60_000

export async function openUnanswered(options: UnansweredOptions): Promise<Unanswered> {
  const { path, text, now, send } = options
  const failed = notNoted(options)
  const { last: lastLeft, left: found } = await leftOver(options)
  const open = new Map(found.map((one) => [one.n, one]))
  const left = new Map(open)
  const file = openUnansweredFile(path, () => open.values())
  let last = lastLeft
  let written = last
  /** Not written down yet. */
  let fresh: Taken[] = []
  let answered: number[] = []
  /** The error to these was handed to the stream, which has it in memory. */
  const refused = new Set<number>()
  let isUp = false
  let isClosed = false
  let timer: NodeJS.Timeout | null = null

  /** These lines, and all that was answered until now. */
  function add(lines: string, count: number): void {
    if (isClosed) return
    const gone = answered.length === 0 ? '' : answeredLine(answered)
    for (const n of answered) {
      open.delete(n)
      left.delete(n)
    }
    answered = []
    // Nothing to wake up for.
    if (refused.size === 0 && timer !== null) {
      clearTimeout(timer)
      timer = null
    }
    try {
      file.add(gone + lines)
    } catch (error) {
      failed(count, error)
    }
  }

  function write(): void {
    const some = fresh.filter(({ n }) => open.has(n))
    fresh = []
    written = last
    if (some.length > 0) add(some.map(lineOf).join(''), some.length)
  }

  function settle(): void {
    timer = null
    // While the stream is down the errors wait in memory.
    if (isUp) {
      answered.push(...refused)
      refused.clear()
    }
    write()
    if (answered.length > 0) add('', 0)
  }

  function settleSoon(): void {
    if (!isClosed) timer ??= setTimeout(settle, GATHERED_MS)
  }

  function wasAnswered(n: number): void {
    if (n > written) {
      open.delete(n)
      return
    }
    answered.push(n)
    settleSoon()
  }

  function wasRefused(n: number): void {
    refused.add(n)
    settleSoon()
  }

  return {
    follow(message, work) {
      if (!(work instanceof Promise) || readMarker(message.element) !== null) return work
      const { from, to, id, type, language } = message
      const n = ++last
      const taken = { n, from, to, id, type, language, at: now() }
      open.set(n, taken)
      // What is answered in the same turn of the loop is never written.
      if (fresh.push(taken) === 1) setImmediate(write)
      work.then(
        () => wasAnswered(n),
        () => wasRefused(n),
      )
      return work
    },
    up() {
      isUp = true
      for (const one of left.values()) if (send(writeUnanswered(one, text))) refused.add(one.n)
      settleSoon()
    },
    down() {
      isUp = false
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      settle()
      isClosed = true
      file.close()
    },
  }
}

/** The disk is full, say: all goes on, and of what cannot be noted nobody would tell after the end of the process. */
function notNoted({ log, counts, now }: UnansweredOptions): (count: number, error: unknown) => void {
  let loggedAt = Number.NEGATIVE_INFINITY
  return (count, error) => {
    counts.unnoted += count
    if (now() - loggedAt < LOGGED_AGAIN_MS) return
    loggedAt = now()
    log.error('what has no answer yet could not be noted', { error })
  }
}

async function leftOver({ path, isAnswered, log, counts }: UnansweredOptions): Promise<LeftOver> {
  const found = read()
  if (found.torn > 0) log.error('a part of what had no answer before the end is lost', { pieces: found.torn })
  const left: Taken[] = []
  for (const one of found.left) {
    const is = await isAnswered(one).catch((error: unknown) => {
      log.warn('history could not be asked', { error })
      return false
    })
    if (!is) left.push(one)
  }
  const [oldest] = left
  if (oldest !== undefined)
    log.warn('messages had no answer when the process ended: their senders are told', {
      count: left.length,
      since: new Date(oldest.at).toISOString(),
    })
  counts.unanswered += left.length
  return { ...found, left }

  /** A file that cannot be read keeps nobody from his work; one of a newer program is not thrown away. */
  function read(): LeftOver {
    try {
      return readLeftOver(path)
    } catch (error) {
      if (error instanceof StoreVersion) throw error
      log.error('what had no answer before the end could not be read', { error })
      return { left: [], last: 0, torn: 0 }
    }
  }
}

/** RFC 6120 §8.3: from where it was written to, with the id that it had. */
function writeUnanswered({ from, to, id, language }: Taken, text: Catalogue): string {
  const named = id === '' ? '' : ` id='${escapeAttribute(id)}'`
  return `<message type='error'${named} from='${escapeAttribute(to)}' to='${escapeAttribute(from)}'>${writeError(restarted(text), language || 'en')}</message>`
}
