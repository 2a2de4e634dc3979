// SPDX-License-Identifier: Apache-2.0
// A journal entry -> what the archive keeps and counts of it. Nothing here throws: what cannot be read is kept as it came.
import { FactFault, readFact, type Unknown } from '../../kit/facts/entries.ts'
import type { Fact, FactOf, Who } from '../../kit/facts/facts.ts'
import { bareOf, domainOf } from '../../kit/xmpp/jid.ts'
import type { Item } from '../domain/batch.ts'
import type { CountedFact } from '../domain/completeness.ts'
import { address, instant, type StanzaFields, type TryRecord } from '../domain/record.ts'
import { indexed } from '../domain/words.ts'
import { readStanzaFields, unreadableFields, unrecordedFields } from './stanza-fields.ts'
import type { StanzaReader } from './stanza-reader.ts'

/** An entry of the journal `journal`; `at` is the recorder's clock, Unix ms. */
export type JournalEntry = { kind: string; version: number; body: string; position: number; at: number }

export type ReadEntry = {
  items: Item[]
  counted: CountedFact | null
  /** A room that was named, bare. */
  room: string
}

export type Reading = {
  journal: string
  stanzas: StanzaReader
  isRoom(bare: string): boolean
  /** SHA-256 of the text's UTF-8 bytes, hex digits. */
  sha256(text: string): string
}

export function readEntry(entry: JournalEntry, reading: Reading): ReadEntry {
  try {
    return readKnown(entry, readFact(entry), reading)
  } catch (fault) {
    const note = fault instanceof Error ? fault.message : String(fault)
    const ask = fault instanceof FactFault && entry.kind === 'ask' ? looseAsk(entry.body) : null
    if (!ask) return only(other(entry, note))
    return readAsk(entry, ask, reading, note)
  }
}

function readKnown(entry: JournalEntry, fact: Fact | Unknown, reading: Reading): ReadEntry {
  const { position } = entry
  switch (fact.kind) {
    case 'ask':
      return readAsk(entry, fact, reading, '')
    case 'observed':
      return readObserved(entry, fact, reading)
    case 'done':
      return { items: [], counted: { kind: 'done', source: fact.source, to: fact.to }, room: '' }
    case 'mark':
      return {
        items: [],
        counted: { kind: 'mark', source: fact.source, last: fact.last, ...(fact.end ? { end: true } : {}) },
        room: '',
      }
    case 'settle': {
      const { source, n, outcome } = fact
      const item: Item = { as: 'settle', position, at: instant(fact.at), source, n, try: fact.try ?? null, outcome }
      return only(item, { kind: 'settle', source, n, outcome })
    }
    case 'outage': {
      const { source, host, from, to, count, outcome } = fact
      const item: Item = { as: 'outage', position, at: instant(fact.at), source, host, from, to, count, outcome }
      return only(item, { kind: 'outage', source, from, to, count, outcome })
    }
    case 'source': {
      const { source, node, software, helper, predecessor } = fact
      const item: Item = {
        as: 'source',
        position,
        at: instant(fact.at),
        source,
        node,
        software,
        helper,
        hosts: fact.hosts.join(' '),
        predecessor: predecessor?.source ?? null,
      }
      return only(item, { kind: 'source', source, ...(predecessor ? { predecessor } : {}) })
    }
    case 'occupant': {
      const { source, host, room, nick, jid, event } = fact
      const item: Item = { as: 'occupant', position, at: instant(fact.at), source, host, room, nick, jid, event }
      return { ...only(item, { kind: 'heard', source }), room: address(room).bare }
    }
    case 'session': {
      const { source, host, jid, via, event, account } = fact
      const item: Item = { as: 'session', position, at: instant(fact.at), source, host, jid, via, event }
      const seen = account === undefined ? [] : readAccount(entry, { ...fact, id: account, event: 'seen' })
      return { items: [item, ...seen], counted: { kind: 'heard', source }, room: '' }
    }
    case 'account':
      return { items: readAccount(entry, fact), counted: { kind: 'heard', source: fact.source }, room: '' }
    case 'identity': {
      const { hash, id, jid, name, mail, department = '', groups } = fact
      const person = { id, jid: bareOf(jid), name, mail, department, groups }
      return only({ as: 'person', position, at: instant(fact.at), hash, person })
    }
    case 'stanza-id': {
      const { source, n, by, id } = fact
      return only({ as: 'stanza-id', position, at: instant(fact.at), source, n, by, id }, { kind: 'heard', source })
    }
    case 'rules': {
      const { hash, rules, file } = fact
      return only({ as: 'rules', position, at: instant(fact.at), hash, rules, file })
    }
    case 'network':
      return only({ as: 'network', position, network: fact.network, domain: fact.domain })
    case 'access':
      return only(readAccess(entry, fact))
    case 'gap':
    case 'tail-unknown':
    case 'ended-without-mark': {
      const { kind, event, source, from, to, count } = fact
      return only({ as: 'finding', position, at: instant(fact.at), finding: { kind, event, source, from, to, count } })
    }
    case 'journal-gap': {
      const { journal, from, to } = fact
      const finding = { kind: fact.kind, event: 'found', source: journal, from, to, count: to - from + 1 } as const
      return only({ as: 'finding', position, at: instant(fact.at), finding })
    }
    case 'directory':
      return only(other(entry, 'what the directory changed'))
    case 'unknown':
      return only(other(entry, 'of a kind or version that is not known here'))
  }
}

