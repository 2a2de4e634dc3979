// SPDX-License-Identifier: Apache-2.0
// A router whose component is more than a component to its hosts: it hears what they advertise before anybody else does, and answers
// what they delegate.
import { createRouter } from '../router/create-router.ts'
import type { IqRoute, Link, LinkEvents, Router, RouterOptions } from '../router/router.ts'
import { PRIVILEGE } from '../xep/privilege.ts'
import { bareOf, domainOf, localOf, resourceOf, sameJid } from '../xmpp/jid.ts'
import { NS } from '../xmpp/namespaces.ts'
import { readPush } from '../xmpp/roster.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { Delegates } from './delegates.ts'
import { Hosts } from './hosts.ts'
import { OnBehalf } from './on-behalf.ts'
import { DEFAULT_BOUNDS, type PrivilegeOptions, type Privileges } from './privileges.ts'

/** As createRouter, which it is given on to. */
export function createPrivilegedRouter<L extends Link>(
  options: RouterOptions,
  privilege: PrivilegeOptions,
  open: (events: LinkEvents) => L,
): { router: Router<L>; privileges: Privileges } {
  const { domain } = options
  const most = { ...DEFAULT_BOUNDS, ...privilege.most }
  const hosts = new Hosts(domain, privilege)
  const delegates = new Delegates(domain, hosts, most, privilege)
  const onBehalf = new OnBehalf(domain, hosts, () => router, most, privilege)
  const router: Router<L> = createRouter(
    {
      ...options,
      routes: [...delegates.routes, ...loops(onBehalf), ...pushes(domain, hosts, privilege), ...options.routes],
      nodes: delegates.nodes(options.nodes),
    },
    (events) =>
      open({
        take(received) {
          const { element } = received
          if (element.getName() === 'message' && (onBehalf.takeError(element) || hosts.take(element))) return undefined
          if (element.getName() === 'iq') onBehalf.takeFailed(element)
          return events.take(received)
        },
        down(reason) {
          hosts.clear()
          events.down(reason)
        },
      }),
  )
  return {
    router,
    privileges: {
      grants: (host) => hosts.grants(host),
      delegated: (host) => hosts.delegated(host),
      until: (holds, signal) => hosts.until(holds, signal),
      sendMessage: (message) => onBehalf.sendMessage(message),
      request: (request, within) => onBehalf.request(request, within),
      roster: (account, within) => onBehalf.roster(account, within),
      setRosterItem: (account, change, within) => onBehalf.setRosterItem(account, change, within),
    },
  }
}

function loops(onBehalf: OnBehalf): readonly IqRoute[] {
  return (['get', 'set'] as const).map((type) => ({
    type,
    namespace: PRIVILEGE[2],
    name: 'privilege',
    order: 'arrival',
    hidden: true,
    answer: ({ payload }) => onBehalf.takeLooped(payload),
  }))
}

/** XEP-0356 §4.4: from the account's bare address, where its host grants reading. */
function pushes(domain: string, hosts: Hosts, { rosterPush, log }: PrivilegeOptions): readonly IqRoute[] {
  if (rosterPush === undefined) return []
  return [
    {
      type: 'set',
      namespace: NS.roster,
      name: 'query',
      order: 'sender',
      hidden: true,
      answer({ from, to, payload }) {
        const host = domainOf(from)
        const granted = hosts.hostOf(host) !== null && hosts.grants(host)?.roster
        if (
          localOf(from) === '' ||
          resourceOf(from) !== '' ||
          !granted ||
          granted.push === false ||
          !sameJid(to, domain)
        ) {
          log.warn('a roster push was ignored', { from: bareOf(from) })
          throw new StanzaError('cancel', 'service-unavailable')
        }
        rosterPush(bareOf(from), readPush(payload))
        return ''
      },
    },
  ]
}
