// SPDX-License-Identifier: Apache-2.0
// Cards of people there, of what the network says about them when one of ours asks: XEP-0054, XEP-0292. Nothing of it is kept for long, and
// nothing is asked on a connection that is not there: clients ask for the cards of all their contacts.
import type { Iq, IqRoute } from '../../router/router.ts'
import { type Card, VCARD_TEMP, writeVcardTemp } from '../../xep/vcard-temp.ts'
import { VCARD4, VCARD4_NODE, writeVcard4 } from '../../xep/vcard4.ts'
import { bareOf } from '../../xmpp/jid.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { readAddress, writeAddress } from '../address.ts'
import { foreignOf } from '../asker/question.ts'
import { refuse } from '../faults.ts'
import { NetworkFault, type NetworkSession } from '../network.ts'
import type { House } from './house.ts'
import type { Rooms } from './rooms.ts'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const KEPT_MS = 60_000
const KEPT_MOST = 1_000
/** Of one person, asked about at once. */
const ASKED_MOST = 10
const TEXT_MOST = 300

type About = Awaited<ReturnType<NetworkSession['about']>>
type Kept = { at: number; about: Promise<About> }

export function cardRoutes(house: House, rooms: Rooms): readonly IqRoute[] {
  const kept = new Map<string, Kept>()
  const asking = new Map<string, number>()

  function whoIsMeant({ from, to }: Iq): { network: string; nick: string } {
    const address = readAddress(to, house.domain, house.network)
    if (address?.kind === 'person') return { network: address.network, nick: address.name }
    if (address?.kind !== 'room' || address.resource === '') throw new StanzaError('cancel', 'service-unavailable')
    // XEP-0045 §17.4: through the room, for those who are in it.
    const place = rooms.clientIn(address.network, address.name, from)
    const nick = place?.room.occupants.get(address.resource)?.nick
    if (nick === undefined)
      throw new StanzaError('cancel', 'item-not-found', house.text.inAll('kit-transport-person-unknown'))
    return { network: address.network, nick }
  }

  /** Networks tell different things to different people. */
  function ask(owner: string, network: string, nick: string): Promise<About> {
    const key = `${owner}\0${network}\0${house.network.key(network, nick)}`
    const found = kept.get(key)
    if (found !== undefined && house.now() - found.at < KEPT_MS) return found.about
    const session = house.sessions.of(owner, network)
    if (session === null || !session.isUp) throw new NetworkFault('down', '')
    const under = asking.get(owner) ?? 0
    if (under >= ASKED_MOST) throw new NetworkFault('busy', '')
    asking.set(owner, under + 1)
    const about = session.about(nick).finally(() => {
      const left = (asking.get(owner) ?? 1) - 1
      if (left > 0) asking.set(owner, left)
      else asking.delete(owner)
    })
    kept.delete(key)
    kept.set(key, { at: house.now(), about })
    about.catch(() => kept.delete(key))
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT_MOST) break
      kept.delete(oldest)
    }
    return about
  }

  /** One question for all that stands in it. */
  async function mayRead(owner: string, network: string, about: About): Promise<boolean> {
    const { name, account, identity, server, away, rooms: seen = [] } = about
    const words = [name, account, identity, server, away, ...seen].filter((word) => word).join('\n')
    return (await house.words.read(owner, network, words, foreignOf(about))) === words
  }

  async function cardOf(iq: Iq): Promise<Card> {
    const { network, nick } = whoIsMeant(iq)
    const owner = bareOf(iq.from)
    try {
      const about = await ask(owner, network, nick)
      // What may be read of it is not kept with it: it may be another thing a moment later.
      const isReadable = await mayRead(owner, network, about)
      return write(isReadable ? about : withoutWords(about), network, iq.language)
    } catch (error) {
      throw await refuse(error, house, { owner, network })
    }
  }

  function write(about: About, network: string, language: string): Card {
    const { nick, name, account, identity, server, away, rooms: seen = [] } = about
    const said = { account, identity, server, away, rooms: seen.join(' ') }
    const lines = Object.entries(said).flatMap(([what, value]) =>
      value === undefined || value === ''
        ? []
        : [house.text.say(`kit-transport-card-${what}`, language, { said: plain(value) })],
    )
    return {
      name: plain(name ?? '') || nick,
      nick,
      jid: writeAddress(house.domain, house.network, network, nick),
      note: lines.join('\n'),
    }
  }

  /** XEP-0292 §4: where a client looks for the card of a contact. */
  async function asItem(iq: Iq): Promise<string> {
    const node = iq.payload.getChild('items', PUBSUB)?.attrs.node
    if (node !== VCARD4_NODE) throw new StanzaError('cancel', 'item-not-found')
    const item = `<item id='current'>${writeVcard4(await cardOf(iq))}</item>`
    return `<pubsub xmlns='${PUBSUB}'><items node='${VCARD4_NODE}'>${item}</items></pubsub>`
  }

  const route = (namespace: string, name: string, answer: IqRoute['answer']): IqRoute => {
    return { type: 'get', namespace, name, order: 'arrival', hidden: true, answer }
  }
  return [
    route(VCARD_TEMP, 'vCard', async (iq) => writeVcardTemp(await cardOf(iq))),
    route(VCARD4, 'vcard', async (iq) => writeVcard4(await cardOf(iq))),
    route(PUBSUB, 'pubsub', asItem),
  ]
}

function withoutWords({ nick, role, affiliation }: About): About {
  return { nick, role, affiliation }
}

function plain(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, TEXT_MOST)
}
