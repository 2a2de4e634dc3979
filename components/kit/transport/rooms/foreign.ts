// SPDX-License-Identifier: Apache-2.0
// A message of the network as children of a XMPP message.
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import type { ForeignMessage } from '../network.ts'
import { NS_CORRECT, NS_FALLBACK, NS_MODERATE, NS_OOB, NS_REACTIONS, NS_REPLY, NS_RETRACT, quoteOf } from './reading.ts'

/** What a message speaks of, as far as it is known here. */
export type Known = { id: string; mid: string; nick: string; body: string }

export type References = {
  replyTo: Known | null
  corrects: Known | null
  reaction: Known | null
  retracts: Known | null
}

export const NO_REFERENCES: References = { replyTo: null, corrects: null, reaction: null, retracts: null }

/** Longest part of an older message that is repeated before an answer to it. */
const QUOTED = 160

/** `room`: the address under which its occupants are written, not escaped. Null: there is nothing to show. */
export function writePayload(
  message: ForeignMessage,
  known: References,
  room: string,
  { retracted, linksAsFiles }: { retracted(): string; linksAsFiles: boolean },
): string | null {
  if (message.retracts !== undefined) {
    if (known.retracts === null) return null
    const moderated =
      message.moderated === undefined
        ? ''
        : `<moderated xmlns='${NS_MODERATE}' by='${escapeAttribute(`${room}/${message.moderated.by}`)}'/>${
            message.moderated.reason === '' ? '' : `<reason>${escapeText(message.moderated.reason)}</reason>`
          }`
    return (
      `<retract xmlns='${NS_RETRACT}' id='${known.retracts.id}'>${moderated}</retract>` +
      `<fallback xmlns='${NS_FALLBACK}' for='${NS_RETRACT}'/><body>${escapeText(retracted())}</body>`
    )
  }
  if (message.reaction !== undefined) {
    if (known.reaction === null) return message.body === '' ? null : writeBody(message.body)
    const each = message.reaction.emojis.map((emoji) => `<reaction>${escapeText(emoji)}</reaction>`)
    return `<reactions xmlns='${NS_REACTIONS}' id='${known.reaction.id}'>${each.join('')}</reactions><store xmlns='urn:xmpp:hints'/>`
  }
  if (message.body === '') return null
  const replaced =
    known.corrects === null ? '' : `<replace xmlns='${NS_CORRECT}' id='${escapeAttribute(known.corrects.mid)}'/>`
  if (known.replyTo === null) return writeBody(message.body) + replaced + (linksAsFiles ? writeLink(message.body) : '')
  return writeReply(message.body, known.replyTo, room) + replaced
}

/** XEP-0461 §3.2: what is answered stands before the answer, marked, for those who do not know of answers. */
function writeReply(body: string, to: Known, room: string): string {
  const first = quoteOf(to.body, QUOTED)
  const quote = first === '' ? '' : `> ${first}\n`
  const marked =
    quote === ''
      ? ''
      : `<fallback xmlns='${NS_FALLBACK}' for='${NS_REPLY}'><body start='0' end='${[...quote].length}'/></fallback>`
  const reply = `<reply xmlns='${NS_REPLY}' to='${escapeAttribute(`${room}/${to.nick}`)}' id='${to.id}'/>`
  return writeBody(quote + body) + reply + marked
}

function writeBody(body: string): string {
  return `<body>${escapeText(body)}</body>`
}

/** Endings of pages, which nobody shows as a file. */
const PAGE = /\.(?:html?|php|aspx?|jsp|cgi)$/i

/** XEP-0066 §3: a message that is nothing but a link to a file is shown as that file. '': it is none. */
export function writeLink(body: string): string {
  const [path = ''] = body.split(/[?#]/, 1)
  if (!/^https:\/\/[^\s<>"/]+\/\S+$/i.test(body) || !/\/[^/]*\.[a-z0-9]{2,5}$/i.test(path) || PAGE.test(path)) return ''
  return `<x xmlns='${NS_OOB}'><url>${escapeText(body)}</url></x>`
}
