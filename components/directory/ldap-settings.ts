// SPDX-License-Identifier: Apache-2.0
// One of `directories:` in config/directory.yaml: where a company directory is and what stands where in it.
import { hash } from 'node:crypto'
import type { Holds, Words } from '../kit/process/words.ts'
import { isLoopback } from '../kit/stream/options.ts'
import { normalDn } from './domain/dn.ts'
import { inChainFilter, memberOfFilter, wrongFilter } from './network/filter.ts'
import { type ChangedBy, type Layout, PRESETS } from './network/layout.ts'
import { LDAP_BOUNDS, type LdapSettings } from './network/ldap-directory.ts'

type PresetName = keyof typeof PRESETS
const NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]]
const ATTRIBUTE = /^[a-z][a-z0-9;-]*$|^\d+(\.\d+)+$/i

export type SaidDirectory = Holds<ReturnType<typeof directoryFields>>

export function directoryFields(words: Words) {
  const attribute = () => words.text({ pattern: ATTRIBUTE, wanted: { id: 'directory-wanted-attribute' } })
  const dn = () => words.text({})
  const attributes = () => words.maybe(words.list(attribute(), { atMost: 32 }))
  return {
    name: words.text({ pattern: /^[a-z0-9][a-z0-9-]{0,31}$/, wanted: { id: 'directory-wanted-short-name' } }),
    preset: words.choice(NAMES, {}),
    servers: words.list(words.text({ pattern: /^ldaps?:\/\/[^\s/]+\/?$/, wanted: { id: 'directory-wanted-url' } }), {
      atMost: 16,
    }),
    bind: words.group({
      by: words.choice(['password', 'certificate', 'nobody'], { default: 'password' }),
      dn: words.maybe(dn()),
      password_file: words.maybe(words.file({ secret: true })),
    }),
    tls: words.group({
      start_tls: words.yesNo({ default: false }),
      ca_file: words.maybe(words.file()),
      server_name: words.maybe(words.text({})),
      certificate_file: words.maybe(words.file()),
      key_file: words.maybe(words.file({ secret: true })),
    }),
    allow_plain: words.yesNo({ default: false }),
    bases: words.group({
      people: words.list(dn(), { default: [], atMost: 100 }),
      groups: words.list(dn(), { default: [], atMost: 100 }),
    }),
    filters: words.group({ people: words.maybe(words.text({})), groups: words.maybe(words.text({})) }),
    people_in: words.maybe(dn()),
    attributes: words.group({
      uid: attributes(),
      name: attributes(),
      given: attributes(),
      family: attributes(),
      nick: attributes(),
      mail: attributes(),
      phone: attributes(),
      department: attributes(),
      title: attributes(),
      manager: attributes(),
      office: attributes(),
      company: attributes(),
      photo: attributes(),
    }),
    group_attributes: words.group({
      name: attributes(),
      description: attributes(),
      member_dns: attributes(),
      member_uids: attributes(),
    }),
    identities: words.map(attribute(), { key: /^[a-z][a-z0-9-]{0,31}$/ }),
    id: words.group({ attribute: words.maybe(attribute()), form: words.maybe(words.choice(['text', 'guid'])) }),
    primary_group: words.maybe(words.choice(['gid', 'sid', 'none'])),
    disabled: words.list(
      words.group({ attribute: attribute(), values: words.list(words.text({}), { default: [], atMost: 100 }) }),
      {
        default: [],
        atMost: 32,
      },
    ),
    changes: words.maybe(words.choice(['modify_timestamp', 'entry_csn', 'usn', 'dirsync'])),
    referrals: words.list(words.host(), { default: [], atMost: 32 }),
    photos: words.size({ default: '5 MiB', atMost: '16 MiB' }),
    page: words.whole({ min: 10, max: 10_000, default: LDAP_BOUNDS.pageSize }),
    connect_within: words.duration({ default: '5 s', atLeast: '100 ms', atMost: '1 min' }),
    answer_within: words.duration({ default: '30 s', atLeast: '1 s', atMost: '10 min' }),
    overlap: words.duration({ default: '2 s', atMost: '1 h' }),
  }
}

