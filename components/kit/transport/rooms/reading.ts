// SPDX-License-Identifier: Apache-2.0
// What one of our people wants, from the message he sent.
import { MARKERS, readMarker } from '../../xep/markers.ts'
import { type Element, isElement } from '../../xml/element.ts'
import { parse } from '../../xml/parse.ts'
import { write } from '../../xml/writer.ts'

export const NS_CHAT_STATES = 'http://jabber.org/protocol/chatstates'
export const NS_REPLY = 'urn:xmpp:reply:0'
export const NS_FALLBACK = 'urn:xmpp:fallback:0'
export const NS_CORRECT = 'urn:xmpp:message-correct:0'
export const NS_REACTIONS = 'urn:xmpp:reactions:0'
export const NS_RETRACT = 'urn:xmpp:message-retract:1'
export const NS_MODERATE = 'urn:xmpp:message-moderate:1'
export const NS_OOB = 'jabber:x:oob'
const NS_SFS = 'urn:xmpp:sfs:0'
const NS_REFERENCE = 'urn:xmpp:reference:0'
/** Both that are written. */
const NS_SIMS = ['urn:xmpp:sims:1', 'urn:xmpp:sims:2'] as const
const NS_URL_DATA = 'http://jabber.org/protocol/url-data'
const NS_EME = 'urn:xmpp:eme:0'

export type Said =
  | { kind: 'encrypted' | 'nothing' | 'unknown' }
  | { kind: 'read'; id: string }
  | { kind: 'subject'; subject: string }
  | { kind: 'typing'; state: 'active' | 'paused' | 'done' }
  | {
      kind: 'say'
      body: string
      replyTo?: string
      corrects?: string
      reaction?: { to: string; emojis: readonly string[] }
      retracts?: string
    }

/** XEP-0380, and the elements of those who encrypt without saying so: XEP-0384 (both forms), 0373, 0027; OTR stands in the body. */
const ENCRYPTED: readonly (readonly [name: string, namespace: string])[] = [
  ['encryption', NS_EME],
  ['encrypted', 'eu.siacs.conversations.axolotl'],
  ['encrypted', 'urn:xmpp:omemo:2'],
  ['openpgp', 'urn:xmpp:openpgp:0'],
  ['x', 'jabber:x:encrypted'],
]

/** Told by clients, of no use to a network that does not ask. */
const SILENT: ReadonlySet<string> = new Set([MARKERS, 'urn:xmpp:receipts', NS_CHAT_STATES])

/** Told to servers, or by them. */
const OF_SERVERS: ReadonlySet<string> = new Set(['urn:xmpp:hints', 'urn:xmpp:sid:0'])

/** Off-the-record messaging, which stands in the body. */
const OTR = /^\?OTR[:,?]/

/** As `typing` of a network says it, and back. */
const STATES: Readonly<Record<string, 'active' | 'paused' | 'done'>> = {
  composing: 'active',
  paused: 'paused',
  active: 'done',
  inactive: 'done',
  gone: 'done',
}

/** XEP-0085. */
export function writeTyping(state: 'active' | 'paused' | 'done'): string {
  const name = { active: 'composing', paused: 'paused', done: 'active' }[state]
  return `<${name} xmlns='${NS_CHAT_STATES}'/>`
}

/** Of a text, the line by which an answer to it names it: the first that is no quote itself. */
export function quoteOf(body: string, most: number): string {
  return cut(body.split('\n').find((line) => line.trim() !== '' && !line.startsWith('>')) ?? '', most)
}

function cut(text: string, most: number): string {
  const points = [...text.slice(0, 2 * most)]
  return points.length <= most && text.length <= 2 * most ? text : `${points.slice(0, most - 1).join('')}…`
}

export function readSaid(message: Element): Said {
  const plain = plainBody(message)
  if (plain !== null) return { kind: 'say', body: plain }
  if (isEncrypted(message)) return { kind: 'encrypted' }
  const body = textOf(message, 'body')
  const subject = textOf(message, 'subject')
  // XEP-0045 §8.1: a subject alone; with a body or a thread it is a message.
  if (subject !== null && body === null && textOf(message, 'thread') === null) return { kind: 'subject', subject }
  const said = readReferences(message, body ?? '')
  if (said.body !== '' || said.reaction !== undefined || said.retracts !== undefined) return { kind: 'say', ...said }
  const read = readMarker(message)
  if (read !== null && body === null) return { kind: 'read', id: read }
  for (const [name, state] of Object.entries(STATES))
    if (message.getChild(name, NS_CHAT_STATES) !== undefined) return { kind: 'typing', state }
  const others = message.getChildElements().filter((one) => !SILENT.has(one.getNS() ?? ''))
  const isSilent = body === null && others.every((one) => OF_SERVERS.has(one.getNS() ?? ''))
  return { kind: isSilent ? 'nothing' : 'unknown' }
}

/** What most messages are: a body, and nothing beside it that means anything to a network. Null: it has to be looked at. */
function plainBody(message: Element): string | null {
  const own = message.getNS()
  let body: string | null = null
  for (const child of message.children) {
    if (!isElement(child)) continue
    const namespace = child.getNS() ?? ''
    if (namespace === own && child.getName() === 'body' && body === null) body = child.getText()
    else if (!SILENT.has(namespace) && !OF_SERVERS.has(namespace)) return null
  }
  return body === null || body === '' || OTR.test(body) ? null : body
}

