// SPDX-License-Identifier: Apache-2.0
// One connection to a network for each of our people who uses it, shared by his clients, his rooms and his contacts.

import type { Catalogue } from '../text/catalogue.ts'
import { bareOf } from '../xmpp/jid.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { refusalOf, refuse } from './faults.ts'
import { type Login, type Network, NetworkFault, type NetworkSession, type SessionEvents } from './network.ts'
import { withShownNicks } from './nicks.ts'
import { LEAVING_MS, withinSignal } from './rooms/within.ts'
import type { Words } from './words.ts'

/** One NetworkSession for each (owner, network); `owner` is bare. */
export type Sessions = {
  of(owner: string, network: string): NetworkSession | null
  /** The one there is, or a new one; `nick` counts where no login is kept. Rejects with a StanzaError: may not, unknown network. */
  open(owner: string, network: string, nick?: string): Promise<NetworkSession>
  /** Resolves when it is up; rejects with a StanzaError or a NetworkFault, also when the signal aborts. Opens none. */
  up(owner: string, network: string, signal: AbortSignal): Promise<NetworkSession>
  /** Takes him out of his rooms, then ends it. */
  close(owner: string, network: string, text: string): Promise<void>
  /** Ends all of them, and opens none any more. */
  end(text: string): Promise<void>
  all(): Iterable<{ owner: string; network: string; session: NetworkSession }>
}

export type SessionsOptions = {
  network: Network
  text: Catalogue
  words: Words
  /** Null: he may. Else why not. */
  mayUse(owner: string): Readonly<Record<string, string>> | string | null
  login(owner: string, network: string): Promise<Login | null>
  /** Everybody who is told; the first ones first. */
  events(owner: string, network: string): readonly Partial<SessionEvents>[]
  /** Called before a session is ended. */
  ending(owner: string, network: string, text: string): Promise<void>
  failed(error: unknown): void
  /** Milliseconds UTC. */
  now(): number
}

type Held = {
  owner: string
  network: string
  opening: Promise<NetworkSession>
  session: NetworkSession | null
  isUp: boolean
  /** Why it is not up, when it will not come up by itself. */
  fault: NetworkFault | null
  /** Why the last try failed. */
  last: NetworkFault | null
  waiting: Set<{ since: number; done(): void; failed(fault: NetworkFault): void }>
}

/** Who waits for a network that is tried again later than so long after he came is told why it is not there. */
const PATIENCE_MS = 10_000

const HELLO: readonly (keyof SessionEvents)[] = [
  'up',
  'down',
  'nick',
  'room',
  'out',
  'invited',
  'message',
  'reflected',
  'typing',
  'read',
  'presence',
  'renamed',
  'said',
]

