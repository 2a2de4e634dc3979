// SPDX-License-Identifier: Apache-2.0
// From a uid or a JID to the rights that settings give. The system's own tools are asked each time, so a change holds at once.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Caller, Hosts, Right } from './command.ts'
import type { Named, SharedSettings } from './shared-settings.ts'

type People = SharedSettings['people']

const run = promisify(execFile)
const BOUND = { timeout: 5_000, maxBuffer: 1 << 20, encoding: 'utf8' } as const

/** A uid without a name has no rights of its own, and is called #UID. */
export async function callerOf(uid: number, people: People): Promise<Caller> {
  const user = await userName(uid)
  if (user === null) return { uid, user: `#${uid}`, rights: new Map<Right, Hosts>([['anyone', null]]) }
  const groups = await groupNames(user)
  return {
    uid,
    user,
    rights: rightsOf(people, (one) =>
      one.kind === 'user' ? one.name === user : one.kind === 'group' && groups.has(one.name),
    ),
  }
}

/** Rights of a bare JID, as the server says who asks (XEP-0050). */
export function rightsOfJid(bare: string, people: People): Caller['rights'] {
  return rightsOf(people, (one) => one.kind === 'jid' && one.name === bare)
}

/** Who has rights by the settings and is not known to this machine: mistyped, or not made yet. */
export async function unknownPeople(
  people: People,
): Promise<{ kind: 'user' | 'group'; name: string; role: keyof People }[]> {
  const unknown: { kind: 'user' | 'group'; name: string; role: keyof People }[] = []
  for (const role of ['operators', 'officers', 'auditors'] as const) {
    for (const { kind, name } of people[role]) {
      if (kind === 'jid' || (await isKnown(kind, name))) continue
      unknown.push({ kind, name, role })
    }
  }
  return unknown
}

async function isKnown(kind: 'user' | 'group', name: string): Promise<boolean> {
  const found = await entryOf(kind === 'user' ? 'passwd' : 'group', name)
  // getent takes a number for an id, which is no name that the settings can mean.
  return found?.split(':')[0] === name
}

function rightsOf(people: People, is: (one: Named) => boolean): Caller['rights'] {
  const rights = new Map<Right, Hosts>([['anyone', null]])
  const give = (right: Right, named: readonly Named[]) => {
    const entries = named.filter(is)
    if (entries.length === 0) return
    const everywhere = entries.some(({ hosts }) => hosts === undefined)
    rights.set(right, everywhere ? null : new Set(entries.flatMap(({ hosts = [] }) => hosts)))
  }
  give('operator', people.operators)
  give('officer', people.officers)
  give('auditor', people.auditors)
  return rights
}

async function userName(uid: number): Promise<string | null> {
  const [name, , found] = (await entryOf('passwd', String(uid)))?.split(':') ?? []
  return name !== undefined && Number(found) === uid ? name : null
}

async function entryOf(database: 'passwd' | 'group', key: string): Promise<string | null> {
  try {
    const { stdout } = await run('getent', ['--', database, key], BOUND)
    return stdout.split('\n')[0] ?? null
  } catch (fault) {
    // getent(1): 2 says that there is no such entry.
    if (fault instanceof Error && 'code' in fault && fault.code === 2) return null
    throw fault
  }
}

async function groupNames(user: string): Promise<ReadonlySet<string>> {
  const { stdout } = await run('id', ['-Gnz', '--', user], BOUND)
  return new Set(stdout.split('\0').filter((name) => name !== ''))
}
