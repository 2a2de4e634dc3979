// SPDX-License-Identifier: Apache-2.0
// Every command of the directory, and who may give it.
import type { Declaration } from '../kit/process/command.ts'

const OPERATOR = { rights: ['operator'] } as const

export const declarations = [
  {
    ...OPERATOR,
    name: 'directory plan',
    help: 'directory-plan',
    parameters: [{ name: 'all', help: 'directory-plan-all', type: 'flag' }],
    columns: ['what', 'change', 'name', 'jid', 'detail'],
  },
  {
    ...OPERATOR,
    name: 'directory apply',
    help: 'directory-apply',
    parameters: [{ name: 'yes-remove', help: 'directory-apply-yes-remove', type: 'number', range: [0, 10_000_000] }],
    columns: ['version', 'people', 'groups', 'removed'],
    single: true,
  },
  {
    ...OPERATOR,
    name: 'directory sync',
    help: 'directory-sync',
    parameters: [
      { name: 'now', help: 'directory-sync-now', type: 'flag' },
      { name: 'whole', help: 'directory-sync-whole', type: 'flag' },
    ],
    columns: ['directory', 'read_at', 'people', 'state'],
  },
  {
    ...OPERATOR,
    name: 'directory who',
    help: 'directory-who',
    parameters: [{ name: 'name', help: 'directory-who-name', type: 'text', required: true, positional: true }],
    columns: ['what', 'directory', 'provisioned'],
  },
  { ...OPERATOR, name: 'directory stats', help: 'directory-stats', parameters: [], columns: ['what', 'value'] },
  {
    ...OPERATOR,
    name: 'directory errors',
    help: 'directory-errors',
    parameters: [{ name: 'limit', help: 'directory-errors-limit', type: 'number', default: 200, range: [1, 10_000] }],
    columns: ['at', 'where', 'who', 'wrong'],
  },
] as const satisfies readonly Declaration[]

export type CommandName = (typeof declarations)[number]['name']
