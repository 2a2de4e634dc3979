// SPDX-License-Identifier: Apache-2.0
// Starting journal-child.ts or snapshot-child.ts and listening to it.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

type Told = { acknowledged?: number; ready?: true; position?: number; uid?: number; failed?: string }

export type Child = AsyncDisposable & {
  /** Resolves when what the child told last fits, now or later; rejects if the child fails or ends before. */
  heard(wanted: (told: Told) => boolean): Promise<Told>
  /** The highest acknowledged position that came out of the child so far. */
  readonly acknowledged: number
  /** Has a writer close in good order, and waits for the end. */
  stop(): Promise<void>
  /** kill -9, and waits for the end. */
  kill(): Promise<void>
}

type Place = { module: string; where: string }

export function startChild(engine: Place, role: 'write' | 'follow', as: readonly number[] = []): Child {
  return start(new URL('./journal-child.ts', import.meta.url), engine, role, as)
}

export function startSnapshotChild(engine: Place, role: 'write' | 'read', as: readonly number[] = []): Child {
  return start(new URL('./snapshot-child.ts', import.meta.url), engine, role, as)
}

function start(program: URL, engine: Place, role: string, as: readonly number[]): Child {
  const args = [engine.module, engine.where, role, ...as.map(String)]
  const child: ChildProcess = fork(program, args)
  const exited = once(child, 'exit')
  let acknowledged = 0
  let latest: Told = {}
  child.on('message', (told: Told) => {
    latest = told
    acknowledged = Math.max(acknowledged, told.acknowledged ?? 0)
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  return {
    heard(wanted) {
      if (latest.failed === undefined && wanted(latest)) return Promise.resolve(latest)
      if (latest.failed !== undefined) return Promise.reject(new Error(latest.failed))
      return new Promise((resolve, reject) => {
        const listen = (told: Told): void => {
          if (told.failed !== undefined) reject(new Error(told.failed))
          else if (!wanted(told)) return
          else resolve(told)
          child.off('message', listen)
        }
        child.on('message', listen)
        void exited.then(() => reject(new Error('the child ended')))
      })
    },
    get acknowledged() {
      return acknowledged
    },
    async stop() {
      child.send('stop')
      await exited
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
