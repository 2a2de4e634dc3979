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
  type Said,
} from '../kit/process/command.ts'
import { bareOf } from '../kit/xmpp/jid.ts'
import type { AccessLog } from './access.ts'
import { backUp } from './backup.ts'
import { type CommandName, declarations } from './declarations.ts'
import type { Search } from './domain/record.ts'
import { readRecordId } from './domain/record-id.ts'
import { type Row, writeListed, writeRecord, writeTime } from './protocol/row.ts'
import type { ArchiveStore } from './storage/archive-store.ts'
import { COUNT_BOUND } from './storage/find.ts'

export type Desk = {
  store: ArchiveStore
  access: AccessLog
  say(id: string, language: string, args?: Readonly<Record<string, string | number>>): string
  /** Resolves when what the followed journals hold at the call is kept, or when the signal aborts. */
  caughtUp(signal: AbortSignal): Promise<void>
  /** The same for the archive's own journal: looks and findings. */
  ownCaughtUp(signal: AbortSignal): Promise<void>
  /** Resolves at the next commit with records, or when the signal aborts. */
  moved(signal: AbortSignal): Promise<void>
  now(): number
  /** Of all hosts, or of some. */
  counts(hosts: readonly string[] | null): Promise<Readonly<Record<string, string | number | null>>>
}

type Run = (desk: Desk, args: Args, asked: Asked) => AsyncIterable<Said>

const runs: Readonly<Record<CommandName, Run>> = {
  'archive show': show,
  'archive search': search,
  'archive tail': tail,
  'archive stats': stats,
  'archive gaps': gaps,
  'archive access': access,
  'archive backup': backup,
}

export function openCommands(desk: Desk): Command[] {
  return declarations.map((declared) => ({ ...declared, run: (args, asked) => runs[declared.name](desk, args, asked) }))
}

/** How long a look waits for what was recorded just before it. */
const CATCH_UP_MS = 2000
const MOST_LISTED = 1000

async function* show(desk: Desk, args: Args, { caller, hosts, language, signal }: Asked): AsyncGenerator<Said> {
  const id = text(args.id)
  const name = readRecordId(id)
  if (!name) throw new CommandError(desk.say('archive-no-id', language, { id }), EXIT.usage)
  const query = { name, hosts: listOf(hosts) }
  let shown = await desk.store.read('show', query)
  if (shown.found === 'nothing') {
    await desk.caughtUp(within(signal))
    shown = await desk.store.read('show', query)
  }
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
  }
}

async function* tail(desk: Desk, args: Args, { caller, hosts, signal }: Asked): AsyncGenerator<Said> {
  let after = await desk.store.read('lastNumber', null)
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
      if (next.last === after) await moved
      after = next.last
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
  const path = text(args.path) || join(folder, `backup-${new Date(desk.now()).toISOString().replaceAll(':', '-')}.db`)
  await desk.access.record({ caller, hosts, command: 'archive backup', args: { ...args, path }, hits: null })
  const unit = desk.say('archive-backup-unit', language)
  for await (const step of backUp(desk.store, path)) {
    if (step.step === 'copied') yield { say: 'progress', done: step.bytes, total: step.total, unit }
    else if (step.step === 'whole')
      yield listed({ path, bytes: step.bytes, records: step.records, store_version: step.version })
    else
      throw new CommandError(
        desk.say('archive-backup-failed', language, { path, folder, cause: step.cause }),
        EXIT.fault,
      )
  }
}

function readSearch(args: Args, hosts: Hosts): Search {
  const time = (value: unknown) => (typeof value === 'string' ? Date.parse(value) : null)
  const person = (value: unknown) => bareOf(text(value))
  return {
    words: text(args.words),
    person: person(args.person),
    peer: person(args.peer),
    since: time(args.since),
    until: time(args.until),
    limit: bound(args.limit),
    hosts: listOf(hosts),
  }
}

function listOf(hosts: Hosts): readonly string[] | null {
  return hosts === null ? null : [...hosts]
}

/** What a table cannot hold, in lines for people. */
function tellMore(desk: Desk, row: Row, language: string): string[] {
  const record = row as {
    tries: Row[]
    occupants: Row[]
    about: Row[]
    followed_by: Row[]
    stanza?: string
    replacement?: string
    note?: string
  }
  const words = (one: Row) =>
    Object.fromEntries(Object.entries(one).map(([key, value]) => [key.replaceAll('_', '-'), inLine(value)]))
  const say = (id: string, one: Row) => desk.say(id, language, words(one))
  return [
    ...record.tries.map((one) =>
      say('archive-try', {
        try: one.try,
        at: one.at,
        verdict: one.verdict,
        rule: one.rule || '-',
        sha256: one.sha256,
        size: one.size,
      }),
    ),
    ...record.occupants.map((one) =>
      say(one.sure ? 'archive-occupant' : 'archive-occupant-unsure', { nick: one.nick, jid: one.jid }),
    ),
    ...record.about.map((one) => say('archive-concerns', { kind: one.kind, id: one.id ?? one.target })),
    ...record.followed_by.map((one) => say('archive-followed-by', { kind: one.kind, id: one.id })),
    ...(record.note ? [desk.say('archive-note', language, { note: inLine(record.note) })] : []),
    ...(record.stanza ? [desk.say('archive-stanza', language), ...quoted(record.stanza)] : []),
    ...(record.replacement ? [desk.say('archive-replacement', language), ...quoted(record.replacement)] : []),
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

function bound(limit: unknown): number {
  return Math.max(1, Math.min(MOST_LISTED, Math.floor(Number(limit) || 1)))
}

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(CATCH_UP_MS)])
}
