// SPDX-License-Identifier: Apache-2.0
// One line for each message of ours that was taken, and one for those that were answered: what is left over at a start was never answered.
// Plain writes survive the end of the process, whatever that is, and wait for no disk. None of what was said stands here.
import { closeSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { StoreVersion } from '../../store/faults.ts'

/** Who said it, where to, and by which id he knows it. No number stands for two in one file. */
export type Taken = { n: number; from: string; to: string; id: string; type: string; language: string; at: number }

/** `left`: taken and not answered, oldest first. `torn`: pieces that a power cut left. */
export type LeftOver = { left: readonly Taken[]; last: number; torn: number }

export type UnansweredFile = {
  /** What stands in `lines` is in the file when it returns. Throws what the disk says; the next one that succeeds makes up for it. */
  add(lines: string): void
  close(): void
}

const VERSION = 1
/** Then it is written anew with what is not answered yet. */
const ANEW_BYTES = 1024 * 1024

export function lineOf(taken: Taken): string {
  return `${JSON.stringify(taken)}\n`
}

export function answeredLine(numbers: readonly number[]): string {
  return `{"answered":${JSON.stringify(numbers)}}\n`
}

/** `open`: what is not answered now. The first line that is added makes the file anew, beside what an earlier run left. */
export function openUnansweredFile(path: string, open: () => Iterable<Taken>): UnansweredFile {
  let fd: number | null = null
  let size = 0
  let most = 0
  const anew = () => {
    let text = `{"unanswered":${VERSION}}\n`
    for (const one of open()) text += lineOf(one)
    const fresh = openSync(`${path}.new`, 'w', 0o640)
    let written: number
    try {
      written = writeAll(fresh, text, 0)
      renameSync(`${path}.new`, path)
    } catch (error) {
      closeSync(fresh)
      throw error
    }
    const before = fd
    fd = fresh
    size = written
    most = Math.max(ANEW_BYTES, 2 * size)
    if (before !== null) closeSync(before)
  }
  const leave = () => {
    const before = fd
    fd = null
    if (before !== null) closeSync(before)
  }
  return {
    add(lines) {
      if (fd === null || size >= most) {
        anew()
        return
      }
      try {
        size += writeAll(fd, lines, size)
      } catch (error) {
        // Part of it may stand there: it is written anew before anything else is added.
        leave()
        throw error
      }
    },
    close: leave,
  }
}

/** What an earlier run left. Throws StoreVersion, and what the disk says. */
export function readLeftOver(path: string): LeftOver {
  const [head = '', ...rest] = textOf(path).split('\n')
  // What stands behind the last line break was not written to its end.
  const cut = rest.pop()
  if (!isOfOurs(head, path)) return { left: [], last: 0, torn: head === '' && cut === undefined ? 0 : 1 }
  const left = new Map<number, Taken>()
  let [last, torn] = [0, 0]
  for (const line of rest) {
    const read = readLine(line)
    if (read === null) torn++
    else if ('answered' in read) for (const n of read.answered) left.delete(n)
    else {
      left.set(read.n, read)
      last = Math.max(last, read.n)
    }
  }
  return { left: [...left.values()], last, torn }
}

function writeAll(fd: number, text: string, at: number): number {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done)
  return bytes.length
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function isOfOurs(head: string, path: string): boolean {
  const version = readObject(head)?.unanswered
  if (typeof version === 'number' && version > VERSION)
    throw new StoreVersion(`${path} has version ${version}, and this program knows ${VERSION}: use the newer program`)
  return version === VERSION
}

function readLine(line: string): Taken | { answered: readonly number[] } | null {
  const read = readObject(line)
  if (Array.isArray(read?.answered)) return { answered: read.answered }
  const { n, from, to, id, type, language, at } = read ?? {}
  const texts = [from, to, id, type, language]
  if (typeof n !== 'number' || typeof at !== 'number' || !texts.every((one) => typeof one === 'string')) return null
  return read as Taken
}

function readObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const read: unknown = JSON.parse(line)
    return typeof read === 'object' ? (read as Readonly<Record<string, unknown>> | null) : null
  } catch {
    return null
  }
}
