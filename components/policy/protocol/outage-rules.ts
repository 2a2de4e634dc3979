// SPDX-License-Identifier: Apache-2.0
// urn:gatehouse:screen:1, what holds while the screen is away. Page: deploy/servers/PROTOCOL.md section 13.
import { escapeAttribute, escapeText } from '../../kit/xml/writer.ts'
import { NS } from '../../kit/xmpp/namespaces.ts'
import type { AddressPattern, Audience } from '../domain/address-pattern.ts'
import type { OutageRow } from '../domain/outage-rules.ts'
import type { Condition } from '../domain/rule.ts'
import type { Kind } from '../domain/screened.ts'
import { writeKind } from './outage-kinds.ts'

/** Of one table, as the page says. A pattern with a star is looked at one by one, the others at once. */
const ROWS_MAX = 1_000
const CONDITIONS_MAX = 5_000
const STARS_MAX = 2_000
/** UTF-8 bytes; the server takes no more from a component than its own limit says. */
export const TABLE_MAX = 256 << 10

/** What had no room: nothing; what earlier rules allow; conditions with more than `addresses` addresses; everything is closed. */
export type Reduced = { by: 'nothing' | 'exceptions' | 'everything' } | { by: 'addresses'; addresses: number }

/** `attributes` and `children` of <outage-rules/>, still without an id. Both '': nothing is closed. */
export type WrittenRules = { attributes: string; children: string; reduced: Reduced }

/** What has no room makes it stricter, never less strict. `bytes`: as many as one stanza to the helper may have. */
export function writeRows(rows: readonly OutageRow[], rooms: readonly AddressPattern[], bytes: number): WrittenRules {
  const [first] = rows
  if (first === undefined) return { attributes: '', children: '', reduced: { by: 'nothing' } }
  const attributes = ` rooms='${escapeAttribute(rooms.map(writePattern).join(' '))}'`
  const closed = rows.filter((row) => row.do === 'closed')
  const tries: [readonly OutageRow[], number, Reduced][] = [
    [rows, Number.POSITIVE_INFINITY, { by: 'nothing' }],
    [closed, Number.POSITIVE_INFINITY, { by: 'exceptions' }],
    ...[1_000, 100, 10].map((most): [readonly OutageRow[], number, Reduced] => [
      closed,
      most,
      { by: 'addresses', addresses: most },
    ]),
  ]
  for (const [of, addresses, reduced] of tries) {
    const children = of.length > ROWS_MAX ? null : new Table(addresses).write(of, bytes - attributes.length - FRAME)
    if (children !== null) return { attributes, children, reduced }
  }
  const [named] = closed
  const everything: OutageRow = { do: 'closed', rule: named?.rule ?? 'otherwise', when: { is: 'always' } }
  return { attributes: '', children: writeRow(everything, new Table(0)), reduced: { by: 'everything' } }
}

export function writeOutageRules({ attributes, children }: WrittenRules, id: string): string {
  return `<outage-rules xmlns='${NS.screen}' id='${escapeAttribute(id)}'${attributes}>${children}</outage-rules>`
}

/** Around the rows: the IQ, and the element with its id. */
const FRAME = 4_096

class Table {
  readonly #addresses: number
  #conditions = 0
  #stars = 0
  readonly #defined = new Map<Kind, string>()

  /** A condition with more addresses than this is left open. */
  constructor(addresses: number) {
    this.#addresses = addresses
  }

  /** Null: no room. */
  write(rows: readonly OutageRow[], bytes: number): string | null {
    let written = ''
    for (const row of rows) {
      written += writeRow(row, this)
      if (written.length > bytes || this.#conditions > CONDITIONS_MAX || this.#stars > STARS_MAX) return null
    }
    const whole = [...this.#defined.values(), written].join('')
    return Buffer.byteLength(whole) <= bytes ? whole : null
  }

  writeCondition(condition: Condition): string {
    switch (condition.is) {
      case 'always':
        return this.#count('<always/>')
      case 'all':
      case 'any':
        return this.#count(
          `<${condition.is}>${condition.of.map((each) => this.writeCondition(each)).join('')}</${condition.is}>`,
        )
      case 'not':
        return this.#count(`<not>${this.writeCondition(condition.of)}</not>`)
      case 'direction':
        return this.#count(`<direction is='${condition.direction}'/>`)
      case 'host':
        return this.#audience('host', condition.hosts)
      case 'from':
      case 'to':
        return this.#audience(condition.is, condition.who)
      case 'room':
        return this.#count(condition.room ? '<room/>' : '<not><room/></not>', 2)
      case 'room-named':
        return this.#audience('room', condition.rooms)
      case 'kind': {
        const kinds = condition.kinds.map((kind) => this.#kind(kind)).join('')
        return condition.kinds.length === 1 ? kinds : this.#count(`<any>${kinds}</any>`)
      }
      default:
        return this.#count('<unknown/>')
    }
  }

  /** What a kind is, is said once. */
  #kind(kind: Kind): string {
    if (!this.#defined.has(kind)) {
      const meaning = writeKind(kind)
      this.#defined.set(
        kind,
        this.#count(`<define name='${kind}'>${meaning}</define>`, meaning.split(/<[a-z]/u).length),
      )
    }
    return this.#count(`<defined name='${kind}'/>`)
  }

  #audience(name: 'host' | 'from' | 'to' | 'room', { bares, domains, globs }: Audience): string {
    if (bares.size + domains.size + globs.length > this.#addresses) return this.#count('<unknown/>')
    this.#stars += globs.length
    const patterns = [...bares, ...domains, ...globs.map(writePattern)]
    return this.#count(`<${name}>${escapeText(patterns.join(' '))}</${name}>`)
  }

  /** `by`: as many conditions as stand in it, at least. */
  #count(written: string, by = 1): string {
    this.#conditions += by
    return written
  }
}

function writeRow(row: OutageRow, table: Table): string {
  const when = table.writeCondition(row.when)
  if (row.do === 'allow') return `<allow>${when}</allow>`
  return `<closed rule='${escapeAttribute(row.rule)}'>${when}</closed>`
}

function writePattern(pattern: AddressPattern): string {
  if ('glob' in pattern) return pattern.glob.join('*')
  return 'bare' in pattern ? pattern.bare : pattern.domain
}
