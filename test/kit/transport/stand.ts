// SPDX-License-Identifier: Apache-2.0
// A transport on a network that does not exist and a server that is not there: what clients send is handed to the router, what they are sent
// is read here.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRouter } from '../../../components/kit/router/create-router.ts'
import type { LinkEvents } from '../../../components/kit/router/router.ts'
import { createCatalogue, KIT_TEXTS } from '../../../components/kit/text/catalogue.ts'
import type { Question } from '../../../components/kit/transport/asker/question.ts'
import type { AwayTexts } from '../../../components/kit/transport/away-texts.ts'
import type { Asking } from '../../../components/kit/transport/rooms/house.ts'
import type { Sessions } from '../../../components/kit/transport/sessions.ts'
import type { TransportSettings } from '../../../components/kit/transport/settings.ts'
import { openTransport, type PeopleSide, type Transport } from '../../../components/kit/transport/transport.ts'
import type { Words } from '../../../components/kit/transport/words.ts'
import type { Element } from '../../../components/kit/xml/element.ts'
import { parse, parseStanza } from '../../../components/kit/xml/parse.ts'
import { MadeUpNet, type MadeUpOptions } from './made-up.ts'

export const GATEWAY = 'net.corp.example'
export const NETWORK = 'a.example'
export const room = (name: string) => `${name}%${NETWORK}@${GATEWAY}`

export type StandOptions = MadeUpOptions & {
  settings?: Partial<TransportSettings>
  asker?: Asking
  people?: Partial<PeopleSide> | ((sessions: Sessions, awayTexts: AwayTexts, words: Words) => PeopleSide)
  net?: MadeUpNet
  /** A store that was used before. */
  folder?: string
  now?: () => number
}

export type Stand = AsyncDisposable & {
  net: MadeUpNet
  transport: Transport
  folder: string
  /** What was asked of the rules. */
  asked: Question[]
  occupants: string[]
  /** All that was sent, in order. */
  sent: string[]
  errors: string[]
  link: { up: boolean; takes: boolean }
  /** What the transport itself sends. */
  transportSend(xml: string): boolean
  /** From a client to wherever; its id is added where there is none. */
  send(xml: string): void
  /** The first stanza to this client that fits and was not taken yet. */
  heard(to: string, like: RegExp): Promise<string>
  /** All that was sent to this client and is not taken yet. */
  unread(to: string): string[]
  /** An iq, and its answer. */
  ask(from: string, to: string, type: 'get' | 'set', payload: string): Promise<Element>
  /** Enters, and waits until the subject has come. Gives all that came. */
  enter(client: string, name: string, nick: string, inside?: string): Promise<string[]>
  says(client: string, name: string, body: string, id?: string, more?: string): void
}

export const delivering: Asking = {
  ask: async ({ stanza }) => ({ action: 'deliver', stanza, replaced: false }),
  occupant() {},
}

/** Nobody but rooms. */
export const NO_PEOPLE: PeopleSide = {
  routes: [],
  features: [],
  presence: () => false,
  message: () => false,
  sessionEvents: () => ({}),
  login: async () => null,
  mayUse: () => null,
}

let iqs = 0

