// SPDX-License-Identifier: Apache-2.0
// Settings and readings for the tests of network/.

import type {
  Changes,
  DirectorySource,
  Problem,
  ReadEntry,
  ReadGroup,
  ReadPerson,
} from '../../../components/directory/domain/source.ts'
import { PRESETS } from '../../../components/directory/network/layout.ts'
import {
  LDAP_BOUNDS,
  type LdapSettings,
  openLdapDirectory,
} from '../../../components/directory/network/ldap-directory.ts'
import { ROOT_DN, type Slapd, SUFFIX } from '../../harness/slapd.ts'

export type All = {
  people: ReadPerson[]
  groups: ReadGroup[]
  problems: Problem[]
  cursor: string
  batches: number
}

/** How the tests reach a slapd when nothing else is under test. */
export function settingsFor(slapd: Slapd, own: Partial<LdapSettings> = {}): LdapSettings {
  return {
    name: 'corp',
    servers: [slapd.tlsUrl],
    bind: { kind: 'simple', dn: ROOT_DN, passwordFile: slapd.passwordFile },
    tls: { startTls: false, caFile: slapd.caFile },
    allowPlain: false,
    bases: { people: [SUFFIX], groups: [SUFFIX] },
    layout: PRESETS.openldap,
    referrals: [],
    template: ['uid'],
    photoBytes: 10_000_000,
    bounds: LDAP_BOUNDS,
    ...own,
  }
}

export async function readOnce(settings: LdapSettings): Promise<All> {
  await using source = openLdapDirectory(settings)
  return await readAll(source)
}

export async function readAll(source: DirectorySource, signal = AbortSignal.timeout(30_000)): Promise<All> {
  const entries: ReadEntry[] = []
  let batches = 0
  for await (const batch of source.readAll(signal)) {
    entries.push(...batch)
    batches += 1
  }
  const end = entries.pop()
  if (end?.kind !== 'end') throw new Error('a reading without an end')
  return { ...sorted(entries), cursor: end.cursor, batches }
}

export function sorted(entries: readonly ReadEntry[]): Omit<All, 'cursor' | 'batches'> {
  return {
    people: entries.filter((one) => one.kind === 'person'),
    groups: entries.filter((one) => one.kind === 'group'),
    problems: entries.flatMap((one) => (one.kind === 'problem' ? [one.problem] : [])),
  }
}

export async function changesOf(
  source: DirectorySource,
  cursor: string,
  sweep = false,
): Promise<Extract<Changes, { kind: 'changes' }>> {
  const found = await source.changes(cursor, { sweep }, AbortSignal.timeout(30_000))
  if (found.kind !== 'changes') throw new Error(`start again: ${found.why}`)
  return found
}
