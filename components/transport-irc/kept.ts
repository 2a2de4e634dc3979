// SPDX-License-Identifier: Apache-2.0
// What the process remembers, beside rooms: what is refused to who has too much of it, what is forgotten, and what is made once.
import { randomBytes } from 'node:crypto'
import type { Context } from '../kit/process/run.ts'
import { StanzaError } from '../kit/xmpp/stanza-error.ts'
import type { TransportIrcSettings } from './settings.ts'
import { type Memory, TooManyKept } from './storage/memory.ts'

type Log = Context<TransportIrcSettings>['log']

/** `words`: what he reads, by language. */
export function refusingTooMany(memory: Memory, words: Readonly<Record<string, string>>): Memory {
  return {
    ...memory,
    async set(kind, name, body) {
      try {
        await memory.set(kind, name, body)
      } catch (error) {
        throw error instanceof TooManyKept ? new StanzaError('wait', 'resource-constraint', words) : error
      }
    },
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  }
}

/** Entries of what is learned of networks over their bound: counted, and said once an hour. */
export function forgetting(log: Log, now: () => number) {
  let count = 0
  let saidAt = Number.NEGATIVE_INFINITY
  return {
    count: () => count,
    one(kind: string) {
      count += 1
      if (now() - saidAt < 3_600_000) return
      saidAt = now()
      log.warn('more networks than are remembered: what was learned first of one is forgotten', { kind, count })
    },
  }
}

/** What is set is at hand at once and on the disk soon; what cannot be kept is learned again. */
export function storeOf<T>(memory: Memory, kind: 'known' | 'sts', log: Log) {
  return {
    read: (name: string) => memory.read<T>(kind, name),
    write(name: string, value: T | null) {
      memory.set(kind, name, value).catch((error: unknown) => log.error('not kept', { kind, error }))
    },
  }
}

/** Made once: occupants keep their ids over restarts (XEP-0421). */
export async function occupantKeyOf(memory: Memory): Promise<Buffer> {
  const kept = memory.read<string>('key', 'occupants')
  if (kept !== null) return Buffer.from(kept, 'base64')
  const made = randomBytes(32)
  await memory.set('key', 'occupants', made.toString('base64'))
  return made
}
