// SPDX-License-Identifier: Apache-2.0
// What a transport keeps: who is in which room, and what was said there. A message that is kept can be found again by its own id, by the one
// its sender gave it, and by the network's.
import { openStore, type Store } from '../../store/store.ts'
import type { Thread } from '../../store/thread.ts'
import type {
  Found,
  Note,
  PlacedMessage,
  StoredMessage,
  StoredSeat,
  TransportOperations,
  Wanted,
} from './operations.ts'

export const HISTORY_WORKER = new URL('./history-worker.ts', import.meta.url)

export type HistoryOptions = {
  path: string
  keepMs: number
  mostPerRoom: number
  now(): number
  /** Something could not be kept: the disk is full, or too much waits. */
  failed(what: 'message' | 'seat' | 'trim', error: unknown): void
  thread?: Thread
  worker?: URL
}

export type History = AsyncDisposable & {
  /** Returns at once; what is asked below sees it. */
  keep(room: string, message: StoredMessage): void
  link(room: string, id: string, foreign: readonly string[]): void
  replace(id: string, payload: string): void
  keepSeat(seat: StoredSeat): void
  dropSeat(seat: Pick<StoredSeat, 'owner' | 'network' | 'key'>): void
  seats(): Promise<readonly StoredSeat[]>
  recent(room: string, most: number): Promise<readonly PlacedMessage[]>
  byId(room: string, id: string): Promise<PlacedMessage | null>
  byMid(room: string, owner: string, mid: string): Promise<PlacedMessage | null>
  byForeign(room: string, id: string): Promise<PlacedMessage | null>
  find(wanted: Wanted): Promise<Found>
  ends(room: string): Promise<readonly { id: string; at: number }[]>
  close(): Promise<void>
}

const TRIM_EVERY_MS = 60 * 60_000
const TRIMMED_AT_ONCE = 1000
/** Messages that wait to be kept; the store is much slower than the network, or its disk is full. */
const NOTES_MOST = 20_000

export async function openHistory(options: HistoryOptions): Promise<History> {
  const { path, keepMs, mostPerRoom, now, failed } = options
  const store: Store<TransportOperations> = await openStore<TransportOperations>(options.worker ?? HISTORY_WORKER, {
    path,
    readers: 0,
    ...(options.thread && { thread: options.thread }),
  })
  let last: Promise<unknown> = Promise.resolve()
  let notes: Note[] = []
  let onItsWay = 0
  const writeNotes = () => {
    if (notes.length === 0) return
    const written = notes
    notes = []
    onItsWay += written.length
    last = store
      .write('apply', written)
      .catch((error: unknown) => failed('message', error))
      .finally(() => {
        onItsWay -= written.length
      })
  }
  /** One write for all that one turn of the loop has to keep: a message to the thread costs more than what stands in it. */
  const note = (one: Note) => {
    if (onItsWay + notes.length >= NOTES_MOST) {
      failed('message', new Error('too much waits to be kept'))
      return
    }
    if (notes.length === 0) setImmediate(writeNotes)
    notes.push(one)
  }
  /** What is asked sees all that was kept before. */
  const ready = async () => {
    writeNotes()
    await last
  }
  const writeSeat = (work: Promise<unknown>) => {
    work.catch((error: unknown) => failed('seat', error))
  }
  let trimming: Promise<void> = Promise.resolve()
  let closing = false
  const trim = () => {
    trimming = trimming.then(async () => {
      try {
        let gone = TRIMMED_AT_ONCE
        while (gone === TRIMMED_AT_ONCE && !closing)
          gone = await store.write('trim', { before: now() - keepMs, mostPerRoom, atOnce: TRIMMED_AT_ONCE })
      } catch (error) {
        if (!closing) failed('trim', error)
      }
    })
  }
  const timer = setInterval(trim, TRIM_EVERY_MS)
  timer.unref()
  trim()
  const close = async () => {
    closing = true
    clearInterval(timer)
    await trimming
    await ready()
    await store.close()
  }
  return {
    keep(room, message) {
      if (mostPerRoom > 0) note({ note: 'keep', room, message })
    },
    link: (room, id, foreign) => note({ note: 'link', room, id, foreign }),
    replace: (id, payload) => note({ note: 'replace', id, payload }),
    keepSeat: (seat) => writeSeat(store.write('keepSeat', seat)),
    dropSeat: (seat) => writeSeat(store.write('dropSeat', seat)),
    async seats() {
      await ready()
      return store.write('seats', null)
    },
    async recent(room, most) {
      await ready()
      return store.write('recent', { room, most })
    },
    async byId(room, id) {
      await ready()
      return store.write('byId', { room, id })
    },
    async byMid(room, owner, mid) {
      await ready()
      return store.write('byMid', { room, owner, mid })
    },
    async byForeign(room, id) {
      await ready()
      return store.write('byForeign', { room, id })
    },
    async find(wanted) {
      await ready()
      return store.write('find', wanted)
    },
    async ends(room) {
      await ready()
      return store.write('ends', { room })
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
