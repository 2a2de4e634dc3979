// SPDX-License-Identifier: Apache-2.0
// Stop 2, admit: Element -> Stanza with checked addresses, known kind and type (RFC 6120 §8.1, §8.2).
import type { Element } from '../xml/element.ts'
import { parseJid } from './jid.ts'
import { NS } from './namespaces.ts'
import { CONDITIONS, type Condition, type ErrorType, StanzaError } from './stanza-error.ts'

const IQ_TYPES = ['get', 'set', 'result', 'error'] as const
const MESSAGE_TYPES = ['normal', 'chat', 'groupchat', 'headline', 'error'] as const
const PRESENCE_TYPES = [
  'available',
  'unavailable',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
  'error',
] as const

type Common = { from: string; to: string; language: string; element: Element }

/** `id` is '' where the sender gave none (messages and presences may). `from` and `to` are valid addresses, as they stand. */
export type Stanza =
  | (Common & { kind: 'iq'; type: 'get' | 'set'; id: string; payload: Element })
  | (Common & { kind: 'iq'; type: 'result' | 'error'; id: string })
  | (Common & { kind: 'message'; type: (typeof MESSAGE_TYPES)[number]; id: string })
  | (Common & { kind: 'presence'; type: (typeof PRESENCE_TYPES)[number]; id: string })

export type StanzaOf<K extends Stanza['kind']> = Extract<Stanza, { kind: K }>

/** `language` where the stanza says none. Throws StanzaError: bad-request, jid-malformed; the reason is in its cause. */
export function admit(element: Element, language = ''): Stanza {
  const { attrs } = element
  const from = address(attrs.from, 'from')
  const to = address(attrs.to, 'to')
  const id = attrs.id ?? ''
  const common = { from, to, id, language: attrs['xml:lang'] || language, element }
  switch (element.getName()) {
    case 'iq':
      return admitIq(element, common)
    case 'message': {
      // RFC 6121 §5.2.2: an unknown type is a normal message.
      const type = MESSAGE_TYPES.find((known) => known === attrs.type) ?? 'normal'
      return { kind: 'message', type, ...common }
    }
    case 'presence': {
      const type = attrs.type === undefined ? 'available' : PRESENCE_TYPES.find((known) => known === attrs.type)
      if (type === undefined || attrs.type === 'available')
        throw new StanzaError('modify', 'bad-request', {}, { cause: 'unknown type of presence' })
      return { kind: 'presence', type, ...common }
    }
    default:
      throw new StanzaError('modify', 'bad-request', {}, { cause: 'not a stanza' })
  }
}

function admitIq(element: Element, common: Common & { id: string }): StanzaOf<'iq'> {
  const type = IQ_TYPES.find((known) => known === element.attrs.type)
  if (type === undefined) throw new StanzaError('modify', 'bad-request', {}, { cause: 'unknown type of iq' })
  if (common.id === '') throw new StanzaError('modify', 'bad-request', {}, { cause: 'an iq needs an id' })
  if (type === 'result' || type === 'error') return { kind: 'iq', type, ...common }
  let payload: Element | undefined
  for (const child of element.children) {
    if (typeof child === 'string') continue
    if (payload !== undefined)
      throw new StanzaError('modify', 'bad-request', {}, { cause: 'an iq has exactly one child' })
    payload = child
  }
  if (payload === undefined)
    throw new StanzaError('modify', 'bad-request', {}, { cause: 'an iq has exactly one child' })
  return { kind: 'iq', type, payload, ...common }
}

function address(text: string | undefined, which: 'from' | 'to'): string {
  // XEP-0114 §3: every stanza on a component's stream has both.
  if (text === undefined || text === '') throw new StanzaError('modify', 'bad-request', {}, { cause: `no ${which}` })
  if (parseJid(text) === null)
    throw new StanzaError('modify', 'jid-malformed', {}, { cause: `the address in ${which} is malformed` })
  return text
}

/** The error a stanza of type error carries; an unreadable one is undefined-condition. */
export function readError(element: Element): StanzaError {
  const error = element.getChild('error')
  const child = error?.getChildElements().find((each) => each.getNS() === NS.stanzaErrors && each.getName() !== 'text')
  const condition: Condition = CONDITIONS.find((known) => known === child?.getName()) ?? 'undefined-condition'
  const type = (['auth', 'cancel', 'continue', 'modify', 'wait'] as const).find((known) => known === error?.attrs.type)
  const text = error?.getChild('text', NS.stanzaErrors)
  const texts = text === undefined ? {} : { [text.attrs['xml:lang'] ?? 'en']: text.getText() }
  const own = error
    ?.getChildElements()
    .find((each) => each.getNS() !== NS.stanzaErrors && each.getNS() !== error.getNS())
  const specific = own === undefined ? undefined : { name: own.getName(), namespace: own.getNS() ?? '' }
  return new StanzaError((type ?? 'cancel') satisfies ErrorType, condition, texts, specific && { specific })
}
