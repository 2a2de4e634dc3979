// SPDX-License-Identifier: Apache-2.0
// config/directory.yaml: what was said, then what holds.
import { join } from 'node:path'
import { shape } from '../kit/process/settings.ts'
import type { Secret, Words } from '../kit/process/words.ts'
import { parseJid } from '../kit/xmpp/jid.ts'
import type { BrakeSettings } from './domain/brake.ts'
import { type JidTemplate, leadsElsewhere, readJidTemplate } from './domain/jid-template.ts'
import { type RosterRule, SHOWN } from './domain/roster-rules.ts'
import { companySettings, directoryFields } from './ldap-settings.ts'
import type { LdapSettings } from './network/ldap-directory.ts'
import type { ShowingSettings } from './showing/showing.ts'
import { showingFields, showingSettings } from './showing-settings.ts'

export type DirectorySettings = {
  domain: string
  /** null: not on the XMPP server; it reads, plans and publishes all the same. */
  secret: Secret | null
  server: { host: string; port: number; allowPlain: boolean }
  /** Virtual hosts whose people it provisions. */
  hosts: readonly string[]
  directories: readonly LdapSettings[]
  template: JidTemplate
  poll: { everyMs: number; sweepEveryMs: number; compareAt: { hour: number; minute: number } }
  auto: boolean
  brake: BrakeSettings
  rosters: { rules: readonly RosterRule[]; cap: number; deleted: 'back' | 'away'; presencePerSecond: number }
  /** Search, cards, photos, rooms. */
  showing: ShowingSettings
  store: string
  snapshot: string
  /** Where policy publishes its walls. */
  walls: string
  journal: { folder: string; maxBytes: number }
}

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/
const SHARE = /^(\d{1,2}|100) ?%$/

