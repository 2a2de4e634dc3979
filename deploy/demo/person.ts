// SPDX-License-Identifier: Apache-2.0
// A made-up person with a standard client (@xmpp/client): logs in, says something, hears something.
import { randomUUID } from 'node:crypto'
import { client, type XmppClient, xml } from '@xmpp/client'
import type { Element } from '@xmpp/xml'

export type Person = AsyncDisposable & {
  /** The full JID that the server gave. */
  readonly jid: string
  /** Sends a message and gives its id. */
  say(to: string, body: string, type?: 'chat' | 'groupchat'): Promise<string>
  /** Enters a room (XEP-0045); resolves when the room says that we are in it, rejects with its reason when it does not let us in. */
  enter(room: string, nick: string): Promise<void>
  /** The next message stanza in order of arrival, errors included. Rejects when none comes within the bound. */
  hear(boundMs?: number): Promise<Element>
  /** What the other's vCard says; rejects where there is none. */
  card(jid: string): Promise<Card>
  /** The roster as the server gives it and keeps it: bare JID -> name and groups. */
  readonly roster: ReadonlyMap<string, Contact>
  /** Resolves when the roster is so. Rejects with what it is when it does not come to it within the bound. */
  until(isSo: (roster: ReadonlyMap<string, Contact>) => boolean, boundMs?: number): Promise<void>
}

/** What a vCard (XEP-0054) says. */
export type Card = { name: string; department: string; phone: string; photoBytes: number }

export type Contact = { name: string; groups: readonly string[]; here: boolean }

const BOUND_MS = 10_000

export async function logIn(account: { jid: string; password: string }, port: number): Promise<Person> {
  const [username = '', domain = ''] = account.jid.split('@')
  const session = client({ service: `xmpp://127.0.0.1:${port}`, domain, username, password: account.password })
  const heard: Element[] = []
  const waiting: ((message: Element) => void)[] = []
  session.reconnect.stop()
  session.prependListener('element', withoutScram)
  let leaving = false
  // A connection that is cut while it says goodbye is no fault.
  session.on('error', (fault: unknown) => leaving || process.stderr.write(`${account.jid}: ${String(fault)}\n`))
  const people = openRoster()
  session.iqCallee.set(ROSTER, 'query', ({ element }) => people.take(element))
  session.on('stanza', (stanza: Element) => {
    if (stanza.name === 'presence') people.presence(stanza)
    if (stanza.name !== 'message') return
    const next = waiting.shift()
    if (next === undefined) heard.push(stanza)
    else next(stanza)
  })
  const jid = (await session.start()).toString()
  const answer = await session.iqCaller.request(xml('iq', { type: 'get' }, xml('query', { xmlns: ROSTER })))
  const query = answer.getChild('query', ROSTER)
  if (query !== undefined) people.take(query)
  await session.send(xml('presence'))
  return {
    jid,
    async card(of) {
      const asked = await session.iqCaller.request(xml('iq', { type: 'get', to: of }, xml('vCard', { xmlns: CARD })))
      return readCard(asked.getChild('vCard', CARD))
    },
    roster: people.roster,
    until: people.until,
    async say(to, body, type = 'chat') {
      const id = randomUUID()
      await session.send(xml('message', { to, id, type }, xml('body', {}, body)))
      return id
    },
    async enter(room, nick) {
      const answered = entered(session, room, jid)
      await session.send(xml('presence', { to: `${room}/${nick}` }, xml('x', { xmlns: MUC })))
      await answered
    },
    hear(boundMs = BOUND_MS) {
      const ready = heard.shift()
      if (ready !== undefined) return Promise.resolve(ready)
      const { promise, resolve, reject } = Promise.withResolvers<Element>()
      const bound = setTimeout(() => {
        waiting.splice(waiting.indexOf(resolve), 1)
        reject(new Error(`${account.jid} heard nothing within ${boundMs} ms`))
      }, boundMs)
      waiting.push(resolve)
      return promise.finally(() => clearTimeout(bound))
    },
    [Symbol.asyncDispose]: async () => {
      leaving = true
      await session.stop()
    },
  }
}

const ROSTER = 'jabber:iq:roster'
const CARD = 'vcard-temp'
const MUC = 'http://jabber.org/protocol/muc'

/** Resolves with our own presence in the room (status 110). */
function entered(session: XmppClient, room: string, jid: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = (stanza: Element) => {
    if (stanza.name !== 'presence' || String(stanza.attrs.from).replace(/\/.*/, '') !== room) return
    const statuses = stanza.getChild('x', `${MUC}#user`)?.getChildren('status') ?? []
    if (statuses.some(({ attrs }) => attrs.code === '110')) resolve()
    else if (stanza.attrs.type === 'error') {
      const error = stanza.getChild('error')
      const condition = error?.getChildElements()[0]?.name
      reject(new Error(`${jid} may not enter ${room}: ${condition} ${error?.getChildText('text') ?? ''}`.trimEnd()))
    }
  }
  session.on('stanza', look)
  const bound = setTimeout(() => reject(new Error(`${jid} is not in ${room} within ${BOUND_MS} ms`)), BOUND_MS)
  return promise.finally(() => {
    clearTimeout(bound)
    session.removeListener('stanza', look)
  })
}

function readCard(card: Element | undefined): Card {
  return {
    name: card?.getChildText('FN') ?? '',
    department: card?.getChild('ORG')?.getChildText('ORGUNIT') ?? '',
    phone: card?.getChild('TEL')?.getChildText('NUMBER') ?? '',
    photoBytes: Buffer.from(card?.getChild('PHOTO')?.getChildText('BINVAL') ?? '', 'base64').length,
  }
}

function openRoster() {
  const roster = new Map<string, Contact>()
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const look of waiting) look()
  }
  return {
    roster,
    /** A roster, or a push of one item. */
    take(query: Element): true {
      for (const item of query.getChildren('item')) {
        const jid = String(item.attrs.jid)
        const groups = item.getChildren('group').map((group) => group.getText())
        if (item.attrs.subscription === 'remove') roster.delete(jid)
        else roster.set(jid, { name: String(item.attrs.name ?? ''), groups, here: roster.get(jid)?.here ?? false })
      }
      changed()
      return true
    },
    presence({ attrs }: Element): void {
      const jid = String(attrs.from).replace(/\/.*/, '')
      const contact = roster.get(jid)
      if (contact === undefined || (attrs.type !== undefined && attrs.type !== 'unavailable')) return
      roster.set(jid, { ...contact, here: attrs.type === undefined })
      changed()
    },
    until(isSo: (roster: ReadonlyMap<string, Contact>) => boolean, boundMs = BOUND_MS): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = () => {
        if (isSo(roster)) resolve()
      }
      waiting.add(look)
      const bound = setTimeout(
        () => reject(new Error(`the roster does not come to that: ${JSON.stringify([...roster])}`)),
        boundMs,
      )
      look()
      return promise.finally(() => {
        waiting.delete(look)
        clearTimeout(bound)
      })
    },
  }
}

/**
 * sasl-scram-sha-1 1.4.0 answers by a promise, which @xmpp/sasl 0.13 sends as an empty response; the server then says
 * malformed-request. So of what the server offers, PLAIN is left (below TLS).
 */
function withoutScram(element: Element): void {
  const mechanisms = element.getChild('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')
  if (mechanisms === undefined) return
  mechanisms.children = mechanisms.getChildElements().filter((mechanism) => !mechanism.getText().startsWith('SCRAM-'))
}
