// SPDX-License-Identifier: Apache-2.0
// What every component answers: XEP-0030, XEP-0092, XEP-0199. A component's own route for the same element comes before these.
import { readNode, writeInfo, writeItems } from '../xep/disco.ts'
import { writeVersion } from '../xep/version.ts'
import { sameJid } from '../xmpp/jid.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Iq, IqRoute, RouterOptions } from './router.ts'

type About = Pick<RouterOptions, 'domain' | 'identity' | 'software' | 'features' | 'items' | 'routes'>

export function builtInRoutes({ domain, identity, software, features = [], items, routes }: About): readonly IqRoute[] {
  const own = [NS.discoInfo, NS.discoItems, NS.ping, NS.version]
  const info = { identities: [identity], features: [...own, ...features, ...routes.map(({ namespace }) => namespace)] }
  const get = (namespace: string, name: string, answer: (iq: Iq) => string): IqRoute => ({
    type: 'get',
    namespace,
    name,
    order: 'arrival',
    answer,
  })
  /** Only the component itself is described here, and it has no nodes. */
  const aboutUs = (iq: Iq): void => {
    if (!sameJid(iq.to, domain)) throw new StanzaError('cancel', 'service-unavailable')
    if (readNode(iq.payload) !== null) throw new StanzaError('cancel', 'item-not-found')
  }
  return [
    get(NS.ping, 'ping', () => ''),
    get(NS.version, 'query', () => writeVersion(software)),
    get(NS.discoInfo, 'query', (iq) => {
      aboutUs(iq)
      return writeInfo(info)
    }),
    get(NS.discoItems, 'query', (iq) => {
      aboutUs(iq)
      return writeItems(items?.() ?? [])
    }),
  ]
}
