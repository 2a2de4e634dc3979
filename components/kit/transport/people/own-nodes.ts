// SPDX-License-Identifier: Apache-2.0
// Items among a person's own (XEP-0163, XEP-0223), read and written in his name by XEP-0356 where his server grants it.
import type { Privileges } from '../../privilege/privileges.ts'
import { writeSubmitted } from '../../xep/data-forms.ts'
import type { Element } from '../../xml/element.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import { bareOf, domainOf } from '../../xmpp/jid.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const WITHIN = { timeoutMs: 10_000 }
/** Of one person, waiting for one another. */
const WAITING = 50

export type OwnNodes = {
  /** Whether his server lets us read and write. */
  are(owner: string): boolean
  /**
   * One after the other of one person: nodes that are made side by side fail on ejabberd. Rejects with the StanzaError of the server, with
   * wait/resource-constraint when too much waits.
   */
  inTurn<T>(owner: string, act: (own: OwnNode) => Promise<T>): Promise<T>
}

export type OwnNode = {
  /** Null: there is none. */
  read(node: string, id: string): Promise<Element | null>
  /** `options`: what the node must be like; it is made so where it is missing. */
  publish(node: string, id: string, payload: string, options: Readonly<Record<string, string>>): Promise<void>
  retract(node: string, id: string): Promise<void>
}

export function openOwnNodes(privileges: () => Pick<Privileges, 'grants' | 'request'> | null): OwnNodes {
  const turns = new Map<string, { last: Promise<unknown>; waiting: number }>()

  function ask(as: string, type: 'get' | 'set', inside: string): Promise<Element> {
    const known = privileges()
    if (known === null) throw new StanzaError('wait', 'recipient-unavailable', {}, { cause: 'there is no stream' })
    const payload = { namespace: PUBSUB, xml: `<pubsub xmlns='${PUBSUB}'>${inside}</pubsub>` }
    return known.request({ as, to: as, type, payload }, WITHIN)
  }

  const nodeOf = (as: string): OwnNode => ({
    async read(node, id) {
      try {
        const inside = `<items node='${node}'><item id='${escapeAttribute(id)}'/></items>`
        const items = (await ask(as, 'get', inside)).getChild('pubsub', PUBSUB)?.getChild('items', PUBSUB)
        return items?.getChildren('item', PUBSUB).find((item) => item.attrs.id === id) ?? null
      } catch (error) {
        if (error instanceof StanzaError && error.condition === 'item-not-found') return null
        throw error
      }
    },
    async publish(node, id, payload, options) {
      const item = `<publish node='${node}'><item id='${escapeAttribute(id)}'>${payload}</item></publish>`
      await ask(
        as,
        'set',
        `${item}<publish-options>${writeSubmitted(`${PUBSUB}#publish-options`, options)}</publish-options>`,
      )
    },
    async retract(node, id) {
      await ask(as, 'set', `<retract node='${node}' notify='true'><item id='${escapeAttribute(id)}'/></retract>`)
    },
  })

  return {
    are(owner) {
      const access = privileges()?.grants(domainOf(owner))?.iq.get(PUBSUB)
      return access?.get === true && access.set
    },
    inTurn(owner, act) {
      const as = bareOf(owner)
      const turn = turns.get(as) ?? { last: Promise.resolve(), waiting: 0 }
      if (turn.waiting >= WAITING)
        return Promise.reject(new StanzaError('wait', 'resource-constraint', {}, { cause: 'too much at once' }))
      turn.waiting++
      turns.set(as, turn)
      const done = turn.last.then(() => act(nodeOf(as)))
      turn.last = done
        .catch(() => {})
        .then(() => {
          turn.waiting--
          if (turn.waiting === 0) turns.delete(as)
        })
      return done
    },
  }
}