export const directorySettings = shape({
  metricsPort: 9313,
  fields: (words) => ({
    domain: words.maybe(
      words.text({ about: 'XMPP domain of this component. Default: directory. and the first of hosts.' }),
    ),
    secret_file: words.maybe(
      words.secretFile({
        about:
          'File with the secret that the server has for this domain. Without it the directory is read, planned and published, and no server is told.',
      }),
    ),
    hosts: words.list(words.host(), { about: 'Virtual hosts whose people it provisions.', atMost: 1_000 }),
    directories: words.list(words.group(directoryFields(words)), {
      about: 'The company directories; people and groups of all are put together.',
      atMost: 32,
    }),
    jid: words.text({ about: 'How an address is made: {attribute} stands for the attribute of the entry.' }),
    poll: words.group({
      every: words.duration({ default: '30 s', atLeast: '1 s', about: 'How often is asked what changed.' }),
      sweep_every: words.duration({
        default: '30 s',
        atLeast: '1 s',
        about: 'How often is looked for what is no more, if anything was written at all.',
      }),
      compare_at: words.text({
        default: '03:00',
        pattern: CLOCK,
        wanted: { id: 'directory-wanted-clock' },
        about: 'When everything is read anew and compared, every day, in the time of the machine.',
      }),
    }),
    apply: words.choice(['by_itself', 'by_hand'], {
      default: 'by_itself',
      about: 'by_hand: every plan waits for gatehouse directory apply.',
    }),
    brake: words.group({
      remove: words.text({ default: '10 %', pattern: SHARE, wanted: { id: 'directory-wanted-share' } }),
      few: words.whole({ min: 0, max: 1_000_000, default: 5 }),
      touch: words.whole({ min: 1, max: 10_000_000, default: 1_000 }),
    }),
    rosters: words.group({
      groups: words.list(words.group(rosterFields(words)), { default: [{}], atMost: 1_000 }),
      cap: words.whole({ min: 0, max: 10_000, default: 2_000 }),
      deleted: words.choice(['back', 'away'], { default: 'back' }),
      presence_per_second: words.whole({ min: 10, max: 100_000, default: 2_000 }),
    }),
    ...showingFields(words),
    store: words.group({
      file: words.maybe(words.path({ about: 'Default: directory/directory.db in the folder of state.' })),
    }),
    snapshot: words.group({
      folder: words.maybe(words.path({ about: 'Default: directory in the folder of journals of gatehouse.yaml.' })),
    }),
    walls: words.group({
      folder: words.maybe(words.path({ about: 'Default: policy-walls in the folder of journals.' })),
    }),
    journal: words.group({
      folder: words.maybe(words.path({ about: 'Default: directory-log in the folder of journals.' })),
      max_bytes: words.size({ default: '256 MiB', atLeast: '4 MiB' }),
    }),
  }),
  hold(said, shared, tell): DirectorySettings {
    const { state, journals } = shared.folders
    if (said.hosts.length === 0) tell(['hosts'], 'directory-wanted-a-host')
    if (said.directories.length === 0) tell(['directories'], 'directory-wanted-a-directory')
    const domain = (said.domain ?? `directory.${said.hosts[0] ?? 'host'}`).toLowerCase()
    const jid = parseJid(domain)
    if (!jid || jid.local || jid.resource || said.hosts.includes(domain)) tell(['domain'], 'directory-wanted-domain')
    const template = readJidTemplate(said.jid)
    if (template === null) tell(['jid'], 'directory-wanted-template')
    else if (leadsElsewhere(template, said.hosts)) tell(['jid'], 'directory-wanted-template-host')
    const directories = said.directories.map((one, at) => {
      if (said.directories.findIndex(({ name }) => name === one.name) < at)
        tell(['directories', at, 'name'], 'directory-wanted-name-once')
      return companySettings(one, template?.attributes ?? [], (path, id) => tell(['directories', at, ...path], id))
    })
    const [, hour = '', minute = ''] = CLOCK.exec(said.poll.compare_at) ?? []
    const [, share = ''] = SHARE.exec(said.brake.remove) ?? []
    const snapshot = said.snapshot.folder ?? join(journals, 'directory')
    const folder = said.journal.folder ?? join(journals, 'directory-log')
    if (folder === snapshot) tell(['journal', 'folder'], 'directory-wanted-other-folder')
    return {
      domain,
      secret: said.secret_file ?? null,
      server: { host: shared.server.host, port: shared.server.port, allowPlain: shared.server.allow_plain },
      hosts: [...new Set(said.hosts)],
      directories,
      template: template ?? { text: '', pieces: [], attributes: [] },
      poll: {
        everyMs: said.poll.every,
        sweepEveryMs: said.poll.sweep_every,
        compareAt: { hour: Number(hour), minute: Number(minute) },
      },
      auto: said.apply === 'by_itself',
      brake: { removeShare: Number(share) / 100, removeFew: said.brake.few, touch: said.brake.touch },
      rosters: {
        rules: said.rosters.groups.map(({ match, name, shown_to, to, order }) => ({
          groups: match,
          name,
          shown: shown_to,
          to,
          order,
        })),
        cap: said.rosters.cap,
        deleted: said.rosters.deleted,
        presencePerSecond: said.rosters.presence_per_second,
      },
      showing: showingSettings(said, Math.max(0, ...directories.map(({ photoBytes }) => photoBytes)), tell),
      store: said.store.file ?? join(state, 'directory', 'directory.db'),
      snapshot,
      walls: said.walls.folder ?? join(journals, 'policy-walls'),
      journal: { folder, maxBytes: said.journal.max_bytes },
    }
  },
})

/** Patterns that are to name groups, with the setting in which each stands; * for any group is none. */
export function groupPatterns({
  rosters,
  showing,
}: Pick<DirectorySettings, 'rosters' | 'showing'>): { setting: string; pattern: string }[] {
  const said: [string, readonly string[]][] = rosters.rules.flatMap(({ groups, to }, at) => [
    [`rosters.groups.${at}.match`, groups],
    [`rosters.groups.${at}.to`, to],
  ])
  said.push(['search.hidden_groups', showing.search.hidden], ['rooms.groups', showing.rooms?.groups ?? []])
  return said.flatMap(([setting, patterns]) =>
    patterns.filter((pattern) => pattern !== '*').map((pattern) => ({ setting, pattern })),
  )
}

function rosterFields(words: Words) {
  return {
    match: words.list(words.text({}), { default: ['*'], atMost: 1_000 }),
    name: words.text({ default: '{name}' }),
    shown_to: words.choice(SHOWN, { default: 'members' }),
    to: words.list(words.text({}), { default: [], atMost: 1_000 }),
    order: words.whole({ min: -1_000_000, max: 1_000_000, default: 0 }),
  }
}
