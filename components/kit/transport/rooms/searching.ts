// SPDX-License-Identifier: Apache-2.0
// XEP-0055 at the address of a network: who of its people fits what is asked for, as the network shows them to who asks. Nothing of it is kept.
import type { Iq, IqRoute } from '../../router/router.ts'
import { readSearch, SEARCH, type SearchField, writeFound, writeSearchForm } from '../../xep/search.ts'
import { bareOf } from '../../xmpp/jid.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { readAddress, writeAddress } from '../address.ts'
import { refuse } from '../faults.ts'
import { NetworkFault, type PersonFound, type PersonWanted } from '../network.ts'
import type { House } from './house.ts'

const FOUND_MOST = 100
const WORDS_MOST = 100
const TEXT_MOST = 300

export function searchRoutes(house: House): readonly IqRoute[] {
  const { domain, network, text } = house

  /** The network that is meant, by its own address or by that of the gateway where it has one only. */
  function whereIn({ to }: Iq): string {
    const address = readAddress(to, domain, network)
    const named = address?.kind === 'network' ? address.network : address?.kind === 'gateway' ? network.only : null
    if (named === null) throw new StanzaError('cancel', 'service-unavailable')
    if (network.refuses(named) !== null)
      throw new StanzaError('cancel', 'item-not-found', text.inAll('kit-transport-unknown-network'))
    return named
  }

  const fields = (language: string): SearchField[] =>
    (['nick', 'x-name', 'x-host'] as const).map((name) => ({
      var: name,
      label: text.say(`kit-transport-search-${name.replace('x-', '')}`, language),
    }))

  function form(iq: Iq): string {
    const name = whereIn(iq)
    return writeSearchForm({
      title: text.say('kit-transport-search-title', iq.language, { network: name }),
      instructions: text.say('kit-transport-search-instructions', iq.language),
      fields: fields(iq.language),
    })
  }

  async function search(iq: Iq, signal: AbortSignal): Promise<string> {
    const of = whereIn(iq)
    const { kind, said } = readSearch(iq.payload)
    const wanted: PersonWanted = Object.fromEntries(
      [...said].flatMap(([name, words]) =>
        isField(name) ? [[name.replace('x-', ''), words.slice(0, WORDS_MOST)]] : [],
      ),
    )
    if (Object.keys(wanted).length === 0)
      throw new StanzaError('modify', 'not-acceptable', text.inAll('kit-transport-search-instructions'))
    const owner = bareOf(iq.from)
    const found = await readable(owner, of, await ask(owner, of, wanted, signal))
    const columns = [
      { var: 'jid', label: text.say('kit-transport-search-address', iq.language) },
      ...fields(iq.language),
    ]
    return writeFound(
      kind,
      columns,
      found.map(({ nick, name = '', host = '' }) => ({
        jid: writeAddress(domain, network, of, nick),
        values: { nick: plain(nick), 'x-name': plain(name), 'x-host': plain(host) },
      })),
    )
  }

  /** One question for all who were found: names and hosts are left out where they may not be read. */
  async function readable(owner: string, of: string, found: readonly PersonFound[]): Promise<readonly PersonFound[]> {
    const words = found.map(({ nick, name = '', host = '' }) => `${nick} ${plain(name)} ${plain(host)}`).join('\n')
    return (await house.words.read(owner, of, words)) === words ? found : found.map(({ nick }) => ({ nick }))
  }

  async function ask(
    owner: string,
    of: string,
    wanted: PersonWanted,
    signal: AbortSignal,
  ): Promise<readonly PersonFound[]> {
    try {
      await house.sessions.open(owner, of)
      const session = await house.sessions.up(owner, of, signal)
      if (session.search === undefined) throw new NetworkFault('unsupported', '')
      return await session.search(wanted, FOUND_MOST)
    } catch (error) {
      throw await refuse(error, house, { owner, network: of })
    }
  }

  // One at a time of one person: the network makes everybody behind it wait.
  return [
    { type: 'get', namespace: SEARCH, name: 'query', order: 'sender', hidden: true, answer: async (iq) => form(iq) },
    { type: 'set', namespace: SEARCH, name: 'query', order: 'sender', hidden: true, answer: search },
  ]
}

function isField(name: string): boolean {
  return name === 'nick' || name === 'x-name' || name === 'x-host'
}

function plain(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, TEXT_MOST)
}
