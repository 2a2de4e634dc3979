// SPDX-License-Identifier: Apache-2.0
// What is remembered of people, where one more of his own is refused to who has too many.
import { StanzaError } from '../kit/xmpp/stanza-error.ts'
import { type Memory, TooManyKept } from './storage/memory.ts'

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
