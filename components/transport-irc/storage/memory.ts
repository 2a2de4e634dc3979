// SPDX-License-Identifier: Apache-2.0
// All that the process remembers, at hand; what is set is at hand at once, and on disk when the promise resolves.
import { openStore } from '../../kit/store/store.ts'
import type { Thread } from '../../kit/store/thread.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import type { Kind, MemoryOperations } from './operations.ts'

export type Memory = AsyncDisposable & {
  read<T>(kind: Kind, name: string): T | null
  count(kind: Kind): number
  list<T>(kind: Kind): readonly { name: string; body: T }[]
  /** Null takes it away. Rejects with TooManyKept. */
  set(kind: Kind, name: string, body: unknown): Promise<void>
}

export type MemoryOptions = {
  thread?: Thread
  /** Entries of what is learned of networks (`heard`, `known`, `sts`) at most, of each kind; default 100,000. The one that was set first goes, and is told. */
  most?: number
  /** Entries of one person at most, of each kind that is his own word; default 5,000. */
  mostOfPerson?: number
  forgot?(kind: Kind, name: string): void
}

/** What is learned again when it is needed; the rest is people's own word, and is never thrown away. */
const LEARNED: ReadonlySet<Kind> = new Set<Kind>(['heard', 'known', 'sts'])

/** Names begin with the person whose word it is. */
const PERSONAL: ReadonlySet<Kind> = new Set<Kind>(['bookmark', 'contact', 'keep', 'login', 'registration', 'room'])

/** One more is not kept: what somebody said is never thrown away for what he says next. */
export class TooManyKept extends Error {
  override name = 'TooManyKept'
}

const WORKER = new URL('./memory-worker.ts', import.meta.url)

export async function openMemory(path: string, options: MemoryOptions = {}): Promise<Memory> {
  const { thread, most = 100_000, mostOfPerson = 5_000, forgot } = options
  const store = await openStore<MemoryOperations>(WORKER, { path, readers: 0, ...(thread && { thread }) })
  const kept = new Map<Kind, Map<string, unknown>>()
  const of = (kind: Kind) => {
    const found = kept.get(kind) ?? new Map<string, unknown>()
    kept.set(kind, found)
    return found
  }
  const put = (kind: Kind, name: string, body: unknown) => {
    const all = of(kind)
    const had = all.size
    if (body === undefined) all.delete(name)
    else all.set(name, body)
    if (PERSONAL.has(kind) && all.size !== had) count(kind, personIn(name), all.size - had)
  }
  /** Entries by kind and person. */
  const counts = new Map<string, number>()
  const count = (kind: Kind, person: string, by: number) => {
    const place = `${kind} ${person}`
    const now = (counts.get(place) ?? 0) + by
    if (now === 0) counts.delete(place)
    else counts.set(place, now)
  }
  for (const { kind, name, body } of await store.write('all', null)) put(kind, name, JSON.parse(body))
  /** Whatever could not be kept is not forgotten either. */
  const forgetOldest = async (kind: Kind) => {
    const all = of(kind)
    const [oldest] = all.keys()
    if (!LEARNED.has(kind) || all.size <= most || oldest === undefined) return
    all.delete(oldest)
    await store.write('keep', { kind, name: oldest, body: '' })
    forgot?.(kind, oldest)
  }
  return {
    count: (kind) => of(kind).size,
    read: <T>(kind: Kind, name: string) => (of(kind).get(name) as T | undefined) ?? null,
    list: <T>(kind: Kind) => [...of(kind)].map(([name, body]) => ({ name, body: body as T })),
    async set(kind, name, body) {
      const all = of(kind)
      const [before, after] = [all.get(name), body ?? undefined]
      const isNew = before === undefined && after !== undefined
      if (isNew && PERSONAL.has(kind) && (counts.get(`${kind} ${personIn(name)}`) ?? 0) >= mostOfPerson)
        throw new TooManyKept(`${kind}: ${mostOfPerson} of one person`)
      // Whoever reads it to change it must not read what another is just changing.
      put(kind, name, after)
      try {
        await store.write('keep', { kind, name, body: body === null ? '' : JSON.stringify(body) })
      } catch (error) {
        if (all.get(name) === after) put(kind, name, before)
        throw error
      }
      await forgetOldest(kind)
    },
    [Symbol.asyncDispose]: () => store.close(),
  }
}

/** Neither an address nor a network's name holds a blank. */
function personIn(name: string): string {
  return name.split(' ', 1)[0] ?? ''
}

/** Where something of a person on a network is kept; neither name holds a blank. */
export function placeOf(person: string, network: string): string {
  return `${bareOf(person)} ${network}`
}
