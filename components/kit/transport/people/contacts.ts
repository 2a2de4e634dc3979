// SPDX-License-Identifier: Apache-2.0
// People of the network in somebody's contacts: subscriptions and presence, XEP-0100 §4 and §5 (RFC 6121 §3). Watched at the network as long
// as they are contacts.

import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import { bareOf } from '../../xmpp/jid.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { AwayTexts } from '../away-texts.ts'
import type { Network, NetworkSession } from '../network.ts'
import type { Keep } from './keep.ts'

/** `nick`: as it was written last. */
type Contact = { nick: string }
/** `text`: what may be shown of why he is away. */
type Shown = { online: boolean; away?: string; text?: string }

export type ContactsOptions = {
  network: Network
  keep: Keep
  awayTexts: Pick<AwayTexts, 'read'>
  /** Bare address of somebody there. */
  addressOf(network: string, nick: string): string
  sessionOf(owner: string, network: string): NetworkSession | null
  send(xml: string): boolean
}

export type Contacts = {
  /** A presence to somebody there from one of our people; `false`: of no kind that belongs here. Rejects where it cannot be kept. */
  presence(presence: StanzaOf<'presence'>, network: string, nick: string): boolean | Promise<true>
  /** Keeps him as a contact, and looks for him. Rejects with a StanzaError where there are too many. */
  keep(owner: string, network: string, nick: string): Promise<void>
  of(owner: string, network: string): readonly string[]
  has(owner: string, network: string, nick: string): boolean
  forget(owner: string, network: string, nick: string): Promise<void>
  /** The connection is there, or has gone. */
  up(owner: string, network: string): void
  down(owner: string, network: string): void
  told(owner: string, network: string, nick: string, shown: Shown): void
  renamed(owner: string, network: string, from: string, to: string): void
  /** Once more what is known: the server has forgotten it. */
  again(owner: string, network: string): void
  /** Everybody who was shown is no more. */
  stop(): void
}

/** Of one person; a roster of a chat network is not longer. */
const MOST = 1_000

