// SPDX-License-Identifier: Apache-2.0
// XEP-0356: what is sent in the name of an account. Nothing is written that the host has not granted: it would be refused, dropped
// without a word, or (an IQ on Prosody 0.12) end the stream.
import { randomUUID } from 'node:crypto'
import type { Router } from '../router/router.ts'
import {
  type Access,
  type MessageOnBehalf,
  PRIVILEGE,
  readForwardedIq,
  writeIqOnBehalf,
  writeMessageOnBehalf,
} from '../xep/privilege.ts'
import type { Element } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { bareOf, domainOf, parseJid, sameBare } from '../xmpp/jid.ts'
import { NS } from '../xmpp/namespaces.ts'
import { ROSTER_QUERY, type RosterChange, type RosterItem, readRoster, writeChange } from '../xmpp/roster.ts'
import { readError } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { type Hosts, SECOND_CONNECTION } from './hosts.ts'
import type { PrivilegeBounds, PrivilegeOptions, RequestOnBehalf, Within } from './privileges.ts'

type Way = Pick<Router, 'request' | 'stream'>

export class OnBehalf {
  readonly #domain: string
  readonly #hosts: Hosts
  readonly #way: () => Way
  readonly #most: PrivilegeBounds
  readonly #options: PrivilegeOptions
  /** Ids of messages, oldest first. */
  readonly #sent = new Set<string>()
  /** Inner ids of requests that wait for their answer. */
  readonly #asked = new Map<string, (error: StanzaError) => void>()

  constructor(domain: string, hosts: Hosts, way: () => Way, most: PrivilegeBounds, options: PrivilegeOptions) {
    this.#domain = domain
    this.#hosts = hosts
    this.#way = way
    this.#most = most
    this.#options = options
  }

