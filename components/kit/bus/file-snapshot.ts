// SPDX-License-Identifier: Apache-2.0
// The writer's side of the snapshot's engine `file`. Page: SNAPSHOT.md.
import { isFull, StoreFull } from '../store/faults.ts'
import { openStore, type Store } from '../store/store.ts'
import { lock } from './open-segment.ts'
import { whyNotOpened } from './owner.ts'
import { Rope } from './rope.ts'
import { makeFile, makeFolder } from './segments.ts'
import {
  type Change,
  type Item,
  SnapshotFault,
  SnapshotFull,
  type SnapshotState,
  type SnapshotWriter,
} from './snapshot.ts'
import { snapshotPath } from './snapshot-folder.ts'
import type { operations, Part } from './snapshot-operations.ts'

export type FileSnapshotOptions = {
  /** How long removed items are remembered for readers that were away. Default 7 days. */
  keepMs?: number
  /** How many of them at most. Default 100,000. */
  keepMost?: number
}

const KEEP_MS = 7 * 86_400_000
const KEEP_MOST = 100_000
/** Items go to the thread that writes in parts of this size: what is gathered of a large company is never in memory at once. */
const PART_ITEMS = 500
const PART_CHARACTERS = 4 << 20
const MAX_KEY = 1024
const MAX_BODY = 4 << 20
const WAITING = 100

/** Opens the snapshot in this folder for writing, or makes it. One writer at a time. Rejects with SnapshotFault or SnapshotFull. */
export async function openSnapshotWriter(folder: string, options: FileSnapshotOptions = {}): Promise<SnapshotWriter> {
  const { keepMs = KEEP_MS, keepMost = KEEP_MOST } = options
  await using opened = new AsyncDisposableStack()
  try {
    makeFolder(folder)
    const held = lock(folder, 'snapshot')
    opened.defer(() => held.close())
    const rope = new Rope(folder)
    opened.defer(() => rope.close())
    const path = snapshotPath(folder)
    // With this mode from the beginning: SQLite gives its files beside it the same.
    makeFile(path)
    const store = await openStore<typeof operations>(new URL('./snapshot-worker.ts', import.meta.url), {
      path,
      readers: 0,
    })
    opened.use(store)
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')
    const state = await store.write('begin', { id, at: Date.now(), path })
    if (state === null) throw new SnapshotFault(`${path} cannot be made`)
    rope.pull(state.seq)
    return new FileSnapshot(store, rope, { keepMs, keepMost }, opened.move())
  } catch (error) {
    throw faultOf(error, whyNotOpened(folder, error))
  }
}

class FileSnapshot implements SnapshotWriter {
  readonly #store: Store<typeof operations>
  readonly #rope: Rope
  readonly #keep: { keepMs: number; keepMost: number }
  readonly #opened: AsyncDisposableStack
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #closed = false

  constructor(
    store: Store<typeof operations>,
    rope: Rope,
    keep: { keepMs: number; keepMost: number },
    opened: AsyncDisposableStack,
  ) {
    this.#store = store
    this.#rope = rope
    this.#keep = keep
    this.#opened = opened
  }

  put({ put = [], remove = [] }: Change): Promise<{ seq: number }> {
    return this.#inTurn(() => this.#publish(put, remove, false))
  }

  replace(items: AsyncIterable<Item> | Iterable<Item>): Promise<{ seq: number }> {
    return this.#inTurn(() => this.#publish(items, [], true))
  }

  state(): Promise<SnapshotState> {
    return this.#inTurn(async () => {
      const state = await this.#store.write('state', this.#store.path)
      if (state === null) throw new SnapshotFault(`${this.#store.path} is empty`)
      return state
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#turn
    await this.#opened.disposeAsync()
  }

  async #publish(
    items: AsyncIterable<Item> | Iterable<Item>,
    remove: Iterable<string>,
    whole: boolean,
  ): Promise<{ seq: number }> {
    let anew = true
    for await (const part of partsOf(items, remove)) {
      await this.#store.write('gather', { part, anew })
      anew = false
    }
    if (anew) await this.#store.write('gather', { part: { put: [], remove: [] }, anew })
    const seq = await this.#store.write('publish', { whole, at: Date.now(), ...this.#keep })
    this.#rope.pull(seq)
    return { seq }
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new SnapshotFault(`the snapshot ${this.#store.path} is closed`))
    if (this.#waiting >= WAITING)
      return Promise.reject(new SnapshotFault(`${WAITING} calls are waiting for ${this.#store.path}`))
    this.#waiting++
    const done = this.#turn.then(step).catch((error: unknown) => {
      throw faultOf(
        error,
        `the snapshot ${this.#store.path}: ${error instanceof Error ? error.message : String(error)}`,
      )
    })
    this.#turn = done.then(
      () => this.#waiting--,
      () => this.#waiting--,
    )
    return done
  }
}

async function* partsOf(
  items: AsyncIterable<Item> | Iterable<Item>,
  remove: Iterable<string>,
): AsyncGenerator<Part, void, undefined> {
  let put: (string | number)[] = []
  let characters = 0
  for await (const item of items) {
    checkItem(item)
    put.push(item.key, item.kind, item.version, item.body)
    characters += item.body.length
    if (put.length < PART_ITEMS * 4 && characters < PART_CHARACTERS) continue
    yield { put, remove: [] }
    put = []
    characters = 0
  }
  if (put.length > 0) yield { put, remove: [] }
  let keys: string[] = []
  for (const key of remove) {
    keys.push(key)
    if (keys.length < PART_ITEMS) continue
    yield { put: [], remove: keys }
    keys = []
  }
  if (keys.length > 0) yield { put: [], remove: keys }
}

function checkItem({ key, kind, version, body }: Item): void {
  if (typeof key !== 'string' || typeof kind !== 'string' || typeof body !== 'string' || !Number.isSafeInteger(version))
    throw new SnapshotFault('an item is {key: text, kind: text, version: whole number, body: text}')
  if (key === '' || key.length > MAX_KEY) throw new SnapshotFault(`a key has 1 to ${MAX_KEY} characters`)
  if (body.length > MAX_BODY) throw new SnapshotFault(`${key} has more than ${MAX_BODY} characters`)
}

function faultOf(error: unknown, message: string): Error {
  if (error instanceof SnapshotFault || error instanceof SnapshotFull) return error
  return error instanceof StoreFull || isFull(error)
    ? new SnapshotFull(message, { cause: error })
    : new SnapshotFault(message, { cause: error })
}
