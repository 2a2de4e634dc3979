// SPDX-License-Identifier: Apache-2.0
// What the archive shows of itself to an operator's monitoring: numbers, no contents, no addresses.
import type { Metrics } from '../kit/process/metrics.ts'
import type { KeptBatch } from './domain/batch.ts'
import type { Completeness } from './domain/completeness.ts'
import type { JournalView } from './journals.ts'

export type Gauges = {
  kept(kept: KeptBatch): void
  open(sources: {
    views(): readonly JournalView[]
    totals(): ReturnType<Completeness['totals']>
    undecided(): Promise<number>
  }): void
}

export function openGauges(metrics: Metrics): Gauges {
  const kept = metrics.counter('tries_kept_total', 'Tries of questions that are kept')
  const commits = metrics.counter('commits_total', 'Commits of the store')
  const again = metrics.counter('tries_again_total', 'Tries that came again under the same name')
  const conflicts = metrics.counter('conflicts_total', 'Tries that came again with another stanza: alarm')
  const unreadable = metrics.counter('unreadable_stanzas_total', 'Stanzas kept that are no XML we can read')
  const skewed = metrics.counter(
    'skewed_clocks_total',
    "Records whose helper's and recorder's clocks differ by more than 1 s: alarm",
  )
  const reopened = metrics.counter(
    'identities_reopened_total',
    'Addresses behind which another account was found than before: alarm',
  )
  const otherHost = metrics.counter(
    'other_host_tries_total',
    'Further tries of a number that another virtual host had asked about: alarm',
  )
  return {
    kept(batch) {
      kept(batch.records)
      commits()
      again(batch.again)
      conflicts(batch.conflicts)
      unreadable(batch.unreadable)
      skewed(batch.skewed)
      reopened(batch.reopened)
      otherHost(batch.otherHost)
    },
    open({ views, totals, undecided }) {
      metrics.gauge(
        'gap_numbers',
        'Numbers told of and neither recorded nor settled in time: alarm',
        () => totals().gaps,
      )
      metrics.gauge(
        'tail_unknown_numbers',
        'Numbers reserved by a run that did not end in order, of which nothing is known',
        () => totals().tailUnknown,
      )
      metrics.gauge(
        'ended_without_mark_sources',
        'Runs that ended without their closing mark: alarm',
        () => totals().endedWithoutMark,
      )
      metrics.gauge('undecided_records', 'Records of which the server has not said what became of them', undecided)
      const labels = { journal: { atMost: 64 } }
      const each = (value: (view: JournalView) => number) => () =>
        views().map((view) => ({ value: value(view), labels: { journal: view.name } }))
      metrics.gauges(
        'journal_position_entries',
        'Position in each journal up to which everything is kept',
        labels,
        each((view) => view.position),
      )
      metrics.gauges(
        'journal_behind_entries',
        'Entries that are written and not kept yet',
        labels,
        each((view) => view.behind),
      )
      metrics.gauges(
        'lag_seconds',
        'How long the oldest of them waits at most',
        labels,
        each((view) => view.lagMs / 1000),
      )
    },
  }
}