  sendMessage(message: MessageOnBehalf): string {
    const { host, local } = accountOf(message.from)
    if (parseJid(message.to) === null) throw new StanzaError('modify', 'jid-malformed', {}, { cause: 'no valid to' })
    const grants = this.#hosts.grants(host)
    if (grants === null || !grants.message) throw notGranted(host, 'messages')
    const id = `gh-${randomUUID()}`
    const from = local === '' ? host : message.from
    const inside = writeMessageOnBehalf(grants.version, { ...message, from })
    const addresses = `id='${id}' from='${escapeAttribute(this.#domain)}' to='${escapeAttribute(host)}'`
    const xml = `<message ${addresses}>${inside}</message>`
    this.#checkSize(xml)
    if (!this.#way().stream.send(xml))
      throw new StanzaError('wait', 'recipient-unavailable', {}, { cause: 'the stream is down' })
    this.#sent.add(id)
    for (const oldest of this.#sent) {
      if (this.#sent.size <= this.#most.remembered) break
      this.#sent.delete(oldest)
    }
    return id
  }

  /** True: an error for a message of ours; its id is a secret between us and the server. */
  takeError(message: Element): boolean {
    const { type, id = '' } = message.attrs
    if (type !== 'error' || !this.#sent.delete(id)) return false
    const error = readError(message)
    this.#options.log.warn('a message on behalf came back', {
      from: bareOf(message.attrs.from ?? ''),
      condition: error.condition,
    })
    this.#options.refused?.(id, error)
    return true
  }

  async request({ as, to, type, payload }: RequestOnBehalf, { timeoutMs }: Within): Promise<Element> {
    const { host, local } = accountOf(as)
    if (local === '') throw new StanzaError('modify', 'bad-request', {}, { cause: 'a host has no IQs of its own' })
    if (parseJid(to) === null) throw new StanzaError('modify', 'jid-malformed', {}, { cause: 'no valid to' })
    // Prosody crashes over it; and plain roster requests are granted by another permission.
    if (payload.namespace === NS.roster)
      throw new StanzaError('modify', 'bad-request', {}, { cause: 'rosters are read and set directly' })
    const access = this.#hosts.grants(host)?.iq.get(payload.namespace)
    if (access?.[type] !== true) throw notGranted(host, `${type} of ${payload.namespace}`)
    const id = `gh-${randomUUID()}`
    const xml = writeIqOnBehalf({ type, id, from: as, to, payload: payload.xml })
    this.#checkSize(xml)
    const { promise: looped, reject } = Promise.withResolvers<never>()
    this.#asked.set(id, reject)
    try {
      const result = await Promise.race([this.#way().request(as, xml, { timeoutMs, type }), looped])
      return answerIn(result, id)
    } finally {
      this.#asked.delete(id)
    }
  }

  /**
   * ejabberd 24.10 to 24.12 hands an IQ that an account would send to itself back to the component instead of carrying it out. Whoever
   * asks, the answer is the same; only a request of ours learns of it at once.
   */
  takeLooped(privilege: Element): never {
    const id = privilege.is('privilege', PRIVILEGE[2]) ? readForwardedIq(privilege)?.attrs.id : undefined
    const cause = 'this server does not carry out what an account asks of itself'
    this.#asked.get(id ?? '')?.(new StanzaError('cancel', 'feature-not-implemented', {}, { cause }))
    throw new StanzaError('cancel', 'service-unavailable')
  }

  /** ejabberd puts the error of who was asked inside an error of its own, where the router does not look. */
  takeFailed(iq: Element): void {
    const privilege = iq.attrs.type === 'error' ? iq.getChild('privilege', PRIVILEGE[2]) : undefined
    const inside = privilege === undefined ? null : readForwardedIq(privilege)
    if (inside?.attrs.type === 'error') this.#asked.get(inside.attrs.id ?? '')?.(readError(inside))
  }

  async roster(account: string, within: Within): Promise<RosterItem[]> {
    const result = await this.#askRoster('get', account, ROSTER_QUERY, within)
    const query = result.getChild('query', NS.roster)
    return query === undefined ? [] : readRoster(query)
  }

  async setRosterItem(account: string, change: RosterChange, within: Within): Promise<void> {
    const parts = parseJid(change.jid)
    if (parts === null || parts.resource !== '')
      throw new StanzaError('modify', 'jid-malformed', {}, { cause: 'a contact is a bare address' })
    if (sameBare(change.jid, account))
      throw new StanzaError('cancel', 'not-allowed', {}, { cause: 'nobody is a contact of himself' })
    await this.#askRoster('set', account, writeChange(change), within)
  }

  async #askRoster(type: keyof Access, account: string, query: string, { timeoutMs }: Within): Promise<Element> {
    const { host, local } = accountOf(account)
    if (local === '') throw new StanzaError('modify', 'bad-request', {}, { cause: 'a host has no roster' })
    if (this.#hosts.grants(host)?.roster[type] !== true) throw notGranted(host, `${type} of rosters`)
    this.#checkSize(query)
    try {
      return await this.#way().request(account, query, { timeoutMs, type })
    } catch (error) {
      if (error instanceof StanzaError && error.condition === 'forbidden') this.#hosts.withdraw(host)
      // ejabberd from 24.10 on says nothing; a slow server neither, so the grants stay.
      if (error instanceof StanzaError && error.condition === 'remote-server-timeout')
        this.#options.log.warn('what is granted was not answered', { host, advice: SECOND_CONNECTION })
      throw error
    }
  }

  #checkSize(xml: string): void {
    const bytes = Buffer.byteLength(xml)
    if (bytes <= this.#most.stanzaBytes) return
    const cause = `${bytes} bytes are more than a server takes from a component`
    throw new StanzaError('modify', 'not-acceptable', {}, { cause })
  }
}

/** Throws StanzaError where it is no bare address. */
function accountOf(address: string): { host: string; local: string } {
  const parts = parseJid(address)
  if (parts === null || parts.resource !== '')
    throw new StanzaError('modify', 'jid-malformed', {}, { cause: 'an account is a bare address' })
  return { host: domainOf(address), local: parts.local }
}

/** The IQ inside the server's result (§6.3). */
function answerIn(result: Element, id: string): Element {
  const privilege = result.getChild('privilege', PRIVILEGE[2])
  const iq = privilege === undefined ? null : readForwardedIq(privilege)
  if (iq === null || iq.attrs.id !== id || (iq.attrs.type !== 'result' && iq.attrs.type !== 'error'))
    throw new StanzaError('cancel', 'undefined-condition', {}, { cause: 'the server answered without an answer' })
  if (iq.attrs.type === 'error') throw readError(iq)
  return iq
}

function notGranted(host: string, what: string): StanzaError {
  return new StanzaError('auth', 'forbidden', {}, { cause: `${host} has not granted ${what}` })
}
