// SPDX-License-Identifier: Apache-2.0
// config/transport-irc.yaml: what was said, then what holds.
import { join } from 'node:path'
import { shape } from '../kit/process/settings.ts'
import type { Secret } from '../kit/process/words.ts'
import { openSeal, SealFault } from '../kit/transport/secrets.ts'
import { parseJid } from '../kit/xmpp/jid.ts'
import { type IrcNetwork, networkFields, networkSettings } from './network-settings.ts'

export type TransportIrcSettings = {
  domain: string
  secret: Secret
  server: { host: string; port: number; allowPlain: boolean }
  /** Virtual hosts whose people may use it, lower case. */
  hosts: readonly string[]
  /** Names of groups of the directory whose members may; none: everybody of the hosts. */
  groups: readonly string[]
  /** Where the directory publishes who is in which group. */
  peopleFolder: string
  networks: readonly IrcNetwork[]
  /** Networks that are not listed may be reached too, by the name of their server. */
  others: boolean
  /** The network that a name without one means. */
  only: string | null
  /** Null: nobody is asked about what comes from networks. */
  policy: { domain: string; onOutage: 'closed' | 'open'; holdMaxMs: number; most: number } | null
  noteRefused: boolean
  /** Of rooms, for those who come back (XEP-0313). */
  history: { keepMs: number; perRoom: number }
  /** Encrypts what people log in with there. */
  key: Secret | null
  limits: {
    perPerson: { networks: number; rooms: number }
    people: number
    connectsPerMinute: number
    /** Who said and read nothing for so long is disconnected; 0: nobody. */
    idleMs: number
    /** What somebody said and waits for its turn. */
    waiting: number
  }
  /** People stay connected, and in their rooms, while none of their clients is there. */
  stays: boolean
  /** Links to files are marked as such for clients (XEP-0066). */
  linksAsFiles: boolean
  /** Which rooms become bookmarks (XEP-0402), where the server lets it. */
  bookmarks: 'none' | 'staying' | 'all'
  /** RFC 1413, for networks that ask; null: not answered. */
  identd: { address: string; port: number } | null
  folder: string
  journal: { folder: string; maxBytes: number }
  /** Where it is published whose accounts are whose on the networks. */
  accountsFolder: string
}

