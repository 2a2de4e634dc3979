// SPDX-License-Identifier: Apache-2.0
// config/policy-rules.yaml -> RuleSet. Everything wrong is told at once, each with its line.
import { createHash } from 'node:crypto'
import { readYaml, type Yaml } from '../../kit/yaml/yaml.ts'
import { RESERVED_IDS, type Rule, type RuleSet } from '../domain/rule.ts'
import { buildFinder, VocabularyTooLarge } from '../matching/automaton.ts'
import { readAction } from './action.ts'
import { type Lists, readCondition } from './condition.ts'
import { FILE_KEYS, RULE_KEYS } from './keys.ts'
import { isMap, Reading, type RuleProblem } from './reading.ts'

export const RULES_MAX = 1_000
export const FILE_MAX_BYTES = 4 * 1024 * 1024

export type ReadRules =
  | { ok: true; set: RuleSet; hash: string }
  | { ok: false; problems: readonly RuleProblem[]; hash: string }

/** Reads the bytes of a rule file. `hash` is their SHA-256 in hex: whoever holds the file can tell which rules were in force. */
export function readRules(bytes: Buffer): ReadRules {
  const hash = createHash('sha256').update(bytes).digest('hex')
  const fail = (problems: readonly RuleProblem[]): ReadRules => ({ ok: false, problems, hash })
  if (bytes.length > FILE_MAX_BYTES)
    return fail([{ line: 1, wanted: { id: 'policy-wanted-bytes', args: { most: String(FILE_MAX_BYTES) } } }])
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return fail([{ line: 1, wanted: { id: 'policy-wanted-utf-8' } }])
  }
  const read = readYaml(text)
  if (!read.ok) return fail(read.faults)
  const problems: RuleProblem[] = []
  const set = readSet(read.yaml, problems)
  return set && problems.length === 0 ? { ok: true, set, hash } : fail(problems.toSorted((a, b) => a.line - b.line))
}

function readSet(yaml: Yaml, problems: RuleProblem[]): RuleSet | null {
  const file = new Reading(yaml, problems, [], yaml.value)
  if (!isMap(file.value)) return file.refuse('policy-wanted-rule-file')
  file.keys(FILE_KEYS)
  if (file.value.version !== 1) file.at('version').refuse('policy-wanted-version')
  const otherwise = file.at('otherwise').oneOf(['allow', 'refuse'] as const)
  const lists: Lists = []
  const rules = readList(file.at('rules'), lists)
  if (!otherwise || !rules) return null
  try {
    return { rules, otherwise, find: buildFinder(lists) }
  } catch (error) {
    if (!(error instanceof VocabularyTooLarge)) throw error
    const { words, characters } = error
    return file.at('rules').refuse('policy-too-many-words', { words: String(words), characters: String(characters) })
  }
}

function readList(place: Reading, lists: Lists): readonly Rule[] | null {
  // `rules:` with nothing below it, or none at all: record everything, decide by `otherwise`.
  if (place.value === undefined || place.value === null) return []
  if (!Array.isArray(place.value)) return place.refuse('policy-wanted-rules')
  if (place.value.length > RULES_MAX) return place.refuse('policy-wanted-rules-most', { most: String(RULES_MAX) })
  const ids = new Set<string>()
  return place.value.flatMap((_, index) => readRule(place.at(index), ids, lists) ?? [])
}

function readRule(place: Reading, ids: Set<string>, lists: Lists): Rule | null {
  if (!isMap(place.value)) return place.refuse('policy-wanted-rule')
  place.keys(RULE_KEYS)
  const id = readId(place.at('id'), ids)
  const when = readCondition(place.at('when'), lists)
  const then = readAction(place.at('then'), when)
  return id && when && then ? { id, when, then } : null
}

function readId(place: Reading, ids: Set<string>): string | null {
  const id = place.text(64)
  if (id === null) return null
  if (!/^[a-z0-9][a-z0-9._-]*$/u.test(id)) return place.refuse('policy-wanted-id')
  if (RESERVED_IDS.some((reserved) => reserved === id)) return place.refuse('policy-id-reserved', { id })
  if (ids.has(id)) return place.refuse('policy-id-twice', { id })
  ids.add(id)
  return id
}
