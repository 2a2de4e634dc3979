// SPDX-License-Identifier: Apache-2.0
// What the archive's commands do. A look at contents is recorded first (access.ts), then answered.
import { dirname, join } from 'node:path'
import {
  type Args,
  type Asked,
  type Command,
  CommandError,
  EXIT,
  type Hosts,
  type Parameter,
  type Said,
} from '../kit/process/command.ts'
import { bareOf } from '../kit/xmpp/jid.ts'
import { backUp } from './backup.ts'
import { type CommandName, declarations } from './declarations.ts'
import type { Desk } from './desk.ts'
import { readRecordId } from './domain/record-id.ts'
import { eraseRecord } from './erase.ts'
import { type ExportFormat, exportRecords } from './export.ts'
import { type Row, writeListed, writeRecord, writeTime } from './protocol/row.ts'
import { bound, readSearch, tellIdentities } from './searching.ts'
import { COUNT_BOUND } from './storage/find.ts'

type Run = (desk: Desk, args: Args, asked: Asked) => AsyncIterable<Said>

const runs: Readonly<Record<CommandName, Run>> = {
  'archive show': show,
  'archive search': search,
  'archive export': exportFound,
  'archive erase': erase,
  'archive tail': tail,
  'archive stats': stats,
  'archive gaps': gaps,
  'archive identities': identities,
  'archive access': access,
  'archive backup': backup,
}

export function openCommands(desk: Desk): Command[] {
  return declarations.map((declared) => ({
    ...declared,
    // In a form it is marked before anything is asked.
    parameters: declared.parameters.map((one: Parameter) =>
      one.name === 'reason' && desk.reasonRequired ? { ...one, required: true } : one,
    ),
    async *run(args, asked) {
      const asks = declared.parameters.some(({ name }) => name === 'reason')
      if (asks && desk.reasonRequired && text(args.reason).trim() === '')
        throw new CommandError(desk.say('archive-reason-wanted', asked.language), EXIT.usage)
      yield* runs[declared.name](desk, args, asked)
      const host = text(args.host)
      if (host !== '' && !(await desk.store.read('knowsHost', host)))
        yield { say: 'text', text: desk.say('archive-host-not-known', asked.language, { host }) }
    },
  }))
}

/** How long a look waits for what was recorded just before it. */
const CATCH_UP_MS = 2000

async function* show(desk: Desk, args: Args, { caller, hosts, language, signal }: Asked): AsyncGenerator<Said> {
  const id = text(args.id)
  const name = readRecordId(id)
  if (!name) throw new CommandError(desk.say('archive-no-id', language, { id }), EXIT.usage)
  const query = { ...name, hosts: listOf(hosts) }
  // What came about it just now is part of it.
  await desk.caughtUp(within(signal))
  const shown = await desk.store.read('show', query)
  await desk.access.record({ caller, hosts, command: 'archive show', args, hits: shown.found === 'one' ? 1 : 0 })
  if (shown.found === 'nothing') throw new CommandError(desk.say('archive-not-found', language, { id }), EXIT.notFound)
  if (shown.found === 'several') {
    throw new CommandError(desk.say('archive-several', language, { ids: shown.ids.join(', ') }), EXIT.usage)
  }
  const row = writeRecord(shown.record)
  yield { say: 'row', row }
  for (const line of tellMore(desk, row, language)) yield { say: 'text', text: line }
  yield { say: 'text', text: desk.say('archive-looked', language, { user: caller.user }) }
}

async function* search(desk: Desk, args: Args, { caller, hosts, language, signal }: Asked): AsyncGenerator<Said> {
  const query = readSearch(args, hosts)
  await desk.caughtUp(within(signal))
  const { hits, capped, records } = await desk.store.read('search', query)
  await desk.access.record({ caller, hosts, command: 'archive search', args, hits })
  for (const { id, settled, tries, shown } of records) yield listed(writeListed(id, settled.settlement, tries, shown))
  const count = { shown: records.length, hits }
  yield {
    say: 'text',
    text: desk.say(capped ? 'archive-hits-capped' : 'archive-hits', language, { ...count, bound: COUNT_BOUND }),
    values: { ...count, capped },
  }
  yield* tellIdentities(desk, query, language)
}

