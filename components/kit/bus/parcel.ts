// SPDX-License-Identifier: Apache-2.0
// Entries on their way to the thread that writes them: bodies as UTF-8 in memory that goes over and comes back, because a copy of
// each text for either thread costs as much as writing it to the database (8 us for a body of 1.6 kB, now 1.5, measured).
import type { Parcel } from './file-messages.ts'
import type { Entry } from './journal.ts'

/** Memory of this size is used again, so many pieces at most; a larger body gets its own. */
const PIECE_BYTES = 512 << 10
const PIECES = 4

/** Kind, version, and body in UTF-8 of each entry in turn. */
export type Cells = readonly (string | number | Uint8Array)[]

export class Packer {
  #spare: ArrayBuffer[] = []
  #bodies: Buffer<ArrayBuffer> | null = null
  #at = 0
  #sizes: number[] = []
  #heads: (string | number)[] = []

  get isEmpty(): boolean {
    return this.#sizes.length === 0
  }

  get entries(): number {
    return this.#heads.length / 3
  }

  /** All entries of one call. */
  add(entries: readonly Entry[]): void {
    for (const { kind, version, body } of entries) {
      const bytes = this.#room(body).write(body, this.#at)
      this.#at += bytes
      this.#heads.push(kind, version, bytes)
    }
    this.#sizes.push(entries.length)
  }

  take(): Parcel {
    const bodies = new Uint8Array(this.#bodies?.buffer ?? new ArrayBuffer(0), 0, this.#at)
    const parcel = { sizes: this.#sizes, heads: this.#heads, bodies }
    this.#bodies = null
    this.#at = 0
    this.#sizes = []
    this.#heads = []
    return parcel
  }

  /** The memory of parcels that were taken and are done with. */
  giveBack(memory: readonly ArrayBuffer[]): void {
    for (const one of memory) if (one.byteLength === PIECE_BYTES && this.#spare.length < PIECES) this.#spare.push(one)
  }

  #room(body: string): Buffer {
    this.#bodies ??= Buffer.from(this.#spare.pop() ?? new ArrayBuffer(PIECE_BYTES))
    const left = this.#bodies.length - this.#at
    // A unit takes three bytes at most; counted only where that could be too many.
    if (body.length * 3 <= left || Buffer.byteLength(body) <= left) return this.#bodies
    const larger = Buffer.from(new ArrayBuffer(Math.max(this.#bodies.length * 2, this.#at + body.length * 3)))
    larger.set(this.#bodies.subarray(0, this.#at))
    this.giveBack([this.#bodies.buffer])
    this.#bodies = larger
    return larger
  }
}

export function unpack({ heads, bodies }: Parcel): Cells {
  const cells: (string | number | Uint8Array)[] = []
  let at = 0
  for (let head = 0; head < heads.length; head += 3) {
    const bytes = Number(heads[head + 2])
    cells.push(heads[head] ?? '', heads[head + 1] ?? 0, bodies.subarray(at, at + bytes))
    at += bytes
  }
  return cells
}
