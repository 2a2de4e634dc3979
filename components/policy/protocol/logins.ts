// SPDX-License-Identifier: Apache-2.0
// What a person logs in with on another network is nobody's to read: it is taken out of a question before that is judged or kept. PROTOCOL.md
// section 14.
import { type Element, isElement } from '../../kit/xml/element.ts'
import { write } from '../../kit/xml/writer.ts'
import { NS } from '../../kit/xmpp/namespaces.ts'
import type { Ask } from '../domain/screen.ts'

const REGISTER = 'jabber:iq:register'
/** Fields of forms and commands: the password, and lines that are said to services at each login. */
const FIELDS: ReadonlySet<string> = new Set(['password', 'afterwards'])

/** The question without them; the same where it has none. The stanza is altered: whatever looks at it sees the same as who reads the record. */
export function withoutLogins(ask: Ask<Element>, isTransport: (domain: string) => boolean): Ask<Element> {
  const { stanza } = ask
  if ('unreadable' in stanza || stanza.name !== 'iq' || stanza.attrs.type !== 'set') return ask
  if (!isTransport(domainOf(stanza.attrs.to ?? ''))) return ask
  return empty(stanza) ? { ...ask, raw: write(stanza) } : ask
}

function empty(stanza: Element): boolean {
  let found = false
  const pending = stanza.children.filter(isElement)
  for (let element = pending.pop(); element; element = pending.pop()) {
    const inner = element.children.filter(isElement)
    if (isLogin(element)) {
      element.children = []
      found = true
    } else pending.push(...inner)
  }
  return found
}

function isLogin(element: Element): boolean {
  const name = element.getName()
  if (name === 'password') return element.getNS() === REGISTER
  return name === 'field' && element.getNS() === NS.dataForms && FIELDS.has(element.attrs.var?.toLowerCase() ?? '')
}

function domainOf(address: string): string {
  const bare = address.split('/', 1)[0] ?? ''
  return bare.slice(bare.indexOf('@') + 1).toLowerCase()
}