async function* exportFound(desk: Desk, args: Args, { caller, hosts, language, signal }: Asked): AsyncGenerator<Said> {
  const format: ExportFormat = args.format === 'eml' ? 'eml' : 'jsonl'
  const query = readSearch(args, hosts)
  const folder = dirname(desk.store.path)
  const at = new Date(desk.now()).toISOString()
  const path = text(args.path) || join(folder, `export-${at.replaceAll(':', '-')}`)
  await desk.caughtUp(within(signal))
  const { hits, capped } = await desk.store.read('search', { ...query, limit: 1 })
  await desk.access.record({ caller, hosts, command: 'archive export', args: { ...args, path }, hits })
  const unit = desk.say('archive-export-unit', language)
  const { reason, ...said } = args
  const why = {
    query: hosts === null ? said : { ...said, hosts: [...hosts] },
    user: caller.user,
    reason: text(reason),
    at,
    software: desk.software,
  }
  try {
    for await (const step of exportRecords(desk.store, query, format, path, why, signal)) {
      if (step.step === 'whole') yield listed({ path, format, records: step.records, files: step.files })
      else yield { say: 'progress', done: step.records, total: capped ? null : Math.max(hits, step.records), unit }
    }
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new CommandError(desk.say('archive-export-failed', language, { path, folder, cause }), EXIT.fault)
  }
}

async function* erase(desk: Desk, args: Args, { caller, hosts, language, signal }: Asked): AsyncGenerator<Said> {
  const id = text(args.id)
  const name = readRecordId(id)
  if (!name) throw new CommandError(desk.say('archive-no-id', language, { id }), EXIT.usage)
  const reason = text(args.reason).trim()
  if (reason === '') throw new CommandError(desk.say('archive-reason-wanted', language), EXIT.usage)
  await desk.caughtUp(within(signal))
  const shown = await desk.store.read('show', { ...name, hosts: listOf(hosts) })
  const several = shown.found === 'several' ? shown.ids.join(', ') : ''
  if (several) throw new CommandError(desk.say('archive-several', language, { ids: several }), EXIT.usage)
  const record = (hits: number) => desk.access.record({ caller, hosts, command: 'archive erase', args, hits })
  if (shown.found !== 'one') {
    await record(0)
    throw new CommandError(desk.say('archive-not-found', language, { id }), EXIT.notFound)
  }
  const { source, n } = shown.record
  const whole = await desk.store.read('show', { source, n, hosts: null })
  const tries = whole.found === 'one' ? whole.record.tries : []
  // Another host's record that was sent to one of his may be read, but it is not his to take away.
  if (hosts !== null && tries.some(({ host }) => !hosts.has(host.toLowerCase()))) {
    await record(0)
    throw new CommandError(desk.say('archive-erase-other-host', language, { id }), EXIT.forbidden)
  }
  const asked = { source, n, at: desk.now(), user: caller.user, reason }
  for await (const step of eraseRecord(desk.store, desk.journals, asked, () => record(1), signal)) {
    if (step.step === 'waiting') {
      const unit = desk.say('archive-erase-unit', language, { journal: step.journal })
      yield { say: 'progress', done: step.of - step.left, total: step.of, unit }
    } else if (step.step === 'held') {
      await record(0)
      throw new CommandError(desk.say('archive-erase-held', language, { journal: step.journal }), EXIT.fault)
    } else if (step.step === 'erased') {
      yield listed({ id: shown.record.id, tries: step.tries })
      if (step.tries === 0) yield { say: 'text', text: desk.say('archive-erase-before', language) }
    } else yield { say: 'text', text: desk.say('archive-erase-wiping', language) }
  }
  yield { say: 'text', text: desk.say('archive-erase-beyond', language) }
}

