// SPDX-License-Identifier: Apache-2.0
// config/policy-rules.yaml, and the files it names -> RuleSet. Everything wrong is told at once, each with its line.
import { createHash } from 'node:crypto'
import { readYaml, type Yaml, type YamlFault } from '../../kit/yaml/yaml.ts'
import { dependsOnPeople } from '../domain/people.ts'
import { RESERVED_IDS, type Rule, type RuleSet } from '../domain/rule.ts'
import { compileMatcher, openMatcher } from '../matching/matcher.ts'
import { STATES_MAX, VocabularyTooLarge } from '../matching/trie.ts'
import { readThen } from './action.ts'
import { readCondition } from './condition.ts'
import { readExamples, tryExamples, type Wanted } from './examples.ts'
import { FILE_KEYS, RULE_KEYS } from './keys.ts'
import { FILE_MAX_BYTES, Named, type NamedFile, readNamed } from './named.ts'
import { readInPieces, WHOLE_MAX } from './pieces.ts'
import { isMap, Reading, type RuleProblem } from './reading.ts'
import { openRuleSet, type RuleData } from './rule-data.ts'
import { readWalls } from './walls.ts'

export const RULES_MAX = 50_000
const PROBLEMS_MAX = 200

/**
 * `hash` as rulesHash() says; `files` are those that the rule file names, as far as they could be read. `paths`: of all that it
 * names, for what is wrong may stand in one of them.
 */
export type ReadData = { hash: string; files: readonly NamedFile[] } & (
  | { ok: true; data: RuleData }
  | { ok: false; problems: readonly RuleProblem[]; paths: readonly string[] }
)

export type ReadRules = { hash: string; files: readonly NamedFile[] } & (
  | { ok: true; set: RuleSet }
  | { ok: false; problems: readonly RuleProblem[] }
)

/** Reads the bytes of a rule file. Names of other files in it count from `folder`. */
export function readRules(bytes: Buffer, folder = '.'): ReadRules {
  const read = readRuleData(bytes, folder)
  return read.ok ? { ok: true, hash: read.hash, files: read.files, set: openRuleSet(read.data) } : read
}

export function readRuleData(bytes: Buffer, folder: string): ReadData {
  const own = createHash('sha256').update(bytes).digest('hex')
  const named = new Named(folder)
  const fail = (problems: readonly RuleProblem[]): ReadData => {
    const sorted = problems.toSorted((one, other) => one.line - other.line).slice(0, PROBLEMS_MAX)
    const hash = rulesHash(own, named.files)
    return { ok: false, problems: sorted, hash, files: named.files, paths: [...named.paths] }
  }
  if (bytes.length > FILE_MAX_BYTES)
    return fail([{ line: 1, wanted: { id: 'policy-wanted-bytes', args: { most: String(FILE_MAX_BYTES) } } }])
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return fail([{ line: 1, wanted: { id: 'policy-wanted-utf-8' } }])
  }
  const problems: RuleProblem[] = []
  const data = readFile(text, named, problems)
  if (!data || problems.length > 0) return fail(problems)
  return { ok: true, data, hash: rulesHash(own, named.files), files: named.files }
}

/**
 * Whoever holds the files can tell which rules were in force: SHA-256 of the rule file, in hex; where it names others, that of
 * the lines `HASH  NAME` that sha256sum prints for them, the rule file first as `-`.
 */
export function rulesHash(own: string, files: readonly NamedFile[]): string {
  if (files.length === 0) return own
  const lines = [`${own}  -`, ...files.map(({ name, hash }) => `${hash}  ${name}`)]
  return createHash('sha256')
    .update(lines.map((line) => `${line}\n`).join(''))
    .digest('hex')
}

