// SPDX-License-Identifier: Apache-2.0
// What a person can ask the running process: numbers and states, never the contents of a message.
import type { Journal } from '../kit/bus/journal.ts'
import type { Args, Command, Declaration, Said } from '../kit/process/command.ts'
import { type Catalogue, inWords } from '../kit/text/catalogue.ts'
import type { AddressPattern } from './domain/address-pattern.ts'
import type { Screened } from './domain/screened.ts'
import type { Walled } from './domain/walls.ts'
import { explainParameters, sayExplanation } from './explain.ts'
import type { Tally } from './gate/tally.ts'
import type { KnownPeople } from './people.ts'
import { unknownGroups } from './people-state.ts'
import type { Elsewhere } from './protocol/screened.ts'
import type { RulesInForce } from './rules/rules-in-force.ts'

const OPERATOR = { rights: ['operator', 'officer', 'auditor'], parameters: [] } as const

export const declarations: readonly Declaration[] = [
  { ...OPERATOR, name: 'policy rules', help: 'policy-help-rules', columns: ['what', 'value', 'hits'] },
  { ...OPERATOR, name: 'policy journal', help: 'policy-help-journal', columns: ['what', 'value'] },
  { ...OPERATOR, name: 'policy stats', help: 'policy-help-stats', columns: ['what', 'value'] },
  {
    ...OPERATOR,
    parameters: explainParameters,
    name: 'policy explain',
    help: 'policy-help-explain',
    columns: ['what', 'value'],
  },
]

export type Asked = {
  rules: RulesInForce
  journal: Journal
  tally: Tally
  inWork(): { asks: number; bytes: number }
  text: Catalogue
  rooms: readonly AddressPattern[]
  elsewhere: Elsewhere
  hosts: ReadonlySet<string>
  people(): KnownPeople | null
  wall(asked: Screened): Walled | null
}

export function policyCommands(asked: Asked): readonly Command[] {
  const answers: Readonly<Record<string, (language: string, args: Args) => AsyncIterable<Said>>> = {
    'policy rules': (language) => sayRules(asked, language),
    'policy journal': () => sayJournal(asked.journal),
    'policy stats': () => sayStats(asked),
    'policy explain': (language, args) => sayExplanation(asked, args, language),
  }
  return declarations.map((declared) => {
    const answer = answers[declared.name] ?? missing(declared.name)
    return { ...declared, run: (args, { language }) => answer(language, args) }
  })
}

async function* sayRules({ rules, tally, text, people }: Asked, language: string): AsyncIterable<Said> {
  const { file, hash, loadedAt, set } = rules.current()
  yield row('file', file)
  yield row('sha256', hash)
  yield row('loaded_at', loadedAt)
  yield row('rules', set.rules.length)
  // Hits are counted anew whenever rules come into force.
  yield row('hits_since', loadedAt)
  const hits = (id: string) => tally.byRule.get(id) ?? 0
  // A rule that only notes something never decides: no number, since 0 would say that it never held.
  for (const { id, then } of set.rules)
    yield then.do === 'tag'
      ? row(`rule ${id}`, then.do)
      : { say: 'row', row: { what: `rule ${id}`, value: then.do, hits: hits(id) } }
  for (const { id, a, b } of set.walls)
    yield { say: 'row', row: { what: `wall ${id}`, value: `${a} | ${b}`, hits: hits(id) } }
  yield { say: 'row', row: { what: 'otherwise', value: set.otherwise, hits: hits('otherwise') } }
  const known = people()
  if (set.needsPeople || known) yield row('people', known?.size ?? null)
  if (known) for (const group of unknownGroups(set, known.groups)) yield row('unknown_group', group)
  const error = rules.error()
  yield row('last_error', error === null ? null : error.at)
  for (const { line, wanted } of error?.problems ?? [])
    yield row('problem', `${file}:${line}: ${inWords(wanted, text, language)}`)
}

async function* sayJournal(journal: Journal): AsyncIterable<Said> {
  const state = await journal.state()
  yield row('id', state.id)
  yield row('first', state.first)
  yield row('last', state.last)
  yield row('bytes', state.bytes)
  yield row('max_bytes', state.maxBytes)
  yield row('hours_left', state.hoursLeft === null ? null : Math.round(state.hoursLeft * 10) / 10)
  for (const { name, position } of state.followers) {
    yield { say: 'row', row: { what: `follower ${name}`, value: position, behind: state.last - position } }
  }
}

async function* sayStats({ tally, inWork }: Asked): AsyncIterable<Said> {
  for (const [what, value] of Object.entries(tally.counts)) yield row(what, value)
  const { asks, bytes } = inWork()
  yield row('questions_in_work', asks)
  yield row('characters_in_work', bytes)
  for (const [rule, times] of tally.byRule) yield row(`rule ${rule}`, times)
}

function row(what: string, value: string | number | null): Said {
  return { say: 'row', row: { what, value } }
}

function missing(name: string): never {
  throw new Error(`the command ${name} is declared and has no answer`)
}
