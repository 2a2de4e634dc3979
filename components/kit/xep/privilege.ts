// SPDX-License-Identifier: Apache-2.0
// XEP-0356: Privileged Entity (0.4.1)
// Both namespaces that servers speak: `:1` (version 0.2 of the XEP: roster, message, presence) and `:2` (IQs too).
import type { Element } from '../xml/element.ts'
import { isElement } from '../xml/element.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'

export const PRIVILEGE = { 1: 'urn:xmpp:privilege:1', 2: 'urn:xmpp:privilege:2' } as const
export type PrivilegeVersion = keyof typeof PRIVILEGE

export type Access = { get: boolean; set: boolean }

/** What a host lets a component do for all its accounts. */
export type Grants = {
  version: PrivilegeVersion
  /**
   * `push`: the server tells changes of rosters. null: it does not say, which §4.1 has mean yes where `get` is granted, and which
   * no server meant that was tried: rosters are to be read again.
   */
  roster: Access & { push: boolean | null }
  /** Messages in the name of the host or of an account of its. */
  message: boolean
  /** Whose presence comes: of the accounts, of their contacts as well. */
  presence: 'none' | 'managed_entity' | 'roster'
  /** IQs in the name of an account, by namespace of the payload. */
  iq: ReadonlyMap<string, Access>
}

/** The `privilege` in a message and its version; null for a message without one. Of two versions the later counts. */
export function findPrivilege(message: Element): { version: PrivilegeVersion; privilege: Element } | null {
  for (const version of [2, 1] as const) {
    const privilege = message.getChild('privilege', PRIVILEGE[version])
    if (privilege !== undefined) return { version, privilege }
  }
  return null
}

/** An advertisement, §4.2, §5.2, §6.2, §7.2. What is unknown grants nothing; of one access said twice both count. */
export function readGrants(version: PrivilegeVersion, privilege: Element): Grants {
  const roster: Grants['roster'] = { get: false, set: false, push: version === 1 ? false : null }
  const iq = new Map<string, Access>()
  let message = false
  let presence: Grants['presence'] = 'none'
  for (const perm of privilege.getChildElements()) {
    if (!perm.is('perm', PRIVILEGE[version])) continue
    const { access, type, push } = perm.attrs
    if (access === 'roster') {
      widen(roster, type)
      if (version === 2 && (push === 'true' || push === 'false')) roster.push = push === 'true'
    } else if (access === 'message') message ||= type === 'outgoing'
    else if (access === 'presence') presence = wider(presence, type)
    else if (access === 'iq' && version === 2) readNamespaces(perm, iq)
  }
  if (!roster.get) roster.push = false
  return { version, roster, message, presence, iq }
}

/** mod_privilege before 2024 leaves each `namespace` open, so that the second stands inside the first: descendants count. */
function readNamespaces(perm: Element, iq: Map<string, Access>): void {
  const open = [...perm.children].reverse()
  for (let child = open.pop(); child !== undefined; child = open.pop()) {
    if (!isElement(child) || !child.is('namespace', PRIVILEGE[2])) continue
    const { ns, type } = child.attrs
    if (ns !== undefined) {
      const access = iq.get(ns) ?? { get: false, set: false }
      widen(access, type)
      if (access.get || access.set) iq.set(ns, access)
    }
    open.push(...[...child.children].reverse())
  }
}

function widen(access: Access, type: string | undefined): void {
  access.get ||= type === 'get' || type === 'both'
  access.set ||= type === 'set' || type === 'both'
}

function wider(known: Grants['presence'], type: string | undefined): Grants['presence'] {
  if (known === 'roster' || type === 'roster') return 'roster'
  return type === 'managed_entity' ? type : known
}

/** `from` is bare; `payload` is XML text, in `jabber:client` where it names no namespace. */
export type MessageOnBehalf = {
  from: string
  to: string
  type?: 'chat' | 'groupchat' | 'headline' | 'normal'
  id?: string
  language?: string
  payload: string
}

/** Content of the message to the host, §5.3. */
export function writeMessageOnBehalf(version: PrivilegeVersion, message: MessageOnBehalf): string {
  const { payload, language, ...attributes } = message
  const tag = attributesOf({ ...attributes, 'xml:lang': language })
  const forwarded = `<forwarded xmlns='${NS.forward}'><message xmlns='${NS.client}'${tag}>${payload}</message></forwarded>`
  return `<privilege xmlns='${PRIVILEGE[version]}'>${forwarded}</privilege>`
}

export type IqOnBehalf = { type: 'get' | 'set'; id: string; from: string; to: string; payload: string }

/** Payload of the IQ to the account's bare address, §6.3. Only in `:2`. */
export function writeIqOnBehalf({ payload, ...attributes }: IqOnBehalf): string {
  const iq = `<iq xmlns='${NS.client}'${attributesOf(attributes)}>${payload}</iq>`
  return `<privileged_iq xmlns='${PRIVILEGE[2]}'>${iq}</privileged_iq>`
}

/** The IQ inside a `privilege`, as an answer carries it (§6.3); null where there is none. */
export function readForwardedIq(privilege: Element): Element | null {
  const forwarded = privilege.getChildElements().find((one) => one.is('forwarded', NS.forward))
  return forwarded?.getChildElements().find((one) => one.is('iq', NS.client)) ?? null
}

function attributesOf(values: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(values)
    .map(([name, value]) => (value === undefined ? '' : ` ${name}='${escapeAttribute(value)}'`))
    .join('')
}
