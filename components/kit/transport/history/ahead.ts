// SPDX-License-Identifier: Apache-2.0
// What a transport is about to show and its store has not on disk yet. One plain write for all that goes out together: it survives the end of
// the process, whatever that is, and waits for no disk. What the store has committed is dropped again.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { StoreVersion } from '../../store/faults.ts'

export type Ahead = {
  /** Number of the last line, which are numbered without a gap. */
  readonly last: number
  /** Lines, each with its line break; in the file when it returns. Throws what the disk says; then none of them is there. */
  append(lines: string, count: number): void
  /** The store has everything up to this number. */
  committed(n: number): void
  close(): void
}

const VERSION = 1
/** Two files take turns: while one is written, what stands in the other gets to the store. */
const NAMES = ['ahead-0', 'ahead-1'] as const
const TURN_BYTES = 1024 * 1024

/** What an earlier run left, oldest first; each line with its number. `torn`: pieces that a power cut left. */
export function readAhead(store: string): { lines: { n: number; line: string }[]; torn: number } {
  const parts = NAMES.map((name) => readPart(`${store}-${name}`))
  return {
    lines: parts.flatMap(({ lines }) => lines).sort((a, b) => a.n - b.n),
    torn: parts.reduce((sum, part) => sum + part.torn, 0),
  }
}

type Part = { fd: number; size: number; last: number }

/** Empty files beside the store; the first line gets the number after `last`. */
export function openAhead(store: string, last: number): Ahead {
  const parts = NAMES.map((name): Part => ({ fd: openSync(`${store}-${name}`, 'w', 0o640), size: 0, last: 0 }))
  let turn = 0
  let isOpen = true
  return {
    get last() {
      return last
    },
    append(lines, count) {
      // By then its numbers may be those of other files.
      if (!isOpen) throw new Error('the history is closed')
      const other = 1 - turn
      if ((parts[turn] as Part).size >= TURN_BYTES && parts[other]?.size === 0) turn = other
      const part = parts[turn] as Part
      write(part, part.size > 0 ? lines : `${JSON.stringify({ ahead: VERSION, first: last + 1 })}\n${lines}`)
      last += count
      part.last = last
    },
    committed(n) {
      for (const [at, part] of parts.entries())
        if (isOpen && part.size > 0 && part.last <= n && (at !== turn || part.size >= TURN_BYTES)) {
          ftruncateSync(part.fd, 0)
          part.size = 0
        }
    },
    close() {
      isOpen = false
      for (const { fd } of parts) closeSync(fd)
    },
  }
}

/** All of it, or nothing. */
function write(part: Part, text: string): void {
  const bytes = Buffer.from(text)
  try {
    for (let done = 0; done < bytes.length; )
      done += writeSync(part.fd, bytes, done, bytes.length - done, part.size + done)
  } catch (error) {
    ftruncateSync(part.fd, part.size)
    throw error
  }
  part.size += bytes.length
}

function readPart(path: string): { lines: { n: number; line: string }[]; torn: number } {
  const text = textOf(path)
  const [head = '', ...rest] = text.split('\n')
  // What stands behind the last line break was not written to its end.
  rest.pop()
  const first = firstOf(head, path)
  if (first === null) return { lines: [], torn: text === '' ? 0 : 1 }
  const whole = rest.findIndex((line) => !isWhole(line))
  const lines = whole === -1 ? rest : rest.slice(0, whole)
  return { lines: lines.map((line, at) => ({ n: first + at, line })), torn: rest.length - lines.length }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** Throws StoreVersion; null: it cannot be read. */
function firstOf(head: string, path: string): number | null {
  if (!isWhole(head)) return null
  const { ahead, first } = JSON.parse(head) as { ahead?: unknown; first?: unknown }
  if (typeof ahead === 'number' && ahead > VERSION)
    throw new StoreVersion(`${path} has version ${ahead}, and this program knows ${VERSION}: use the newer program`)
  return ahead === VERSION && typeof first === 'number' ? first : null
}

function isWhole(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}
