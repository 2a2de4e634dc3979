// SPDX-License-Identifier: Apache-2.0
// A record as a row of an answer: flat names, times as RFC 3339, the text read out of the stanza again.
import { parse } from '../../kit/xml/parse.ts'
import type { Foreign, Identity, Lineage, PersonThen, ShownRecord, ShownTry, Step } from '../domain/record.ts'
import type { Settlement } from '../domain/settling.ts'
import { readStanzaFields, unreadableFields } from './stanza-fields.ts'

export type Row = Readonly<Record<string, unknown>>

/** More than this between the helper's and the recorder's clock is flagged. */
const SKEW_MS = 1000

export function writeListed(id: string, settlement: Settlement, tries: number, shown: ShownTry): Row {
  return { id, settlement, tries, ...writeTry(shown) }
}

export function writeRecord(record: ShownRecord): Row {
  const { tries, occupants, id, settlement } = record
  const shown = tries.find((one) => one.try === record.effectiveTry) ?? tries[0]
  return {
    id,
    settlement,
    ...(shown ? writeTry(shown) : {}),
    full_id: record.fullId,
    settled_by: record.settledBy,
    effective_try: record.effectiveTry,
    conflicting: record.conflicting,
    hosts_differ: new Set(tries.map(({ host }) => host)).size > 1,
    settles: record.settles.map((one) => ({ ...one, at: writeTime(one.at) })),
    outage: record.outage ? { ...record.outage, at: writeTime(record.outage.at) } : null,
    stanza_ids: record.stanzaIds,
    occupants: occupants.map((one) => ({
      nick: one.nick,
      jid: one.jid,
      identity: one.identity?.name ?? null,
      person: writePerson(one.person),
      joined_at: writeTime(one.joinedAt || null),
      left_at: writeTime(one.leftAt),
      sure: one.sure,
    })),
    about: record.about,
    followed_by: record.followedBy,
    ...(record.lineage === undefined ? {} : writeLineage(record.lineage, shown)),
    tries: tries.map(writeTry),
  }
}

function writeLineage(lineage: Lineage | null, shown: ShownTry | undefined): Row {
  return {
    lineage: (lineage?.steps ?? []).map(writeStep),
    lineage_complete: !lineage?.missing && !lineage?.more,
    state: lineage?.state ?? 'original',
    current_text: currentText(lineage, shown),
  }
}

function writeStep({ id, kind, shown, settlement, why }: Step): Row {
  const { from, fromIdentity } = shown
  return {
    id,
    kind,
    at: writeTime(shown.at ?? shown.recordedAt),
    from,
    from_identity: fromIdentity?.name ?? null,
    settlement,
    counts: why === '',
    why,
    text: deliveredText(shown),
  }
}

/** null: nothing is left of it, or it is not known. */
function currentText(lineage: Lineage | null, shown: ShownTry | undefined): string | null {
  if (lineage === null) return shown ? deliveredText(shown) : null
  return lineage.current ? deliveredText(lineage.current.shown) : null
}

/** What its recipient could read. */
function deliveredText(one: ShownTry): string {
  return one.erased ? '' : textOf(one.replacement || one.stanza)
}

function writeTry(one: ShownTry): Row {
  return {
    try: one.try,
    at: writeTime(one.at),
    recorded_at: writeTime(one.recordedAt),
    kept_at: writeTime(one.keptAt),
    clock_difference_ms: one.at === null ? null : one.recordedAt - one.at,
    clock_alarm: !one.spooled && one.at !== null && Math.abs(one.recordedAt - one.at) > SKEW_MS,
    host: one.host,
    direction: one.direction,
    via: one.via,
    from: one.from,
    to: one.to,
    from_identity: one.fromIdentity?.name ?? null,
    to_identity: one.toIdentity?.name ?? null,
    identities_sure: one.fromIdentity?.sure !== false && one.toIdentity?.sure !== false,
    who: whoOf([one.fromIdentity, one.toIdentity]),
    from_person: writePerson(one.fromPerson),
    to_person: writePerson(one.toPerson),
    network: one.network || null,
    foreign: one.foreign ? writeForeign(one.foreign) : null,
    room: one.room,
    element: one.element,
    what: one.what,
    type: one.type,
    stanza_id: one.stanzaId,
    origin_id: one.originId,
    language: one.language,
    encrypted: one.encrypted,
    verdict: one.action,
    rule: one.rule,
    rules: one.rules,
    verdict_more: one.verdict ? JSON.parse(one.verdict) : null,
    spooled: one.spooled,
    tags: one.tags,
    matched: one.matched ? JSON.parse(one.matched) : [],
    recorded: one.recorded,
    text: one.erased ? '' : textOf(one.stanza),
    replacement_text: one.replacement ? textOf(one.replacement) : null,
    size: one.size,
    sha256: one.sha256,
    seal: one.seal,
    salt: one.salt,
    erased_at: writeTime(one.erased?.at ?? null),
    erased_by: one.erased?.user ?? null,
    erased_reason: one.erased?.reason ?? null,
    note: one.note,
    journal: one.journal,
    position: one.position,
    stanza: one.stanza,
    replacement: one.replacement || null,
  }
}

/** As the company directory said at that moment; null where it said nothing. */
function writePerson(person: PersonThen | null): Row | null {
  if (person === null) return null
  const { id, jid, name, mail, department, groups } = person
  return { id, jid, name, mail, department: department || null, groups }
}

function writeForeign({ server, nick, account, identity }: Foreign): Row {
  return { server, nick, account: account || null, identity: identity || null }
}

/** For people: which identity it was, where an address had several. */
function whoOf(ends: readonly (Identity | null)[]): string {
  const several = ends.filter((one) => one?.several)
  return [...new Set(several.map((one) => `${one?.name}${one?.sure ? '' : '?'}`))].join(' ')
}

function textOf(stanza: string): string {
  try {
    return readStanzaFields(parse(stanza), () => false).excerpt
  } catch (fault) {
    return unreadableFields(stanza, String(fault)).excerpt
  }
}

export function writeTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
