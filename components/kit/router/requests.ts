// SPDX-License-Identifier: Apache-2.0
// Requests of ours and their answers.
import { randomUUID } from 'node:crypto'
import type { Element } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { normalJid } from '../xmpp/jid.ts'
import { readError, type StanzaOf } from '../xmpp/stanza.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'

type Asked = { to: string; resolve(answer: Element): void; reject(error: StanzaError): void; timer: NodeJS.Timeout }

export class Requests {
  readonly #domain: string
  readonly #most: number
  readonly #send: (xml: string) => boolean
  readonly #asked = new Map<string, Asked>()

  constructor(domain: string, most: number, send: (xml: string) => boolean) {
    this.#domain = domain
    this.#most = most
    this.#send = send
  }

  send(type: 'get' | 'set', to: string, payload: string, timeoutMs: number): Promise<Element> {
    return new Promise((resolve, reject) => {
      if (this.#asked.size >= this.#most) {
        reject(new StanzaError('wait', 'resource-constraint', {}, { cause: 'too many requests wait for answers' }))
        return
      }
      // Unguessable: nobody else can answer in the place of the one who was asked.
      const id = `gh-${randomUUID()}`
      const xml = `<iq type='${type}' id='${id}' from='${escapeAttribute(this.#domain)}' to='${escapeAttribute(to)}'>${payload}</iq>`
      if (!this.#send(xml)) {
        reject(new StanzaError('wait', 'recipient-unavailable', {}, { cause: 'the stream is down' }))
        return
      }
      const timer = setTimeout(() => {
        this.#asked.delete(id)
        reject(new StanzaError('wait', 'remote-server-timeout', {}, { cause: `no answer within ${timeoutMs} ms` }))
      }, timeoutMs)
      timer.unref()
      this.#asked.set(id, { to: normalJid(to), resolve, reject, timer })
    })
  }

  /** A result or an error came. It counts only from the address that was asked. */
  settle(stanza: StanzaOf<'iq'>): void {
    const asked = this.#asked.get(stanza.id)
    if (asked === undefined || asked.to !== normalJid(stanza.from)) return
    this.#asked.delete(stanza.id)
    clearTimeout(asked.timer)
    if (stanza.type === 'error') asked.reject(readError(stanza.element))
    else asked.resolve(stanza.element)
  }

  /** Answers do not outlive a connection: XEP-0114 resends nothing. */
  failAll(reason: string): void {
    for (const [id, { reject, timer }] of this.#asked) {
      this.#asked.delete(id)
      clearTimeout(timer)
      reject(new StanzaError('wait', 'recipient-unavailable', {}, { cause: `the stream went down: ${reason}` }))
    }
  }
}
