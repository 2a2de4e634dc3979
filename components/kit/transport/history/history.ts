// SPDX-License-Identifier: Apache-2.0
// What a transport keeps: who is in which room, and what was said there. A message that is kept can be found again by its own id, by the one
// its sender gave it, and by the network's.
import { openStore, type Store } from '../../store/store.ts'
import type { Found, PlacedMessage, StoredMessage, StoredSeat, TransportOperations, Wanted } from './operations.ts'

export const HISTORY_WORKER = new URL('./history-worker.ts', import.meta.url)

export type HistoryOptions = {
  path: string
  keepMs: number
  mostPerRoom: number
  now(): number
  /** Something could not be kept: the disk is full, or too much waits. */
  failed(what: 'message' | 'seat' | 'trim', error: unknown): void
  worker?: URL
}

export type History = AsyncDisposable & {
  /** Returns at once; what is asked below sees it. */
  keep(room: string, message: StoredMessage): void
  link(room: string, id: string, foreign: readonly string[]): void
  replace(room: string, id: string, payload: string): void
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

export async function openHistory(options: HistoryOptions): Promise<History> {
  const { path, keepMs, mostPerRoom, now, failed } = options
  const store: Store<TransportOperations> = await openStore<TransportOperations>(options.worker ?? HISTORY_WORKER, {
    path,
  })
  let last: Promise<unknown> = Promise.resolve()
  // Writes go in order, so the last one that resolved says it of all before.
  const written = (what: 'message' | 'seat', work: Promise<unknown>) => {
    last = work.catch((error: unknown) => failed(what, error))
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
    await last
    await store.close()
  }
  return {
    keep(room, message) {
      if (mostPerRoom > 0) written('message', store.write('keep', { room, message }))
    },
    link: (room, id, foreign) => written('message', store.write('link', { room, id, foreign })),
    replace: (_room, id, payload) => written('message', store.write('replace', { id, payload })),
    keepSeat: (seat) => written('seat', store.write('keepSeat', seat)),
    dropSeat: (seat) => written('seat', store.write('dropSeat', seat)),
    async seats() {
      await last
      return store.read('seats', null)
    },
    async recent(room, most) {
      await last
      return store.read('recent', { room, most })
    },
    async byId(room, id) {
      await last
      return store.read('byId', { room, id })
    },
    async byMid(room, owner, mid) {
      await last
      return store.read('byMid', { room, owner, mid })
    },
    async byForeign(room, id) {
      await last
      return store.read('byForeign', { room, id })
    },
    async find(wanted) {
      await last
      return store.read('find', wanted)
    },
    async ends(room) {
      await last
      return store.read('ends', { room })
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
