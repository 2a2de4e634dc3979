// SPDX-License-Identifier: Apache-2.0
// XEP-0100: Gateway Interaction (1.0)
// §6.1: from the name of somebody on another network to his address at the gateway.
import type { Element } from '../xml/element.ts'
import { escapeText } from '../xml/writer.ts'

export const GATEWAY = 'jabber:iq:gateway'

export function writePrompt({ description, prompt }: { description: string; prompt: string }): string {
  return `<query xmlns='${GATEWAY}'><desc>${escapeText(description)}</desc><prompt>${escapeText(prompt)}</prompt></query>`
}

/** What was typed; '' for nothing. */
export function readPrompted(query: Element): string {
  return query.getChild('prompt', GATEWAY)?.getText().trim() ?? ''
}

/** The address stands in `jid`; older clients read it from `prompt`. */
export function writePrompted(jid: string): string {
  return `<query xmlns='${GATEWAY}'><jid>${escapeText(jid)}</jid><prompt>${escapeText(jid)}</prompt></query>`
}