function only(item: Item, counted: CountedFact | null = null): ReadEntry {
  return { items: [item], counted, room: '' }
}

function other(
  { position, kind, version, at, body }: JournalEntry,
  note: string,
  of: { source: string; n: number } | null = null,
): Item {
  return { as: 'other', position, kind, version, recordedAt: at, note, body, of }
}

type Asked = Omit<FactOf<'ask'>, 'kind' | 'verdict' | 'direction' | 'via'> & {
  direction: string
  via: string
  verdict: Readonly<Record<string, unknown>>
}

function readAsk(entry: JournalEntry, ask: Asked, reading: Reading, note: string): ReadEntry {
  const { source, n, host, direction, via, stanza, rules, verdict } = ask
  const { action, rule, stanza: replaced, ...more } = verdict
  const nothing = ask.record === 'nothing'
  const replacement = action === 'replace' && typeof replaced === 'string' ? replaced : ''
  const also = replacement === '' || nothing ? '' : `\n${readStanza(replacement, reading).text}`
  const { text, excerpt: _shown, ...fields } = nothing ? unrecordedFields() : readStanza(stanza, reading)
  if (note) fields.note = [note, fields.note].filter(Boolean).join('; ')
  const record: TryRecord = {
    ...recordedIn(entry, reading),
    source,
    n,
    try: ask.try,
    host,
    direction,
    via,
    at: instant(ask.at),
    fields,
    words: indexed(text + also),
    action: String(action ?? 'unknown'),
    rule: String(rule ?? ''),
    rules,
    replacement,
    spooled: ask.spooled === true,
    verdict: Object.keys(more).length > 0 ? JSON.stringify(more) : '',
    recorded: ask.record ?? 'content',
    tags: ask.tags ?? [],
    matched: ask.matched && ask.matched.length > 0 ? JSON.stringify(ask.matched) : '',
    fromWho: ask.who?.from ?? '',
    toWho: ask.who?.to ?? '',
    network: ask.network ?? '',
    foreign: ask.foreign ? { account: '', identity: '', ...ask.foreign } : null,
    stanza,
  }
  return tried(entry, record, { kind: 'ask', source, n })
}