function readReferences(message: Element, body: string) {
  const reply = message.getChild('reply', NS_REPLY)?.attrs.id
  const corrects = message.getChild('replace', NS_CORRECT)?.attrs.id
  const reactions = message.getChild('reactions', NS_REACTIONS)
  const retracts = message.getChild('retract', NS_RETRACT)?.attrs.id
  const reaction =
    reactions?.attrs.id === undefined
      ? undefined
      : {
          to: reactions.attrs.id,
          emojis: [...new Set(reactions.getChildren('reaction', NS_REACTIONS).map((one) => one.getText().trim()))]
            .filter((one) => one !== '')
            .slice(0, 20),
        }
  let text = body
  if (reply !== undefined) text = withoutFallback(message, text, NS_REPLY)
  if (reaction !== undefined) text = withoutFallback(message, text, NS_REACTIONS)
  if (retracts !== undefined) text = ''
  return {
    body: withLinks(message, text),
    ...(reply !== undefined && { replyTo: reply }),
    ...(corrects !== undefined && { corrects }),
    ...(reaction !== undefined && { reaction }),
    ...(retracts !== undefined && { retracts }),
  }
}

/** XEP-0428 §2: counted in code points; without a range it is the whole. */
function withoutFallback(message: Element, body: string, of: string): string {
  const fallback = message
    .getChildren('fallback', NS_FALLBACK)
    .find((one) => one.attrs.for === of || one.attrs.for === undefined)
  if (fallback === undefined) return body
  const range = fallback.getChild('body', NS_FALLBACK)
  const [start, end] = [Number(range?.attrs.start), Number(range?.attrs.end)]
  if (range === undefined || !Number.isInteger(start) || !Number.isInteger(end)) return ''
  const points = [...body]
  if (start < 0 || end < start || end > points.length) return body
  return [...points.slice(0, start), ...points.slice(end)].join('').trim()
}

/** Files as the links where they are: XEP-0066 §3, XEP-0447, XEP-0385. Each once, and none that the text names already. */
function withLinks(message: Element, body: string): string {
  const links = new Set<string>()
  for (const link of linksOf(message)) if (!names(body, link)) links.add(link)
  return [body, ...links].filter((part) => part !== '').join('\n')
}

/** Of each file the first way that people there can go: what is fetched from a client (`xmpp:`, `cid:`) is none for them. */
function linksOf(message: Element): string[] {
  const oob = message.getChildren('x', NS_OOB).map((one) => [one.getChild('url', NS_OOB)?.getText()])
  const shared = message
    .getChildren('file-sharing', NS_SFS)
    .map((one) => one.getChild('sources', NS_SFS)?.getChildren('url-data', NS_URL_DATA) ?? [])
    .map((sources) => sources.map(({ attrs }) => attrs.target))
  const inline = message.getChildren('reference', NS_REFERENCE).map((one) =>
    NS_SIMS.flatMap((sims) => {
      const sources = one.getChild('media-sharing', sims)?.getChild('sources', sims)
      return sources?.getChildren('reference', NS_REFERENCE).map(({ attrs }) => attrs.uri) ?? []
    }),
  )
  return [...oob, ...shared, ...inline].flatMap(
    (ways) =>
      ways.map((way) => way?.trim()).find((way) => way !== undefined && /^(?:https?|ftp):\/\/\S+$/i.test(way)) ?? [],
  )
}

/** Also in another spelling: clients escape the one and not the other. */
function names(body: string, link: string): boolean {
  return body.includes(link) || unescaped(body).includes(unescaped(link))
}

function unescaped(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) => Buffer.from(escaped.replaceAll('%', ''), 'hex').toString())
}

export function isEncrypted(message: Element): boolean {
  if (ENCRYPTED.some(([name, namespace]) => message.getChild(name, namespace) !== undefined)) return true
  return textsOf(message, 'body').some((body) => OTR.test(body))
}

/** The first; null where there is none. */
function textOf(message: Element, name: string): string | null {
  return textsOf(message, name)[0] ?? null
}

function textsOf(message: Element, name: string): string[] {
  const own = message.getNS()
  const children = message.getChildElements().filter((one) => one.getName() === name && one.getNS() === own)
  return children.map((child) => child.getText())
}

/** Of what the room alone may say; and what would say something about another room. */
const NOT_REFLECTED: readonly (readonly [string, string])[] = [
  ['stanza-id', 'urn:xmpp:sid:0'],
  ['occupant-id', 'urn:xmpp:occupant-id:0'],
  ['delay', 'urn:xmpp:delay'],
  ['x', 'jabber:x:delay'],
  ['x', 'http://jabber.org/protocol/muc#user'],
  ['error', 'jabber:client'],
]

/** The children as the room reflects them (XEP-0045 §7.4), serialised. */
export function reflected(message: Element): string {
  let payload = ''
  for (const child of message.children)
    if (isElement(child) && isReflected(child) && standsAlone(child)) payload += write(child)
  return payload
}

function isReflected(child: Element): boolean {
  for (const [name, namespace] of NOT_REFLECTED) if (child.is(name, namespace)) return false
  return true
}

/** What the rules made of a stanza, as its children and its words. Null: it cannot be read. */
export function readReplaced(stanza: string): { payload: string; body: string } | null {
  try {
    const element = parse(stanza)
    return { payload: reflected(element), body: element.getChildText('body') ?? '' }
  } catch {
    return null
  }
}

/** What the rules left of the words of a presence. */
export function readStatus(stanza: string): string {
  try {
    return parse(stanza).getChildText('status') ?? ''
  } catch {
    return ''
  }
}

/** Whether it means the same on another stream: a prefix that is declared further out would break that one. */
function standsAlone(element: Element): boolean {
  const open: Element[] = [element]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (one.name.includes(':')) return false
    for (const name in one.attrs) if (name.includes(':') && !/^xml(?:ns)?:/.test(name)) return false
    for (const child of one.children) if (isElement(child)) open.push(child)
  }
  return true
}
