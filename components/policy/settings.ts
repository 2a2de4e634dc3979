// SPDX-License-Identifier: Apache-2.0
// config/policy.yaml: what was said, then what holds.

import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BadSettings, type Problem, shape } from '../kit/process/settings.ts'
import type { Secret } from '../kit/process/words.ts'
import { parseJid } from '../kit/xmpp/jid.ts'
import { type AddressPattern, readAddressPattern } from './domain/address-pattern.ts'
import { byAddress } from './domain/networks.ts'
import type { Rule, RuleSet } from './domain/rule.ts'
import { closedWalls } from './domain/walls.ts'
import type { GateBounds } from './gate/gate.ts'
import { TABLE_MAX } from './protocol/outage-rules.ts'
import { addressNotes } from './rules/address-notes.ts'
import { isNetwork } from './rules/condition.ts'
import { networkNotes } from './rules/network-notes.ts'
import { outageNotes } from './rules/outage-notes.ts'
import type { RuleProblem } from './rules/reading.ts'
import { type ReadRules, readRules } from './rules/rule-file.ts'

export type PolicySettings = {
  domain: string
  secret: Secret
  server: { host: string; port: number; allowPlain: boolean }
  /** Domains whose helpers may ask, lower case. */
  hosts: ReadonlySet<string>
  /** Domains whose addresses are rooms. */
  rooms: readonly AddressPattern[]
  rulesFile: string
  /** Languages of the suite's own refusals. */
  languages: readonly string[]
  journal: { folder: string; maxBytes: number }
  people: { folder: string; staleAfterMs: number }
  /** Transports: the kind of network, their domain (lower case), and the snapshot of whose accounts are whose there. */
  networks: readonly Transport[]
  /** Beside the journal: where walls are published, and who stands in which room. */
  wallsFolder: string
  standingFolder: string
  bounds: Bounds
}

export type Transport = { network: string; domain: string; accounts: string }

export type Bounds = GateBounds & {
  /** UTF-8 bytes of one stanza on the stream. */
  inputBytes: number
}