export const transportIrcSettings = shape({
  metricsPort: 9314,
  fields: (words) => ({
    domain: words.maybe(words.text({ about: 'XMPP domain of this component. Default: irc. and the first of hosts.' })),
    secret_file: words.secretFile({ about: 'File with the secret that the server has for this domain.' }),
    hosts: words.list(words.host(), { about: 'Virtual hosts whose people may use it.', atMost: 1_000 }),
    groups: words.list(words.text({}), {
      default: [],
      about: 'Names of groups of the company directory whose members may use it; none: everybody of hosts.',
      atMost: 1_000,
    }),
    people: words.group({
      folder: words.maybe(words.path({ about: 'Default: directory in the folder of journals of gatehouse.yaml.' })),
    }),
    networks: words.list(words.group(networkFields(words)), {
      about: 'The networks that may be reached.',
      atMost: 1_000,
    }),
    others: words.yesNo({
      default: false,
      about: 'Other networks may be reached too, by the name of a server with TLS at port 6697.',
    }),
    only: words.maybe(
      words.text({ about: 'The network that addresses mean that name none, such as #channel@irc.corp.example.' }),
    ),
    policy: words.group({
      ask: words.yesNo({
        default: true,
        about:
          'Without it what comes from networks is neither asked about nor recorded; the server still sees what people send.',
      }),
      domain: words.text({
        default: 'policy.gatehouse.internal',
        about: 'Who is asked about what comes from a network.',
      }),
      on_outage: words.choice(['closed', 'open'], {
        default: 'closed',
        about: 'What comes while policy is silent is held back, or let in.',
      }),
      hold_max: words.duration({
        default: '5 s',
        atLeast: '100 ms',
        atMost: '5 min',
        about: 'How long it waits for policy.',
      }),
      most: words.whole({ min: 1, max: 1_000_000, default: 1_000, about: 'How many wait at once.' }),
      note_refused: words.yesNo({
        default: true,
        about: 'A person or room is told that something for it was refused.',
      }),
    }),
    history: words.group({
      keep_for: words.duration({
        default: '30 days',
        about: 'What was said in rooms, for those who come back. The record of the company is the archive, not this.',
      }),
      per_room: words.whole({ min: 0, max: 10_000_000, default: 10_000, about: 'The most messages kept of one room.' }),
    }),
    secrets: words.group({
      key_file: words.maybe(
        words.secretFile({
          about:
            'File with the key that encrypts passwords and certificates of people. Without it none are kept. A new key goes on a line before the others.',
        }),
      ),
    }),
    limits: words.group({
      networks: words.whole({ min: 1, max: 1_000, default: 10, about: 'Networks of one person at once.' }),
      rooms: words.whole({ min: 1, max: 10_000, default: 100, about: 'Rooms of one person on one network.' }),
      people: words.whole({ min: 1, max: 1_000_000, default: 5_000, about: 'People who are connected.' }),
      connects_per_minute: words.whole({ min: 1, max: 60_000, default: 120, about: 'New connections to one network.' }),
      idle_after: words.duration({
        default: '0 s',
        about: 'Who says nothing for so long is disconnected; 0 s: nobody.',
      }),
      waiting: words.whole({
        min: 1,
        max: 10_000,
        default: 100,
        about: 'Lines of one person that wait for their turn; one more is refused.',
      }),
    }),
    stays: words.yesNo({
      default: false,
      about: 'People stay connected and in their rooms while none of their clients is there, and over restarts.',
    }),
    links_as_files: words.yesNo({
      default: true,
      about: 'A message that is nothing but a link to a file is marked as that file: clients may fetch and show it.',
    }),
    bookmarks: words.choice(['none', 'staying', 'all'], {
      default: 'staying',
      about:
        'Which rooms become bookmarks of who enters them, where the server lets it: none, those in which he stays, all.',
    }),
    identd: words.group({
      port: words.whole({
        min: 0,
        max: 65_535,
        default: 0,
        about: 'RFC 1413: tells networks that ask who of the people it is. 0: not.',
      }),
      address: words.text({ default: '0.0.0.0' }),
    }),
    store: words.group({
      folder: words.maybe(words.path({ about: 'Default: transport-irc in the folder of state.' })),
    }),
    accounts: words.group({
      folder: words.maybe(words.path({ about: 'Default: transport-irc-accounts in the folder of journals.' })),
    }),
    journal: words.group({
      folder: words.maybe(words.path({ about: 'Default: transport-irc in the folder of journals.' })),
      max_bytes: words.size({ default: '256 MiB', atLeast: '4 MiB' }),
    }),
  }),
  hold(said, shared, tell): TransportIrcSettings {
    const { state, journals } = shared.folders
    if (said.hosts.length === 0) tell(['hosts'], 'transport-irc-wanted-a-host')
    const domain = (said.domain ?? `irc.${said.hosts[0] ?? 'host'}`).toLowerCase()
    if (!isDomain(domain) || said.hosts.includes(domain)) tell(['domain'], 'transport-irc-wanted-domain')
    if (!isDomain(said.policy.domain)) tell(['policy', 'domain'], 'transport-irc-wanted-domain')
    if (said.networks.length === 0 && !said.others) tell(['networks'], 'transport-irc-wanted-a-network')
    const networks = said.networks.map((one, at) => {
      if (said.networks.findIndex(({ name }) => name === one.name) < at)
        tell(['networks', at, 'name'], 'transport-irc-wanted-name-once')
      return networkSettings(one, (path, id) => tell(['networks', at, ...path], id))
    })
    const key = said.secrets.key_file ?? null
    if (key !== null && !isKey(key)) tell(['secrets', 'key_file'], 'transport-irc-wanted-key')
    const only = said.only?.toLowerCase() ?? null
    if (only !== null && !networks.some(({ name }) => name === only)) tell(['only'], 'transport-irc-wanted-listed')
    return {
      domain,
      secret: said.secret_file,
      server: { host: shared.server.host, port: shared.server.port, allowPlain: shared.server.allow_plain },
      hosts: [...new Set(said.hosts)],
      groups: said.groups,
      peopleFolder: said.people.folder ?? join(journals, 'directory'),
      networks,
      others: said.others,
      only,
      policy: said.policy.ask
        ? {
            domain: said.policy.domain.toLowerCase(),
            onOutage: said.policy.on_outage,
            holdMaxMs: said.policy.hold_max,
            most: said.policy.most,
          }
        : null,
      noteRefused: said.policy.note_refused,
      history: { keepMs: said.history.keep_for, perRoom: said.history.per_room },
      key,
      limits: {
        perPerson: { networks: said.limits.networks, rooms: said.limits.rooms },
        people: said.limits.people,
        connectsPerMinute: said.limits.connects_per_minute,
        idleMs: said.limits.idle_after,
        waiting: said.limits.waiting,
      },
      stays: said.stays,
      linksAsFiles: said.links_as_files,
      bookmarks: said.bookmarks,
      identd: said.identd.port === 0 ? null : { port: said.identd.port, address: said.identd.address },
      folder: said.store.folder ?? join(state, 'transport-irc'),
      journal: {
        folder: said.journal.folder ?? join(journals, 'transport-irc'),
        maxBytes: said.journal.max_bytes,
      },
      accountsFolder: said.accounts.folder ?? join(journals, 'transport-irc-accounts'),
    }
  },
})

/** Every key in it is long enough. */
function isKey(key: Secret): boolean {
  try {
    openSeal(key.reveal())
    return true
  } catch (fault) {
    if (fault instanceof SealFault) return false
    throw fault
  }
}

function isDomain(text: string): boolean {
  const jid = parseJid(text)
  return jid !== null && jid.local === '' && jid.resource === ''
}
