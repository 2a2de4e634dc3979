// SPDX-License-Identifier: Apache-2.0
// IRCv3 batches: which lines belong together. Some are read as they come, some only when the last is there.
import type { Line } from './wire/line.ts'

export type Batch = {
  ref: string
  type: string
  params: readonly string[]
  /** The line that opened it: its tags stand for the whole. */
  opening: Line
  /** Its own label, or that of the batch around it. */
  label: string | null
  parent: Batch | null
  /** Lines of a batch that is read as one; null: read as they come. */
  lines: Line[] | null
}

/** Read only when they are whole. */
const AS_ONE = new Set(['netsplit', 'netjoin', 'chathistory', 'znc.in/playback', 'draft/multiline', 'multiline'])
/** What was said before. */
export const PLAYBACKS: ReadonlySet<string> = new Set(['chathistory', 'znc.in/playback'])

/** `units` of text in all open batches together. */
export type BatchBounds = { open: number; lines: number; units: number }

export class Batches {
  readonly #bounds: BatchBounds
  readonly #open = new Map<string, Batch>()
  #units = 0

  constructor(bounds: BatchBounds = { open: 32, lines: 10_000, units: 4 * 1024 * 1024 }) {
    this.#bounds = bounds
  }

  /** The batch that a line stands in; null: in none that is known. */
  around(line: Line): Batch | null {
    const ref = line.tags.get('batch')
    return ref === undefined ? null : (this.#open.get(ref) ?? null)
  }

  /**
   * Keeps a line for the end of its batch; false: it is to be read now. Beyond the bound what comes is read as if there were no batch:
   * a split of that size is shown one by one, and nothing is lost.
   */
  keep(batch: Batch, line: Line): boolean {
    const units = unitsOf(line)
    if (batch.lines === null || this.#open.get(batch.ref) !== batch) return false
    if (batch.lines.length >= this.#bounds.lines || this.#units + units > this.#bounds.units) return false
    batch.lines.push(line)
    this.#units += units
    return true
  }

  /** `BATCH +ref type params`. Null: one more than may be open, or not readable: its lines are read as they come. Or open already: then that one goes on. */
  open(line: Line): Batch | null {
    const [sign = '', type = '', ...params] = line.params
    const ref = sign.slice(1)
    if (ref === '' || type === '' || this.#open.has(ref) || this.#open.size >= this.#bounds.open) return null
    const parent = this.around(line)
    const label = line.tags.get('label') ?? parent?.label ?? null
    const batch: Batch = { ref, type, params, opening: line, label, parent, lines: AS_ONE.has(type) ? [] : null }
    this.#open.set(ref, batch)
    return batch
  }

  /** `BATCH -ref`. */
  close(line: Line): Batch | null {
    const ref = (line.params[0] ?? '').slice(1)
    const batch = this.#open.get(ref) ?? null
    this.#open.delete(ref)
    for (const each of batch?.lines ?? []) this.#units -= unitsOf(each)
    return batch
  }

  clear(): void {
    this.#open.clear()
    this.#units = 0
  }
}

function unitsOf({ source, params, tags }: Line): number {
  let units = 64 + source.length
  for (const param of params) units += param.length
  for (const [name, value] of tags) units += name.length + value.length
  return units
}

/** The text of a multi-line message (draft/multiline): lines that say so continue the one before them. */
export function joinLines(lines: readonly Line[]): string {
  let text = ''
  lines.forEach((line, index) => {
    const continues = line.tags.has('draft/multiline-concat') || line.tags.has('multiline-concat')
    text += `${index === 0 || continues ? '' : '\n'}${line.params.at(-1) ?? ''}`
  })
  return text
}
