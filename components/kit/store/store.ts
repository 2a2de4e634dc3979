// SPDX-License-Identifier: Apache-2.0
// A store: a SQLite file whose worker threads run the named operations of a component's worker module (see serve.ts).
// WAL, synchronous=FULL, group commit: a write that resolved is on disk.
import { existsSync } from 'node:fs'
import { StoreFault } from './faults.ts'
import { Line } from './line.ts'
import type { ArgsOf, Operations, ResultOf, RowOf } from './operations.ts'
import type { Thread } from './thread.ts'
import { workerUrl } from './worker-url.ts'

export type StoreOptions = {
  path: string
  /** Calls under way and waiting, for writes and for each reader; one more is refused with StoreBusy. Default 10,000. */
  maxWaiting?: number
  /** Threads that read; a search that takes long holds up only the others on its thread. Default 1. */
  readers?: number
  /** Where writes run, beside what else runs there. Default: on a thread of their own. */
  thread?: Thread
  /** Overwrites what is deleted with zeros (PRAGMA secure_delete). Default false. */
  secureDelete?: boolean
}

type Name<T> = Extract<keyof T, string>

export type Store<O extends Operations> = AsyncDisposable & {
  readonly path: string
  /** Version of the schema in the file. */
  readonly version: number
  /** Runs a write in the next group; resolves after its commit is on disk. Rejects with StoreFull, StoreBusy or StoreFault; then nothing of it is kept. */
  write<K extends Name<O['write']>>(name: K, args: ArgsOf<O['write'][K]>): Promise<ResultOf<O['write'][K]>>
  /** Runs a read; it sees every write that had resolved before. */
  read<K extends Name<O['read']>>(name: K, args: ArgsOf<O['read'][K]>): Promise<ResultOf<O['read'][K]>>
  /** Rows in batches of at most `batch`; the next batch is read only when it is asked for. Stopping early closes the query. */
  stream<K extends Name<O['stream']>>(
    name: K,
    args: ArgsOf<O['stream'][K]>,
    options: { batch: number },
  ): AsyncIterable<readonly RowOf<O['stream'][K]>[]>
  /**
   * Copies the file (or `from`, another one that the worker writes) as it is at one moment, while writes go on. The target must not
   * exist; it appears when it is whole.
   */
  backup(target: string, from?: string): Promise<void>
  /** Finishes what is queued, then closes; calls after it are refused. */
  close(): Promise<void>
}

/** Opens (or makes) the file and brings it to the newest schema. Rejects with StoreVersion, StoreFull or StoreFault. */
export async function openStore<O extends Operations>(worker: URL, options: StoreOptions): Promise<Store<O>> {
  const url = workerUrl(worker)
  const setup = { path: options.path, secureDelete: options.secureDelete ?? false, busyMs: 5000 }
  const maxWaiting = options.maxWaiting ?? 10_000
  const writer = new Line(url, { ...setup, role: 'writer' }, maxWaiting, options.thread)
  const version = await writer.ready
  const readers: Line[] = []
  try {
    for (let made = 0; made < (options.readers ?? 1); made++) {
      const reader = new Line(url, { ...setup, role: 'reader' }, maxWaiting)
      readers.push(reader)
      await reader.ready
    }
  } catch (error) {
    await Promise.allSettled([writer, ...readers].map((line) => line.close()))
    throw error
  }
  return storeOf<O>(url, { ...setup, version }, writer, readers)
}

function storeOf<O extends Operations>(
  url: URL,
  setup: { path: string; secureDelete: boolean; busyMs: number; version: number },
  writer: Line,
  readers: readonly Line[],
): Store<O> {
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    // The writer goes last: the last connection to close folds the -wal file into the database.
    closing ??= Promise.allSettled(readers.map((reader) => reader.close())).then(async (closed) => {
      await writer.close()
      const failed = closed.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    })
    return closing
  }
  return {
    path: setup.path,
    version: setup.version,
    write(name, args) {
      // The writer's own line closes after the readers'.
      if (closing !== undefined) return Promise.reject(new StoreFault(`the store ${setup.path} is closing`))
      return writer.call(name, args) as never
    },
    read: (name, args) => leastBusy(readers).call(name, args) as never,
    stream: (name, args, { batch }) => leastBusy(readers).stream(name, args, batch) as never,
    async backup(target, from = setup.path) {
      if (existsSync(target)) throw new StoreFault(`backup: ${target} exists already`)
      // A thread of its own: the copy of a large file must not hold up reads.
      const line = new Line(url, { ...setup, path: from, role: 'backup' }, 1)
      await line.ready
      try {
        await line.backup(target)
      } finally {
        await line.close()
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function leastBusy(readers: readonly Line[]): Line {
  let best = readers[0]
  for (const reader of readers) if (best === undefined || reader.waiting < best.waiting) best = reader
  if (best === undefined) throw new StoreFault('the store was opened without readers')
  return best
}
