// SPDX-License-Identifier: Apache-2.0
// What one of our people said at another program of his network, shown to his XMPP clients as his own: XEP-0356, in his name. The server makes
// of it what it makes of every message of his: carbons (XEP-0280), archive. One whose privileges are of the first kind makes nothing of it, so
// there the carbons are written here.
import type { Privileges } from '../../privilege/privileges.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import { bareOf, domainOf, resourceOf } from '../../xmpp/jid.ts'
import { NS } from '../../xmpp/namespaces.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'

const CARBONS = 'urn:xmpp:carbons:2'
/** XEP-0280 §6, XEP-0334: of a carbon no carbon is made, and none is kept. */
const ALONE = `<private xmlns='${CARBONS}'/><no-copy xmlns='urn:xmpp:hints'/><no-store xmlns='urn:xmpp:hints'/>`
/** Copies that the server has not handed to us yet. */
const MOST = 10_000

export type ReflectingOptions = {
  privileges(): Pick<Privileges, 'grants' | 'sendMessage'> | null
  /** Full addresses of his clients, as they told us. */
  clients(owner: string): readonly string[]
  log: Record<'warn', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
}

export type Reflecting = {
  /** `to`: bare address of somebody there. False: his server does not let us. */
  show(owner: string, to: string, id: string, payload: string): boolean
  /** The server hands such a message to whom it is addressed, which is us. True: it is one, and goes nowhere. */
  comesBack(message: StanzaOf<'message'>): boolean
}

export function openReflecting({ privileges, clients, log }: ReflectingOptions): Reflecting {
  const written = new Set<string>()
  const told = new Set<string>()

  function send(owner: string, to: string, id: string, payload: string): boolean {
    const known = privileges()
    const version = known?.grants(domainOf(owner))?.version
    if (known === null || version === undefined) return false
    const message = { from: owner, to, type: 'chat', id, payload } as const
    if (version === 2) {
      known.sendMessage(message)
      written.add(id)
      for (const oldest of written) {
        if (written.size <= MOST) break
        written.delete(oldest)
      }
      return true
    }
    const inside = `<message xmlns='${NS.client}' from='${escapeAttribute(owner)}' to='${escapeAttribute(to)}' type='chat' id='${id}'>${payload}</message>`
    const carbon = `<sent xmlns='${CARBONS}'><forwarded xmlns='${NS.forward}'>${inside}</forwarded></sent>${ALONE}`
    const reached = clients(owner)
    for (const client of reached) known.sendMessage({ from: owner, to: client, type: 'chat', payload: carbon })
    return reached.length > 0
  }

  return {
    show(owner, to, id, payload) {
      try {
        return send(bareOf(owner), to, id, payload)
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error
        const host = domainOf(owner)
        if (!told.has(host)) log.warn('what people say elsewhere is not shown to them', { host, error: error.cause })
        told.add(host)
        return false
      }
    },
    // Its id is known to us and the server alone, and nobody but the server writes as an account without a resource.
    comesBack: ({ from, id }) => resourceOf(from) === '' && written.delete(id),
  }
}
