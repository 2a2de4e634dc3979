// SPDX-License-Identifier: Apache-2.0
import type { XmlLimits } from '../xml/reader.ts'
import type { BackoffOptions } from './backoff.ts'
import type { OutboxOptions } from './outbox.ts'
import type { PulseOptions } from './pulse.ts'
import type { Clock, StreamLog } from './stream.ts'

export type StreamOptions = {
  host: string
  port: number
  domain: string
  secret: string
  log: StreamLog
  /** Accept a link that leaves this machine without TLS; otherwise such a host is refused. */
  allowClear?: boolean
  limits?: Partial<XmlLimits>
  /** Reading pauses while this much is in work (promises from `take` not yet settled). */
  inWork?: { stanzas: number; units: number }
  /** `send` says no while this much waits to be written. */
  queuedBytes?: number
  outbox?: OutboxOptions
  /** How much one write holds: what follows from one event, or from all that one turn of the loop brings. Default `tick`. */
  gathers?: 'tick' | 'turn'
  backoff?: BackoffOptions
  pulse?: PulseOptions
  /**
   * Who is pinged (XEP-0199). The component itself by default: the server brings the ping back, which proves the way there and back.
   * With a resource, since ejabberd from 24.10 on, where its mod_privilege is loaded, drops a component's IQ to an address without one.
   */
  pingTo?: string
  /** From connecting to the server's handshake. */
  handshakeWithinMs?: number
  clock?: Clock
  /** 0 <= x < 1, scatters the pauses between attempts. */
  random?: () => number
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
