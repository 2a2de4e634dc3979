// SPDX-License-Identifier: Apache-2.0
// Another process at the same journal: node journal-child.ts MODULE WHERE write | follow [UID GID].
// Any message: closes in good order. write: appends entries whose body is their position, in calls of 1 to 64, eight under way, and tells what was acknowledged.
// follow: reads from the beginning, checks order and bodies, acknowledges, and tells its position.
import type { EngineModule } from './engine.ts'

const [module = '', where = '', role, uid, gid] = process.argv.slice(2)
if (uid !== undefined) {
  process.setgroups?.([])
  process.setgid?.(Number(gid))
  process.setuid?.(Number(uid))
}
const engine = ((await import(module)) as EngineModule).connect(where)
const tell = (told: object): void => {
  process.send?.(told)
}

if (role === 'write') {
  const journal = await engine.write()
  let n = (await journal.state()).last
  let call = 0
  const one = async (): Promise<void> => {
    for (;;) {
      const entries = Array.from({ length: 1 + (call++ % 64) }, () => ({ kind: 'n', version: 1, body: String(++n) }))
      try {
        tell({ acknowledged: (await journal.append(entries)).last })
      } catch (error) {
        if (stopping) return
        throw error
      }
    }
  }
  let stopping = false
  process.on('message', () => {
    stopping = true
    void journal[Symbol.asyncDispose]().then(() => process.disconnect())
  })
  await Promise.all(Array.from({ length: 8 }, one))
} else {
  let position = 0
  try {
    const follower = await engine.follow('child')
    tell({ ready: true })
    for await (const batch of follower.follow(0, { limit: 500, signal: new AbortController().signal })) {
      for (const kept of batch) {
        if (kept.position !== ++position || kept.body !== String(position)) {
          throw new Error(`position ${kept.position} with body ${kept.body} came where ${position} was due`)
        }
      }
      await follower.acknowledge(position)
      tell({ position, uid: process.getuid?.() })
    }
  } catch (error) {
    tell({ failed: String(error) })
  }
}
