// SPDX-License-Identifier: Apache-2.0
// Metrics named gatehouse_<component>_<thing>_<unit>. prom-client stands behind it.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/**
 * A label with the values it may have, or with how many different ones at most (for names the operator chose, such as hosts).
 * Any other value, and any with an @ in it, is counted as `other`: nobody's address becomes a label.
 */
export type Labels = Readonly<Record<string, readonly string[] | { atMost: number }>>
export type LabelValues<L extends Labels> = Readonly<Record<keyof L, string>>
export type Sample<L extends Labels> = { value: number; labels: LabelValues<L> }

export type Metrics = {
  /** `thing`: such as 'questions_total'. */
  counter<L extends Labels = Record<never, never>>(
    thing: string,
    help: string,
    labels?: L,
  ): (by?: number, labels?: LabelValues<L>) => void
  /** `collect` is asked each time the page is read; a fault of it fails the page, so that nobody reads old numbers. */
  gauge(thing: string, help: string, collect: () => number | Promise<number>): void
  gauges<L extends Labels>(thing: string, help: string, labels: L, collect: () => readonly Sample<L>[]): void
  /** `bounds` are upper bounds in the unit of the name, such as seconds. */
  histogram<L extends Labels = Record<never, never>>(
    thing: string,
    help: string,
    bounds: readonly number[],
    labels?: L,
  ): (value: number, labels?: LabelValues<L>) => void
}

export type OpenMetrics = Metrics & { contentType: string; page(): Promise<string> }

export function openMetrics(component: string): OpenMetrics {
  const registry = new Registry()
  const prefix = `gatehouse_${component.replaceAll('-', '_')}_`
  collectDefaultMetrics({ register: registry, prefix })
  const base = (thing: string, help: string) => ({ name: nameOf(prefix, thing), help, registers: [registry] })
  return {
    contentType: registry.contentType,
    page: () => registry.metrics(),
    counter(thing, help, labels) {
      const counter = new Counter({ ...base(thing, help), labelNames: Object.keys(labels ?? {}) })
      const bounded = labelBound(labels)
      if (labels === undefined) return (by = 1) => counter.inc(by)
      return (by = 1, values) => counter.inc(bounded(values), by)
    },
    gauge(thing, help, collect) {
      const gauge: Gauge = new Gauge({
        ...base(thing, help),
        collect: async () => gauge.set(await collect()),
      })
    },
    gauges(thing, help, labels, collect) {
      const bounded = labelBound(labels)
      const gauge: Gauge = new Gauge({
        ...base(thing, help),
        labelNames: Object.keys(labels),
        collect: () => {
          gauge.reset()
          for (const sample of collect()) gauge.inc(bounded(sample.labels), sample.value)
        },
      })
    },
    histogram(thing, help, bounds, labels) {
      const histogram = new Histogram({
        ...base(thing, help),
        buckets: [...bounds],
        labelNames: Object.keys(labels ?? {}),
      })
      const bounded = labelBound(labels)
      if (labels === undefined) return (value) => histogram.observe(value)
      return (value, values) => histogram.observe(bounded(values), value)
    },
  }
}

function nameOf(prefix: string, thing: string): string {
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)+$/.test(thing))
    throw new Error(`metric ${thing}: a thing and a unit are wanted, such as hold_seconds`)
  return prefix + thing
}

function labelBound(
  labels: Labels = {},
): (values: Readonly<Record<string, string>> | undefined) => Record<string, string> {
  const known = Object.entries(labels).map(([label, of]) =>
    Array.isArray(of)
      ? { label, seen: new Set<string>(of), room: 0 }
      : { label, seen: new Set<string>(), room: (of as { atMost: number }).atMost },
  )
  return (values) => {
    const bounded: Record<string, string> = {}
    for (const one of known) {
      const value = values?.[one.label] ?? 'other'
      if (!one.seen.has(value) && !value.includes('@') && one.seen.size < one.room) one.seen.add(value)
      bounded[one.label] = one.seen.has(value) ? value : 'other'
    }
    return bounded
  }
}
