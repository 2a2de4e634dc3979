// SPDX-License-Identifier: Apache-2.0
// The messages of one room: each is asked about once, gets one id, is kept once, and is made once for all who read it.
import { randomBytes } from 'node:crypto'
import { MARKABLE } from '../../xep/markers.ts'
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import { foreignOf } from '../asker/question.ts'
import type { PlacedMessage, StoredMessage } from '../history/operations.ts'
import { type ForeignMessage, NetworkFault, type Sent } from '../network.ts'
import type { Client } from './client.ts'
import { type Known, NO_REFERENCES, type References, writePayload } from './foreign.ts'
import type { House } from './house.ts'
import { KEPT_MOST, missedOf } from './kept.ts'
import type { Order } from './order.ts'
import { readReplaced, writeTyping } from './reading.ts'
import { type Say, Says } from './says.ts'
import { LIVE_MS, STANZA_ID, writeGroupchat, writeOccupantId } from './writing.ts'

export type Audience = {
  readonly network: string
  /** Of the history, and of the order in which is asked. */
  readonly key: string
  /** The room's address as the gateway writes it. */
  readonly jid: string
  /** Who hears it. */
  clients(): Iterable<Client>
  clientsOf(owner: string): Iterable<Client>
  /** The network keeps how far somebody has read. */
  readonly keepsRead: boolean
  /** XEP-0421. */
  occupantIdOf(nick: string, account?: string): string
}

/** A message of the network, to be told. `only`: whose connection alone got it. `owner`: who of ours said it elsewhere. */
type Heard = {
  id: string
  message: ForeignMessage
  at: number
  only: string | null
  owner: string | null
}
type Allowed = { payload: string; body: string }

/** Messages that are remembered for those who enter and for what speaks of them. */
const REMEMBERED = 60
/** So much of what we have is compared with what a network kept. */
const OURS_MOST = 3 * KEPT_MOST
const WITHHELD_TOLD_AFTER_MS = 5000

const ID_BYTES = 9
const DRAWN = 256
const BEGINNING_BYTES = 3
let drawn: Buffer = Buffer.alloc(0)
let beginning = ''
let used = 0

/**
 * Unguessable, and never the same twice. Drawn many at once: each draw costs more than all else that is done for a message. Those of one
 * draw begin alike, so that they lie side by side in the index of the store: a page of its own for each would cost most of a commit.
 */
export function newId(): string {
  if (used === drawn.length) {
    drawn = randomBytes(BEGINNING_BYTES + ID_BYTES * DRAWN)
    beginning = drawn.toString('base64url', 0, BEGINNING_BYTES)
    used = BEGINNING_BYTES
  }
  used += ID_BYTES
  return beginning + drawn.toString('base64url', used - ID_BYTES, used)
}

export class Telling {
  readonly says = new Says()
  readonly #house: House
  readonly #to: Audience
  readonly #order: Order
  #recent: StoredMessage[] = []
  readonly #byForeign = new Map<string, StoredMessage>()
  #withheld = 0
  #withheldTimer: NodeJS.Timeout | null = null

  constructor(house: House, to: Audience, order: Order) {
    this.#house = house
    this.#to = to
    this.#order = order
  }

  /** What was told last, oldest first. */
  get recent(): readonly StoredMessage[] {
    return this.#recent
  }

  remember(messages: readonly PlacedMessage[]): void {
    const now = this.#recent
    this.#recent = []
    for (const one of [...messages, ...now]) this.#note(one)
  }

  /**
   * Ours, at the place where the room saw it: what goes in parts where the last of them was seen. `seenAs`: the ids under which the network
   * showed it.
   */
  placeSay(say: Say, seenAs: string[] = []): void {
    if (say.withdraws !== null && !say.isPlaced) this.#withdraw(say.withdraws, say.id, say.shown)
    this.#place(say, say, seenAs)
  }

  /** The room saw a part of it. */
  seen(say: Say, message: ForeignMessage): void {
    const { givenUp } = say
    if (givenUp !== null && say.parts <= givenUp.told) return
    if (say.parts >= say.of && (givenUp === null || say.of === 1))
      this.placeSay(say, idsOf(say.of === 1 ? [message.id] : say.copies.map(({ id }) => id)))
    // Part of what was told as not whole: what comes of it now is shown by itself.
    else if (givenUp !== null) {
      const id = newId()
      this.#place({ ...say, isPlaced: false }, { id, mid: id, ...partOf(message.body) }, idsOf([message.id]))
    }
  }

