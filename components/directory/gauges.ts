// SPDX-License-Identifier: Apache-2.0
// What the directory counts, for machines and for `directory stats`.
import type { Metrics } from '../kit/process/metrics.ts'
import { removalsOf, touchedBy } from './domain/brake.ts'
import type { Engine } from './engine.ts'
import type { HelperView } from './helpers.ts'

export function openGauges(metrics: Metrics, now: () => number) {
  const directories = { directory: { atMost: 32 } } as const
  const reads = metrics.counter('reads_total', 'Readings that were whole', {
    ...directories,
    how: ['whole', 'changes'],
  })
  const failures = metrics.counter('read_failures_total', 'Readings that came to nothing', directories)
  const seconds = metrics.histogram('read_seconds', 'How long a reading took', [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 60])
  const applies = metrics.counter('applied_total', 'Plans carried out')
  const hosts = { host: { atMost: 100 } } as const
  const handed = metrics.counter('handed_total', 'Versions handed to helpers', { ...hosts, kind: ['whole', 'changes'] })
  const refused = metrics.counter('handing_failures_total', 'Versions that a helper did not take', hosts)
  const looked = metrics.counter(
    'accounts_shown_total',
    'Accounts whose card, picture and bookmarks were brought up to date',
  )
  const notShown = metrics.counter('account_failures_total', 'Accounts that could not be brought up to date', {
    condition: { atMost: 30 },
  })
  return {
    shown: () => looked(1),
    notShown: (condition: string) => notShown(1, { condition }),
    handed: (host: string, kind: 'whole' | 'changes') => handed(1, { host, kind }),
    refused: (host: string) => refused(1, { host }),
    read(directory: string, how: 'whole' | 'changes', ms: number) {
      reads(1, { directory, how })
      seconds(ms / 1000)
    },
    failed: (directory: string) => failures(1, { directory }),
    applied: () => applies(1),
    open(engine: Engine, helpers: () => readonly HelperView[]) {
      const gauge = (thing: string, help: string, value: () => number) => metrics.gauge(thing, help, value)
      gauge('provisioned_people', 'People who are provisioned', () => engine.there.people)
      gauge('provisioned_groups', 'Groups that are provisioned', () => engine.there.groups)
      gauge('provisioned_version', 'Version of what is provisioned', () => engine.seq)
      gauge('plan_removals', 'Removals in the plan that waits', () =>
        engine.plan ? removalsOf(engine.plan.counts) : 0,
      )
      gauge('plan_held', '1 when a plan waits for a person', () => (engine.plan?.held.length ? 1 : 0))
      metrics.gauges('helper_version', 'Version that a helper holds', hosts, () =>
        helpers().map(({ host, state }) => ({ value: state?.seq ?? 0, labels: { host } })),
      )
      metrics.gauges('answered_seconds', 'Since a directory answered last', directories, () =>
        engine
          .sources()
          .flatMap(({ name, state }) =>
            state === null ? [] : [{ value: (now() - state.readAt) / 1000, labels: { directory: name } }],
          ),
      )
    },
    counts(engine: Engine, helpers: readonly HelperView[]): Record<string, string | number | null> {
      const { company, there, plan, seq } = engine
      return {
        people: company.people.size,
        groups: company.groups.size,
        provisioned_people: there.people,
        provisioned_groups: there.groups,
        provisioned_memberships: there.memberships,
        addresses_given: there.addresses,
        version: seq,
        plan: plan === null ? null : plan.hash,
        plan_held: plan === null ? 0 : plan.held.length,
        plan_removals: plan === null ? 0 : removalsOf(plan.counts),
        plan_touched: plan === null ? 0 : touchedBy(plan.counts),
        ...Object.fromEntries(
          engine.sources().flatMap(({ name, state, fault }) => [
            [`directory ${name} read_at`, state === null ? null : new Date(state.readAt).toISOString()],
            [`directory ${name} whole_at`, state === null ? null : new Date(state.wholeAt).toISOString()],
            [`directory ${name} state`, fault === null ? 'ok' : fault.reason],
          ]),
        ),
        ...Object.fromEntries(
          helpers.flatMap(({ host, state, trouble }) => [
            [`helper ${host} version`, state?.seq ?? null],
            [`helper ${host} waiting`, state?.waiting ?? null],
            [`helper ${host} state`, trouble === null ? 'ok' : (trouble.error?.condition ?? 'behind')],
          ]),
        ),
      }
    },
  }
}
