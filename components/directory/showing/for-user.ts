// SPDX-License-Identifier: Apache-2.0
// The helper of each host, as one who publishes for its users.
import type { Router } from '../../kit/router/router.ts'
import type { Element } from '../../kit/xml/element.ts'
import { domainOf } from '../../kit/xmpp/jid.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import {
  type Item,
  type Place,
  readCard,
  readItems,
  writeCard,
  writePublish,
  writeRead,
  writeRetract,
} from '../protocol/for-user.ts'

/** All reject with the StanzaError of the answer: item-not-found for an account that is not there. */
export type ForUser = {
  publish(place: Place, payload: string, options?: Readonly<Record<string, string>>): Promise<void>
  retract(place: Place): Promise<void>
  /** The newest item, or the one with this id; null: there is none. */
  read(jid: string, node: string, id?: string): Promise<Item | null>
  card(jid: string): Promise<Element | null>
  setCard(jid: string, vcard: string): Promise<void>
}

const WITHIN_MS = 15_000
const CONFLICT: ReadonlySet<string> = new Set(['conflict'])
const OTHER_WAY: ReadonlySet<string> = new Set(['conflict', 'resource-constraint', 'not-acceptable', 'bad-request'])

/** `pace`: called before each request, resolves when it may go. */
export function openForUser(request: Router['request'], pace: () => Promise<void>): ForUser {
  const ask = async (type: 'get' | 'set', jid: string, payload: string) => {
    await pace()
    return request(domainOf(jid), payload, { type, timeoutMs: WITHIN_MS })
  }
  return {
    async publish(place, payload, options) {
      const tries = options === undefined ? [undefined] : [options, fewer(options), undefined]
      for (const one of tries) {
        try {
          await ask('set', place.jid, writePublish(place, payload, one))
          return
        } catch (error) {
          // XEP-0060 §7.1.5: the node is another way than we would have it, as its owner wants it; or the server has no such option
          // (ejabberd says resource-constraint, and names it).
          const isOptions =
            error instanceof StanzaError && (one === options ? OTHER_WAY : CONFLICT).has(error.condition)
          if (one === undefined || !isOptions) throw error
        }
      }
    },
    async retract(place) {
      try {
        await ask('set', place.jid, writeRetract(place))
      } catch (error) {
        if (!isCondition(error, 'item-not-found')) throw error
      }
    },
    async read(jid, node, id) {
      try {
        const place = id === undefined ? { jid, node, max: 1 } : { jid, node, id }
        return readItems(await ask('get', jid, writeRead(place)))[0] ?? null
      } catch (error) {
        if (isCondition(error, 'item-not-found')) return null
        throw error
      }
    },
    card: async (jid) => readCard(await ask('get', jid, writeCard(jid))),
    setCard: async (jid, vcard) => void (await ask('set', jid, writeCard(jid, vcard))),
  }
}

/** A gate through which `perSecond` pass, one after the other. */
export function openPace(perSecond: number, signal: AbortSignal): () => Promise<void> {
  const apartMs = 1_000 / perSecond
  let free = performance.now()
  return async () => {
    const now = performance.now()
    // What was not used is not saved up, but for what a timer cannot tell apart.
    free = Math.max(free + apartMs, now - 10)
    const wait = free - now
    if (wait > 1) await new Promise<void>((resolve) => setTimeout(resolve, wait))
    signal.throwIfAborted()
  }
}

/** Who may read it matters; the rest is comfort. */
function fewer(options: Readonly<Record<string, string>>): Record<string, string> {
  const kept = ['pubsub#persist_items', 'pubsub#access_model']
  return Object.fromEntries(Object.entries(options).filter(([name]) => kept.includes(name)))
}

function isCondition(error: unknown, condition: StanzaError['condition']): boolean {
  return error instanceof StanzaError && error.condition === condition
}