async function* tail(desk: Desk, args: Args, { caller, hosts, signal }: Asked): AsyncGenerator<Said> {
  let after = await desk.store.read('ends', null)
  await desk.access.record({ caller, hosts, command: 'archive tail', args, hits: null })
  let given = 0
  try {
    while (!signal.aborted) {
      const moved = desk.moved(signal)
      const next = await desk.store.read('listAfter', { after, limit: 100, hosts: listOf(hosts) })
      for (const { id, settled, tries, shown } of next.records) {
        given += 1
        yield listed(writeListed(id, settled.settlement, tries, shown))
      }
      if (!next.moved) await moved
      after = next.ends
    }
  } finally {
    await desk.access.record({ caller, hosts, command: 'archive tail', args: { ...args, ended: true }, hits: given })
  }
}

async function* stats(desk: Desk, _: Args, { hosts }: Asked): AsyncGenerator<Said> {
  for (const [name, value] of Object.entries(await desk.counts(listOf(hosts)))) yield listed({ what: name, value })
}

async function* gaps(desk: Desk, args: Args, { hosts, language, signal }: Asked): AsyncGenerator<Said> {
  await desk.ownCaughtUp(within(signal))
  const found = await desk.store.read('findings', {
    open: args.all !== true,
    limit: bound(args.limit),
    hosts: listOf(hosts),
  })
  for (const { foundAt, closedAt, ...rest } of found) {
    yield listed({ ...rest, found_at: writeTime(foundAt), closed_at: writeTime(closedAt) })
  }
  if (found.length === 0) yield { say: 'text', text: desk.say('archive-nothing-missing', language) }
}

async function* identities(desk: Desk, args: Args, { hosts, language, signal }: Asked): AsyncGenerator<Said> {
  await desk.caughtUp(within(signal))
  const address = bareOf(text(args.address))
  const found = await desk.store.read('identities', { address, limit: bound(args.limit), hosts: listOf(hosts) })
  for (const { identity, from, until, sureUntil, toldBy, id } of found)
    yield listed({
      identity,
      from: writeTime(from),
      until: writeTime(until),
      sure_until: writeTime(sureUntil),
      told_by: toldBy,
      account: id,
    })
  if (found.length === 0)
    yield {
      say: 'text',
      text: desk.say(address ? 'archive-identities-none' : 'archive-identities-one', language, { address }),
    }
}

async function* access(desk: Desk, args: Args, { caller, hosts, signal }: Asked): AsyncGenerator<Said> {
  // Looks at this archive stand in its own journal, and what other processes refused in theirs.
  await Promise.all([desk.ownCaughtUp(within(signal)), desk.caughtUp(within(signal))])
  const looks = await desk.store.read('accesses', {
    user: text(args.user),
    limit: bound(args.limit),
    hosts: listOf(hosts),
  })
  await desk.access.record({ caller, hosts, command: 'archive access', args, hits: looks.length })
  for (const { at, recordedAt, uid, user, command, query, hits, denied, reason } of looks) {
    yield listed({
      at: writeTime(at ?? recordedAt),
      user,
      uid,
      via: uid === null ? 'ad-hoc' : 'socket',
      command,
      query: JSON.parse(query),
      hits,
      denied,
      reason,
    })
  }
}

async function* backup(desk: Desk, args: Args, { caller, hosts, language }: Asked): AsyncGenerator<Said> {
  // The one folder that is certain to be writable: as a service the archive sees all others as read-only.
  const folder = dirname(desk.store.path)
  const path = text(args.path) || join(folder, `backup-${new Date(desk.now()).toISOString().replaceAll(':', '-')}`)
  await desk.access.record({ caller, hosts, command: 'archive backup', args: { ...args, path }, hits: null })
  const unit = desk.say('archive-backup-unit', language)
  for await (const step of backUp(desk.store, path)) {
    if (step.step === 'copied') yield { say: 'progress', done: step.bytes, total: step.total, unit }
    else if (step.step === 'whole')
      yield listed({ path, bytes: step.bytes, records: step.records, files: step.files, store_version: step.version })
    else
      throw new CommandError(
        desk.say('archive-backup-failed', language, { path, folder, cause: step.cause }),
        EXIT.fault,
      )
  }
}

