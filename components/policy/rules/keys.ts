// SPDX-License-Identifier: Apache-2.0
// The words of the rule file: those that work, and those that are planned and not built in this version.

export type KnownKeys = { built: readonly string[]; planned: readonly string[] }

export const FILE_KEYS: KnownKeys = {
  built: ['version', 'otherwise', 'lexicons', 'lists', 'walls', 'rules'],
  planned: ['groups', 'hosts', 'time_zone', 'tags', 'record', 'on_outage', 'valid_from', 'approved_by'],
}

export const RULE_KEYS: KnownKeys = {
  built: ['id', 'when', 'then', 'on_outage', 'matches', 'passes'],
  planned: ['host', 'hosts', 'examples', 'record', 'tag', 'time_budget', 'valid_from', 'valid_to', 'confidence'],
}

/** What can be asked of people where the company directory is known. */
export const PEOPLE_KEYS = [
  'from.group',
  'to.group',
  'from.department',
  'to.department',
  'same.group',
  'is-external',
] as const

export const CONDITION_KEYS: KnownKeys = {
  built: [
    'all',
    'any',
    'not',
    'direction',
    'host',
    'from',
    'to',
    'room',
    'network',
    'kind',
    'words',
    'lexicon',
    'regex',
    ...PEOPLE_KEYS,
  ],
  planned: ['detect', 'between', 'tag', 'time', 'size', 'rate', 'attachment', 'via', 'list'],
}

export const ACTION_KEYS: KnownKeys = {
  built: ['allow', 'refuse', 'replace', 'tag', 'record'],
  planned: ['warn', 'keep', 'hold', 'label', 'notify', 'strip'],
}

/** Of those, the ones of which a rule says one at most. */
export const VERDICT_KEYS = ['allow', 'refuse', 'replace'] as const

export const REFUSE_KEYS: KnownKeys = { built: ['condition', 'text'], planned: ['notify', 'record'] }
export const REPLACE_KEYS: KnownKeys = { built: ['mask', 'text'], planned: ['with', 'regex', 'notify', 'record'] }

export const WALL_KEYS: KnownKeys = { built: ['id', 'a', 'b', 'except', 'text', 'on_outage'], planned: [] }
export const EXCEPTION_KEYS: KnownKeys = { built: ['jids', 'until'], planned: [] }

/** What an example of a rule says of its stanza; what it does not say fits every condition. */
export const EXAMPLE_KEYS: KnownKeys = {
  built: ['text', 'from', 'to', 'host', 'direction', 'room', 'network', 'kind', ...PEOPLE_KEYS],
  planned: ['xml', 'via', 'time'],
}

/**
 * RFC 6120 8.3.3 conditions that a refusal may carry. Left out: those that clients read as "the contact is gone" or "not in the
 * room" (service-unavailable, recipient-unavailable, item-not-found, remote-server-*, not-acceptable), and those with content of their own.
 */
export const CONDITIONS = [
  'policy-violation',
  'not-allowed',
  'forbidden',
  'bad-request',
  'conflict',
  'resource-constraint',
  'undefined-condition',
] as const
