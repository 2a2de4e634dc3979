// SPDX-License-Identifier: Apache-2.0
// What keeps policy from doing all that its settings ask for, in the words of `gatehouse status`, with what to do.
import type { Stream } from '../kit/stream/stream.ts'
import type { Coverage, Lack } from './gate/coverage.ts'
import type { RulesInForce } from './rules/rules-in-force.ts'

const LACKS: Readonly<Record<Lack, string>> = {
  unheard: 'no helper has reported for it: is the module loaded there, and was the server restarted since?',
  ended: 'its helper has stopped: is the server stopping, or was the module unloaded?',
  silent: 'its helper fell silent and owes a mark: is the module still loaded there?',
}

/** Null when everything is as the settings say. */
export function troubleOf(
  stream: Pick<Stream, 'state' | 'trouble'>,
  rules: Pick<RulesInForce, 'current' | 'error'>,
  coverage: Pick<Coverage, 'lacking' | 'strangers'>,
): string | null {
  const said: string[] = []
  if (stream.state !== 'up') {
    const why = stream.trouble === null ? '' : ` (${stream.trouble})`
    said.push(`the stream to the server is ${stream.state}${why}`)
  }
  const refused = rules.error()
  if (refused !== null) {
    const { file, loadedAt } = rules.current()
    const [first] = refused.problems
    said.push(
      `the rule file is refused (${file}:${first?.line}: ${first?.message}); the rules of ${loadedAt} are in force`,
    )
  }
  const lacking = Map.groupBy(coverage.lacking(), ({ lack }) => lack)
  for (const [lack, hosts] of lacking) said.push(`${list(hosts.map(({ host }) => host))}: ${LACKS[lack]}`)
  const strangers = coverage.strangers()
  if (strangers.length > 0) said.push(`${list(strangers)}: ${strangerAdvice}`)
  return said.length === 0 ? null : said.join('; ')
}

export const strangerAdvice =
  'asks and is not in hosts of policy.yaml, so nothing of it is recorded: add it there, or unload the module'

const NAMED = 10

function list(names: readonly string[]): string {
  const more = names.length - NAMED
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
