// SPDX-License-Identifier: Apache-2.0
// Messages one to one. What our people say goes to the network in their order, and fails with an error to them; what comes from there is asked
// about before anybody reads it.
import type { Catalogue } from '../../text/catalogue.ts'
import { MARKABLE, writeMarker } from '../../xep/markers.ts'
import { wantsReceipt, writeReceipt } from '../../xep/receipts.ts'
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import { bareOf } from '../../xmpp/jid.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { foreignOf } from '../asker/question.ts'
import { orRefusal, refusalOf } from '../faults.ts'
import type { Lookalikes } from '../lookalikes.ts'
import { type ForeignMessage, type Network, NetworkFault, type Outgoing, type Sent } from '../network.ts'
import { writeLink } from '../rooms/foreign.ts'
import type { Asking } from '../rooms/house.ts'
import { wordsFor } from '../rooms/look-out.ts'
import {
  NS_CHAT_STATES,
  NS_CORRECT,
  NS_REACTIONS,
  NS_REPLY,
  NS_RETRACT,
  quoteOf,
  readReplaced,
  readSaid,
  type Said,
  writeTyping,
} from '../rooms/reading.ts'
import { newId } from '../rooms/telling.ts'
import { writeLate } from '../rooms/writing.ts'
import type { Sessions } from '../sessions.ts'
import type { Words } from '../words.ts'
import type { Heard } from './heard.ts'
import { openReflecting, type ReflectingOptions } from './reflecting.ts'

export type TalkOptions = ReflectingOptions & {
  network: Network
  sessions: Pick<Sessions, 'open' | 'up' | 'of'>
  asker: Pick<Asking, 'ask'>
  addressOf(network: string, nick: string): string
  send(xml: string): boolean
  text: Catalogue
  words: Words
  log: Record<'warn' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
  now(): number
  /** That something for him was refused by the rules is told to its recipient. */
  noteRefused: boolean
  /** A message that is nothing but a link to a file is marked as that file (XEP-0066). */
  linksAsFiles: boolean
  lookalikes: Lookalikes
  heard: Pick<Heard, 'note'>
  /** Names there in his contacts. */
  contactsOf(owner: string, network: string): readonly string[]
}

export type Talk = {
  /** From one of our people to somebody there. Rejects with the StanzaError that he gets. */
  say(message: StanzaOf<'message'>, network: string, nick: string): Promise<void>
  take(owner: string, network: string, message: ForeignMessage): Promise<void>
  /** What he said to somebody there at another program of his. */
  reflect(owner: string, network: string, nick: string, message: ForeignMessage): Promise<void>
  typing(owner: string, network: string, nick: string, state: 'active' | 'paused' | 'done'): void
  /** All up to then is read, at another program of his. */
  readUpTo(owner: string, network: string, nick: string, at: number): void
  counts: Readonly<Record<'in' | 'out' | 'reflected' | 'unreflected' | 'refused' | 'withheld' | 'failed', number>>
}

/** What is still known of what was said: for corrections, replies, reactions. */
type Known = {
  foreign: string | null
  stanza: string
  body: string
  nick: string
  own: boolean
  at: number
  isRead?: true
}
const KNOWN = 50
const CONVERSATIONS = 10_000
const WAITING = 50
const CONNECT_MS = 30_000
const QUOTED = 80

