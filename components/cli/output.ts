// SPDX-License-Identifier: Apache-2.0
// What a command says, for people (aligned tables) or for programs (--json: one object a line, version 1).
// Nothing that somebody else wrote reaches the terminal as a control character.
import { once } from 'node:events'
import type { Said } from '../kit/process/command.ts'
import { cell, printable } from '../kit/text/cells.ts'

export type Writable = NodeJS.WritableStream & { isTTY?: boolean; columns?: number }

export type Output = {
  /** Order of the columns of the rows that follow. */
  columns(names: readonly string[] | undefined): void
  said(said: Said): Promise<void>
  row(row: Row): Promise<void>
  /** `values` stand beside the text for programs. */
  text(text: string, values?: Row): Promise<void>
  /** The object for programs, the text for people. */
  either(row: Row, text: string): Promise<void>
  /** On the other stream, in the same form. */
  refusal(exit: number, text: string): Promise<void>
  end(): Promise<void>
}

/** Nobody reads any more: a reader such as `head` has seen enough. */
export class ReaderGone extends Error {
  override name = 'ReaderGone'
}

type Row = Readonly<Record<string, unknown>>

export const JSON_VERSION = 1
/** Rows that are looked at for the width of the columns; a later one may be wider, and nothing is ever cut. */
const LOOK_AT = 200
const LOOK_FOR_MS = 200

export function openOutput(out: Writable, err: Writable, json: boolean): Output {
  const bar = openBar(err)
  const closed = new AbortController()
  out.on('error', (fault: NodeJS.ErrnoException) => closed.abort(fault))
  // Nobody is left who could be told.
  err.on('error', () => {})
  let names: readonly string[] | undefined
  let waiting: Row[] = []
  let widths: number[] | undefined
  let timer: NodeJS.Timeout | undefined

  const write = async (line: string) => {
    bar.hide()
    if (closed.signal.aborted) throw new ReaderGone()
    if (out.write(`${line}\n`)) return
    try {
      await once(out, 'drain', { signal: closed.signal })
    } catch (fault) {
      throw closed.signal.aborted ? new ReaderGone() : fault
    }
  }
  const flush = async () => {
    clearTimeout(timer)
    timer = undefined
    const rows = waiting.splice(0)
    const [first] = rows
    if (first === undefined) return
    const columns = names ?? Object.keys(first)
    const cells = rows.map((row) => columns.map((name) => cell(row[name])))
    if (widths === undefined) {
      widths = columns.map((name, index) => Math.max(width(name), ...cells.map((line) => width(line[index] ?? ''))))
      await write(align(columns, widths))
    }
    for (const line of cells) await write(align(line, widths))
  }
  const output: Output = {
    columns: (of) => {
      names = of
      widths = undefined
    },
    async said(said) {
      if (said.say === 'progress') return json ? undefined : bar.show(said.done, said.total, said.unit)
      return said.say === 'row' ? output.row(said.row) : output.text(said.text, said.values)
    },
    async row(row) {
      // The first field is always ours: a row that has one called so would pass for another version.
      if (json) return write(jsonLine(Object.assign({ version: JSON_VERSION }, row, { version: JSON_VERSION })))
      waiting.push(row)
      if (widths !== undefined || waiting.length >= LOOK_AT) return flush()
      timer ??= setTimeout(() => void flush().catch((fault) => closed.abort(fault)), LOOK_FOR_MS)
    },
    async text(text, values = {}) {
      await flush()
      await write(json ? jsonLine({ version: JSON_VERSION, text, ...values }) : printable(text))
    },
    either: (row, text) => (json ? output.row(row) : output.text(text)),
    async refusal(exit, text) {
      if (!closed.signal.aborted) await flush()
      bar.hide()
      err.write(json ? `${jsonLine({ version: JSON_VERSION, exit, text })}\n` : `${printable(text)}\n`)
    },
    async end() {
      if (!closed.signal.aborted) await flush()
      waiting = []
      bar.hide()
    },
  }
  return output
}

function jsonLine(value: unknown): string {
  return printable(JSON.stringify(value))
}

function align(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((text, index) => text + ' '.repeat(Math.max(0, (widths[index] ?? 0) - width(text))))
    .join('  ')
    .trimEnd()
}

const segmenter = new Intl.Segmenter()
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u

/** Columns of a terminal that a text takes. */
function width(text: string): number {
  let columns = 0
  for (const { segment } of segmenter.segment(text)) columns += WIDE.test(segment) ? 2 : 1
  return columns
}

/** One line on a terminal that shows how far a command has come; nothing elsewhere. */
function openBar(err: Writable): { show(done: number, total: number | null, unit: string): void; hide(): void } {
  let shows = false
  return {
    show(done, total, unit) {
      if (err.isTTY !== true) return
      const size = Math.max(10, Math.min(40, (err.columns ?? 80) - 40))
      const part = total === null || total <= 0 ? 0 : Math.min(1, done / total)
      const bar =
        total === null ? '' : `[${'#'.repeat(Math.round(part * size)).padEnd(size, '.')}] ${Math.floor(part * 100)} % `
      err.write(`\r\u001b[K${bar}${done}${total === null ? '' : `/${total}`} ${printable(unit)}`)
      shows = true
    },
    hide() {
      if (shows) err.write('\r\u001b[K')
      shows = false
    },
  }
}
