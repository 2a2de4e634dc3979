// SPDX-License-Identifier: Apache-2.0
// Bytes of a stream cut into lines. What is over the bound is thrown away up to its end, and never held.

export type OnLine = (bytes: Buffer, start: number, end: number) => void

const LF = 10
const CR = 13
const NOTHING = Buffer.alloc(0)

export class Frames {
  readonly #most: number
  readonly #onLine: OnLine
  readonly #onOverlong: () => void
  #rest: Buffer = NOTHING
  #skipping = false

  /** `most`: bytes of a line. The bytes handed to `onLine` belong to it only while it runs. */
  constructor(most: number, onLine: OnLine, onOverlong: () => void) {
    this.#most = most
    this.#onLine = onLine
    this.#onOverlong = onOverlong
  }

  push(chunk: Buffer): void {
    let bytes = chunk
    let start = 0
    let end = chunk.indexOf(LF)
    if (this.#skipping) {
      if (end === -1) return
      this.#skipping = false
      start = end + 1
      end = chunk.indexOf(LF, start)
    } else if (this.#rest.length > 0) {
      bytes = Buffer.concat([this.#rest, chunk])
      end = end === -1 ? -1 : end + this.#rest.length
      this.#rest = NOTHING
    }
    while (end !== -1) {
      if (end - start > this.#most) this.#onOverlong()
      else this.#line(bytes, start, end)
      start = end + 1
      end = bytes.indexOf(LF, start)
    }
    if (bytes.length - start > this.#most) {
      this.#skipping = true
      this.#onOverlong()
    } else if (start < bytes.length) this.#rest = Buffer.from(bytes.subarray(start))
  }

  #line(bytes: Buffer, start: number, end: number): void {
    let last = end
    while (last > start && bytes[last - 1] === CR) last -= 1
    if (last > start) this.#onLine(bytes, start, last)
  }
}