export function openSessions(options: SessionsOptions): Sessions {
  const { network: kind, text } = options
  const held = new Map<string, Held>()
  let isOver = false

  function open(owner: string, network: string, nick?: string): Promise<NetworkSession> {
    const found = held.get(keyOf(owner, network))
    if (found !== undefined) return found.opening
    if (isOver) return Promise.reject(refusalOf(new NetworkFault('down', ''), text))
    const one: Held = {
      owner,
      network,
      opening: Promise.reject(new Error('not yet')),
      session: null,
      isUp: false,
      fault: null,
      last: null,
      waiting: new Set(),
    }
    one.opening.catch(() => {})
    one.opening = start(one, nick).catch((error: unknown) => {
      if (held.get(keyOf(owner, network)) === one) held.delete(keyOf(owner, network))
      throw error
    })
    held.set(keyOf(owner, network), one)
    return one.opening
  }

  async function start(one: Held, nick: string | undefined): Promise<NetworkSession> {
    const { owner, network } = one
    const why = options.mayUse(owner)
    if (why !== null) throw new StanzaError('auth', 'forbidden', why)
    const refused = kind.refuses(network)
    if (refused !== null) throw refusalOf(NetworkFault.readable('not-allowed', refused), text)
    const login = (await options.login(owner, network)) ?? (nick === undefined ? null : { nick })
    if (login === null) throw new StanzaError('auth', 'registration-required', {}, { cause: 'no nick is known' })
    const wrong = kind.wrongNick(network, login.nick)
    if (wrong !== null) throw refusalOf(NetworkFault.readable('nick-invalid', wrong), text)
    if (held.get(keyOf(owner, network)) !== one) throw refusalOf(new NetworkFault('down', ''), text)
    try {
      one.session = kind.open(network, owner, login, withShownNicks(fan(one)))
    } catch (error) {
      throw await refuse(error, options, one)
    }
    return one.session
  }

  /** One listener's fault is not another's, nor the connection's. */
  function fan(one: Held): SessionEvents {
    const listeners = [stateOf(one), ...options.events(one.owner, one.network)]
    const events: Partial<Record<keyof SessionEvents, unknown>> = {}
    for (const name of HELLO)
      events[name] = (...args: unknown[]) => {
        for (const listener of listeners)
          try {
            ;(listener[name] as ((...args: unknown[]) => void) | undefined)?.call(listener, ...args)
          } catch (error) {
            options.failed(error)
          }
      }
    return events as SessionEvents
  }

  function stateOf(one: Held): Partial<SessionEvents> {
    return {
      up() {
        one.isUp = true
        one.fault = null
        one.last = null
        for (const { done } of [...one.waiting]) done()
      },
      down(fault, retryAt) {
        one.isUp = false
        one.fault = retryAt === null ? fault : null
        one.last = fault
        // What is not believed now will not be in a minute: a person has to change something.
        const isFinal = retryAt === null || fault.reason === 'protection'
        for (const { since, failed } of [...one.waiting]) if (isFinal || retryAt - since > PATIENCE_MS) failed(fault)
      },
    }
  }

  async function up(owner: string, network: string, signal: AbortSignal): Promise<NetworkSession> {
    const one = held.get(keyOf(owner, network))
    if (one === undefined) throw new NetworkFault('down', '')
    const session = await one.opening
    if (one.isUp || session.isUp) return session
    if (one.fault !== null) throw one.fault
    if (signal.aborted) throw new NetworkFault('timeout', '')
    return await new Promise<NetworkSession>((resolve, reject) => {
      const settle = () => {
        one.waiting.delete(waiter)
        signal.removeEventListener('abort', late)
      }
      const late = () => waiter.failed(one.last ?? new NetworkFault('timeout', ''))
      const waiter = {
        since: options.now(),
        done() {
          settle()
          resolve(session)
        },
        failed(fault: NetworkFault) {
          settle()
          reject(fault)
        },
      }
      one.waiting.add(waiter)
      signal.addEventListener('abort', late)
    })
  }

  async function close(owner: string, network: string, words: string): Promise<void> {
    const one = held.get(keyOf(owner, network))
    if (one === undefined) return
    await withinSignal(options.ending(owner, network, words), AbortSignal.timeout(LEAVING_MS)).catch(
      (error: unknown) => {
        if (!(error instanceof NetworkFault)) throw error
      },
    )
    if (held.get(keyOf(owner, network)) === one) held.delete(keyOf(owner, network))
    for (const { failed } of [...one.waiting]) failed(NetworkFault.readable('down', words))
    const session = await one.opening.catch(() => null)
    await session?.[Symbol.asyncDispose]()
  }

  return {
    of: (owner, network) => held.get(keyOf(owner, network))?.session ?? null,
    open,
    up,
    close,
    async end(words) {
      isOver = true
      await Promise.all([...held.values()].map(({ owner, network }) => close(owner, network, words)))
    },
    *all() {
      for (const { owner, network, session } of held.values()) if (session !== null) yield { owner, network, session }
    },
  }
}

function keyOf(owner: string, network: string): string {
  return `${bareOf(owner)}\0${network}`
}
