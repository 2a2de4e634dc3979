// SPDX-License-Identifier: Apache-2.0
// What transport-irc counts, for machines and for `transport-irc stats`.
import type { Metrics } from '../kit/process/metrics.ts'
import type { Asker } from '../kit/transport/asker/asker.ts'
import type { Transport } from '../kit/transport/transport.ts'
import type { Counted, Networks } from './sessions/networks.ts'
import type { Memory } from './storage/memory.ts'
import { KINDS } from './storage/operations.ts'

export function openGauges(metrics: Metrics) {
  const networks = { network: { atMost: 100 } } as const
  const counters = {
    message: metrics.counter('messages_heard_total', 'Messages that a network told to a connection', networks),
    netsplit: metrics.counter('netsplits_total', 'Parts of a network lost at once', networks),
    reconnected: metrics.counter('reconnects_total', 'Connections that came back', networks),
    connected: metrics.counter('connects_total', 'Logins on a network', networks),
    lost: metrics.counter('losses_total', 'Connections lost or refused', networks),
  }
  /** Messages by network that the metrics do not know yet: in a full room each connection hears each message. */
  const heard = new Map<string, number>()
  const countHeard = () => {
    for (const [network, by] of heard) counters.message(by, { network })
    heard.clear()
  }
  const counts: Record<Counted, number> = { message: 0, netsplit: 0, reconnected: 0, connected: 0, lost: 0 }
  return {
    counted(what: Counted, network: string) {
      counts[what] += 1
      if (what !== 'message') return counters[what](1, { network })
      if (heard.size === 0) setImmediate(countHeard)
      heard.set(network, (heard.get(network) ?? 0) + 1)
    },
    open(all: Networks, transport: Pick<Transport, 'state' | 'counts'>) {
      const up = () => [...all.connected()].filter(({ session }) => session.isUp)
      metrics.gauge('connections_up', 'Connections that are up', () => up().length)
      metrics.gauge('connections_down', 'Connections that are to be there and are not', () => {
        return [...all.connected()].length - up().length
      })
      metrics.gauges('network_connections', 'Connections by network', networks, () =>
        [...all.connected()].map(({ network }) => ({ value: 1, labels: { network } })),
      )
      for (const what of ['rooms', 'seats', 'clients', 'occupants'] as const)
        metrics.gauge(`${what}_count`, HELP[what], () => transport.state()[what])
      metrics.gauges('transport_events', 'What became of messages since the start', { what: { atMost: 30 } }, () =>
        Object.entries(transport.counts).map(([what, value]) => ({ value, labels: { what } })),
      )
    },
    memory(memory: Pick<Memory, 'count'>, forgotten: () => number) {
      metrics.gauges('memory_entries', 'What is kept beside rooms, by kind', { kind: { atMost: 20 } }, () =>
        KINDS.map((kind) => ({ value: memory.count(kind), labels: { kind } })),
      )
      metrics.gauge('memory_forgotten', 'Entries learned of networks that went because there were too many', forgotten)
    },
    counts(all: Networks, transport: Pick<Transport, 'state' | 'counts'>): Record<string, number> {
      const connected = [...all.connected()]
      return {
        connections: connected.length,
        connections_up: connected.filter(({ session }) => session.isUp).length,
        people: new Set(connected.map(({ owner }) => owner)).size,
        ...transport.state(),
        ...transport.counts,
        heard: counts.message,
        netsplits: counts.netsplit,
        reconnects: counts.reconnected,
        losses: counts.lost,
      }
    },
  }
}

const HELP = {
  rooms: 'Rooms in which somebody is',
  seats: 'People in rooms, each counted in each room',
  clients: 'Clients of people in rooms',
  occupants: 'Everybody in rooms, people of the networks too',
} as const

export function askerCounts(state: ReturnType<Asker['state']> | undefined): Record<string, number> {
  if (state === undefined) return {}
  const { asking, waiting, owed, withheld, unscreened } = state
  return {
    policy_asked: asking ? 1 : 0,
    policy_waiting: waiting,
    policy_owed: owed,
    policy_withheld: withheld,
    policy_unscreened: unscreened,
  }
}
