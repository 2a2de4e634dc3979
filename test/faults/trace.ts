// SPDX-License-Identifier: Apache-2.0
// Reads what strace wrote of a policy: in which order a message went to the journal, the disk, and back to the server.
import { spawnSync } from 'node:child_process'

export function straceLack(): string | null {
  const tried = spawnSync('strace', ['-o', '/dev/null', 'true'])
  if (tried.error !== undefined) return 'strace is not installed'
  return tried.status === 0 ? null : 'strace may not trace here'
}

/**
 * Numbers of lines (-1: not there): the journal write that holds the word, the end of the next sync of the journal, and the answer to the IQ
 * in which the word came; others may be answered meanwhile, such as one that only reports.
 */
export function readTrace(text: string, word: string): { written: number; synced: number; answered: number } {
  const lines = text.split('\n')
  const id = askedWith(lines, word)
  const written = lines.findIndex((line) => /pwrite64\(/.test(line) && line.includes('journals') && line.includes(word))
  const synced = syncEnd(lines, written)
  const answered = lines.findIndex(
    (line) =>
      id !== null && /(write|writev|sendto|sendmsg)\(.*<iq type='result'/.test(line) && line.includes(` id='${id}'`),
  )
  return { written, synced, answered }
}

/** The id of the IQ that brought the word, as it was read. */
function askedWith(lines: readonly string[], word: string): string | null {
  const line = lines.find((one) => /(read|recvfrom|recvmsg)\b.*<iq /.test(one) && one.includes(word)) ?? ''
  const tag =
    line
      .slice(0, line.indexOf(word))
      .match(/<iq [^>]*>/g)
      ?.at(-1) ?? ''
  return / id=\\?['"]([^'"\\]+)/.exec(tag)?.[1] ?? null
}

/** A call of another thread may cut a line in two: `<unfinished ...>`, and later `<... fdatasync resumed>`. */
function syncEnd(lines: readonly string[], after: number): number {
  const start = lines.findIndex((line, at) => at > after && /(fsync|fdatasync)\(\d+<[^>]*journals/.test(line))
  const line = lines[start]
  if (line === undefined) return -1
  if (!line.includes('<unfinished')) return / = 0$/.test(line) ? start : -1
  const thread = line.split(' ')[0] ?? ''
  return lines.findIndex((one, at) => at > start && one.startsWith(thread) && /sync resumed>.* = 0$/.test(one))
}
