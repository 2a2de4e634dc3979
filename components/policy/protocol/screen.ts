// SPDX-License-Identifier: Apache-2.0
// urn:gatehouse:screen:1, the question. Page: deploy/servers/PROTOCOL.md section 2.
import type { Foreign } from '../../kit/facts/facts.ts'
import type { Element } from '../../kit/xml/element.ts'
import { write } from '../../kit/xml/writer.ts'
import { NS } from '../../kit/xmpp/namespaces.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import { ACCOUNT_EVENTS, type Ask, OUTCOMES, type Report, type Screen } from '../domain/screen.ts'
import { DIRECTIONS, VIAS } from '../domain/screened.ts'

export const CHILDREN_MAX = 256
/** Room for the names of many hosts. */
const TEXT_MAX = 65_536
/** A whole <host/> is no longer. */
const NAMES_MAX = 8_192

/**
 * Reads a whole <screen>. `slice` gives the source text of a forwarded stanza.
 * A question whose number can be read but whose stanza cannot is told apart (`unreadable`) and spoils no other; so is a report
 * that may be lost and holds what people chose. Anything else that is wrong makes the whole screen a bad-request that names the
 * place, so that nothing of it counts as taken: a number would be taken for settled as its verdict says that was not.
 */
export function readScreen(payload: Element, slice: (child: Element) => string | null): Screen<Element> {
  const screen = new Place('screen', payload)
  const source = screen.hex('source')
  const done = screen.has('done') ? screen.number('done', 0) : null
  const asks: Ask<Element>[] = []
  const reports: Report[] = []
  const skipped: string[] = []
  const numbers = new Set<number>()
  let children = 0
  for (const child of payload.children) {
    if (typeof child === 'string') continue
    children += 1
    if (children > CHILDREN_MAX) throw bad('screen', `at most ${CHILDREN_MAX} children are taken`)
    if (child.getNS() !== NS.screen) continue
    const name = child.getName()
    const place = new Place(`screen/${name}[${children}]`, child)
    if (name === 'ask') {
      const ask = readAsk(place, slice)
      if (numbers.has(ask.n)) throw bad(`${place.path}@n`, 'a number that no other question of this screen has')
      numbers.add(ask.n)
      asks.push(ask)
    } else {
      const report = readOrSkip(name, place, slice, skipped)
      if (report) reports.push(report)
    }
  }
  return { source, done, asks, reports, skipped }
}

/** Nicks, resources, ids: what a person writes there spoils no question of another. */
const SKIPPABLE: ReadonlySet<string> = new Set([
  'occupant',
  'session',
  'account',
  'stanza-id',
  'observed',
  'host',
] satisfies Report['report'][])

function readOrSkip(
  name: string,
  place: Place,
  slice: (child: Element) => string | null,
  skipped: string[],
): Report | null {
  try {
    return readReport(name, place, slice)
  } catch (error) {
    if (!(error instanceof StanzaError && SKIPPABLE.has(name))) throw error
    skipped.push(error.message)
    return null
  }
}

function readAsk(place: Place, slice: (child: Element) => string | null): Ask<Element> {
  const n = place.number('n')
  let stanza: Ask<Element>['stanza']
  let raw = ''
  const ask = { n, try: 1, direction: 'sent' as const, via: 'c2s' as const, at: '', spooled: false }
  try {
    const found = forwardedStanza(place)
    raw = slice(found) ?? ''
    if (raw === '') throw bad(`${place.path}/forwarded`, 'a stanza with its source text')
    stanza = found
    const via = place.oneOf('via', VIAS, 'c2s')
    return {
      n,
      try: place.has('try') ? place.number('try') : 1,
      direction: place.oneOf('direction', DIRECTIONS, 'sent'),
      via,
      at: place.time(),
      spooled: place.flag('spooled'),
      ...(via === 'network' ? { network: place.text('network', 64), foreign: readForeign(place) } : {}),
      raw,
      stanza,
    }
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    // Kept as it stood, or at least as it was understood.
    return { ...ask, ...legible(place), raw: raw || write(place.element), stanza: { unreadable: error.message } }
  }
}

/** Names of other networks are as long as these let them be. */
const FOREIGN_MAX = 4_096

function readForeign(place: Place): Foreign {
  const account = place.has('account') ? { account: place.text('account', FOREIGN_MAX) } : {}
  const identity = place.has('identity') ? { identity: place.text('identity', FOREIGN_MAX) } : {}
  return { server: place.text('server', FOREIGN_MAX), nick: place.text('nick', FOREIGN_MAX), ...account, ...identity }
}

/** Of a question that cannot be read as a whole, what can. */
function legible(place: Place): Partial<Pick<Ask<Element>, 'try' | 'at' | 'spooled'>> {
  const tries = Number(place.element.attrs.try ?? 1)
  const at = place.element.attrs.at
  return {
    ...(Number.isSafeInteger(tries) && tries > 0 ? { try: tries } : {}),
    ...(at !== undefined && TIME.test(at) ? { at } : {}),
    spooled: place.element.attrs.spooled === 'true',
  }
}

