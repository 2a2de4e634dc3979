// SPDX-License-Identifier: Apache-2.0
// Contacts into somebody's roster: by XEP-0356 where his server grants it, else by XEP-0144 to a client that knows it, else by asking to be
// subscribed to. XEP-0100 §4.4.
import type { Privileges } from '../../privilege/privileges.ts'
import type { Router } from '../../router/router.ts'
import { ROSTER_EXCHANGE, writeRosterExchange } from '../../xep/roster-exchange.ts'
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import { bareOf, domainOf } from '../../xmpp/jid.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'

export type Rosters = {
  /** Gives the way that was taken. */
  add(
    owner: string,
    contact: { jid: string; name: string; group: string },
  ): Promise<'roster' | 'exchange' | 'subscribe'>
  /** Out of his roster where that is granted; else his client is told that the subscriptions have ended. */
  remove(owner: string, jid: string): Promise<void>
}

export type RosterOptions = {
  domain: string
  /** Null while there is none. */
  privileges(): Pick<Privileges, 'grants' | 'setRosterItem'> | null
  request: Router['request']
  send(xml: string): boolean
  /** Full addresses of his clients, as they told us. */
  clients(owner: string): readonly string[]
  words: { suggested: string }
  log: Record<'warn', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
}

const WITHIN = { timeoutMs: 5_000 }
const CLIENTS_ASKED = 5

export function openRosters({ domain, privileges, request, send, clients, words, log }: RosterOptions): Rosters {
  const granted = (owner: string) => {
    const known = privileges()
    return known?.grants(domainOf(owner))?.roster.set === true ? known : null
  }

  async function knowsExchange(client: string): Promise<boolean> {
    try {
      const info = await request(client, `<query xmlns='${NS.discoInfo}'/>`, { ...WITHIN, type: 'get' })
      const query = info.getChild('query', NS.discoInfo)
      return query?.getChildren('feature').some(({ attrs }) => attrs.var === ROSTER_EXCHANGE) ?? false
    } catch (error) {
      if (error instanceof StanzaError) return false
      throw error
    }
  }

  return {
    async add(owner, { jid, name, group }) {
      const to = bareOf(owner)
      try {
        const known = granted(to)
        if (known !== null) {
          await known.setRosterItem(to, { jid, name, groups: [group], subscription: 'both' }, WITHIN)
          return 'roster'
        }
      } catch (error) {
        // ejabberd 23.01 grants it and cannot do it.
        if (!(error instanceof StanzaError)) throw error
        log.warn('a roster was not written: another way is taken', { condition: error.condition })
      }
      for (const client of clients(to).slice(0, CLIENTS_ASKED)) {
        if (!(await knowsExchange(client))) continue
        const items = writeRosterExchange([{ action: 'add', jid, name, groups: [group] }])
        send(
          `<message from='${escapeAttribute(domain)}' to='${escapeAttribute(client)}'><body>${escapeText(words.suggested)}</body>${items}</message>`,
        )
        return 'exchange'
      }
      send(`<presence type='subscribe' from='${escapeAttribute(jid)}' to='${escapeAttribute(to)}'/>`)
      return 'subscribe'
    },
    async remove(owner, jid) {
      const to = bareOf(owner)
      for (const type of ['unsubscribe', 'unsubscribed', 'unavailable'])
        send(`<presence type='${type}' from='${escapeAttribute(jid)}' to='${escapeAttribute(to)}'/>`)
      try {
        await granted(to)?.setRosterItem(to, { jid, subscription: 'remove' }, WITHIN)
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error
        log.warn('a roster was not written: the contact stays there', { condition: error.condition })
      }
    },
  }
}
