// SPDX-License-Identifier: Apache-2.0
// What a transport keeps: who is in which room, and what was said there. A message that is kept can be found again by its own id, by the one
// its sender gave it, and by the network's.
import { openStore, type Store } from '../../store/store.ts'
import type { Thread } from '../../store/thread.ts'
import { type Ahead, openAhead, readAhead } from './ahead.ts'
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
  /** Something could not be kept, such as with a full disk. */
  failed(what: 'message' | 'trim', error: unknown): void
  /** True: more waits to be kept than should, nothing more must come; false: it may again. */
  pressed?(isPressed: boolean): void
  /** Pieces of what was written ahead that a power cut left. */
  torn?(pieces: number): void
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
  /** What was kept so far outlives the process from here on: to be called before anybody is shown it. */
  ahead(): void
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
/** So long is gathered for one commit: the file written ahead holds it meanwhile. */
const COMMIT_MS = 50
/** Of those a start finds. */
const APPLIED_AT_ONCE = 1000
/** Notes that wait to be kept: more is too much, until half of it is done. */
const PRESSED = 10_000

export async function openHistory(options: HistoryOptions): Promise<History> {
  const { path, keepMs, mostPerRoom, now, failed } = options
  const store: Store<TransportOperations> = await openStore<TransportOperations>(options.worker ?? HISTORY_WORKER, {
    path,
    readers: 0,
    ...(options.thread && { thread: options.thread }),
  })
  const ahead = await openAheadOf(store, options)
  let last: Promise<unknown> = Promise.resolve()
  /** Lines that are not in the file ahead yet; and those that are and have not been handed to the store. */
  let said = ''
  let saidCount = 0
  let waiting = ''
  let waitingCount = 0
  let onItsWay = 0
  let isPressed = false
  let timer: NodeJS.Timeout | null = null
  const press = () => {
    const all = onItsWay + waitingCount + saidCount
    const is = all >= (isPressed ? PRESSED / 2 : PRESSED)
    if (is === isPressed) return
    isPressed = is
    options.pressed?.(is)
  }
  const writeAhead = () => {
    if (said === '') return
    try {
      ahead.append(said, saidCount)
    } catch (error) {
      // The store may still take it; what is shown now is not promised to outlive us.
      failed('message', error)
    }
    waiting += said
    waitingCount += saidCount
    said = ''
    saidCount = 0
  }
  const commit = () => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    writeAhead()
    if (waiting === '') return
    const [lines, count, upTo] = [waiting, waitingCount, ahead.last]
    waiting = ''
    waitingCount = 0
    onItsWay += count
    last = store
      .write('apply', { lines, upTo })
      .then(
        () => ahead.committed(upTo),
        (error: unknown) => failed('message', error),
      )
      .finally(() => {
        onItsWay -= count
        press()
      })
  }
  const note = (one: Note) => {
    said += `${JSON.stringify(one)}\n`
    saidCount++
    timer ??= setTimeout(commit, COMMIT_MS)
    press()
  }
  /** What is asked sees all that was kept before. */
  const ready = async () => {
    commit()
    await last
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
  const trimTimer = setInterval(trim, TRIM_EVERY_MS)
  trimTimer.unref()
  trim()
  const close = async () => {
    closing = true
    clearInterval(trimTimer)
    await trimming
    await ready()
    await store.close()
    ahead.close()
  }
  return {
    keep(room, message) {
      if (mostPerRoom > 0) note({ note: 'keep', room, message })
    },
    link: (room, id, foreign) => note({ note: 'link', room, id, foreign }),
    replace: (id, payload) => note({ note: 'replace', id, payload }),
    keepSeat: (seat) => note({ note: 'seat', seat }),
    dropSeat: ({ owner, network, key }) => note({ note: 'unseat', seat: { owner, network, key } }),
    ahead: writeAhead,
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

async function openAheadOf(store: Store<TransportOperations>, options: HistoryOptions): Promise<Ahead> {
  try {
    return openAhead(options.path, await catchUp(store, options))
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What an earlier run had shown and the store had not yet. Gives the number of the last line there was. */
async function catchUp(store: Store<TransportOperations>, { path, torn, failed }: HistoryOptions): Promise<number> {
  const applied = await store.write('applied', null)
  const left = readAhead(path)
  if (left.torn > 0) torn?.(left.torn)
  const lines = left.lines.filter(({ n }) => n > applied)
  for (let at = 0; at < lines.length; at += APPLIED_AT_ONCE) {
    const some = lines.slice(at, at + APPLIED_AT_ONCE)
    const upTo = some.at(-1)?.n ?? applied
    try {
      await store.write('apply', { lines: some.map(({ line }) => `${line}\n`).join(''), upTo })
    } catch (error) {
      failed('message', error)
    }
  }
  return Math.max(applied, left.lines.at(-1)?.n ?? 0)
}