export function openContacts({
  network: kind,
  keep,
  awayTexts,
  addressOf,
  sessionOf,
  send,
}: ContactsOptions): Contacts {
  /** By owner and network, by the nick for comparison: what his clients see. */
  const shown = new Map<string, Map<string, Shown>>()
  /** The same, and all names that are contacts. */
  const listed = new Map<string, Map<string, string>>()
  for (const { name, body } of keep.list<Contact>('contact')) {
    const [owner = '', network = '', ...key] = name.split(' ')
    listOf(owner, network).set(key.join(' '), body.nick)
  }

  function listOf(owner: string, network: string): Map<string, string> {
    const place = `${bareOf(owner)} ${network}`
    const list = listed.get(place) ?? new Map<string, string>()
    listed.set(place, list)
    return list
  }

  function shownOf(owner: string, network: string): Map<string, Shown> {
    const place = `${bareOf(owner)} ${network}`
    const list = shown.get(place) ?? new Map<string, Shown>()
    shown.set(place, list)
    return list
  }

  const nameOf = (owner: string, network: string, nick: string) =>
    `${bareOf(owner)} ${network} ${kind.key(network, nick)}`

  function say(to: string, network: string, nick: string, type: string, inside = ''): void {
    // RFC 6121 §4.2: who is there is so as a resource; Gajim 1.7 shows nobody as there who has none.
    const isShown = type === '' || type === 'unavailable'
    const from = escapeAttribute(addressOf(network, nick) + (isShown ? `/${kind.type}` : ''))
    const kindOf = type === '' ? '' : ` type='${type}'`
    send(`<presence from='${from}' to='${escapeAttribute(to)}'${kindOf}>${inside}</presence>`)
  }

  function show(owner: string, network: string, nick: string, to = bareOf(owner)): void {
    const now = shownOf(owner, network).get(kind.key(network, nick))
    if (now?.online !== true) {
      say(to, network, nick, 'unavailable')
      return
    }
    const { away, text = '' } = now
    const status = text === '' ? '' : `<status>${escapeText(text)}</status>`
    say(to, network, nick, '', away === undefined ? '' : `<show>away</show>${status}`)
  }

  function awayTextOf(owner: string, network: string, nick: string, text = ''): string | Promise<string> {
    return awayTexts.read(network, { nick, text, place: { from: addressOf(network, nick), to: bareOf(owner) } })
  }

  async function add(owner: string, network: string, nick: string): Promise<void> {
    const list = listOf(owner, network)
    const key = kind.key(network, nick)
    if (list.has(key)) return
    if (list.size >= MOST) throw new StanzaError('wait', 'resource-constraint')
    list.set(key, nick)
    try {
      await keep.set('contact', nameOf(owner, network, nick), { nick } satisfies Contact)
    } catch (error) {
      list.delete(key)
      throw error
    }
    sessionOf(owner, network)?.watch(nick)
  }

  async function forget(owner: string, network: string, nick: string): Promise<void> {
    const key = kind.key(network, nick)
    listOf(owner, network).delete(key)
    shownOf(owner, network).delete(key)
    sessionOf(owner, network)?.unwatch(nick)
    await keep.set('contact', nameOf(owner, network, nick), null)
  }

  async function subscribe(from: string, network: string, nick: string): Promise<true> {
    // Whom he may see the network shows to everybody: there is nobody to ask.
    await add(from, network, nick)
    say(bareOf(from), network, nick, 'subscribed')
    show(from, network, nick)
    return true
  }

  async function unsubscribe(from: string, network: string, nick: string): Promise<true> {
    await forget(from, network, nick)
    say(bareOf(from), network, nick, 'unsubscribed')
    say(bareOf(from), network, nick, 'unavailable')
    return true
  }

  function end(owner: string, network: string): void {
    const list = listOf(owner, network)
    for (const [key, { online }] of shownOf(owner, network))
      if (online) say(bareOf(owner), network, list.get(key) ?? key, 'unavailable')
    shown.delete(`${bareOf(owner)} ${network}`)
  }

  return {
    presence({ type, from }, network, nick) {
      switch (type) {
        case 'subscribe':
          return subscribe(from, network, nick)
        case 'unsubscribe':
          return unsubscribe(from, network, nick)
        case 'probe':
          show(from, network, nick, from)
          return true
        // Who is seen there is seen by everybody: nothing is to be granted or taken.
        case 'subscribed':
        case 'unsubscribed':
        case 'available':
        case 'unavailable':
          return true
        default:
          return false
      }
    },
    keep: add,
    of: (owner, network) => [...listOf(owner, network).values()],
    has: (owner, network, nick) => listOf(owner, network).has(kind.key(network, nick)),
    forget,
    up(owner, network) {
      const session = sessionOf(owner, network)
      for (const nick of listOf(owner, network).values()) session?.watch(nick)
    },
    down: end,
    told(owner, network, nick, now) {
      const key = kind.key(network, nick)
      if (!listOf(owner, network).has(key)) return
      const all = shownOf(owner, network)
      const before = all.get(key)
      if (before?.online === now.online && before.away === now.away) return
      const one: Shown = { ...now }
      all.set(key, one)
      const isNews = before !== undefined || now.online
      const text = awayTextOf(owner, network, nick, now.away)
      if (typeof text === 'string') {
        one.text = text
        if (isNews) show(owner, network, nick)
        return
      }
      // That he is there does not wait for it.
      const isShown = isNews && before?.online !== true
      if (isShown) show(owner, network, nick)
      void text.then((may) => {
        one.text = may
        if (isNews && all.get(key) === one && (may !== '' || !isShown)) show(owner, network, nick)
      })
    },
    renamed(owner, network, from) {
      const key = kind.key(network, from)
      const before = shownOf(owner, network).get(key)
      if (before?.online !== true) return
      // A contact is a name there: who has it next is told of as somebody who comes.
      shownOf(owner, network).set(key, { online: false })
      show(owner, network, from)
    },
    again(owner, network) {
      const list = listOf(owner, network)
      for (const [key, { online }] of shownOf(owner, network)) if (online) show(owner, network, list.get(key) ?? key)
    },
    stop() {
      for (const place of [...shown.keys()]) {
        const [owner = '', network = ''] = place.split(' ')
        end(owner, network)
      }
    },
  }
}
