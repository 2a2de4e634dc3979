// SPDX-License-Identifier: Apache-2.0
// What every component answers: XEP-0030, XEP-0092, XEP-0199. A component's own route for the same element comes before these.
import { readNode, writeInfo, writeItems } from '../xep/disco.ts'
import { writeVersion } from '../xep/version.ts'
import { sameJid } from '../xmpp/jid.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Iq, IqAnswer, IqRoute, RouterOptions } from './router.ts'

type About = Pick<
  RouterOptions,
  'domain' | 'identity' | 'software' | 'features' | 'items' | 'nodes' | 'disco' | 'routes'
>

export function builtInRoutes(about: About): readonly IqRoute[] {
  const { domain, identity, software, features = [], items, nodes, disco, routes } = about
  const own = [NS.discoInfo, NS.discoItems, NS.ping, NS.version]
  const shown = routes.filter(({ hidden }) => hidden !== true).map(({ namespace }) => namespace)
  const known = [...own, ...features, ...shown]
  const get = (namespace: string, name: string, answer: IqAnswer): IqRoute => ({
    type: 'get',
    namespace,
    name,
    order: 'arrival',
    answer,
  })
  /** Only the component itself is described here: null, or one of its nodes. */
  const nodeAsked = (iq: Iq): string | null => {
    if (!sameJid(iq.to, domain)) throw new StanzaError('cancel', 'service-unavailable')
    return readNode(iq.payload)
  }
  const found = <T>(what: T | null | undefined): T => {
    if (what === null || what === undefined) throw new StanzaError('cancel', 'item-not-found')
    return what
  }
  return [
    get(NS.ping, 'ping', () => ''),
    get(NS.version, 'query', () => writeVersion(software)),
    get(NS.discoInfo, 'query', (iq, signal) => {
      const told = disco?.info(iq, signal) ?? null
      if (told !== null) return told
      const node = nodeAsked(iq)
      if (node !== null) return writeInfo(found(nodes?.info(node, iq)), node)
      return writeInfo({ identities: [identity], features: [...known, ...(nodes?.features(iq) ?? [])] })
    }),
    get(NS.discoItems, 'query', (iq, signal) => {
      const told = disco?.items(iq, signal) ?? null
      if (told !== null) return told
      const node = nodeAsked(iq)
      return node === null ? writeItems(items?.() ?? []) : writeItems(found(nodes?.items(node, iq)), node)
    }),
  ]
}
