// SPDX-License-Identifier: Apache-2.0
// Who belongs to the groups that may use the transport, as the process directory publishes people.
import { openSnapshotReader } from '../kit/bus/file-snapshot-reader.ts'
import type { Mark, Step } from '../kit/bus/snapshot.ts'
import { type GroupItem, type PersonItem, readItem } from '../kit/facts/people.ts'
import { bareOf } from '../kit/xmpp/jid.ts'

export type Members = AsyncDisposable & {
  /** False as long as nobody has said who belongs to a group. */
  has(bare: string): boolean
}

const AGAIN_MS = 1_000

export type MembersEvents = {
  /** Others are members now, so many. */
  changed(members: number): void
  /** People cannot be read; null: they can again. */
  fault(error: Error | null): void
}

/** `groups`: names; none: everybody is a member. */
export function followMembers(folder: string, groups: readonly string[], events: MembersEvents): Members {
  if (groups.length === 0) return { has: () => true, async [Symbol.asyncDispose]() {} }
  const wanted = new Set(groups.map(nameKey))
  const stop = new AbortController()
  const reader = openSnapshotReader(folder)
  let people = new Map<string, PersonItem>()
  let named = new Map<string, GroupItem>()
  let members: ReadonlySet<string> = new Set()
  let mark: Mark | null = null
  let failed = false
  const ended = run()
  return {
    has: (bare) => members.has(bareOf(bare)),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
      await reader[Symbol.asyncDispose]()
    },
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        for await (const step of reader.follow(mark, { signal: stop.signal })) take(step)
      } catch (error) {
        if (!failed) events.fault(error instanceof Error ? error : new Error(String(error)))
        failed = true
        // What was half read is read anew.
        mark = null
        await pause()
      }
    }
  }

  function take(step: Step): void {
    if (step.kind === 'begin') {
      if (step.whole) {
        people = new Map()
        named = new Map()
      }
    } else if (step.kind === 'batch') {
      for (const item of step.put) {
        const read = readItem(item)
        if (read.kind === 'person') people.set(item.key, read)
        if (read.kind === 'group') named.set(item.key, read)
      }
      for (const key of step.removed) {
        people.delete(key)
        named.delete(key)
      }
    } else {
      mark = { id: step.id, seq: step.seq }
      const ids = new Set([...named.values()].filter(({ name }) => wanted.has(nameKey(name))).map(({ id }) => id))
      const belong = [...people.values()].filter((one) => !one.disabled && one.groups.some((id) => ids.has(id)))
      members = new Set(belong.map(({ jid }) => bareOf(jid)))
      if (failed) events.fault(null)
      failed = false
      events.changed(members.size)
    }
  }

  async function pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, AGAIN_MS)
    stop.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    clearTimeout(timer)
  }
}

/** Names are compared without regard to case and width, as rules do. */
function nameKey(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase()
}