function readObserved(entry: JournalEntry, fact: FactOf<'observed'>, reading: Reading): ReadEntry {
  const { source, host, stanza } = fact
  const { text, excerpt: _shown, ...fields } = readStanza(stanza, reading)
  const record: TryRecord = {
    ...recordedIn(entry, reading),
    source,
    n: -numberOf(reading.sha256(JSON.stringify([source, fact.at, fact.from, reading.sha256(stanza)]))),
    try: 1,
    host,
    direction: 'originated',
    via: 'server',
    at: instant(fact.at),
    fields,
    words: indexed(text),
    action: 'none',
    rule: '',
    rules: '',
    verdict: '',
    replacement: '',
    spooled: false,
    recorded: 'content',
    tags: [],
    matched: '',
    fromWho: '',
    toWho: '',
    network: '',
    foreign: null,
    stanza,
  }
  return tried(entry, record, { kind: 'heard', source })
}

/** Nobody numbered it: its name comes from what it says, so that it has the same one wherever it stands. 1 to 2^48. */
function numberOf(sha256: string): number {
  return Number.parseInt(sha256.slice(0, 12), 16) + 1
}

function tried(entry: JournalEntry, record: TryRecord, counted: CountedFact): ReadEntry {
  const items: Item[] = [{ as: 'try', record }]
  // The store's text is UTF-8, which has no lone surrogates: the body of the fact, where they are escaped, is the evidence.
  const half = !record.stanza.isWellFormed()
  if (half)
    items.push(
      other(entry, 'the stanza has half a character, kept here as it came', { source: record.source, n: record.n }),
    )
  return { items, counted, room: record.fields.room }
}

function recordedIn(entry: JournalEntry, reading: Reading): { journal: string; position: number; recordedAt: number } {
  return { journal: reading.journal, position: entry.position, recordedAt: entry.at }
}

function readStanza(stanza: string, reading: Reading): StanzaFields {
  try {
    return readStanzaFields(reading.stanzas.read(stanza), reading.isRoom)
  } catch (fault) {
    return unreadableFields(stanza, fault instanceof Error ? fault.message : String(fault))
  }
}

/** A host speaks for its own accounts only. */
function readAccount(entry: JournalEntry, told: Omit<FactOf<'account'>, 'kind' | 'source'>): Item[] {
  const { position } = entry
  const at = instant(told.at)
  const jid = bareOf(told.jid)
  if (at === null) return [other(entry, 'the time of an account cannot be read')]
  if (domainOf(jid) !== told.host) return [other(entry, 'a host tells of an account of another host')]
  return [{ as: 'account', position, at, jid, id: told.id, event: told.event }]
}

function readAccess(entry: JournalEntry, fact: FactOf<'access'>): Item {
  const { command, query, hits, reason = '', denied = false } = fact
  const who = nameOf(fact.who)
  return {
    as: 'access',
    position: entry.position,
    recordedAt: entry.at,
    at: instant(fact.at),
    ...who,
    command,
    query: JSON.stringify(query),
    hits,
    reason,
    denied,
  }
}

function nameOf(who: Who): { uid: number | null; user: string } {
  return 'jid' in who ? { uid: null, user: who.jid } : { uid: who.uid, user: who.user }
}

/** A question whose fact is not quite what this version knows (a verdict of a later one, say) is a record all the same. */
function looseAsk(body: string): Asked | null {
  try {
    const said = JSON.parse(body) as Record<string, unknown>
    const { source, n, stanza, verdict } = said
    if (typeof source !== 'string' || source === '' || typeof stanza !== 'string') return null
    if (!Number.isSafeInteger(n) || Number(n) < 1) return null
    const text = (name: string) => (typeof said[name] === 'string' ? String(said[name]) : '')
    return {
      source,
      n: Number(n),
      stanza,
      try: Number.isSafeInteger(said.try) && Number(said.try) > 0 ? Number(said.try) : 1,
      host: text('host'),
      direction: text('direction'),
      via: text('via'),
      at: text('at'),
      rules: text('rules'),
      verdict:
        typeof verdict === 'object' && verdict !== null ? (verdict as Record<string, unknown>) : { action: 'unknown' },
      ...(said.spooled === true ? { spooled: true } : {}),
    }
  } catch {
    // readFact has said so already; the entry is kept as it came.
    return null
  }
}