export async function stand(options: StandOptions = {}): Promise<Stand> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'gatehouse-transport-')))
  const net = options.net ?? new MadeUpNet(options)
  const sent: string[] = []
  const errors: string[] = []
  const asked: Question[] = []
  const occupants: string[] = []
  const inboxes = new Map<string, string[]>()
  const waiting = new Set<() => void>()
  const link = { up: true, takes: true }
  const put = (xml: string) => {
    sent.push(xml)
    const to = /^<[^>]* to='([^']*)'/.exec(xml)?.[1] ?? ''
    const inbox = inboxes.get(to)
    if (inbox === undefined) inboxes.set(to, [xml])
    else inbox.push(xml)
    for (const look of [...waiting]) look()
  }
  const asker = options.asker ?? delivering
  const log = {
    info() {},
    warn: (event: string, fields?: Readonly<Record<string, unknown>>) =>
      void errors.push(`${event} ${JSON.stringify(fields)}`),
    error: (event: string, fields?: Readonly<Record<string, unknown>>) =>
      void errors.push(`${event} ${String(fields?.error)}`),
  }
  const transport = await openTransport({
    domain: GATEWAY,
    network: net,
    store: join(folder, 'transport.sqlite'),
    asker: {
      ask(question) {
        asked.push(question)
        // It must stand alone.
        parse(question.stanza)
        return asker.ask(question)
      },
      occupant(at, nick, jid, event) {
        occupants.push(`${jid} ${event} ${at} as ${nick}`)
        asker.occupant(at, nick, jid, event)
      },
    },
    people: (sessions, awayTexts, words) =>
      typeof options.people === 'function'
        ? options.people(sessions, awayTexts, words)
        : {
            ...NO_PEOPLE,
            mayUse: (owner) => (owner.endsWith('@corp.example') ? null : 'not one of us'),
            ...options.people,
          },
    settings: { stays: () => false, ...options.settings },
    text: createCatalogue([KIT_TEXTS]),
    log,
    now: options.now ?? (() => Date.now()),
    occupantKey: Buffer.alloc(32, 7),
    seal: {
      seal: (text) => Buffer.from(text).toString('base64'),
      open: (text) => Buffer.from(text, 'base64').toString(),
    },
    stream: () => ({
      send(xml) {
        if (!link.up || !link.takes) return false
        parse(xml.replace(/^<(\w+)/, `<$1 xmlns='jabber:component:accept'`))
        put(xml)
        return true
      },
    }),
  })
  const told: { events?: LinkEvents } = {}
  createRouter(
    {
      domain: GATEWAY,
      identity: { category: 'gateway', type: 'made-up' },
      software: { name: 'Subject', version: '1' },
      log,
      ...transport.router,
    },
    (events) => {
      told.events = events
      return {
        send(xml) {
          put(xml)
          return true
        },
        reply: put,
      }
    },
  )
  const at: Stand = {
    net,
    transport,
    folder,
    asked,
    occupants,
    sent,
    errors,
    link,
    transportSend(xml) {
      put(xml)
      return true
    },
    send(xml) {
      void told.events?.take(parseStanza(xml, {}, 'jabber:component:accept'))
    },
    heard(to, like) {
      return new Promise((resolve, reject) => {
        // Not how soon, but that a test which waits in vain says for what.
        const vain = setTimeout(() => {
          waiting.delete(look)
          reject(
            new Error(
              `${to} heard nothing like ${like}, but ${(inboxes.get(to) ?? []).join('\n')}\nerrors: ${errors.join('\n')}`,
            ),
          )
        }, 5000)
        const look = () => {
          const inbox = inboxes.get(to) ?? []
          const index = inbox.findIndex((xml) => like.test(xml))
          if (index === -1) return
          waiting.delete(look)
          clearTimeout(vain)
          resolve(inbox.splice(index, 1)[0] as string)
        }
        waiting.add(look)
        look()
      })
    },
    unread(to) {
      return inboxes.get(to)?.splice(0) ?? []
    },
    async ask(from, to, type, payload) {
      const id = `iq${++iqs}`
      at.send(`<iq type='${type}' id='${id}' from='${from}' to='${to}'>${payload}</iq>`)
      return parse(
        (await at.heard(from, new RegExp(`^<iq [^>]*id='${id}'`))).replace(
          '<iq',
          `<iq xmlns='jabber:component:accept'`,
        ),
      )
    },
    async enter(client, name, nick, inside = '') {
      at.send(
        `<presence from='${client}' to='${room(name)}/${nick}'><x xmlns='http://jabber.org/protocol/muc'>${inside}</x></presence>`,
      )
      const last = await at.heard(client, /<subject>|^<presence [^>]*type='error'|<presence type='error'/)
      return [...at.unread(client), last]
    },
    says(client, name, body, id = `m${++iqs}`, more = '') {
      at.send(
        `<message type='groupchat' id='${id}' from='${client}' to='${room(name)}'><body>${body}</body>${more}</message>`,
      )
    },
    async [Symbol.asyncDispose]() {
      await transport.drain(AbortSignal.timeout(5000))
      transport.close()
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
  return at
}

/** Lets everything that is ready happen: turns of the loop until nothing new was sent in one. */
export async function calm(at: Stand): Promise<void> {
  for (let before = -1; before !== at.sent.length; ) {
    before = at.sent.length
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}