export const policySettings = shape({
  metricsPort: 9311,
  fields: (words) => ({
    domain: words.text({
      default: 'policy.gatehouse.internal',
      about: 'XMPP domain of this component, hidden from users.',
    }),
    secret_file: words.secretFile({ about: 'File with the secret that the server has for this domain.' }),
    hosts: words.list(words.text({}), {
      about: 'Virtual hosts and components on which the server helper runs. Nobody else may ask or report.',
      atMost: 1_000,
    }),
    rooms: words.list(words.text({}), {
      default: ['conference.*', 'rooms.*', 'muc.*', 'chat.*'],
      about: 'Domains of room services; * stands for anything.',
      atMost: 1_000,
    }),
    rules: words.path({
      default: 'policy-rules.yaml',
      about: 'The rule file; read again when it changes and on SIGHUP.',
    }),
    languages: words.list(words.choice(['en', 'de']), {
      default: ['en', 'de'],
      about: 'Languages of refusals for which a rule has no text of its own.',
    }),
    journal: words.group({
      folder: words.maybe(words.path({ about: 'Default: policy in the folder of journals of gatehouse.yaml.' })),
      max_bytes: words.size({
        default: '10 GiB',
        about: 'When the journal holds this much, questions are answered with an error.',
      }),
    }),
    people: words.group({
      folder: words.maybe(words.path({ about: 'Default: directory in the folder of journals of gatehouse.yaml.' })),
      stale_after: words.duration({
        default: '15 min',
        about: 'What the directory process has not confirmed for so long is warned of, and stays in force.',
      }),
    }),
    networks: words.list(
      words.group({
        network: words.text({ about: 'The kind of network, as rules name it, such as irc.' }),
        domain: words.host(),
        accounts: words.maybe(
          words.path({
            about:
              'Folder of its accounts. Default: transport-NETWORK-accounts in the folder of journals of gatehouse.yaml.',
          }),
        ),
      }),
      { default: [], about: 'Transports to other networks; each of their domains stands in hosts too.', atMost: 100 },
    ),
    bounds: words.group({
      asks: words.whole({ min: 1, max: 1_000_000, default: 8_000, about: 'Questions in work at once.' }),
      bytes: words.size({ default: '64 MiB', about: 'Their stanzas together.' }),
      answer_within: words.duration({
        default: '1500 ms',
        about: 'A question is answered within this time, or with an error.',
      }),
      later_within: words.duration({
        default: '1800 ms',
        about: 'A verdict that takes longer is still sent within this time.',
      }),
      replacement: words.size({ default: '256 KiB', about: 'A replaced stanza that is larger is refused instead.' }),
      answer: words.size({
        default: '448 KiB',
        about: 'Verdicts that do not fit one answer follow in stanzas of their own.',
      }),
      input: words.size({ default: '4 MiB', about: 'The largest stanza read from the server.' }),
    }),
  }),
  hold(said, shared, tell): PolicySettings {
    const domain = said.domain.toLowerCase()
    if (!isDomain(domain)) tell(['domain'], 'policy-wanted-domain', { example: 'policy.gatehouse.internal' })
    if (said.hosts.length === 0) tell(['hosts'], 'policy-wanted-a-host')
    said.hosts.forEach((host, index) => {
      if (!isDomain(host)) tell(['hosts', index], 'policy-wanted-domain', { example: 'corp.example' })
      if (host.toLowerCase() === domain) tell(['hosts', index], 'policy-wanted-other-host')
    })
    const rooms = said.rooms.map((pattern, index) => {
      const read = readRooms(pattern)
      if ('wrong' in read) tell(['rooms', index], read.wrong)
      return 'wrong' in read ? [] : [read]
    })
    said.networks.forEach(({ network, domain: of }, index) => {
      if (!isNetwork(network)) tell(['networks', index, 'network'], 'policy-wanted-network')
      if (!said.hosts.some((host) => host.toLowerCase() === of))
        tell(['networks', index, 'domain'], 'policy-wanted-network-host')
      if (said.networks.findIndex((each) => each.domain === of) < index)
        tell(['networks', index, 'domain'], 'policy-wanted-network-once')
    })
    if (said.languages.length === 0) tell(['languages'], 'policy-wanted-a-language')
    if (said.bounds.answer_within < 10) tell(['bounds', 'answer_within'], 'policy-wanted-10-ms')
    if (said.bounds.replacement > said.bounds.answer) tell(['bounds', 'replacement'], 'policy-wanted-below-answer')
    const journal = said.journal.folder ?? join(shared.folders.journals, 'policy')
    return {
      domain,
      secret: said.secret_file,
      server: { host: shared.server.host, port: shared.server.port, allowPlain: shared.server.allow_plain },
      hosts: new Set(said.hosts.map((host) => host.toLowerCase())),
      rooms: rooms.flat(),
      rulesFile: said.rules,
      languages: said.languages,
      journal: {
        folder: journal,
        maxBytes: said.journal.max_bytes,
      },
      wallsFolder: join(dirname(journal), 'policy-walls'),
      standingFolder: join(dirname(journal), 'policy-rooms'),
      people: {
        folder: said.people.folder ?? join(shared.folders.journals, 'directory'),
        staleAfterMs: said.people.stale_after,
      },
      networks: said.networks.map(({ network, domain, accounts }) => ({
        network,
        domain,
        accounts: accounts ?? join(shared.folders.journals, `transport-${network}-accounts`),
      })),
      bounds: {
        asks: said.bounds.asks,
        bytes: said.bounds.bytes,
        answerWithinMs: said.bounds.answer_within,
        laterWithinMs: said.bounds.later_within,
        replacementBytes: said.bounds.replacement,
        answerBytes: said.bounds.answer,
        inputBytes: said.bounds.input,
      },
    }
  },
  look({ rulesFile, hosts, rooms, networks, bounds }, tell, forCheck) {
    if (!forCheck && isLarge(rulesFile)) return { files: [], notes: [] }
    const read = readRulesFile(rulesFile)
    if ('code' in read) {
      tell(['rules'], 'policy-wanted-rules-file', { file: rulesFile, code: read.code })
      return { files: [], notes: [] }
    }
    if (!read.ok) throw badRules(rulesFile, read.problems)
    return {
      files: [rulesFile, ...read.files.map(({ path }) => path)],
      notes: [
        ...outageNotes(outageRules(read.set, networks), hosts, rooms, tableBytes(bounds)),
        ...networkNotes(read.set.rules, networks),
        ...addressNotes(read.set.rules, hosts),
      ],
    }
  },
})

/** What helpers are told for outages has room in one answer. */
export function tableBytes({ answerBytes }: Pick<Bounds, 'answerBytes'>): number {
  return Math.min(TABLE_MAX, answerBytes)
}

/** What stands before helpers of an outage: they know addresses, not networks. */
export function outageRules(
  { walls, rules }: Pick<RuleSet, 'walls' | 'rules'>,
  networks: readonly Transport[],
): readonly Rule[] {
  return byAddress([...closedWalls(walls), ...rules], networks)
}

/** What a bad rule file is to the process: settings that a person must correct. */
export function badRules(file: string, problems: readonly RuleProblem[]): BadSettings {
  return new BadSettings(
    problems.map(({ line, wanted }): Problem => ({ file, line, setting: null, read: null, wanted })),
  )
}

function isDomain(text: string): boolean {
  const jid = parseJid(text)
  return jid !== null && jid.local === '' && jid.resource === ''
}

function readRooms(pattern: string): AddressPattern | { wrong: string } {
  const read = readAddressPattern(pattern)
  return !('wrong' in read) && pattern.includes('@') ? { wrong: 'policy-wanted-rooms-domain' } : read
}

/** At the start it is read once, by the process that is there for it: that takes seconds, and much memory. */
function isLarge(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 256 * 1024
}

/** A code where there is no file to read. */
function readRulesFile(file: string): ReadRules | { code: string } {
  try {
    return readRules(readFileSync(file), dirname(file))
  } catch (error) {
    return { code: error instanceof Error && 'code' in error ? String(error.code) : String(error) }
  }
}