function listOf(hosts: Hosts): readonly string[] | null {
  return hosts === null ? null : [...hosts]
}

/** What a table cannot hold, in lines for people. */
function tellMore(desk: Desk, row: Row, language: string): string[] {
  const record = row as {
    tries: Row[]
    hosts_differ: boolean
    occupants: Row[]
    about: Row[]
    followed_by: Row[]
    lineage: Row[]
    lineage_complete: boolean
    state: string
    current_text: string | null
    stanza?: string
    replacement?: string
    note?: string
    network?: string | null
    foreign?: Row | null
    settlement: string
    settled_by: string
    outage: Row | null
  }
  const words = (one: Row) =>
    Object.fromEntries(Object.entries(one).map(([key, value]) => [key.replaceAll('_', '-'), inLine(value)]))
  const say = (id: string, one: Row) => desk.say(id, language, words(one))
  const { settlement, outage } = record
  return [
    ...(record.tries.length > 0
      ? []
      : record.settled_by === 'outage' && outage !== null
        ? [say('archive-unasked', { settlement, ...outage })]
        : [say('archive-no-contents', { settlement })]),
    ...(record.hosts_differ ? [say('archive-hosts-differ', {})] : []),
    ...record.tries.flatMap((one) => {
      const tags = (one.tags as readonly string[]).join(', ')
      const { at, verdict, size } = one
      return [
        say('archive-try', { try: one.try, at, verdict, rule: one.rule || '-', sha256: one.sha256 || '-', size }),
        ...(tags === '' ? [] : [say('archive-tags', { tags })]),
      ]
    }),
    ...(record.foreign ? [say('archive-from-network', { network: record.network, ...record.foreign })] : []),
    ...record.occupants.map((one) =>
      say(one.sure ? 'archive-occupant' : 'archive-occupant-unsure', { nick: one.nick, jid: one.jid }),
    ),
    ...record.about.map((one) => say('archive-concerns', { kind: one.kind, id: one.id ?? one.target })),
    ...record.followed_by.map((one) => say('archive-followed-by', { kind: one.kind, id: one.id })),
    ...tellLineage(record, say),
    ...record.tries.flatMap((one) =>
      one.erased_at === null
        ? []
        : [say('archive-erased', { at: one.erased_at, user: one.erased_by, reason: one.erased_reason })],
    ),
    ...(record.note ? [desk.say('archive-note', language, { note: inLine(record.note) })] : []),
    ...(record.stanza ? [desk.say('archive-stanza', language), ...quoted(record.stanza)] : []),
    ...(record.replacement ? [desk.say('archive-replacement', language), ...quoted(record.replacement)] : []),
  ]
}

type Lineage = { lineage: Row[]; lineage_complete: boolean; state: string; current_text: string | null }

function tellLineage(
  { lineage, lineage_complete, state, current_text }: Lineage,
  say: (id: string, one: Row) => string,
) {
  if (lineage.length === 0) return []
  return [
    ...lineage.map((one) => say(one.counts ? 'archive-step' : 'archive-step-vain', one)),
    ...(lineage_complete ? [] : [say('archive-lineage-incomplete', {})]),
    say(current_text === null ? 'archive-state' : 'archive-state-text', { state, text: current_text }),
  ]
}

const BREAK = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/

/** A stanza for people: no line of it can pass for one of ours. As it came it stands in the row. */
function quoted(stanza: string): string[] {
  return stanza.split(BREAK).map((line) => `| ${line}`)
}

/** What others wrote, in a line of ours. */
function inLine(value: unknown): string {
  return String(value ?? '-')
    .split(BREAK)
    .join('\\n')
}

function listed(row: Row): Said {
  return { say: 'row', row }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(CATCH_UP_MS)])
}