  /**
   * It was refused, or never answered. What went of it all the same is told as what it is. Gives what its sender is to be told: null where
   * it is all there.
   */
  failed(say: Say, error: unknown): unknown {
    const carried = error instanceof NetworkFault ? error.carried : null
    const seen = say.copies.map(({ id, body }) => ({ id, body }))
    const wasSeen = seen.length > (carried?.parts ?? 0)
    const parts = wasSeen ? seen.length : (carried?.parts ?? 0)
    // Who drives may see it later than its sender learns what went of it.
    const most = carried?.unsure === true && say.body !== '' ? say.of : parts
    this.says.failed(say, say.parts < most ? { told: parts, most } : null, this.#house.now())
    // Who reads it in the room is not told that it failed.
    if (say.isPlaced) return null
    if (!(error instanceof NetworkFault) || carried === null || parts === 0) return error
    const body = wasSeen ? seen.map((one) => one.body).join('\n') : carried.body
    const ids = wasSeen ? seen.map(({ id }) => id) : carried.ids
    const isWhole = parts >= say.of
    this.#place(say, isWhole ? say : { ...say, ...partOf(body) }, idsOf(ids))
    return isWhole ? null : error.with({ ...carried, parts, of: say.of })
  }

  #place(say: Say, { id, mid, body, payload }: Words, seenAs: string[]): void {
    if (say.isPlaced) return
    say.isPlaced = true
    this.#house.counts.messagesOut++
    const { shown: nick, owner } = say
    const at = say.sent?.at ?? this.#house.now()
    this.#order.say(() => {
      const foreign = say.sent === null ? seenAs : foreignIds(say.sent)
      this.#tellNow({ id, at, nick, owner, mid, body, payload, foreign }, null)
    })
  }

  /** Its ids at the network are known now. */
  answered(say: Say, sent: Sent): void {
    this.says.answered(say, sent)
    say.at = this.#house.now()
    const ids = foreignIds(sent)
    if (!say.isPlaced || ids.length === 0) return
    const told = this.#recent.findLast((one) => one.id === say.id)
    if (told !== undefined) {
      const before = told.foreign
      // As a rule it was shown before it was answered, with its id.
      if (before.length === ids.length && ids.every((id, at) => id === before[at])) return
      for (const id of before) if (this.#byForeign.get(id) === told) this.#byForeign.delete(id)
      told.foreign = ids
      for (const id of ids) this.#byForeign.set(id, told)
    }
    this.#house.history.link(this.#to.key, say.id, ids)
  }

  /** From the network: asked about, then told. `only`: whose connection alone got it. `owner`: who of ours said it elsewhere. */
  tellForeign(message: ForeignMessage, only: string | null, owner: string | null = null): void {
    if (this.#order.isFull) {
      this.#house.counts.overBound++
      this.withhold()
      return
    }
    const id = newId()
    const heard: Heard = { id, message, at: message.at ?? this.#house.now(), only, owner }
    const allowed = speaksOfNothing(message)
      ? this.#ask(heard, NO_REFERENCES)
      : this.#references(message).then((references) => this.#ask(heard, references))
    if (allowed instanceof Promise) this.#order.hold(allowed)
    else this.#order.say(allowed)
  }

  /**
   * What the network kept while nobody of ours was there: what we do not have of it is asked about and told as any other, in its place
   * before all that comes from now on. `isSeen`: a message that this room was told meanwhile.
   */
  tellKept(kept: Promise<readonly ForeignMessage[]>, isSeen: (message: ForeignMessage) => boolean): void {
    this.#order.hold(
      kept.then(async (messages) => {
        if (messages.every(isSeen)) return () => {}
        const ours = await this.#house.history.recent(this.#to.key, OURS_MOST)
        const key = (nick: string) => this.#house.network.key(this.#to.network, nick)
        const missed = missedOf(messages, [...ours, ...this.#recent], key)
        const works = await Promise.all(
          missed.filter((message) => !isSeen(message)).map((message) => this.#askKept(message)),
        )
        return () => {
          for (const work of works) work()
        }
      }),
    )
  }

  async #askKept(message: ForeignMessage): Promise<() => void> {
    const ours = this.says.matchGivenUp(this.#house.network.key(this.#to.network, message.nick), message)
    if (ours !== null) return () => this.seen(ours, message)
    const references = speaksOfNothing(message) ? NO_REFERENCES : await this.#references(message)
    const heard: Heard = { id: newId(), message, at: message.at ?? this.#house.now(), only: null, owner: null }
    const work = await this.#ask(heard, references)
    return () => {
      // It may have come in two ways.
      if (message.id === null || !this.knows(message.id)) work()
    }
  }

  /** Gives what is to be done at its place in the order; at once where nobody is asked. */
  #ask(heard: Heard, references: References): (() => void) | Promise<() => void> {
    const { asker, text, network, settings } = this.#house
    const { id, message, at } = heard
    const retracted = () => text.say('kit-transport-retracted', undefined)
    const words = { retracted, linksAsFiles: settings.linksAsFiles }
    const written = writePayload(message, references, this.#to.jid, words)
    if (written === null) return () => {}
    const isMarked = this.#to.keepsRead && message.body !== '' && message.retracts === undefined
    const payload = isMarked ? written + MARKABLE : written
    const allowed = { payload, body: message.body }
    if (asker.passes === true) return () => this.#tellAllowed(heard, references, allowed)
    // A room's own moderation comes from the room itself (XEP-0425 §5).
    const nick = message.moderated === undefined ? message.nick : null
    const occupant = nick === null ? null : this.#to.occupantIdOf(message.nick, message.account)
    const room = escapeAttribute(this.#to.jid)
    const from = nick === null ? room : `${room}/${escapeAttribute(nick)}`
    const ids = `${occupant === null ? '' : writeOccupantId(occupant)}<stanza-id xmlns='${STANZA_ID}' by='${room}' id='${id}'/>`
    const asked = asker.ask({
      stanza: `<message xmlns='jabber:client' from='${from}' to='${room}' type='groupchat' id='${id}'>${payload}${ids}</message>`,
      network: network.type,
      server: this.#to.network,
      foreign: foreignOf(message),
      order: this.#to.key,
      at,
    })
    return asked.then((answer) => {
      if (answer.action === 'refuse')
        return () => (answer.why === 'outage' ? this.withhold() : this.refused(message.nick))
      const left = answer.replaced ? readReplaced(answer.stanza) : allowed
      return () => (left === null ? this.refused(message.nick) : this.#tellAllowed(heard, references, left))
    })
  }

  #tellAllowed({ id, message, at, only, owner }: Heard, references: References, allowed: Allowed): void {
    this.#sayWithheld()
    this.#house.counts.messagesIn++
    const nick = message.moderated === undefined ? message.nick : ''
    const foreign = message.id === null ? [] : [message.id]
    const told: StoredMessage = { id, at, nick, owner, mid: id, ...allowed, foreign }
    if (message.retracts !== undefined && references.retracts !== null)
      this.#withdraw(references.retracts, id, message.nick)
    const late = this.#house.now() - at > LIVE_MS ? at : null
    if (only === null) this.#tellNow(told, late, message.account)
    else {
      const occupant = nick === '' ? null : this.#to.occupantIdOf(nick, message.account)
      this.#send(told, late, this.#to.clientsOf(only), occupant)
    }
  }

  /** A line of the room itself, in each reader's language; kept nowhere. */
  line(id: string, args: Readonly<Record<string, string | number>>, to: Iterable<Client> = this.#to.clients()): void {
    for (const client of to) {
      const payload = `<body>${escapeText(this.#house.text.say(id, client.language, args))}</body>`
      client.message(
        writeGroupchat(client.face.escaped, null, { id: '', mid: newId(), payload, occupant: null, at: null }),
      )
    }
  }

  typing(nick: string, state: 'active' | 'paused' | 'done', butNot: string | null): void {
    const payload = `${writeTyping(state)}<no-store xmlns='urn:xmpp:hints'/>`
    this.#order.say(() => {
      const rests = new Map<string, string>()
      const mine = new Set(butNot === null ? [] : this.#to.clientsOf(butNot))
      for (const client of this.#to.clients()) {
        if (mine.has(client)) continue
        let rest = rests.get(client.face.escaped)
        if (rest === undefined) {
          rest = writeGroupchat(client.face.escaped, nick, {
            id: '',
            mid: '',
            payload,
            occupant: this.#to.occupantIdOf(nick),
            at: null,
          })
          rests.set(client.face.escaped, rest)
        }
        client.message(rest)
      }
    })
  }

  /** As one of those who enter reads it; `at` is told, because it was before. */
  writeOld(message: StoredMessage, face: string): string {
    const occupant = message.nick === '' ? null : this.#to.occupantIdOf(message.nick)
    return writeGroupchat(face, message.nick === '' ? null : message.nick, { ...message, occupant, at: message.at })
  }

  /** As it stands in the history, where the time is told outside of it. */
  writeKept(message: StoredMessage, face: string): string {
    const occupant = message.nick === '' ? null : this.#to.occupantIdOf(message.nick)
    return writeGroupchat(face, message.nick === '' ? null : message.nick, { ...message, occupant, at: null })
  }

  /** By the room's id. */
  async find(id: string): Promise<StoredMessage | null> {
    return this.#recent.find((one) => one.id === id) ?? (await this.#house.history.byId(this.#to.key, id))
  }

  /** By the id that this person gave it. */
  async findOwn(owner: string, mid: string): Promise<StoredMessage | null> {
    const found = this.#recent.findLast((one) => one.mid === mid && one.owner === owner)
    return found ?? (await this.#house.history.byMid(this.#to.key, owner, mid))
  }

  knows(foreign: string): boolean {
    return this.#byForeign.has(foreign)
  }

  close(): void {
    if (this.#withheldTimer !== null) clearTimeout(this.#withheldTimer)
    this.#withheldTimer = null
  }

  #tellNow(message: StoredMessage, late: number | null, account?: string): void {
    this.#house.history.keep(this.#to.key, message)
    this.#note(message)
    const occupant = message.nick === '' ? null : this.#to.occupantIdOf(message.nick, account)
    this.#send(message, late, this.#to.clients(), occupant)
  }

  #send(message: StoredMessage, at: number | null, clients: Iterable<Client>, occupant: string | null): void {
    let face: string | null = null
    let rest = ''
    for (const client of clients) {
      if (client.face.escaped !== face) {
        face = client.face.escaped
        rest = writeGroupchat(face, message.nick === '' ? null : message.nick, { ...message, occupant, at })
      }
      client.message(rest)
    }
  }

  #note(message: StoredMessage): void {
    this.#recent.push(message)
    for (const id of message.foreign) this.#byForeign.set(id, message)
    if (this.#recent.length <= 2 * REMEMBERED) return
    for (const gone of this.#recent.splice(0, REMEMBERED))
      for (const id of gone.foreign) if (this.#byForeign.get(id) === gone) this.#byForeign.delete(id)
  }

  async #references(message: ForeignMessage): Promise<References> {
    const { replyTo, corrects, reaction, retracts } = message
    const find = async (id: string | undefined): Promise<Known | null> => {
      if (id === undefined) return null
      try {
        return this.#byForeign.get(id) ?? (await this.#house.history.byForeign(this.#to.key, id))
      } catch (error) {
        this.#house.log.warn('history could not be asked', { error })
        return null
      }
    }
    return {
      replyTo: await find(replyTo),
      corrects: await find(corrects),
      reaction: await find(reaction?.to),
      retracts: await find(retracts),
    }
  }

  /** XEP-0424 §5.3: what was withdrawn is no more given to those who come later. */
  #withdraw(known: Known, id: string, by: string): void {
    const payload = `<retracted xmlns='urn:xmpp:message-retract:1' id='${id}' by='${escapeAttribute(`${this.#to.jid}/${by}`)}'/>`
    this.#recent = this.#recent.map((one) => (one.id === known.id ? { ...one, payload, body: '' } : one))
    this.#house.history.replace(known.id, payload)
  }

  /** The rules let nobody read what this person said. */
  refused(nick: string): void {
    this.#house.counts.refusedIn++
    if (this.#house.settings.noteRefused) this.line('kit-transport-refused', { nick })
  }

  /** Nobody could be asked. */
  withhold(): void {
    this.#house.counts.withheld++
    this.#withheld++
    if (this.#withheldTimer !== null) return
    this.#withheldTimer = setTimeout(() => {
      this.#withheldTimer = null
      this.#order.say(() => this.#sayWithheld())
    }, WITHHELD_TOLD_AFTER_MS)
    this.#withheldTimer.unref()
  }

  #sayWithheld(): void {
    if (this.#withheld === 0) return
    const count = this.#withheld
    this.#withheld = 0
    this.line('kit-transport-withheld', { count })
  }
}

function speaksOfNothing({ replyTo, corrects, reaction, retracts }: ForeignMessage): boolean {
  return replyTo === undefined && corrects === undefined && reaction === undefined && retracts === undefined
}

function foreignIds(sent: Sent | null): string[] {
  return idsOf(sent?.ids ?? [])
}

function idsOf(ids: readonly (string | null)[]): string[] {
  return ids.filter((id): id is string => id !== null)
}

type Words = Pick<Say, 'id' | 'mid' | 'body' | 'payload'>

/** Some of its words, and nothing else. */
function partOf(body: string): Pick<Say, 'body' | 'payload'> {
  return { body, payload: `<body>${escapeText(body)}</body>` }
}
