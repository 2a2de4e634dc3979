// SPDX-License-Identifier: Apache-2.0
// Every command of transport-irc, and who may give it. At the socket an operator names the person he does it for.
import type { Declaration, Parameter } from '../kit/process/command.ts'

const PERSON = {
  name: 'person',
  help: 'transport-irc-of-person',
  type: 'jid',
  askedOf: 'operator',
} as const satisfies Parameter
const NETWORK = { name: 'network', help: 'transport-irc-of-network', type: 'text' } as const satisfies Parameter
const OWN = { rights: ['anyone'] } as const
const OPERATOR = { rights: ['operator'] } as const

export const declarations = [
  {
    ...OWN,
    name: 'transport-irc connect',
    help: 'transport-irc-connect',
    parameters: [{ ...NETWORK, positional: true }, PERSON],
    columns: ['network', 'nick', 'state', 'since'],
  },
  {
    ...OWN,
    name: 'transport-irc disconnect',
    help: 'transport-irc-disconnect',
    parameters: [{ ...NETWORK, positional: true }, PERSON],
    columns: ['network', 'state'],
  },
  {
    ...OWN,
    name: 'transport-irc connections',
    help: 'transport-irc-connections',
    parameters: [PERSON],
    columns: ['network', 'nick', 'state', 'since', 'rooms', 'detail'],
  },
  {
    ...OWN,
    name: 'transport-irc networks',
    help: 'transport-irc-networks',
    parameters: [],
    columns: ['network', 'servers', 'connected'],
  },
  {
    ...OWN,
    name: 'transport-irc motd',
    help: 'transport-irc-motd',
    parameters: [{ ...NETWORK, positional: true }, PERSON],
    columns: ['text'],
  },
  {
    ...OWN,
    name: 'transport-irc nick',
    help: 'transport-irc-nick',
    parameters: [
      { name: 'nick', help: 'transport-irc-nick-nick', type: 'text', required: true, positional: true },
      NETWORK,
      PERSON,
    ],
    columns: ['network', 'nick'],
    single: true,
  },
  {
    ...OWN,
    name: 'transport-irc password',
    help: 'transport-irc-password',
    parameters: [
      { name: 'password', help: 'transport-irc-password-password', type: 'text', secret: true },
      { name: 'account', help: 'transport-irc-password-account', type: 'text' },
      { name: 'remove', help: 'transport-irc-remove', type: 'flag' },
      NETWORK,
      PERSON,
    ],
    columns: ['network', 'account', 'password'],
    single: true,
  },
  {
    ...OWN,
    name: 'transport-irc signup',
    help: 'transport-irc-signup',
    parameters: [
      { name: 'password', help: 'transport-irc-signup-password', type: 'text', secret: true },
      { name: 'email', help: 'transport-irc-signup-email', type: 'text' },
      { name: 'code', help: 'transport-irc-signup-code', type: 'text' },
      { name: 'account', help: 'transport-irc-password-account', type: 'text' },
      NETWORK,
      PERSON,
    ],
    columns: ['network', 'account', 'state'],
    single: true,
  },
  {
    ...OWN,
    name: 'transport-irc certificate',
    help: 'transport-irc-certificate',
    parameters: [{ name: 'remove', help: 'transport-irc-remove', type: 'flag' }, NETWORK, PERSON],
    columns: ['network', 'fingerprint'],
    single: true,
  },
  {
    ...OWN,
    name: 'transport-irc settings',
    help: 'transport-irc-settings',
    parameters: [
      NETWORK,
      { name: 'name', help: 'transport-irc-settings-name', type: 'text' },
      { name: 'afterwards', help: 'transport-irc-settings-afterwards', type: 'text' },
      { name: 'reset', help: 'transport-irc-settings-reset', type: 'flag' },
      PERSON,
    ],
    columns: ['what', 'value'],
  },
  {
    ...OWN,
    name: 'transport-irc room',
    help: 'transport-irc-room',
    parameters: [
      { name: 'room', help: 'transport-irc-room-room', type: 'text', required: true, positional: true },
      { name: 'stay', help: 'transport-irc-room-stay', type: 'text', choices: ['yes', 'no', 'default'] },
      { name: 'leave', help: 'transport-irc-room-leave', type: 'flag' },
      NETWORK,
      PERSON,
    ],
    columns: ['what', 'value'],
  },
  {
    ...OWN,
    name: 'transport-irc contact',
    help: 'transport-irc-contact',
    parameters: [
      { name: 'nick', help: 'transport-irc-contact-nick', type: 'text', required: true, positional: true },
      NETWORK,
      PERSON,
    ],
    columns: ['network', 'nick', 'way'],
    single: true,
  },
  {
    ...OPERATOR,
    name: 'transport-irc registered',
    help: 'transport-irc-registered',
    parameters: [],
    columns: ['person', 'network'],
  },
  {
    ...OPERATOR,
    name: 'transport-irc accounts',
    help: 'transport-irc-accounts',
    parameters: [NETWORK],
    columns: ['network', 'account', 'person', 'by', 'at'],
  },
  {
    ...OPERATOR,
    name: 'transport-irc account',
    help: 'transport-irc-account',
    parameters: [
      { name: 'account', help: 'transport-irc-account-account', type: 'text', required: true, positional: true },
      { name: 'person', help: 'transport-irc-account-person', type: 'jid' },
      { name: 'remove', help: 'transport-irc-remove', type: 'flag' },
      NETWORK,
    ],
    columns: ['network', 'account', 'person'],
    single: true,
  },
  {
    ...OPERATOR,
    name: 'transport-irc raw',
    help: 'transport-irc-raw',
    parameters: [
      { name: 'line', help: 'transport-irc-raw-line', type: 'text', required: true, positional: true },
      NETWORK,
      PERSON,
    ],
    columns: ['line'],
  },
  {
    ...OPERATOR,
    name: 'transport-irc list',
    help: 'transport-irc-list',
    parameters: [NETWORK],
    columns: ['person', 'network', 'nick', 'state', 'since', 'rooms', 'detail'],
  },
  {
    ...OPERATOR,
    name: 'transport-irc end',
    help: 'transport-irc-end',
    parameters: [
      { name: 'person', help: 'transport-irc-end-person', type: 'jid', required: true, positional: true },
      NETWORK,
      { name: 'reason', help: 'transport-irc-end-reason', type: 'text' },
    ],
    columns: ['network', 'state'],
  },
  {
    ...OPERATOR,
    name: 'transport-irc ban',
    help: 'transport-irc-ban',
    parameters: [
      { name: 'person', help: 'transport-irc-ban-person', type: 'jid', required: true, positional: true },
      { name: 'reason', help: 'transport-irc-end-reason', type: 'text' },
    ],
    columns: ['person', 'at', 'reason'],
    single: true,
  },
  {
    ...OPERATOR,
    name: 'transport-irc unban',
    help: 'transport-irc-unban',
    parameters: [{ name: 'person', help: 'transport-irc-unban-person', type: 'jid', required: true, positional: true }],
    columns: ['person'],
    single: true,
  },
  {
    ...OPERATOR,
    name: 'transport-irc bans',
    help: 'transport-irc-bans',
    parameters: [],
    columns: ['person', 'at', 'by', 'reason'],
  },
  {
    ...OPERATOR,
    name: 'transport-irc announce',
    help: 'transport-irc-announce',
    parameters: [
      { name: 'text', help: 'transport-irc-announce-text', type: 'text', required: true, positional: true },
      NETWORK,
    ],
    columns: ['people'],
    single: true,
  },
  { ...OPERATOR, name: 'transport-irc stats', help: 'transport-irc-stats', parameters: [], columns: ['what', 'value'] },
] as const satisfies readonly Declaration[]

export type CommandName = (typeof declarations)[number]['name']
