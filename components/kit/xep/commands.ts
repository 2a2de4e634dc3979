// SPDX-License-Identifier: Apache-2.0
// XEP-0050: Ad-Hoc Commands (1.3.0)
import type { Element } from '../xml/element.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Identity } from './disco.ts'

/** §2.2: the node below which the commands of an entity are listed. */
export const COMMANDS_NODE: string = NS.commands

/** §2.2: what a command is in service discovery. */
export const commandIdentity = (name: string): Identity => ({ category: 'automation', type: 'command-node', name })
export const listIdentity = (name: string): Identity => ({ category: 'automation', type: 'command-list', name })

const ACTIONS = ['execute', 'cancel', 'prev', 'next', 'complete'] as const
export type Action = (typeof ACTIONS)[number]

export type CommandRequest = {
  node: string
  action: Action
  /** Of a session that goes on; undefined: a new one is wanted. */
  session: string | undefined
  /** '' where the element names none. */
  language: string
  /** What was filled in. */
  form: Element | undefined
}

export type CommandAnswer = {
  node: string
  session: string
  status: 'executing' | 'completed' | 'canceled'
  language: string
  /** What may be done next beside cancelling; the first is what `execute` means. */
  actions?: readonly ('next' | 'complete' | 'prev')[]
  notes?: readonly Note[]
  /** Serialised, in order. */
  payload?: string
}

export type Note = { type: 'info' | 'warn' | 'error'; text: string }

/** Throws StanzaError with the conditions of §4.4. */
export function readCommand(command: Element): CommandRequest {
  const { node, action = 'execute', sessionid } = command.attrs
  if (node === undefined || node === '') throw new StanzaError('modify', 'bad-request', 'a command has a node')
  const known = ACTIONS.find((one) => one === action)
  if (known === undefined) throw refused('malformed-action')
  const forms = command.getChildren('x', NS.dataForms)
  if (forms.length > 1) throw refused('bad-payload')
  if (sessionid === '') throw refused('bad-sessionid')
  return { node, action: known, session: sessionid, language: command.attrs['xml:lang'] ?? '', form: forms[0] }
}

export function writeCommand({ actions = [], notes = [], payload = '', ...answer }: CommandAnswer): string {
  const attributes = `node='${escapeAttribute(answer.node)}' sessionid='${escapeAttribute(answer.session)}' status='${answer.status}' xml:lang='${escapeAttribute(answer.language)}'`
  const allowed =
    answer.status !== 'executing' || actions.length === 0
      ? ''
      : `<actions execute='${actions[0]}'>${ORDER.filter((one) => actions.includes(one))
          .map((one) => `<${one}/>`)
          .join('')}</actions>`
  const said = notes.map(({ type, text }) => `<note type='${type}'>${escapeText(text)}</note>`).join('')
  return `<command xmlns='${NS.commands}' ${attributes}>${allowed}${said}${payload}</command>`
}

/** As the schema has them (§8). */
const ORDER = ['prev', 'next', 'complete'] as const

/** §4.4: the request cannot be taken as it is. */
export function refused(why: 'malformed-action' | 'bad-action' | 'bad-payload' | 'bad-sessionid'): StanzaError {
  return new StanzaError('modify', 'bad-request', {}, { specific: { name: why, namespace: NS.commands } })
}

/** §4.4: a session that is over. */
export function sessionExpired(text: Readonly<Record<string, string>>): StanzaError {
  return new StanzaError('cancel', 'not-allowed', text, {
    specific: { name: 'session-expired', namespace: NS.commands },
  })
}
