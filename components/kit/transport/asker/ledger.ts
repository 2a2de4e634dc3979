// SPDX-License-Identifier: Apache-2.0
// An asker's numbers and what it owes, on disk before they count: PROTOCOL.md sections 3 and 4.
import { randomBytes } from 'node:crypto'
import { openStore, type Store } from '../../store/store.ts'
import type { Held, Owed, operations } from './ledger-operations.ts'
import { writeSource } from './writing.ts'

export const LEDGER_WORKER = new URL('./ledger-worker.ts', import.meta.url)

/** Numbers that are on disk before the first of them is used. */
const BLOCK = 1_000
/** The next block is asked for when so few are left. */
const AHEAD = 250

export type LedgerOptions = {
  path: string
  domain: string
  node: string
  software: string
  now(): number
  worker?: URL
}

export async function openLedger({
  path,
  domain,
  node,
  software,
  now,
  worker = LEDGER_WORKER,
}: LedgerOptions): Promise<Ledger> {
  const store = await openStore<typeof operations>(worker, { path, readers: 0 })
  try {
    const before = await store.write('run', null)
    const held = await store.write('held', null)
    const source = randomBytes(16).toString('hex')
    const predecessor = before && { source: before.source, mark: before.mark, reserved: before.reserved }
    const announce = (rules: string | null) =>
      writeSource({ at: now(), node, software, host: domain, outageRules: rules, predecessor })
    await store.write('begin', { source, reserved: BLOCK, announcement: announce(null) })
    const { count, characters } = await store.write('weigh', null)
    return new Ledger(store, { source, announce, held, owed: { count, characters } })
  } catch (error) {
    await store.close()
    throw error
  }
}

type Opened = {
  source: string
  announce(rules: string | null): string
  held: Held | null
  owed: { count: number; characters: number }
}

export class Ledger implements AsyncDisposable {
  readonly source: string
  readonly #store: Store<typeof operations>
  readonly #announce: (rules: string | null) => string
  #held: Held | null
  #last = 0
  #reserved = BLOCK
  #reserving: Promise<boolean> | null = null
  /** Everything up to it is settled and acknowledged; above it `#settled`. */
  #done = 0
  readonly #settled = new Set<number>()
  #owed: { count: number; characters: number }

  constructor(store: Store<typeof operations>, { source, announce, held, owed }: Opened) {
    this.#store = store
    this.source = source
    this.#announce = announce
    this.#held = held
    this.#owed = owed
  }

  /** The last number given out; everything up to `done` is settled. */
  get last(): number {
    return this.#last
  }
  get done(): number {
    return this.#done
  }
  /** Records that policy has not acknowledged, and their characters. */
  get owed(): { count: number; characters: number } {
    return this.#owed
  }
  /** The rule that closes something while policy is away; null: none does, or nothing was told. */
  get closedBy(): string | null {
    return this.#held?.rule ?? null
  }

  announcement(): string {
    return this.#announce(this.#held?.id ?? null)
  }

  async announced(): Promise<void> {
    await this.#store.write('announced', null)
  }

  /** How many numbers can be given out at once. */
  get free(): number {
    return this.#reserved - this.#last
  }

  next(): number {
    if (this.free <= 0) throw new Error('no number is reserved')
    this.#last += 1
    return this.#last
  }

  /** Sees to numbers for what comes, at least `wanted`. Null: there are enough; else resolves with whether the disk took another block. */
  reserve(wanted = 0): Promise<boolean> | null {
    if (this.free > Math.max(AHEAD, wanted)) return null
    this.#reserving ??= this.#reserve().finally(() => {
      this.#reserving = null
    })
    return this.#reserving
  }

  async #reserve(): Promise<boolean> {
    const reserved = this.#reserved + BLOCK
    try {
      await this.#store.write('reserve', { reserved, mark: this.#last })
    } catch {
      return false
    }
    this.#reserved = reserved
    return true
  }

  /** Number n has ended as its verdict says, or as was told and acknowledged. */
  settle(n: number): void {
    this.#settled.add(n)
    while (this.#settled.delete(this.#done + 1)) this.#done += 1
  }

  /** On disk when it resolves; rejects where the disk refuses it. */
  async owe(items: readonly Omit<Owed, 'id' | 'source'>[]): Promise<void> {
    await this.#store.write(
      'owe',
      items.map((item) => ({ ...item, source: this.source })),
    )
    this.#weigh(1, items)
  }

  /** The oldest records, all of one run. */
  async owing(most: number, characters: number): Promise<Owed[]> {
    const some = await this.#store.write('owed', { most, characters })
    const other = some.findIndex(({ source }) => source !== some[0]?.source)
    return other === -1 ? some : some.slice(0, other)
  }

  /** Policy has acknowledged them. */
  async paid(items: readonly Owed[]): Promise<void> {
    await this.#store.write(
      'paid',
      items.map(({ id }) => id),
    )
    this.#weigh(-1, items)
    for (const { source, n } of items) if (source === this.source && n > 0) this.settle(n)
  }

  /** Policy cannot read it: it stays on disk, and is not told again. */
  async aside(item: Owed): Promise<void> {
    await this.#store.write('aside', item.id)
    this.#weigh(-1, [item])
    if (item.source === this.source && item.n > 0) this.settle(item.n)
  }

  async hold(held: Held): Promise<void> {
    // It holds whatever the disk says.
    this.#held = held
    await this.#store.write('hold', held)
  }

  /** Says its end: no number follows. */
  async end(): Promise<void> {
    await this.#store.write('end', this.#last)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#store.close()
  }

  #weigh(sign: 1 | -1, items: readonly { xml: string }[]): void {
    const characters = items.reduce((sum, { xml }) => sum + xml.length, 0)
    this.#owed = {
      count: this.#owed.count + sign * items.length,
      characters: this.#owed.characters + sign * characters,
    }
  }
}
