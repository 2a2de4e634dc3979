// SPDX-License-Identifier: Apache-2.0
// One person: what the directory says, what is provisioned, and why.
import { type Args, type Asked, CommandError, EXIT, type Said } from '../kit/process/command.ts'
import { type Desk, sayAddressProblem } from './desk.ts'
import type { PersonMark } from './domain/company.ts'
import type { ProvisionedPerson } from './domain/provisioned.ts'
import type { ReadPerson } from './domain/source.ts'
import { whyInGroups } from './domain/why.ts'
import type { Found } from './storage/find.ts'

const MOST = 20
const FIELDS = ['name', 'given', 'family', 'nick', 'mail', 'phone', 'department', 'title', 'office', 'company'] as const

export async function* sayWho(desk: Desk, args: Args, { language }: Asked): AsyncGenerator<Said> {
  const name = String(args.name ?? '')
  const found = await desk.store.read('find', { name, names: desk.names, limit: MOST })
  if (found.length === 0) throw new CommandError(desk.say('directory-who-nobody', language, { name }), EXIT.notFound)
  for (const one of found) yield* sayOne(desk, one, language)
}

function* sayOne(desk: Desk, { id, said, had, addresses }: Found, language: string): Generator<Said> {
  const { engine } = desk
  const mark = engine.company.people.get(id)
  const entry = said === '' ? null : (JSON.parse(said) as ReadPerson)
  const person = had === '' ? null : (JSON.parse(had) as ProvisionedPerson)
  const shown = (value: unknown) =>
    value === undefined || value === '' ? null : Array.isArray(value) ? value.join(', ') : value
  const row = (what: string, directory: unknown, provisioned: unknown): Said => ({
    say: 'row',
    row: { what, directory: shown(directory), provisioned: shown(provisioned), id },
  })
  const wanted = mark === undefined || 'wrong' in mark.wanted ? null : mark.wanted.jid
  yield row('id', entry === null ? null : id, person === null ? null : id)
  yield row('dn', entry?.dn, null)
  yield row('uid', entry?.uid, null)
  yield row('jid', wanted, person?.jid)
  const old = addresses.filter(({ jid }) => jid !== person?.jid).map(({ jid }) => jid)
  if (old.length > 0) yield row('old_jids', null, old)
  for (const field of FIELDS) {
    if (shown(entry?.[field] ?? '') === null && shown(person?.[field] ?? '') === null) continue
    yield row(field, entry?.[field], person?.[field])
  }
  if (entry?.managerDn !== undefined || person?.manager !== undefined)
    yield row('manager', entry?.managerDn, person?.manager)
  if (entry?.photo !== undefined || person?.photo !== undefined)
    yield row('photo', entry?.photo?.hash, person?.photo?.hash)
  yield row('disabled', entry === null ? null : (mark?.disabled ?? entry.disabled), person?.disabled)
  const why = mark === undefined ? [] : whyInGroups(engine.company, mark)
  const names = new Map(why.map(({ group }) => [group.id, group.name]))
  for (const one of why) {
    const has = person?.groups.includes(one.group.id) ?? false
    yield row(`group ${one.group.name}`, one.how === 'through' ? `through ${one.through.name}` : one.how, has)
  }
  for (const group of person?.groups ?? [])
    if (!names.has(group)) yield row(`group ${engine.company.groups.get(group)?.name ?? group}`, false, true)
  for (const line of sayWhy(desk, mark, entry, person, addresses, language)) yield { say: 'text', text: line }
}

function sayWhy(
  { engine, say }: Desk,
  mark: PersonMark | undefined,
  entry: ReadPerson | null,
  person: ProvisionedPerson | null,
  addresses: Found['addresses'],
  language: string,
): string[] {
  const lines: string[] = []
  if (entry === null && person === null) {
    const until = Math.max(0, ...addresses.map((one) => one.until ?? 0))
    lines.push(say('directory-why-gone', language, { at: new Date(until).toISOString() }))
  } else if (entry === null) lines.push(say('directory-why-leaving', language))
  else if (person === null && mark?.wrong) {
    lines.push(say('directory-why-not', language, { cause: sayAddressProblem(say, language, engine, mark.wrong) }))
  } else if (person === null) lines.push(say('directory-why-waiting', language))
  else lines.push(say('directory-why-there', language, { dn: entry.dn, version: engine.seq }))
  if (person !== null && mark?.wrong)
    lines.push(say('directory-why-keeps', language, { cause: sayAddressProblem(say, language, engine, mark.wrong) }))
  if (mark?.disabled === true) {
    const expired = entry !== null && !entry.disabled && entry.expiresAt !== undefined
    lines.push(
      expired
        ? say('directory-why-expired', language, { at: new Date(entry.expiresAt ?? 0).toISOString() })
        : say('directory-why-disabled', language),
    )
  }
  if (engine.plan !== null) lines.push(say('directory-why-plan', language))
  return lines
}
