// SPDX-License-Identifier: Apache-2.0
// What operators see of the people that policy knows: log, metrics, warnings; and how long the start waits for them.
import type { SnapshotState } from '../kit/bus/snapshot.ts'
import type { Log } from '../kit/process/log.ts'
import type { Metrics } from '../kit/process/metrics.ts'
import type { Catalogue } from '../kit/text/catalogue.ts'
import { nameKey } from './domain/person.ts'
import type { RuleSet } from './domain/rule.ts'
import { followPeople, type PeopleInForce } from './people.ts'
import type { PolicySettings } from './settings.ts'

/** The start waits so long for a snapshot that is there: a question that comes before it is known has no answer. */
const OPEN_MS = 10_000

export type PeopleState = PeopleInForce & {
  /** What keeps policy from doing what its rules ask for; null: nothing. */
  trouble(language: string): string | null
  warnings(language: string): readonly string[]
}

export type PeopleOptions = {
  settings: Pick<PolicySettings, 'people'>
  log: Log
  text: Catalogue
  now(): number
  rules(): Pick<RuleSet, 'groups' | 'needsPeople'>
  /** A version is in force. */
  changed(): void
}

export async function openPeople({ settings, log, text, now, rules, changed }: PeopleOptions): Promise<PeopleState> {
  const { folder, staleAfterMs } = settings.people
  const opened = Promise.withResolvers<void>()
  let fault = false
  let confirmed: number | null = null
  const look = (state: SnapshotState | null) => {
    confirmed = state?.confirmed ?? null
  }
  const people = followPeople(folder, {
    changed(known, { seq }) {
      log.info('people in force', { seq, people: known.size, groups: known.groups.size })
      opened.resolve()
      changed()
    },
    fault(error) {
      fault = error !== null
      if (error) log.error('people cannot be read', { folder, error })
      else log.info('people can be read again', { folder })
      opened.resolve()
    },
  })
  const timer = setTimeout(opened.resolve, OPEN_MS)
  const there = await people.state().catch(() => null)
  if ((there?.seq ?? 0) === 0) opened.resolve()
  await opened.promise
  clearTimeout(timer)
  if (people.current() === null && rules().needsPeople)
    log.error('rules need people, and nobody says who they are', { folder })
  const looking = setInterval(() => {
    people.state().then(look, () => {})
  }, 10_000).unref()
  await people.state().then(look, () => {})
  return {
    ...people,
    trouble: (language) =>
      people.current() === null && rules().needsPeople ? text.say('policy-people-unknown', language, { folder }) : null,
    warnings(language) {
      const known = people.current()
      if (known === null) return []
      const unknown = unknownGroups(rules(), known.groups)
      const isStale = confirmed !== null && now() - confirmed > staleAfterMs
      return [
        ...(fault ? [text.say('policy-people-fault', language, { folder })] : []),
        ...(isStale ? [text.say('policy-people-stale', language, { at: new Date(confirmed ?? 0).toISOString() })] : []),
        ...unknown.map((group) => text.say('policy-group-unknown', language, { group })),
      ]
    },
    [Symbol.dispose]() {
      clearInterval(looking)
      people[Symbol.dispose]()
    },
  }
}

/** Names of groups in rules and walls that no group has: perhaps misspelt, perhaps yet to come. */
export function unknownGroups({ groups }: Pick<RuleSet, 'groups'>, known: ReadonlySet<string>): readonly string[] {
  return groups.filter((name) => !known.has(nameKey(name))).slice(0, 20)
}

export function showPeople(metrics: Metrics, people: PeopleInForce, now: () => number): void {
  metrics.gauge('people_count', 'People that the directory names; -1 while nobody says who they are', () => {
    return people.current()?.size ?? -1
  })
  metrics.gauge('people_version', 'The version of people and groups that is in force; 0 while there is none', () => {
    return people.current()?.mark.seq ?? 0
  })
  metrics.gauge(
    'people_unconfirmed_seconds',
    'Since the directory process last said that its people are as they are; -1 while there is none',
    async () => {
      const state = await people.state().catch(() => null)
      return state === null ? -1 : Math.max(0, (now() - state.confirmed) / 1_000)
    },
  )
}