export function companySettings(
  said: SaidDirectory,
  template: readonly string[],
  tell: (path: readonly PropertyKey[], id: string) => void,
): LdapSettings {
  if (said.servers.length === 0) tell(['servers'], 'directory-wanted-url')
  if (said.bases.people.length === 0) tell(['bases', 'people'], 'directory-wanted-base')
  said.servers.forEach((url, at) => {
    const { protocol, hostname } = URL.parse(url) ?? {}
    if (hostname === undefined) tell(['servers', at], 'directory-wanted-url')
    else if (
      protocol === 'ldap:' &&
      !said.tls.start_tls &&
      !said.allow_plain &&
      !isLoopback(hostname.replace(/^\[|\]$/g, ''))
    )
      tell(['servers', at], 'directory-wanted-tls')
  })
  for (const sort of ['people', 'groups'] as const) {
    const filter = said.filters[sort]
    if (filter !== undefined && wrongFilter(filter) !== null) tell(['filters', sort], 'directory-wanted-filter')
  }
  for (const sort of ['people', 'groups'] as const) {
    said.bases[sort].forEach((base, at) => {
      if (normalDn(base) === null) tell(['bases', sort, at], 'directory-wanted-dn')
    })
  }
  const layout = layoutOf(said)
  if (said.people_in !== undefined && normalDn(said.people_in) === null) tell(['people_in'], 'directory-wanted-dn')
  if (said.referrals.length > 0 && layout.changed.kind !== 'time') tell(['referrals'], 'directory-wanted-no-referrals')
  const { ca_file, server_name, certificate_file, key_file, start_tls } = said.tls
  return {
    name: said.name,
    servers: said.servers,
    bind: bindOf(said, tell),
    tls: {
      startTls: start_tls,
      ...(ca_file !== undefined && { caFile: ca_file }),
      ...(server_name !== undefined && { serverName: server_name }),
      ...(certificate_file !== undefined && { certFile: certificate_file }),
      ...(key_file !== undefined && { keyFile: key_file }),
    },
    allowPlain: said.allow_plain,
    bases: said.bases,
    layout,
    referrals: said.referrals,
    template,
    photoBytes: said.photos,
    bounds: {
      ...LDAP_BOUNDS,
      pageSize: said.page,
      connectWithinMs: said.connect_within,
      answerWithinMs: said.answer_within,
      overlapMs: said.overlap,
    },
  }
}

/** Equal for settings under which the same entry is read as the same value. */
export function settingsMark({ bases, layout, template, photoBytes, referrals }: LdapSettings): string {
  return hash('sha256', JSON.stringify([bases, layout, template, photoBytes, referrals]), 'hex')
}

function bindOf({ bind, tls }: SaidDirectory, tell: (path: readonly PropertyKey[], id: string) => void) {
  if (bind.by === 'nobody') return { kind: 'anonymous' } as const
  if (bind.by === 'certificate') {
    if (tls.certificate_file === undefined || tls.key_file === undefined)
      tell(['tls', 'certificate_file'], 'directory-wanted-certificate')
    return { kind: 'external' } as const
  }
  if (bind.dn === undefined) tell(['bind', 'dn'], 'directory-wanted-bind-dn')
  if (bind.password_file === undefined) tell(['bind', 'password_file'], 'directory-wanted-bind-dn')
  return { kind: 'simple', dn: bind.dn ?? '', passwordFile: bind.password_file ?? '' } as const
}

function layoutOf(of: SaidDirectory): Layout {
  const layout: Layout = PRESETS[of.preset]
  const { people, groups } = layout
  const { member_dns, member_uids, ...names } = of.group_attributes
  const primaryGroup = said({ primaryGroup: of.primary_group })
  const filter = of.filters.people ?? people.filter
  return {
    id: { ...layout.id, ...said(of.id) },
    people: {
      filter: of.people_in === undefined ? filter : `(&${filter}${inGroup(of.people_in, of.preset)})`,
      attributes: {
        ...people.attributes,
        ...said(of.attributes),
        ...primaryGroup,
        identities: { ...people.attributes.identities, ...of.identities },
      },
    },
    groups: {
      filter: of.filters.groups ?? groups.filter,
      attributes: {
        ...groups.attributes,
        ...said({ ...names, memberDns: member_dns, memberUids: member_uids }),
        ...primaryGroup,
      },
    },
    disabled: [...layout.disabled, ...of.disabled.map((when) => ({ kind: 'value' as const, ...when }))],
    changed: of.changes === undefined ? layout.changed : CHANGES[of.changes],
  }
}

const CHANGES: Readonly<Record<NonNullable<SaidDirectory['changes']>, ChangedBy>> = {
  modify_timestamp: { kind: 'time', attribute: 'modifyTimestamp' },
  entry_csn: { kind: 'time', attribute: 'entryCSN' },
  usn: { kind: 'usn' },
  dirsync: { kind: 'dirsync' },
}

/** Where the server can, groups in the group count too: it finds them sooner than we could ask for each. */
function inGroup(dn: string, preset: PresetName): string {
  return preset === 'active-directory' || preset === 'samba-ad' ? inChainFilter(dn) : memberOfFilter(dn)
}

/** Without those that nobody named. */
function said<T extends object>(of: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as never
}
