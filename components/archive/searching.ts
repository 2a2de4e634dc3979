// SPDX-License-Identifier: Apache-2.0
// What a search or an export asks for, read from what was said; and what is to be known of the people it names.
import type { Args, Hosts, Said } from '../kit/process/command.ts'
import { bareOf } from '../kit/xmpp/jid.ts'
import { MOST_LISTED } from './declarations.ts'
import type { Desk } from './desk.ts'
import { readIdentity } from './domain/identity.ts'
import type { Search } from './domain/record.ts'

export function readSearch(args: Args, hosts: Hosts): Search {
  const time = (value: unknown) => (typeof value === 'string' ? Date.parse(value) : null)
  const person = readIdentity(bareOf(text(args.person)))
  const peer = readIdentity(bareOf(text(args.peer)))
  return {
    hosts: hosts === null ? null : [...hosts],
    words: text(args.words),
    person: person.address,
    peer: peer.address,
    ...(text(args.person).trim() ? { personSaid: text(args.person).trim() } : {}),
    ...(text(args.peer).trim() ? { peerSaid: text(args.peer).trim() } : {}),
    ...(person.ordinal === null ? {} : { personIdentity: person.ordinal }),
    ...(peer.ordinal === null ? {} : { peerIdentity: peer.ordinal }),
    room: bareOf(text(args.room)),
    domain: bareOf(text(args.domain)),
    verdict: text(args.verdict),
    settlement: text(args.settlement),
    rule: text(args.rule),
    tag: text(args.tag),
    ...(text(args.network) ? { network: text(args.network).toLowerCase() } : {}),
    ...(text(args.foreign).trim() ? { foreign: text(args.foreign) } : {}),
    since: time(args.since),
    until: time(args.until),
    limit: bound(args.limit),
  }
}

/** Who asks for an address that had several identities is told so. */
export async function* tellIdentities(desk: Desk, query: Search, language: string): AsyncGenerator<Said> {
  for (const [address, one] of [
    [query.person, query.personIdentity],
    [query.peer, query.peerIdentity],
  ] as const) {
    if (address === '' || one !== undefined) continue
    const found = await desk.store.read('identities', { address, limit: MOST_LISTED, hosts: query.hosts })
    const names = [...new Set(found.map(({ identity }) => identity))]
    if (names.length > 1)
      yield {
        say: 'text',
        text: desk.say('archive-identities-several', language, {
          address,
          names: names.join(', '),
          count: names.length,
        }),
      }
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function bound(limit: unknown): number {
  return Math.max(1, Math.min(MOST_LISTED, Math.floor(Number(limit) || 1)))
}
