// SPDX-License-Identifier: Apache-2.0
// Another process at the same snapshot: node snapshot-child.ts MODULE WHERE write | read [UID GID].
// write: versions of ITEMS items that all say the same number, by turns as a whole and as a change of all; tells the number when it is acknowledged.
// read: holds what it was given, and tells the number of each version; items that do not all say it are a failure.
import type { Mark } from '../../../components/kit/bus/snapshot.ts'
import type { SnapshotEngineModule } from './snapshot-engine.ts'

const ITEMS = 1200
const [module = '', where = '', role, uid, gid] = process.argv.slice(2)
if (uid !== undefined) {
  process.setgroups?.([])
  process.setgid?.(Number(gid))
  process.setuid?.(Number(uid))
}
const engine = ((await import(module)) as SnapshotEngineModule).connectSnapshot(where)
const tell = (told: object): void => {
  process.send?.(told)
}
const of = (n: number) =>
  Array.from({ length: ITEMS }, (_, i) => ({ key: `k${i}`, kind: 'n', version: 1, body: String(n) }))

try {
  if (role === 'write') {
    let stopping = false
    process.on('message', () => {
      stopping = true
    })
    await using writer = await engine.write()
    let { seq } = await writer.state()
    while (!stopping) {
      const items = of(seq + 1)
      ;({ seq } = await (seq % 2 === 0 ? writer.replace(items) : writer.put({ put: items })))
      tell({ acknowledged: seq })
    }
  } else {
    await using reader = engine.read()
    const held = new Map<string, string>()
    let coming = new Map<string, string>()
    let mark: Mark | null = null
    for await (const step of reader.follow(mark, { signal: new AbortController().signal })) {
      if (step.kind === 'begin') {
        coming = new Map()
        if (step.whole) held.clear()
      } else if (step.kind === 'batch') for (const { key, body } of step.put) coming.set(key, body)
      else {
        mark = { id: step.id, seq: step.seq }
        for (const [key, body] of coming) held.set(key, body)
        const numbers = new Set(held.values())
        if (held.size !== ITEMS || numbers.size !== 1 || !numbers.has(String(step.seq)))
          throw new Error(`version ${step.seq}: ${held.size} items that say ${[...numbers].join(', ')}`)
        tell({ position: step.seq, uid: process.getuid?.() })
      }
    }
  }
} catch (error) {
  tell({ failed: String(error) })
}
if (process.connected) process.disconnect()
