// SPDX-License-Identifier: Apache-2.0
// Fact <-> journal entry. The body is the fact as one JSON object, `kind` included. Page: FACTS.md.
import { FACTS_VERSION, type Fact } from './facts.ts'
import { fields } from './fields.ts'

/** What the journal takes; the same shape as the journal's own `Entry`. */
export type FactEntry = { kind: string; version: number; body: string }

/** A fact of a kind or a version that this program does not know: kept as it is, shown as it is, never refused. */
export type Unknown = { kind: 'unknown'; of: string; version: number; body: Readonly<Record<string, unknown>> }

/** The body of an entry is not what its kind promises; `field` is '' when the body as a whole is not a JSON object. */
export class FactFault extends Error {
  override name = 'FactFault'
  readonly kind: string
  readonly field: string
  constructor(kind: string, field: string, wanted: string, options?: ErrorOptions) {
    super(`fact of kind ${kind}: ${field === '' ? 'the body' : field}: ${wanted} is wanted`, options)
    this.kind = kind
    this.field = field
  }
}

export function writeFact(fact: Fact): FactEntry {
  return { kind: fact.kind, version: versionOf(fact), body: JSON.stringify(fact) }
}

/** Throws FactFault where a known kind is malformed. Fields that this version does not know stay in the value. */
export function readFact(kept: FactEntry): Fact | Unknown {
  const body = readBody(kept)
  const wanted = kept.version >= 1 && kept.version <= FACTS_VERSION ? fields.get(kept.kind) : undefined
  if (wanted === undefined) return { kind: 'unknown', of: kept.kind, version: kept.version, body }
  if (body.kind !== kept.kind) throw new FactFault(kept.kind, 'kind', `"${kept.kind}"`)
  for (const { name, optional, shape } of wanted) {
    const value = body[name]
    if (value === undefined && optional) continue
    if (!shape.fits(value)) throw new FactFault(kept.kind, name, shape.wanted)
  }
  // Nothing is kept of a stanza only where the fact says so.
  if (kept.kind === 'ask' && body.stanza === '' && body.record !== 'nothing')
    throw new FactFault(kept.kind, 'stanza', 'a text that is not empty')
  return body as Fact
}

/**
 * The earliest version whose readers understand it: one of version 1 would take an envelope for the whole stanza, one of version 2 knows no
 * other networks.
 */
function versionOf(fact: Fact): number {
  if (fact.kind !== 'ask') return 1
  if (fact.via === 'network') return 3
  return fact.record === undefined ? 1 : 2
}

function readBody(kept: FactEntry): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(kept.body)
  } catch (cause) {
    throw new FactFault(kept.kind, '', 'a JSON object', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FactFault(kept.kind, '', 'a JSON object')
  }
  return value as Record<string, unknown>
}
