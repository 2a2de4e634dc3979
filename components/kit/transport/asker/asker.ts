// SPDX-License-Identifier: Apache-2.0
// Asks policy about what comes in from a network, once for each message, as a helper of a server does: urn:gatehouse:screen:1. What a
// transport is told here it does; it has no policy of its own. Page: deploy/servers/PROTOCOL.md.
import type { IqRoute } from '../../router/router.ts'
import type { Element } from '../../xml/element.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { Asking } from './asking.ts'
import type { AskerBounds, AskerLog } from './bounds.ts'
import { openLedger } from './ledger.ts'
import type { Answer, AskerState, Question } from './question.ts'
import { answerOutageRules, answerVerdicts } from './told.ts'

export type Asker = AsyncDisposable & {
  /** Never rejects. */
  ask(question: Question): Promise<Answer>
  /** One of our people came into a room of the network, or left it with the last of his clients. `jid` is bare. */
  occupant(room: string, nick: string, jid: string, event: 'joined' | 'left'): void
  /** For the router: verdicts that come later, and what is closed while policy is away. */
  readonly routes: readonly IqRoute[]
  /** The component's stream is up, or down. */
  up(): void
  down(): void
  state(): AskerState
  /** Takes nothing new, lets what is asked about be answered or withheld, says its end, closes. Bounded by the signal. */
  stop(signal: AbortSignal): Promise<void>
}

export type AskerOptions = {
  /** Of the transport: policy has it in `hosts`. */
  domain: string
  /** Of policy. */
  screen: string
  /** File of its own. */
  path: string
  /** Name of this machine or node, and of this program with its version. */
  node: string
  software: string
  onOutage: 'closed' | 'open'
  bounds?: Partial<AskerBounds>
  /** As the router's. */
  request(to: string, payload: string, options: { timeoutMs: number }): Promise<Element>
  log: AskerLog
  now?(): number
  /** Another worker, for tests that end the process at a point. */
  worker?: URL
}

/** Rejects with StoreFull, StoreVersion or StoreFault. */
export async function openAsker(options: AskerOptions): Promise<Asker> {
  const { domain, screen, node, software, log, now = Date.now } = options
  const ledger = await openLedger({
    path: options.path,
    domain,
    node,
    software,
    now,
    ...(options.worker ? { worker: options.worker } : {}),
  })
  const asking = new Asking({ ...options, now, ledger })
  return {
    ask: (question) => asking.ask(question),
    occupant: (room, nick, jid, event) => asking.occupant({ room, nick, jid, event }),
    routes: [
      {
        type: 'set',
        namespace: NS.screen,
        name: 'verdicts',
        order: 'arrival',
        hidden: true,
        answer: answerVerdicts(screen, asking, log),
      },
      {
        type: 'set',
        namespace: NS.screen,
        name: 'outage-rules',
        order: 'arrival',
        hidden: true,
        answer: answerOutageRules(screen, ledger, log),
      },
    ],
    up: () => asking.up(),
    down: () => asking.down(),
    state: () => asking.state(),
    stop: (signal) => asking.stop(signal),
    [Symbol.asyncDispose]: () => asking.stop(AbortSignal.abort()),
  }
}
