// SPDX-License-Identifier: Apache-2.0
// Several servers that hold the same directory: one is asked until it fails, then the next.
import { SourceFault } from '../domain/source.ts'
import { type Connection, type ConnectionSettings, connect } from './connection.ts'

export type Servers = AsyncDisposable & {
  /** A connection of its own, for a long reading. */
  open(signal: AbortSignal): Promise<Connection>
  /** That connection failed in the middle of its work: the next one is to another server, where there is one. */
  failed(connection: Connection): void
  /** Runs `work` on the connection that is kept, one after the other; once more on a new one where the kept one had died meanwhile. */
  use<T>(work: (connection: Connection) => Promise<T>, signal: AbortSignal): Promise<T>
}

/** `urls` in the order of preference. What fails is tried again only at the next call: the pause is the caller's. */
export function openServers(urls: readonly string[], settings: Omit<ConnectionSettings, 'url'>): Servers {
  let first = 0
  let kept: Connection | null = null
  let turn: Promise<unknown> = Promise.resolve()

  async function open(signal: AbortSignal): Promise<Connection> {
    const faults: SourceFault[] = []
    for (let tried = 0; tried < urls.length; tried += 1) {
      const at = (first + tried) % urls.length
      try {
        const connection = await connect({ ...settings, url: urls[at] ?? '' }, signal)
        first = at
        return connection
      } catch (error) {
        // Who is refused by one is refused by all, and each wrong password brings the lock of the account nearer.
        if (!(error instanceof SourceFault) || !isPassing(error)) throw error
        faults.push(error)
      }
    }
    throw new SourceFault('away', faults.map(({ message }) => message).join('; '), { cause: faults.at(-1) })
  }

  async function onKept<T>(work: (connection: Connection) => Promise<T>, signal: AbortSignal): Promise<T> {
    const old = kept?.usable === true ? kept : null
    const connection = old ?? (await open(signal))
    kept = connection
    try {
      return await work(connection)
    } catch (error) {
      if (connection.usable) throw error
      kept = null
      if (old !== null && error instanceof SourceFault && isPassing(error)) return onKept(work, signal)
      failed(connection)
      throw error
    }
  }

  function failed(connection: Connection): void {
    if (connection.url === urls[first]) first = (first + 1) % urls.length
  }

  return {
    open,
    failed,
    use(work, signal) {
      const run = turn.then(() => onKept(work, signal))
      turn = run.catch(() => {})
      return run
    },
    async [Symbol.asyncDispose]() {
      await turn
      await kept?.[Symbol.asyncDispose]()
    },
  }
}

function isPassing({ reason }: SourceFault): boolean {
  return reason === 'away' || reason === 'half' || reason === 'late'
}
