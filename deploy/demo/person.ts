// SPDX-License-Identifier: Apache-2.0
// A made-up person with a standard client (@xmpp/client): logs in, says something, hears something.
import { randomUUID } from 'node:crypto'
import { client, xml } from '@xmpp/client'
import type { Element } from '@xmpp/xml'

export type Person = AsyncDisposable & {
  /** The full JID that the server gave. */
  readonly jid: string
  /** Sends a chat message and gives its id. */
  say(to: string, body: string): Promise<string>
  /** The next message stanza in order of arrival, errors included. Rejects when none comes within the bound. */
  hear(boundMs?: number): Promise<Element>
}

const BOUND_MS = 10_000

export async function logIn(account: { jid: string; password: string }, port: number): Promise<Person> {
  const [username = '', domain = ''] = account.jid.split('@')
  const session = client({ service: `xmpp://127.0.0.1:${port}`, domain, username, password: account.password })
  const heard: Element[] = []
  const waiting: ((message: Element) => void)[] = []
  session.reconnect.stop()
  session.prependListener('element', withoutScram)
  session.on('error', (fault: unknown) => process.stderr.write(`${account.jid}: ${String(fault)}\n`))
  session.on('stanza', (stanza: Element) => {
    if (stanza.name !== 'message') return
    const next = waiting.shift()
    if (next === undefined) heard.push(stanza)
    else next(stanza)
  })
  const jid = (await session.start()).toString()
  await session.send(xml('presence'))
  return {
    jid,
    async say(to, body) {
      const id = randomUUID()
      await session.send(xml('message', { to, id, type: 'chat' }, xml('body', {}, body)))
      return id
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
    [Symbol.asyncDispose]: async () => void (await session.stop()),
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
