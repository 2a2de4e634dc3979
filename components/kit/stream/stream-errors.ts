// SPDX-License-Identifier: Apache-2.0
// Stream errors, RFC 6120 §4.9.3: what each means for a component, and what the operator can do.
import type { Element } from '../xml/element.ts'
import { NS } from '../xmpp/namespaces.ts'

const ADVICE: Readonly<Record<string, string>> = {
  conflict:
    'another connection already uses this domain: is a second process running? On Prosody set component_conflict_resolve = "kick_old"',
  'host-unknown':
    'the server has no component of this domain: add it to the server, or correct the domain in the settings',
  'host-gone': 'the server no longer serves this domain',
  'improper-addressing': 'a stanza without from or to was sent: report this as a bug',
  'invalid-from': 'a stanza was sent from outside our domain: check the domain in the settings against the server',
  'invalid-namespace': 'the port is not a component port (XEP-0114): check host and port',
  'not-authorized': 'the secret differs from the one the server has for this component',
  'not-well-formed': 'the server could not read what was sent: report this as a bug',
  'policy-violation': 'a limit of the server was passed: on Prosody see component_stanza_size_limit',
  'remote-connection-failed': 'the server could not reach something it needs: see its log',
  'resource-constraint': 'the server is short of resources: see its log',
  'system-shutdown': 'the server is stopping: the connection is tried again until it is back',
  'connection-timeout': 'the server took this connection for dead: was this machine stopped or very busy?',
}

export type StreamError = { condition: string; text: string; advice: string }

/** The text is the server's own and meant for logs. */
export function readStreamError(element: Element): StreamError {
  const children = element.getChildElements().filter((child) => child.getNS() === NS.streamErrors)
  const condition = children.find((child) => child.getName() !== 'text')?.getName() ?? 'undefined-condition'
  const text = children.find((child) => child.getName() === 'text')?.getText() ?? ''
  return { condition, text, advice: ADVICE[condition] ?? 'see the log of the server' }
}

/** Why there is no connection, in the words of the system, with what the operator can do where that is known. */
export function adviseOnLoss(reason: string): string {
  if (!reason.includes('ECONNREFUSED')) return reason
  return `${reason}: nobody takes components there. Does the server run, was it restarted since it was given this component, and is this its port?`
}

export function writeStreamError(condition: string): string {
  return `<stream:error><${condition} xmlns='${NS.streamErrors}'/></stream:error></stream:stream>`
}
