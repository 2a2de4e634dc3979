// SPDX-License-Identifier: Apache-2.0
// What keeps policy from doing all that its settings ask for, in the words of `gatehouse status`, with what to do.
import type { FillLevel } from '../kit/bus/file-messages.ts'
import type { Stream } from '../kit/stream/stream.ts'
import type { Catalogue } from '../kit/text/catalogue.ts'
import { moduleName } from './domain/doors.ts'
import type { Coverage } from './gate/coverage.ts'
import type { OutageTeller } from './gate/outage-teller.ts'
import type { RulesInForce } from './rules/rules-in-force.ts'

export type Looked = {
  stream: Pick<Stream, 'state' | 'trouble'>
  rules: Pick<RulesInForce, 'current' | 'error'>
  coverage: Pick<Coverage, 'lacking' | 'away' | 'strangers' | 'open'>
  outage: Pick<OutageTeller, 'lacking'>
  /** Of the journal. */
  level: FillLevel
  text: Catalogue
  language: string
}

/** Null when all that the settings name is asked about and answered. */
export function troubleOf({
  stream,
  coverage,
  text,
  language,
}: Omit<Looked, 'rules' | 'level' | 'outage'>): string | null {
  const say: Say = (id, args = {}) => text.say(id, language, args)
  const said: string[] = []
  if (stream.state !== 'up') {
    const why = stream.trouble === null ? '' : ` (${stream.trouble})`
    said.push(say(`policy-stream-${stream.state}`) + why)
  }
  said.push(...doorsOf(coverage, say))
  return said.length === 0 ? null : said.join('; ')
}

/**
 * What is to be seen to while policy goes on: a rule file that was refused, since the old rules stay; a journal that fills; and
 * doors past the question, a line for each kind, for `gatehouse check`. Beside what policy is not asked at all, what its operators
 * have left open at the server: perhaps meant, and no reason to call policy unwell.
 */
export function warningsOf({ stream, rules, coverage, outage, level, text, language }: Looked): readonly string[] {
  const say: Say = (id, args = {}) => text.say(id, language, args)
  const own = [...rulesRefused(rules, say), ...(level === 'normal' ? [] : [say(`policy-journal-${level}`)])]
  if (stream.state !== 'up') return [...own, say('policy-doors-unknown')]
  return [
    ...own,
    ...doorsOf(coverage, say),
    ...awayOf(coverage, say),
    ...leftOpen(coverage, say),
    ...laxOf(outage, say),
  ]
}

function rulesRefused(rules: Looked['rules'], say: Say): string[] {
  const [first] = rules.error()?.problems ?? []
  if (first === undefined) return []
  const { file, loadedAt } = rules.current()
  // Any user of the machine may ask for the status: what is wrong there may quote the rules.
  return [say('policy-rules-refused', { place: `${file}:${first.line}`, at: loadedAt })]
}

type Say = (id: string, args?: Readonly<Record<string, string>>) => string

function doorsOf(coverage: Looked['coverage'], say: Say): string[] {
  const lacking = [...Map.groupBy(coverage.lacking(), ({ lack }) => lack)]
  const strangers = coverage.strangers()
  return [
    ...lacking.map(
      ([lack, hosts]) =>
        `${listed(
          hosts.map(({ host }) => host),
          say,
        )}: ${say(`policy-host-${lack}`)}`,
    ),
    ...(strangers.length > 0 ? [`${listed(strangers, say)}: ${say('policy-stranger-advice')}`] : []),
  ]
}

function awayOf(coverage: Looked['coverage'], say: Say): string[] {
  const away = coverage.away()
  return away.length === 0 ? [] : [`${listed(away, say)}: ${say('policy-transport-away')}`]
}

/** What stands open at several hosts alike is one line. */
function leftOpen(coverage: Looked['coverage'], say: Say): string[] {
  const said = coverage.open().flatMap(({ host, open: { off, doors, omitted, untold, unnamed } }) => [
    ...(off.length > 0 ? [{ host, line: say('policy-door-off', { kinds: off.join(', ') }) }] : []),
    ...doors.map(({ door, modules }) => {
      return { host, line: say(`policy-door-${door}`, { modules: modules.map(moduleName).join(', ') }) }
    }),
    ...(untold.length > 0 ? [{ host, line: say('policy-door-untold', { transports: untold.join(', ') }) }] : []),
    ...(unnamed.length > 0 ? [{ host, line: say('policy-door-unnamed', { transports: unnamed.join(', ') }) }] : []),
    ...(omitted > 0 ? [{ host, line: say('policy-door-omitted', { count: String(omitted) }) }] : []),
  ])
  const lines = [...Map.groupBy(said, ({ line }) => line)]
  return lines.map(
    ([line, at]) =>
      `${listed(
        at.map(({ host }) => host),
        say,
      )}: ${line}`,
  )
}

/** Hosts where a rule is not stricter than the host while policy is away. */
function laxOf(outage: Looked['outage'], say: Say): string[] {
  return [...Map.groupBy(outage.lacking(), ({ lack }) => lack)].map(
    ([lack, at]) =>
      `${listed(
        at.map(({ host }) => host),
        say,
      )}: ${say(`policy-outage-${lack}`)}`,
  )
}

const NAMED = 10

function listed(names: readonly string[], say: Say): string {
  const more = names.length - NAMED
  const first = names.slice(0, NAMED).join(', ')
  return more > 0 ? say('policy-and-more', { names: first, more: String(more) }) : first
}
