// SPDX-License-Identifier: Apache-2.0
// Counts since the start, for `policy stats` and the metrics page. Numbers only: no addresses, no texts.
import type { Metrics } from '../../kit/process/metrics.ts'
import type { Judged } from './judged.ts'

export type Counts = {
  screens: number
  questions: number
  /** Tries after the first. */
  retries: number
  spooled: number
  reports: number
  allow: number
  refuse: number
  replace: number
  /** Verdicts that came after the time for them. */
  too_late: number
  /** Decisions that threw. */
  faults: number
  /** Questions refused, and reports left out. */
  unreadable: number
  strangers: number
  bad_screens: number
  over_bounds: number
  not_kept: number
  /** Rule files that were not taken. */
  rules_refused: number
}

/** What is counted of the questions of one screen; `rules` has what decided each. */
export type Sum = Pick<Counts, 'reports' | 'retries' | 'spooled' | 'unreadable' | 'faults'> &
  Pick<Counts, 'allow' | 'refuse' | 'replace'> & { rules: readonly string[] }

export function sumOf(judged: readonly Judged[], reports: number): Sum {
  const sum = { reports, retries: 0, spooled: 0, unreadable: 0, faults: 0, allow: 0, refuse: 0, replace: 0 }
  for (const { ask, verdict } of judged) {
    sum[verdict.action] += 1
    if (ask.try > 1) sum.retries += 1
    if (ask.spooled) sum.spooled += 1
    if (verdict.rule === 'unreadable') sum.unreadable += 1
    else if (verdict.rule === 'fault') sum.faults += 1
  }
  return { ...sum, rules: judged.map(({ verdict }) => verdict.rule) }
}

export class Tally {
  readonly counts: Counts = {
    screens: 0,
    questions: 0,
    retries: 0,
    spooled: 0,
    reports: 0,
    allow: 0,
    refuse: 0,
    replace: 0,
    too_late: 0,
    faults: 0,
    unreadable: 0,
    strangers: 0,
    bad_screens: 0,
    over_bounds: 0,
    not_kept: 0,
    rules_refused: 0,
  }
  /** How often each rule decided since its rule set came into force. */
  readonly byRule = new Map<string, number>()
  readonly #seconds: (value: number) => void
  readonly #questions: (by?: number) => void
  readonly #verdicts: (by: number, labels: { action: string }) => void
  readonly #rulesRefused: (by?: number) => void
  readonly #refusals: (by: number, labels: { reason: string }) => void

  constructor(metrics: Metrics) {
    this.#seconds = metrics.histogram('answer_seconds', 'From a screen read to its answer written', SECONDS)
    this.#questions = metrics.counter('questions_total', 'Questions answered')
    this.#verdicts = metrics.counter('verdicts_total', 'Verdicts by action', { action: ['allow', 'refuse', 'replace'] })
    this.#rulesRefused = metrics.counter('rules_refused_total', 'Rule files that were not taken')
    this.#refusals = metrics.counter('screens_refused_total', 'Screens answered with an error', {
      reason: ['stranger', 'bad_screen', 'over_bound', 'not_kept'],
    })
  }

  /** Of what is on disk and told. */
  answered(sum: Sum, seconds: number): void {
    const { counts } = this
    counts.screens += 1
    counts.reports += sum.reports
    this.#seconds(seconds)
    const questions = sum.rules.length
    if (questions === 0) return
    counts.questions += questions
    this.#questions(questions)
    counts.retries += sum.retries
    counts.spooled += sum.spooled
    counts.unreadable += sum.unreadable
    counts.faults += sum.faults
    for (const action of ['allow', 'refuse', 'replace'] as const) {
      counts[action] += sum[action]
      if (sum[action] > 0) this.#verdicts(sum[action], { action })
    }
    // Several rules may have masked one message.
    for (const one of sum.rules)
      for (const rule of one.includes(',') ? one.split(',') : [one])
        this.byRule.set(rule, (this.byRule.get(rule) ?? 0) + 1)
  }

  stranger(): void {
    this.counts.strangers += 1
    this.#refusals(1, { reason: 'stranger' })
  }

  badScreen(): void {
    this.counts.bad_screens += 1
    this.#refusals(1, { reason: 'bad_screen' })
  }

  skipped(reports: number): void {
    this.counts.unreadable += reports
  }

  overBound(): void {
    this.counts.over_bounds += 1
    this.#refusals(1, { reason: 'over_bound' })
  }

  notKept(): void {
    this.counts.not_kept += 1
    this.#refusals(1, { reason: 'not_kept' })
  }

  rulesRefused(): void {
    this.counts.rules_refused += 1
    this.#rulesRefused()
  }

  tooLate(): void {
    this.counts.too_late += 1
  }

  /** A new rule set is in force: the counts of the one before end here, so that the map stays bounded. */
  countRulesAnew(): void {
    this.byRule.clear()
  }
}

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2]
