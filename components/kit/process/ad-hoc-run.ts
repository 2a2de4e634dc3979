// SPDX-License-Identifier: Apache-2.0
// A command that runs while its caller turns pages. It is read ahead of him as far as a bound allows, so that an export goes on while
// nobody looks; what he has seen stays for looking back as far as another bound allows.
import { cell } from '../text/cells.ts'
import type { Ended } from './admission.ts'
import { EXIT, type Said } from './command.ts'
import { untilAborted } from './until-aborted.ts'

export type RunBounds = {
  /** Rows and texts of a page, and characters of them as JSON. */
  pageItems: number
  pageSize: number
  /** Characters read ahead, and characters kept of pages seen. */
  aheadSize: number
  keptSize: number
  /** A page is answered at the latest after this long, */
  pageMs: number
  /** and this long after its first row. */
  settleMs: number
}

/** `said` is the line as the socket has it; null where it is too long for that. */
export type Item = { said: Said | null; size: number } & ({ row: readonly string[] } | { text: string })

export type Page = readonly Item[]

export type CommandRun = {
  /** Names of the cells of each row; empty until there is one. */
  readonly columns: readonly string[]
  /** The newest. */
  readonly progress: { done: number; total: number | null; unit: string } | null
  /** null while it runs. */
  readonly ended: Ended | null
  /** Something is there to be taken. */
  readonly waits: boolean
  /** What is next; may be empty. */
  take(signal: AbortSignal): Promise<Page>
}

const CELL = 1_000
/** Of one row or text as JSON. */
const WHOLE = 16_384

/** `ended` puts a fault into words. `closed` is called when the command has really ended, also one that does not heed its signal. */
export function startRun(
  rows: AsyncIterable<Said>,
  options: {
    columns: readonly string[] | undefined
    signal: AbortSignal
    bounds: RunBounds
    ended(fault: unknown): Ended
    closed(ended: Ended, fault: unknown): void
  },
): CommandRun {
  const { signal, bounds } = options
  const waiting: Item[] = []
  let size = 0
  let columns = options.columns ?? []
  let progress: CommandRun['progress'] = null
  let ended: Ended | null = null
  let changed = Promise.withResolvers<void>()
  const change = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  void pump()
  return {
    get columns() {
      return columns
    },
    get progress() {
      return progress
    },
    get ended() {
      return ended
    },
    get waits() {
      return waiting.length > 0
    },
    take,
  }

  async function pump(): Promise<void> {
    const iterator = rows[Symbol.asyncIterator]()
    let said: Ended = { exit: EXIT.ok }
    try {
      for (;;) {
        const next = await untilAborted(iterator.next(), signal)
        if (next.done) break
        keep(next.value)
        change()
        while (size > bounds.aheadSize) await untilAborted(changed.promise, signal)
      }
    } catch (fault) {
      said = options.ended(fault)
    }
    ended = said
    change()
    Promise.resolve(iterator.return?.()).then(
      () => options.closed(said, undefined),
      (fault: unknown) => options.closed(said, fault),
    )
  }

  function keep(said: Said): void {
    if (said.say === 'progress') {
      progress = { done: said.done, total: said.total, unit: said.unit }
      return
    }
    const json = JSON.stringify(said)
    const whole = json.length > WHOLE ? null : said
    if (said.say === 'row') {
      if (columns.length === 0) columns = Object.keys(said.row)
      const row = columns.map((name) => cut(cell(said.row[name])))
      put({ said: whole, size: row.reduce((sum, one) => sum + one.length, whole === null ? 0 : json.length), row })
      return
    }
    for (const [index, text] of pieces(said.text).entries())
      put({
        said: index === 0 ? whole : null,
        size: text.length + (index === 0 && whole !== null ? json.length : 0),
        text,
      })
  }

  function put(item: Item): void {
    waiting.push(item)
    size += item.size
  }

  async function take(asked: AbortSignal): Promise<Page> {
    const latest = performance.now() + bounds.pageMs
    let until = latest
    for (let isFirst = true; ended === null && !isFull(); ) {
      if (isFirst && waiting.length > 0) {
        until = Math.min(latest, performance.now() + bounds.settleMs)
        isFirst = false
      }
      const left = until - performance.now()
      if (left <= 0) break
      const timer = Promise.withResolvers<void>()
      const handle = setTimeout(timer.resolve, left)
      try {
        await untilAborted(Promise.race([changed.promise, timer.promise]), AbortSignal.any([asked, signal]))
      } finally {
        clearTimeout(handle)
      }
    }
    const page = waiting.splice(0, countOfPage())
    size -= page.reduce((sum, item) => sum + item.size, 0)
    change()
    return page
  }

  function isFull(): boolean {
    return waiting.length > bounds.pageItems || size > bounds.pageSize
  }

  function countOfPage(): number {
    let room = bounds.pageSize
    let count = 0
    for (const item of waiting) {
      room -= item.size
      if (count === bounds.pageItems || (room < 0 && count > 0)) break
      count += 1
    }
    return count
  }
}

/** A cell is cut where it says so itself. */
function cut(text: string): string {
  return text.length <= CELL ? text : `${text.slice(0, CELL)}…`
}

/** A long line in several: none of the later ones begins as a line of ours, or of a quotation, would. */
function pieces(text: string): string[] {
  const all: string[] = []
  for (let at = 0; at < text.length || at === 0; at += CELL)
    all.push(`${at === 0 ? '' : '… '}${text.slice(at, at + CELL)}`)
  return all
}
