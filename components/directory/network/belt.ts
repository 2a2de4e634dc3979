// SPDX-License-Identifier: Apache-2.0
// What is read, on its way to whoever works on it: put on as it comes, taken in parts.

/** Values are handed on together when they came with so many octets: those of a page are not all held until its end. */
const PART_BYTES = 64 * 1024
/** With so many octets not taken yet nothing more is to be asked for. */
const FULL_BYTES = 512 * 1024

export type Belt<T> = {
  /** `bytes`: octets that they came with. */
  put(values: readonly T[], bytes: number): void
  /** Resolves when there is room for the answer to another question. */
  room(): Promise<void>
  /** Nothing more comes: all was put on, or (with an error) what is there is only a part. */
  end(error?: unknown): void
  /** What was put on, part by part, to the end. Rejects with what it was ended with. */
  parts(): AsyncGenerator<readonly T[]>
}

export function openBelt<T>(): Belt<T> {
  let values: T[] = []
  let bytes = 0
  let ended: { error: unknown } | null = null
  let wake = () => {}
  let makeRoom = () => {}
  return {
    put(more, size) {
      values.push(...more)
      bytes += size
      if (bytes >= PART_BYTES) wake()
    },
    room() {
      wake()
      if (bytes < FULL_BYTES) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      makeRoom = resolve
      return promise
    },
    end(error = null) {
      ended ??= { error }
      wake()
      makeRoom()
    },
    async *parts() {
      for (;;) {
        if (values.length === 0 && ended === null) {
          const { promise, resolve } = Promise.withResolvers<void>()
          wake = resolve
          await promise
        }
        const part = values
        values = []
        bytes = 0
        makeRoom()
        if (part.length > 0) yield part
        else if (ended !== null) {
          if (ended.error !== null) throw ended.error
          return
        }
      }
    },
  }
}