function readReport(name: string, place: Place, slice: (child: Element) => string | null): Report | null {
  switch (name) {
    case 'source':
      return {
        report: 'source',
        at: place.time(),
        node: place.text('node'),
        hosts: place.text('hosts').split(/\s+/u),
        software: place.text('software'),
        helper: place.text('helper'),
        outageRules: place.has('outage-rules') ? place.text('outage-rules', 64) : null,
        predecessor: place.has('predecessor')
          ? {
              source: place.hex('predecessor'),
              mark: place.number('predecessor-mark', 0),
              reserved: place.number('predecessor-reserved', 0),
            }
          : null,
      }
    case 'settle':
      return {
        report: 'settle',
        n: place.number('n'),
        // 0: no try was answered.
        try: place.has('try') ? place.number('try', 0) || null : null,
        outcome: place.oneOf('outcome', OUTCOMES),
        rule: place.has('rule') ? place.text('rule', 64) : null,
        at: place.time(),
      }
    case 'mark':
      return { report: 'mark', last: place.number('last', 0), end: place.flag('end'), at: place.time() }
    case 'outage':
      return {
        report: 'outage',
        from: place.number('from'),
        to: place.number('to'),
        count: place.number('count'),
        outcome: place.oneOf('outcome', OUTCOMES),
        rule: place.has('rule') ? place.text('rule', 64) : null,
        at: place.time(),
      }
    case 'occupant':
      return {
        report: 'occupant',
        room: place.text('room'),
        nick: place.text('nick'),
        jid: place.text('jid'),
        event: place.oneOf('event', ['joined', 'left'] as const),
        at: place.time(),
      }
    case 'session':
      return {
        report: 'session',
        jid: place.text('jid'),
        via: place.text('via'),
        event: place.oneOf('event', ['started', 'ended'] as const),
        account: place.has('account') ? place.text('account') : '',
        at: place.time(),
      }
    case 'account':
      return {
        report: 'account',
        jid: place.text('jid'),
        event: place.oneOf('event', ACCOUNT_EVENTS),
        id: place.text('id'),
        at: place.time(),
      }
    case 'stanza-id':
      return { report: 'stanza-id', n: place.number('n'), by: place.text('by'), id: place.text('id'), at: place.time() }
    case 'observed':
      return readObserved(place, slice)
    case 'host':
      return {
        report: 'host',
        off: place.has('off') ? place.names('off') : [],
        modules: place.has('modules') ? place.names('modules') : [],
        omitted: place.has('omitted') ? place.number('omitted') : 0,
        transports: place.has('transports') ? place.names('transports') : [],
        at: place.time(),
      }
    default:
      return null
  }
}

function readObserved(place: Place, slice: (child: Element) => string | null): Report {
  const stanza = forwardedStanza(place)
  const raw = slice(stanza)
  if (!raw) throw bad(`${place.path}/forwarded`, 'a stanza with its source text')
  return { report: 'observed', from: stanza.attrs.from ?? '', stanza: raw, at: place.time() }
}

/** XEP-0297: the one stanza inside the one <forwarded/>. */
function forwardedStanza(place: Place): Element {
  const forwarded = elementsOf(place.element).filter(
    (child) => child.name === 'forwarded' && child.getNS() === NS.forward,
  )
  if (forwarded.length !== 1 || !forwarded[0]) throw bad(place.path, 'exactly one forwarded')
  const inside = elementsOf(forwarded[0])
  const stanza = inside[0]
  if (inside.length !== 1 || !stanza) throw bad(`${place.path}/forwarded`, 'exactly one stanza')
  const known = stanza.name === 'message' || stanza.name === 'presence' || stanza.name === 'iq'
  if (!known || stanza.getNS() !== 'jabber:client') throw bad(`${place.path}/forwarded`, 'a stanza of jabber:client')
  return stanza
}

function elementsOf(element: Element): Element[] {
  return element.children.filter((child): child is Element => typeof child !== 'string')
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u
const SOURCE = /^[0-9a-f]{32}$/u
const NUMBER = /^(?:0|[1-9]\d{0,15})$/u

/** An element with the way to it, so that every complaint names its place. */
class Place {
  readonly path: string
  readonly element: Element
  constructor(path: string, element: Element) {
    this.path = path
    this.element = element
  }

  has(name: string): boolean {
    return this.element.attrs[name] !== undefined
  }

  text(name: string, most = TEXT_MAX): string {
    const value = this.element.attrs[name] ?? ''
    if (value === '' || value.length > most) throw bad(`${this.path}@${name}`, `1 to ${most} characters`)
    return value
  }

  names(name: string): string[] {
    const names = this.text(name, NAMES_MAX).split(/\s+/u)
    if (names.includes('')) throw bad(`${this.path}@${name}`, 'names with a space between them')
    return names
  }

  number(name: string, least = 1): number {
    const text = this.element.attrs[name] ?? ''
    const value = NUMBER.test(text) ? Number(text) : Number.NaN
    if (!Number.isSafeInteger(value) || value < least) throw bad(`${this.path}@${name}`, `a whole number from ${least}`)
    return value
  }

  hex(name: string): string {
    const value = this.element.attrs[name] ?? ''
    if (!SOURCE.test(value)) throw bad(`${this.path}@${name}`, '32 hex digits in lower case')
    return value
  }

  time(): string {
    const value = this.element.attrs.at ?? ''
    if (!TIME.test(value) || Number.isNaN(Date.parse(value))) {
      throw bad(`${this.path}@at`, 'a UTC time with milliseconds, such as 2026-11-22T10:00:00.123Z')
    }
    return value
  }

  flag(name: string): boolean {
    return this.oneOf(name, ['true', 'false'] as const, 'false') === 'true'
  }

  oneOf<const T extends string>(name: string, words: readonly T[], otherwise?: T): T {
    const value = this.element.attrs[name]
    if (value === undefined && otherwise !== undefined) return otherwise
    const word = words.find((each) => each === value)
    if (word === undefined) throw bad(`${this.path}@${name}`, `one of ${words.join(', ')}`)
    return word
  }
}

function bad(path: string, wanted: string): StanzaError {
  return new StanzaError('modify', 'bad-request', `${path}: wanted: ${wanted}`)
}
