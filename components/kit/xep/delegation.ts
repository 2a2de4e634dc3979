// SPDX-License-Identifier: Apache-2.0
// XEP-0355: Namespace Delegation (0.5)
// Both namespaces that servers speak, `:1` and `:2`. Admin mode (§4): what the server's operator delegates.
import type { Element } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { parseJid } from '../xmpp/jid.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError, writeError } from '../xmpp/stanza-error.ts'

export const DELEGATION = { 1: 'urn:xmpp:delegation:1', 2: 'urn:xmpp:delegation:2' } as const
export type DelegationVersion = keyof typeof DELEGATION
const VERSIONS = [2, 1] as const

/** `filters`: attributes that the payload of an IQ must have to be forwarded (§4.1). ejabberd ignores what is configured there. */
export type Delegated = { version: DelegationVersion; namespace: string; filters: readonly string[] }

/** §7.2.4, §7.2.5: what no namespace of a payload says. */
export const REMAINING = {
  discoInfo: 'urn:xmpp:delegation:2:bare:disco#info:*',
  discoItems: 'urn:xmpp:delegation:2:bare:disco#items:*',
} as const

/** The namespaces that a message says are delegated (§4.2); null for a message that says nothing about it. */
export function readDelegated(message: Element): Delegated[] | null {
  // Nearly every message: asked of each.
  if (VERSIONS.every((version) => message.getChild('delegation', DELEGATION[version]) === undefined)) return null
  const found = VERSIONS.flatMap((version) =>
    message
      .getChildElements()
      .filter((one) => one.is('delegation', DELEGATION[version]))
      .map((delegation) => ({ version, delegation })),
  )
  return found.flatMap(({ version, delegation }) =>
    delegation.getChildElements().flatMap((one) => {
      const { namespace } = one.attrs
      if (!one.is('delegated', DELEGATION[version]) || namespace === undefined || namespace === '') return []
      const filters = one.getChildElements().flatMap((attribute) => {
        const { name } = attribute.attrs
        return attribute.is('attribute', DELEGATION[version]) && name !== undefined ? [name] : []
      })
      return [{ version, namespace, filters }]
    }),
  )
}

/** An IQ that the server hands on (§4.3). `to` is null where the sender gave none: it is meant for his own account. */
export type ForwardedIq = {
  version: DelegationVersion
  type: 'get' | 'set'
  id: string
  from: string
  to: string | null
  language: string
  payload: Element
}

/** Reads the payload of the server's IQ. Throws StanzaError: bad-request, with the reason in its cause. */
export function readForwarded(delegation: Element): ForwardedIq {
  const version = VERSIONS.find((one) => delegation.getNS() === DELEGATION[one])
  if (version === undefined) throw bad('no delegation')
  const forwarded = only(delegation, 'forwarded')
  if (!forwarded.is('forwarded', NS.forward)) throw bad('nothing is forwarded')
  const iq = only(forwarded, 'iq')
  const { type, id, from, to, 'xml:lang': language = '' } = iq.attrs
  if (!iq.is('iq', NS.client) && !iq.is('iq', NS.component)) throw bad('what is forwarded is no iq')
  if (type !== 'get' && type !== 'set') throw bad('what is forwarded is no request')
  if (id === undefined || id === '') throw bad('what is forwarded has no id')
  if (from === undefined || parseJid(from) === null) throw bad('what is forwarded has no valid from')
  if (to !== undefined && parseJid(to) === null) throw bad('what is forwarded has no valid to')
  return { version, type, id, from, to: to ?? null, language, payload: only(iq, 'payload') }
}

/**
 * Payload of the answer to the server (§4.3): a result, or an error where `answer` is one. Nothing stands between the elements, since
 * mod_delegation counts children. An error goes inside too: what answers the server's own IQ with an error reaches the sender without
 * his condition (§4.3, N.B.2), on ejabberd under an id that he does not know.
 */
export function writeForwarded(iq: ForwardedIq, answer: string | StanzaError): string {
  const from = iq.to === null ? '' : ` from='${escapeAttribute(iq.to)}'`
  const type = typeof answer === 'string' ? 'result' : 'error'
  const tag = `<iq xmlns='${NS.client}' type='${type}' id='${escapeAttribute(iq.id)}'${from} to='${escapeAttribute(iq.from)}'>`
  const inside = typeof answer === 'string' ? answer : writeError(answer, iq.language || 'en')
  return `<delegation xmlns='${DELEGATION[iq.version]}'><forwarded xmlns='${NS.forward}'>${tag}${inside}</iq></forwarded></delegation>`
}

/** A node of §7.2: what the server (or an account of its) is to show of a namespace that it delegates. */
export function readNestingNode(node: string): { about: 'server' | 'account'; namespace: string } | null {
  for (const version of VERSIONS)
    for (const [separator, about] of SEPARATORS) {
      const prefix = `${DELEGATION[version]}${separator}`
      if (node.startsWith(prefix)) return { about, namespace: node.slice(prefix.length) }
    }
  return null
}

const SEPARATORS = [
  ['::', 'server'],
  [':bare:', 'account'],
] as const

function only(parent: Element, what: string): Element {
  const [first, ...more] = parent.getChildElements()
  if (first === undefined || more.length > 0) throw bad(`not exactly one ${what}`)
  return first
}

function bad(cause: string): StanzaError {
  return new StanzaError('modify', 'bad-request', {}, { cause })
}