export function openTalk({
  network: kind,
  sessions,
  asker,
  addressOf,
  send,
  text,
  words,
  log,
  now,
  noteRefused,
  linksAsFiles,
  lookalikes,
  contactsOf,
  heard,
  ...rest
}: TalkOptions): Talk {
  const reflecting = openReflecting({ ...rest, log })
  const counts = { in: 0, out: 0, reflected: 0, unreflected: 0, refused: 0, withheld: 0, failed: 0 }
  const known = new Map<string, Known[]>()
  /** Conversations whose other end was looked at, or is being. */
  const looked = new Map<string, Promise<void>>()
  const turns = new Map<string, { last: Promise<void>; waiting: number }>()

  const keyOf = (owner: string, network: string, nick: string) =>
    `${bareOf(owner)} ${network} ${kind.key(network, nick)}`

  function remember(key: string, one: Known): void {
    const list = known.get(key) ?? []
    known.delete(key)
    known.set(key, list)
    list.push(one)
    if (list.length > KNOWN) list.shift()
    const [oldest] = known.keys()
    if (known.size > CONVERSATIONS && oldest !== undefined) known.delete(oldest)
  }

  const find = (key: string, stanza: string) => known.get(key)?.findLast((one) => one.stanza === stanza)

  /** One after the other, of one conversation. */
  function inTurn(key: string, act: () => Promise<void>): Promise<void> {
    const turn = turns.get(key) ?? { last: Promise.resolve(), waiting: 0 }
    if (turn.waiting >= WAITING) return Promise.reject(refusalOf(new NetworkFault('busy', ''), text))
    turn.waiting += 1
    turns.set(key, turn)
    const done = turn.last.then(act)
    turn.last = done
      .catch(() => {})
      .then(() => {
        turn.waiting -= 1
        if (turn.waiting === 0) turns.delete(key)
      })
    return done
  }

  async function say(message: StanzaOf<'message'>, network: string, nick: string): Promise<void> {
    if (reflecting.comesBack(message)) return
    const said = readSaid(message.element)
    switch (said.kind) {
      case 'encrypted':
        throw new StanzaError('modify', 'not-acceptable', text.inAll('kit-transport-encrypted-person'))
      case 'nothing':
        return
      case 'typing':
        sessions.of(bareOf(message.from), network)?.typing({ person: nick }, said.state)
        return
      case 'read':
        markRead(message, network, nick, said.id)
        return
      case 'subject':
      case 'unknown':
        throw new StanzaError('cancel', 'feature-not-implemented', text.inAll('kit-transport-nothing-to-say'))
    }
    const key = keyOf(message.from, network, nick)
    // What he says next does not wait for what may be read of a refusal.
    const done = inTurn(key, () => hand(message, said, network, nick, key))
    await orRefusal(done, { text, words }, { owner: bareOf(message.from), network })
  }

  async function hand(
    message: StanzaOf<'message'>,
    said: Extract<Said, { kind: 'say' }>,
    network: string,
    nick: string,
    key: string,
  ): Promise<void> {
    const owner = bareOf(message.from)
    let sent: Sent
    try {
      await sessions.open(owner, network)
      const session = await sessions.up(owner, network, AbortSignal.timeout(CONNECT_MS))
      sent = await session.say({ person: nick }, outgoing(said, key))
    } catch (error) {
      counts.failed += 1
      throw error
    }
    counts.out += 1
    heard.note(owner, network, sent)
    const { body, at } = sent
    remember(key, { foreign: sent.ids[0] ?? null, stanza: message.id, body, nick, own: true, at: at ?? now() })
    if (!sent.confirmed || !wantsReceipt(message.element)) return
    // XEP-0184: delivered as far as the network can say.
    send(
      `<message from='${escapeAttribute(addressOf(network, nick))}' to='${escapeAttribute(message.from)}' id='${newId()}'${typeOf(message)}>${writeReceipt(message.id)}</message>`,
    )
  }

  /** In the network's own ids. What is not known any more is said plainly. */
  function outgoing(said: Extract<Said, { kind: 'say' }>, key: string): Outgoing {
    const { body, replyTo, corrects, reaction, retracts } = said
    const unknown = () => new StanzaError('cancel', 'item-not-found', text.inAll('kit-transport-unknown-message'))
    if (corrects !== undefined) {
      const before = find(key, corrects)
      if (before?.own !== true) throw unknown()
      return { body, corrects: { id: before.foreign, before: before.body } }
    }
    if (retracts !== undefined) {
      const before = find(key, retracts)
      if (before?.own !== true) throw unknown()
      return { body: '', retracts: { id: before.foreign } }
    }
    if (reaction !== undefined) {
      const to = find(key, reaction.to)
      if (to === undefined) throw unknown()
      return { body, reaction: { to: to.foreign, emojis: reaction.emojis, quote: quoteOf(to.body, QUOTED) } }
    }
    const to = replyTo === undefined ? undefined : find(key, replyTo)
    // Where the network has no ids, only the other's words can be named by his nick.
    return to === undefined || (to.foreign === null && to.own)
      ? { body }
      : { body, replyTo: { id: to.foreign, nick: to.nick, quote: quoteOf(to.body, QUOTED) } }
  }

  async function take(owner: string, network: string, message: ForeignMessage): Promise<void> {
    const key = keyOf(owner, network, message.nick)
    const id = newId()
    const payload = payloadOf(message, key)
    if (payload === '') return
    const to = escapeAttribute(bareOf(owner))
    const from = escapeAttribute(addressOf(network, message.nick))
    const { nick, at } = message
    const head = `<message xmlns='jabber:client' from='${from}' to='${to}' type='chat' id='${id}'>`
    const allowed = await allowedOf(head, payload, network, message, key, () => {
      if (noteRefused) note(to, from, text.say('kit-transport-refused', undefined, { nick }))
    })
    if (allowed === null) return
    const inside = sessions.of(owner, network)?.keepsRead === true ? allowed + MARKABLE : allowed
    counts.in += 1
    // What comes behind waits with the first.
    await lookOut(owner, network, message, key)
    remember(key, { foreign: message.id, stanza: id, body: message.body, nick, own: false, at: at ?? now() })
    if (!send(`<message from='${from}' to='${to}' type='chat' id='${id}'>${inside}${delayOf(message)}</message>`))
      log.warn('a message could not be handed to the server', { network })
  }

  /** What the rules leave of it; null: nothing, which is counted. `refused`: it was the rules that said so. */
  async function allowedOf(
    head: string,
    payload: string,
    network: string,
    message: ForeignMessage,
    order: string,
    refused = () => {},
  ): Promise<string | null> {
    const { at } = message
    const stanza = `${head}${payload}</message>`
    const foreign = foreignOf(message)
    const answer = await asker.ask({
      ...{ stanza, network: kind.type, server: network, foreign, order },
      ...(at === null ? {} : { at }),
    })
    if (answer.action === 'refuse') {
      counts[answer.why === 'policy' ? 'refused' : 'withheld'] += 1
      if (answer.why === 'policy') refused()
      return null
    }
    const allowed = answer.replaced ? readReplaced(answer.stanza)?.payload : payload
    if (allowed === undefined) counts.refused += 1
    return allowed ?? null
  }

  /** Once of each who writes to somebody, before he reads it. */
  function lookOut(owner: string, network: string, message: ForeignMessage, key: string): Promise<void> {
    const before = looked.get(key)
    if (before !== undefined) return before
    if (looked.size >= CONVERSATIONS) looked.clear()
    const looking = look(owner, network, message).catch((error: unknown) =>
      log.error('names could not be compared', { error }),
    )
    looked.set(key, looking)
    return looking
  }

  async function look(owner: string, network: string, { nick, account }: ForeignMessage): Promise<void> {
    const tellsAccounts = sessions.of(owner, network)?.tellsAccounts === true
    const here = contactsOf(owner, network)
    const found = await lookalikes.look({ network, nick, tellsAccounts, here, ...(account ? { account } : {}) })
    if (found === null) return
    const from = escapeAttribute(addressOf(network, nick))
    const [id, args] = wordsFor(nick, found, null)
    note(escapeAttribute(bareOf(owner)), from, text.say(id, undefined, args))
  }

  async function reflect(owner: string, network: string, nick: string, message: ForeignMessage): Promise<void> {
    const key = keyOf(owner, network, nick)
    const id = newId()
    const payload = payloadOf(message, key)
    if (payload === '') return
    const to = addressOf(network, nick)
    const addresses = `from='${escapeAttribute(bareOf(owner))}' to='${escapeAttribute(to)}'`
    const { at } = message
    const head = `<message xmlns='jabber:client' ${addresses} type='chat' id='${id}'>`
    const inside = await allowedOf(head, payload, network, message, key)
    if (inside === null) return
    await looked.get(key)
    const isShown = reflecting.show(owner, to, id, inside + delayOf(message))
    counts[isShown ? 'reflected' : 'unreflected'] += 1
    if (!isShown) return
    const { id: foreign, body, nick: self } = message
    remember(key, { foreign, stanza: id, body, nick: self, own: true, at: at ?? now() })
  }

  function markRead(message: StanzaOf<'message'>, network: string, nick: string, id: string): void {
    const read = find(keyOf(message.from, network, nick), id)
    if (read === undefined) return
    read.isRead = true
    sessions.of(bareOf(message.from), network)?.markRead?.({ person: nick }, read.at)
  }

  /** XEP-0490 wants the id of his own server, which nobody tells us: by a marker of his own (XEP-0333) his clients know it too. */
  function readUpTo(owner: string, network: string, nick: string, at: number): void {
    const newest = known.get(keyOf(owner, network, nick))?.findLast((one) => !one.own && one.at <= at)
    if (newest === undefined || newest.isRead === true) return
    newest.isRead = true
    reflecting.show(owner, addressOf(network, nick), newId(), writeMarker(newest.stanza))
  }

  const delayOf = ({ at, kept }: ForeignMessage) => writeLate(at, kept === true ? Number.POSITIVE_INFINITY : now())

  function note(to: string, from: string, words: string): void {
    const hints = "<no-store xmlns='urn:xmpp:hints'/>"
    send(
      `<message from='${from}' to='${to}' type='headline' id='${newId()}'><body>${escapeText(words)}</body>${hints}</message>`,
    )
  }

  /** '' where nothing is to be said. */
  function payloadOf(message: ForeignMessage, key: string): string {
    const { body, replyTo, reaction, corrects, retracts } = message
    const stanzaOf = (foreign: string) => known.get(key)?.findLast((one) => one.foreign === foreign)?.stanza
    if (reaction !== undefined) {
      const to = stanzaOf(reaction.to)
      const all = reaction.emojis.map((emoji) => `<reaction>${escapeText(emoji)}</reaction>`).join('')
      return to === undefined ? '' : `<reactions xmlns='${NS_REACTIONS}' id='${escapeAttribute(to)}'>${all}</reactions>`
    }
    if (retracts !== undefined) {
      const to = stanzaOf(retracts)
      const words = text.say('kit-transport-retracted', undefined)
      return to === undefined
        ? ''
        : `<retract xmlns='${NS_RETRACT}' id='${escapeAttribute(to)}'/><body>${escapeText(words)}</body>`
    }
    if (body === '') return ''
    const to = replyTo === undefined ? undefined : stanzaOf(replyTo)
    const before = corrects === undefined ? undefined : stanzaOf(corrects)
    const reply = to === undefined ? '' : `<reply xmlns='${NS_REPLY}' id='${escapeAttribute(to)}'/>`
    const replace = before === undefined ? '' : `<replace xmlns='${NS_CORRECT}' id='${escapeAttribute(before)}'/>`
    const link = linksAsFiles && to === undefined ? writeLink(body) : ''
    return `<body>${escapeText(body)}</body>${reply}${replace}${link}<active xmlns='${NS_CHAT_STATES}'/>`
  }

  return {
    say,
    take,
    reflect,
    readUpTo,
    typing(owner, network, nick, state) {
      const from = escapeAttribute(addressOf(network, nick))
      const hints = "<no-store xmlns='urn:xmpp:hints'/>"
      send(
        `<message from='${from}' to='${escapeAttribute(bareOf(owner))}' type='chat'>${writeTyping(state)}${hints}</message>`,
      )
    },
    counts,
  }
}

function typeOf({ type }: StanzaOf<'message'>): string {
  return type === 'chat' ? " type='chat'" : ''
}
