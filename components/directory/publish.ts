// SPDX-License-Identifier: Apache-2.0
// What is provisioned, as the snapshot that other processes read (components/kit/bus/SNAPSHOT.md, components/kit/facts/PEOPLE.md).
import type { Item, SnapshotWriter } from '../kit/bus/snapshot.ts'
import { PEOPLE_VERSION, writeItem } from '../kit/facts/people.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

export type Publishing = {
  store: DirectoryStore
  snapshot: SnapshotWriter
  hosts: readonly string[]
  now(): number
}

export type Publisher = {
  /** Resolves when everybody can see this version. The first time it says everything, afterwards what is new. */
  publish(seq: number): Promise<void>
  /** Says that what was published still holds: every directory has answered. */
  confirm(): Promise<void>
}

export function openPublisher({ store, snapshot, hosts, now }: Publishing): Publisher {
  let last = -1
  const publish = async (seq: number): Promise<void> => {
    const version = await store.read('version', seq)
    if (last === seq - 1 && version !== null && version.steps > 0) {
      const put: Item[] = [await directoryItem()]
      const remove: string[] = []
      for await (const steps of store.stream('steps', seq, { batch: 1_000 }))
        for (const { kind, id, before, after } of steps) {
          // Walls are policy's to publish.
          if (kind === 'wall') continue
          if (after === '') remove.push(`${kind}/${id}`)
          else if (after !== before) put.push(itemOf(kind, id, after))
        }
      await snapshot.put({ put, remove })
    } else await snapshot.replace(everything())
    last = seq
  }
  return {
    publish,
    async confirm() {
      if (last !== -1) await snapshot.put({})
    },
  }

  async function* everything(): AsyncGenerator<Item> {
    yield await directoryItem()
    for await (const rows of store.stream('whole', null, { batch: 1_000 }))
      for (const { kind, id, text } of rows) if (kind === 'person' || kind === 'group') yield itemOf(kind, id, text)
  }

  async function directoryItem(): Promise<Item> {
    const { people, groups } = await store.read('provisioned', null)
    return writeItem({ kind: 'directory', at: new Date(now()).toISOString(), hosts, people, groups })
  }
}

function itemOf(kind: 'person' | 'group', id: string, body: string): Item {
  return { key: `${kind}/${id}`, kind, version: PEOPLE_VERSION, body }
}
