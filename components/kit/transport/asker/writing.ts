// SPDX-License-Identifier: Apache-2.0
// urn:gatehouse:screen:1 as a transport writes it. Page: deploy/servers/PROTOCOL.md section 2.
import { escapeAttribute } from '../../xml/writer.ts'
import { NS } from '../../xmpp/namespaces.ts'

/** Of what a transport says of itself as a helper; the software beside it has its own. */
const HELPER = 'transport-1'

export type Announced = {
  at: number
  node: string
  software: string
  host: string
  outageRules: string | null
  predecessor: { source: string; mark: number; reserved: number } | null
}

export function writeSource({ at, node, software, host, outageRules, predecessor }: Announced): string {
  const said = {
    at: time(at),
    node,
    software,
    helper: HELPER,
    hosts: host,
    'outage-rules': outageRules,
    predecessor: predecessor?.source,
    'predecessor-mark': predecessor?.mark,
    'predecessor-reserved': predecessor?.reserved,
  }
  return `<source${attributes(said)}/>`
}

/** `done` null: what an earlier run has left. */
export function writeScreen(source: string, done: number | null, children: readonly string[]): string {
  return `<screen xmlns='${NS.screen}'${attributes({ source, done })}>${children.join('')}</screen>`
}

export type Asked = {
  n: number
  try: number
  at: number
  stanza: string
  network: string
  server: string
  foreign: { nick: string; account?: string; identity?: string }
}

export function writeAsk({ n, try: tried, at, stanza, network, server, foreign }: Asked, spooled = false): string {
  const said = {
    n,
    try: tried === 1 ? undefined : tried,
    direction: 'received',
    via: 'network',
    network,
    server,
    nick: foreign.nick,
    account: foreign.account,
    identity: foreign.identity,
    at: time(at),
    spooled: spooled ? 'true' : undefined,
  }
  return `<ask${attributes(said)}><forwarded xmlns='${NS.forward}'>${inClient(stanza)}</forwarded></ask>`
}

/** `try` 0: no verdict was followed. */
export function writeSettle(
  n: number,
  tried: number,
  outcome: 'released' | 'refused' | 'bounced' | 'unscreened',
  at: number,
  rule: string | null,
): string {
  return `<settle${attributes({ n, try: tried, outcome, rule, at: time(at) })}/>`
}

export function writeOutage(from: number, to: number, at: number, rule: string | null): string {
  return `<outage${attributes({ from, to, count: to - from + 1, outcome: 'bounced', rule, at: time(at) })}/>`
}

export function writeMark(last: number, at: number, end = false): string {
  return `<mark${attributes({ last, at: time(at), end: end ? 'true' : undefined })}/>`
}

export type Moved = { room: string; nick: string; jid: string; event: 'joined' | 'left' }

export function writeOccupant({ room, nick, jid, event }: Moved, at: number): string {
  return `<occupant${attributes({ room, nick, jid, event, at: time(at) })}/>`
}

/** A stanza on a component's stream needs no namespace; one that stands alone does. */
function inClient(stanza: string): string {
  return /^<[a-z]+(?:\s+[^\s=>]+=(?:'[^']*'|"[^"]*"))*?\s+xmlns=/u.test(stanza)
    ? stanza
    : stanza.replace(/^<([a-z]+)/u, `<$1 xmlns='${NS.client}'`)
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}

function attributes(said: Readonly<Record<string, string | number | null | undefined>>): string {
  return Object.entries(said)
    .map(([name, value]) =>
      value === null || value === undefined ? '' : ` ${name}='${escapeAttribute(String(value))}'`,
    )
    .join('')
}