function readFile(text: string, named: Named, problems: RuleProblem[]): RuleData | null {
  const faulty = (faults: readonly YamlFault[]) => {
    problems.push(...faults)
    return null
  }
  const pieces = text.length > WHOLE_MAX ? readInPieces(text) : null
  if (pieces && 'faults' in pieces) return faulty(pieces.faults)
  if (pieces === null) {
    const read = readYaml(text)
    if (!read.ok) return faulty(read.faults)
    return readSet(read.yaml, named, problems, (gather) => {
      const rules = new Reading(
        read.yaml,
        problems,
        ['rules'],
        isMap(read.yaml.value) ? read.yaml.value.rules : undefined,
      )
      // `rules:` with nothing below it, or none at all: record everything, decide by `otherwise`.
      if (rules.value === undefined || rules.value === null) return
      if (!Array.isArray(rules.value)) rules.refuse('policy-wanted-rules')
      else for (const index of rules.value.keys()) gather(rules.at(index))
    })
  }
  return readSet(pieces.head, named, problems, (gather) => {
    for (const piece of pieces.pieces) {
      if ('faults' in piece) return faulty(piece.faults)
      const { first, yaml } = piece
      const lineOf = ([, index, ...below]: readonly PropertyKey[]) => yaml.lineOf([Number(index) - first, ...below])
      const items: readonly unknown[] = Array.isArray(yaml.value) ? yaml.value : [yaml.value]
      for (const [index, item] of items.entries())
        gather(new Reading({ ...yaml, lineOf }, problems, ['rules', first + index], item))
    }
    return null
  })
}

function readSet(
  yaml: Yaml,
  named: Named,
  problems: RuleProblem[],
  readEach: (gather: (place: Reading) => void) => unknown,
): RuleData | null {
  const file = new Reading(yaml, problems, [], yaml.value)
  if (!isMap(file.value)) return file.refuse('policy-wanted-rule-file')
  file.keys(FILE_KEYS)
  if (file.value.version !== 1) file.at('version').refuse('policy-wanted-version')
  const otherwise = readOtherwise(file.at('otherwise'))
  readNamed(file, named)
  const ids = new Set<string>()
  const walls = readWalls(file.at('walls'), named, (place) => readId(place, ids))
  const rules: Rule[] = []
  const examples: { rule: Rule; wanted: readonly Wanted[] }[] = []
  let count = 0
  readEach((place) => {
    count += 1
    if (count === RULES_MAX + 1) place.refuse('policy-wanted-rules-most', { most: String(RULES_MAX) })
    if (count > RULES_MAX) return
    const rule = readRule(place, ids, named)
    const wanted = readExamples(place)
    if (rule) rules.push(rule)
    if (rule && wanted.length > 0) examples.push({ rule, wanted })
  })
  if (!otherwise || problems.length > 0) return null
  try {
    const matcher = compileMatcher(named.lists, named.patterns)
    const opened = examples.length > 0 ? openMatcher(matcher) : null
    for (const { rule, wanted } of examples) if (opened) tryExamples(rule.when, wanted, opened)
    return {
      rules,
      otherwise,
      groups: [...named.groups],
      needsPeople: walls.length > 0 || rules.some(({ when }) => dependsOnPeople(when)),
      walls,
      matcher,
    }
  } catch (error) {
    if (!(error instanceof VocabularyTooLarge)) throw error
    return file.at('rules').refuse('policy-too-many-words', { most: String(STATES_MAX) })
  }
}

/** The end of the walk, for whatever no rule has decided: what depends on something, or has more to say, is a rule. */
function readOtherwise(place: Reading): 'allow' | 'refuse' | null {
  return isMap(place.value) ? place.refuse('policy-otherwise-alone') : place.oneOf(['allow', 'refuse'])
}

function readRule(place: Reading, ids: Set<string>, named: Named): Rule | null {
  if (!isMap(place.value)) return place.refuse('policy-wanted-rule')
  place.keys(RULE_KEYS)
  const id = readId(place.at('id'), ids)
  const when = readCondition(place.at('when'), named)
  const then = readThen(place.at('then'), when)
  const closed = readOnOutage(place.at('on_outage'))
  return id && when && then && closed !== null ? { id, when, ...then, closed } : null
}

/** A rule may only be stricter than its host, whose own rule may be either. */
function readOnOutage(place: Reading): boolean | null {
  if (place.value === undefined) return false
  return place.value === 'closed' ? true : place.refuse('policy-wanted-closed')
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
