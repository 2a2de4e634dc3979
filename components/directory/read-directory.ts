// SPDX-License-Identifier: Apache-2.0
// One directory into the store and the company: everything anew, or what changed. What could not be read whole changes nothing.
import type { Company } from './domain/company.ts'
import type { Cursor, DirectorySource, Problem, ReadEntry, ReadGroup, ReadPerson } from './domain/source.ts'
import { SourceFault } from './domain/source.ts'
import type { EntryRow, SourceState } from './domain/state.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

/** Characters of rows that go to the store together. */
const PART_CHARS = 384 * 1024
/** Parts on their way at once: those that wait are written together. */
const PARTS_MOST = 4
const CHANGES_AT_ONCE = 500

export type Reader = {
  store: DirectoryStore
  source: DirectorySource
  /** A mark of the settings that entries are made with. */
  settings: string
  now(): number
}

/**
 * Everything, into `company`, which holds nothing of this directory yet; `before` is the one that holds. The store has it in one step
 * when it is whole. Rejects with a SourceFault, and then nothing has changed.
 */
export async function readWhole(
  { store, source, settings, now }: Reader,
  company: Company,
  before: Company,
  signal: AbortSignal,
): Promise<SourceState> {
  const { name } = source
  const reading = await store.write('readingBegin', name)
  const problems: Problem[] = []
  const keep = new Set<string>()
  let rows: EntryRow[] = []
  let chars = 0
  let told = 0
  const underWay: Promise<unknown>[] = []
  let cursor: Cursor | null = null
  const send = async () => {
    const part = { source: name, reading, rows, problems: problems.slice(told) }
    rows = []
    chars = 0
    told = problems.length
    if (underWay.length === PARTS_MOST) await underWay.shift()
    const stored = store.write('stage', part)
    stored.catch(() => {})
    underWay.push(stored)
  }
  for await (const batch of source.readAll(signal)) {
    for (const entry of batch) {
      if (entry.kind === 'end') cursor = entry.cursor
      else if (entry.kind === 'problem') {
        problems.push(entry.problem)
        const id = unread(entry.problem, before, name)
        if (id !== undefined) keep.add(id)
      } else {
        company.put(entry)
        const row = rowOf(entry)
        rows.push(row)
        chars += row[2].length
      }
    }
    if (chars >= PART_CHARS) await send()
  }
  if (cursor === null) throw new SourceFault('half', `${name} did not say that it gave everything`)
  await send()
  for (const stored of underWay) await stored
  const at = now()
  const kept = [...keep].filter((id) => !company.people.has(id) && !company.groups.has(id))
  await store.write('adopt', { source: name, reading, cursor, at, settings, keep: kept })
  if (kept.length > 0)
    for (const said of await store.read('saidOf', { ids: kept, source: name }))
      company.put(JSON.parse(said) as ReadPerson | ReadGroup)
  return { name, cursor, readAt: at, wholeAt: at, settings }
}

export type Polled =
  | { kind: 'nothing'; state: SourceState; unswept: boolean }
  | {
      kind: 'changed'
      state: SourceState
      unswept: boolean
      put: readonly (ReadPerson | ReadGroup)[]
      gone: readonly string[]
    }
  /** It must be read whole; `unknown`: ids that are there and were never given. */
  | { kind: 'whole'; why: 'other-server' | 'unknown-cursor' | 'too-much' | 'moved'; unknown: readonly string[] }

/**
 * What changed since the last time, into the store; the company is the caller's. `sweep`: also looks for what is no more, if anything
 * was written at all, or `unswept`: was not looked for when something was. `ignored`: ids that a whole reading did not give. Rejects with a SourceFault.
 */
export async function readChanges(
  { store, source, now }: Reader,
  state: SourceState,
  company: Company,
  options: { sweep: boolean; unswept: boolean; ignored: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<Polled> {
  const { name } = source
  let found = await source.changes(state.cursor, { sweep: false }, signal)
  if (found.kind === 'start-again') return { kind: 'whole', why: found.why, unknown: [] }
  const changed: ReadEntry[] = [...found.changed]
  const gone = new Set(found.gone)
  const unswept = found.moved || options.unswept
  if (unswept && options.sweep) {
    found = await source.changes(found.cursor, { sweep: true }, signal)
    if (found.kind === 'start-again') return { kind: 'whole', why: found.why, unknown: [] }
    changed.push(...found.changed)
    for (const id of found.gone) gone.add(id)
  }
  const put = new Map<string, ReadPerson | ReadGroup>()
  const problems: Problem[] = []
  for (const entry of changed) {
    if (entry.kind === 'problem') problems.push(entry.problem)
    else if (entry.kind !== 'end') put.set(entry.id, entry)
  }
  if (found.ids !== undefined) {
    const swept = sweep(company, name, found.ids, put, options.ignored)
    if (swept.unknown.length > 0 || swept.moved) return { kind: 'whole', why: 'moved', unknown: swept.unknown }
    for (const id of swept.gone) gone.add(id)
  }
  for (const id of gone) put.delete(id)
  const at = now()
  const next = { ...state, cursor: found.cursor, readAt: at }
  if (put.size === 0 && gone.size === 0 && problems.length === 0 && found.cursor === state.cursor)
    return { kind: 'nothing', state: next, unswept: unswept && !options.sweep }
  const news = [...put.values()]
  // What is known already may be written again: only the cursor says how far it is.
  for (let from = 0; from < news.length; from += CHANGES_AT_ONCE)
    await store.write('changed', { source: name, rows: news.slice(from, from + CHANGES_AT_ONCE).map(rowOf) })
  await store.write('change', {
    source: name,
    gone: [...gone],
    read: {
      ids: [...put.keys(), ...problems.flatMap(({ id }) => id ?? [])],
      dns: [...news, ...problems].map(({ dn }) => dn),
    },
    problems,
    cursor: found.cursor,
    at,
  })
  return put.size === 0 && gone.size === 0
    ? { kind: 'nothing', state: next, unswept: unswept && !options.sweep }
    : { kind: 'changed', state: next, unswept: unswept && !options.sweep, put: news, gone: [...gone] }
}

type Ids = { people: ReadonlyMap<string, string>; groups: ReadonlyMap<string, string> }

function sweep(
  company: Company,
  name: string,
  ids: Ids,
  put: ReadonlyMap<string, unknown>,
  ignored: ReadonlySet<string>,
): { gone: string[]; unknown: string[]; moved: boolean } {
  const gone: string[] = []
  const unknown: string[] = []
  let moved = false
  for (const [marks, there] of [
    [company.people, ids.people],
    [company.groups, ids.groups],
  ] as const) {
    for (const mark of marks.values()) if (mark.source === name && !there.has(mark.id)) gone.push(mark.id)
    for (const [id, dn] of there) {
      if (put.has(id) || ignored.has(id)) continue
      const mark = marks.get(id)
      if (mark === undefined) unknown.push(id)
      else if (!company.isAt(mark, dn)) moved = true
    }
  }
  return { gone, unknown, moved }
}

/** The id of an entry that is there and could not be read. */
function unread({ left, id, dn }: Problem, before: Company, source: string): string | undefined {
  return left === 'entry' ? (id ?? before.idAt(source, dn)) : undefined
}

function rowOf(entry: ReadPerson | ReadGroup): EntryRow {
  return [entry.id, entry.kind, JSON.stringify(entry)]
}
