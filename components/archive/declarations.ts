// SPDX-License-Identifier: Apache-2.0
// Every command of the archive, and who may give it. Operators see counts, officers contents, auditors who has looked.
import type { Declaration, Parameter } from '../kit/process/command.ts'

const reason: Parameter = { name: 'reason', help: 'archive-reason', type: 'text' }
const host: Parameter = { name: 'host', help: 'archive-host', type: 'host' }
/** Lines of one answer. */
export const MOST_LISTED = 1000
const limit = (most: number): Parameter => ({
  name: 'limit',
  help: 'archive-limit',
  type: 'number',
  default: most,
  range: [1, MOST_LISTED],
})
const FORMATS = ['jsonl', 'eml'] as const
const VERDICTS = ['allow', 'refuse', 'replace', 'none'] as const
const SETTLEMENTS = ['released', 'refused', 'bounced', 'unscreened', 'gone', 'undecided', 'originated'] as const
const SEARCH: readonly Parameter[] = [
  { name: 'words', help: 'archive-words', type: 'text', positional: true },
  { name: 'person', help: 'archive-person', type: 'jid', orName: true },
  { name: 'peer', help: 'archive-peer', type: 'jid', orName: true },
  { name: 'room', help: 'archive-room', type: 'jid' },
  { name: 'domain', help: 'archive-domain', type: 'text' },
  { name: 'verdict', help: 'archive-verdict', type: 'text', choices: VERDICTS },
  { name: 'settlement', help: 'archive-settlement', type: 'text', choices: SETTLEMENTS },
  { name: 'rule', help: 'archive-rule', type: 'text' },
  { name: 'tag', help: 'archive-tag', type: 'text' },
  { name: 'network', help: 'archive-network', type: 'text' },
  { name: 'foreign', help: 'archive-foreign', type: 'text' },
  { name: 'since', help: 'archive-since', type: 'time' },
  { name: 'until', help: 'archive-until', type: 'time' },
]
const RECORD_COLUMNS = ['id', 'at', 'from', 'to', 'who', 'what', 'settlement', 'verdict', 'text'] as const

export const declarations = [
  {
    name: 'archive show',
    help: 'archive-show',
    rights: ['officer'],
    parameters: [{ name: 'id', help: 'archive-show-id', type: 'text', required: true, positional: true }, reason],
    columns: RECORD_COLUMNS,
    byHost: true,
    single: true,
  },
  {
    name: 'archive search',
    help: 'archive-search',
    rights: ['officer'],
    parameters: [...SEARCH, host, limit(50), reason],
    columns: RECORD_COLUMNS,
    byHost: true,
  },
  {
    name: 'archive export',
    help: 'archive-export',
    rights: ['officer'],
    parameters: [
      ...SEARCH,
      { name: 'format', help: 'archive-export-format', type: 'text', choices: FORMATS, default: 'jsonl' },
      { name: 'path', help: 'archive-export-path', type: 'path' },
      host,
      reason,
    ],
    columns: ['path', 'format', 'records', 'files'],
    byHost: true,
    single: true,
  },
  {
    name: 'archive erase',
    help: 'archive-erase',
    rights: ['officer'],
    parameters: [
      { name: 'id', help: 'archive-show-id', type: 'text', required: true, positional: true },
      { name: 'reason', help: 'archive-erase-reason', type: 'text', required: true },
    ],
    columns: ['id', 'tries'],
    byHost: true,
    single: true,
  },
  {
    name: 'archive tail',
    help: 'archive-tail',
    rights: ['officer'],
    parameters: [host, reason],
    columns: RECORD_COLUMNS,
    byHost: true,
  },
  {
    name: 'archive stats',
    help: 'archive-stats',
    rights: ['operator'],
    parameters: [host],
    columns: ['what', 'value'],
    byHost: true,
  },
  {
    name: 'archive gaps',
    help: 'archive-gaps',
    rights: ['operator', 'officer'],
    parameters: [{ name: 'all', help: 'archive-gaps-all', type: 'flag' }, host, limit(1000)],
    columns: ['kind', 'source', 'from', 'to', 'count', 'found_at', 'closed_at'],
    byHost: true,
  },
  {
    name: 'archive identities',
    help: 'archive-identities',
    rights: ['operator', 'officer', 'auditor'],
    parameters: [
      { name: 'address', help: 'archive-identities-address', type: 'jid', positional: true },
      host,
      limit(100),
    ],
    columns: ['identity', 'from', 'until', 'sure_until', 'told_by', 'account'],
    byHost: true,
  },
  {
    name: 'archive access',
    help: 'archive-access',
    rights: ['auditor', 'officer'],
    parameters: [{ name: 'user', help: 'archive-access-user', type: 'text' }, host, limit(100), reason],
    columns: ['at', 'user', 'command', 'query', 'hits', 'denied', 'reason'],
    byHost: true,
  },
  {
    name: 'archive backup',
    help: 'archive-backup',
    rights: ['operator'],
    parameters: [{ name: 'path', help: 'archive-backup-path', type: 'path', positional: true }, reason],
    columns: ['path', 'bytes', 'records', 'files', 'store_version'],
    single: true,
  },
] as const satisfies readonly Declaration[]

export type CommandName = (typeof declarations)[number]['name']
