// SPDX-License-Identifier: Apache-2.0
// From a uid or a JID to the rights that settings give. The system's own tools are asked each time, so a change holds at once.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bareOf, parseJid } from '../xmpp/jid.ts'
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

/**
 * Who asks by XMPP (XEP-0050): the sender of a stanza as the server stamped it, a full address of an account of `hosts`. Null for
 * everybody else: another server's people, components, rooms, and whoever speaks for somebody without being logged in as him. The
 * server proves each sender by his login, or by the other server he came from; so of other hosts nobody has a right, whatever the
 * settings say of him.
 */
export function callerOfJid(from: string, people: People, hosts: readonly string[]): Caller | null {
  const jid = parseJid(from)
  if (jid === null || jid.local === '' || jid.resource === '') return null
  if (!hosts.includes(jid.domain.toLowerCase())) return null
  const bare = `${jid.local}@${jid.domain}`
  return { jid: bare, user: bare, rights: rightsOfJid(bare, people) }
}

/** Somebody of these hosts who has no right but what anyone has, whatever the settings say of him. */
export function guestOfJid(from: string, hosts: readonly string[]): Caller | null {
  return callerOfJid(from, { operators: [], officers: [], auditors: [] }, hosts)
}

/** Why an address in the settings holds no right, although it stands there; null where it does. */
export function lackOfJid(name: string, hosts: readonly string[]): 'form' | 'spelling' | 'host' | null {
  const jid = parseJid(name)
  if (jid === null || jid.local === '' || jid.resource !== '') return 'form'
  // Only one spelling is ever stamped by a server. Folding it here would let another account have the right (ß and ss).
  if (bareOf(name) !== name) return 'spelling'
  return hosts.includes(jid.domain) ? null : 'host'
}

/** Rights of a bare JID, as the server says who asks (XEP-0050). */
export function rightsOfJid(bare: string, people: People): Caller['rights'] {
  return rightsOf(people, (one) => one.kind === 'jid' && one.name === bare)
}

/** Somebody who stands in the settings without effect, and why. */
export type Unknown = {
  lack: 'user' | 'group' | `jid-${'form' | 'spelling' | 'host'}`
  name: string
  role: keyof People
}

/** Who has rights by the settings and is not known here: mistyped, or not made yet. `hosts`: those of `server: hosts`. */
export async function unknownPeople(people: People, hosts: readonly string[]): Promise<Unknown[]> {
  const unknown: Unknown[] = []
  for (const role of ['operators', 'officers', 'auditors'] as const) {
    for (const { kind, name } of people[role]) {
      if (kind === 'jid') {
        const lack = lackOfJid(name, hosts)
        if (lack !== null) unknown.push({ lack: `jid-${lack}`, name, role })
      } else if (!(await isKnown(kind, name))) unknown.push({ lack: kind, name, role })
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
