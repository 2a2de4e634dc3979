// SPDX-License-Identifier: Apache-2.0
// Whose accounts on other networks are whose, as transports publish it: followed, and held in memory.
import { openSnapshotReader } from '../kit/bus/file-snapshot-reader.ts'
import type { Mark, Step } from '../kit/bus/snapshot.ts'
import { accountKey, readAccount } from '../kit/facts/accounts.ts'
import type { Foreign } from '../kit/facts/facts.ts'
import { bareOf } from '../kit/xmpp/jid.ts'

export type Accounts = Disposable & {
  /** Bare JID of the person whose account it is; null where this transport does not say. */
  personOf(transport: string, foreign: Foreign): string | null
  /** How many are known. */
  count(): number
}

export type AccountsOptions = {
  transports: readonly { domain: string; accounts: string }[]
  /** A snapshot cannot be read, or (null) can again. What was read stays in force. */
  fault(folder: string, error: Error | null): void
}

const AGAIN_MS = 1_000

export function followAccounts({ transports, fault }: AccountsOptions): Accounts {
  const stop = new AbortController()
  const tables = new Map(transports.map(({ domain }) => [domain, new Table()]))
  for (const { domain, accounts } of transports) void follow(accounts, tables.get(domain) ?? new Table())

  async function follow(folder: string, table: Table): Promise<void> {
    await using reader = openSnapshotReader(folder)
    let failed = false
    while (!stop.signal.aborted) {
      try {
        for await (const step of reader.follow(table.mark, { signal: stop.signal })) {
          table.take(step)
          if (failed && step.kind === 'commit') {
            failed = false
            fault(folder, null)
          }
        }
      } catch (error) {
        if (!failed) fault(folder, error instanceof Error ? error : new Error(String(error)))
        failed = true
        await pause(stop.signal)
      }
    }
  }

  return {
    personOf: (transport, { server, account }) =>
      account === undefined ? null : (tables.get(transport)?.people.get(accountKey({ server, account })) ?? null),
    count: () => [...tables.values()].reduce((sum, { people }) => sum + people.size, 0),
    [Symbol.dispose]: () => stop.abort(),
  }
}

function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, AGAIN_MS)
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise.finally(() => clearTimeout(timer))
}

/** What is read stands aside until its version is whole. */
class Table {
  people = new Map<string, string>()
  mark: Mark | null = null
  #coming = new Map<string, string>()

  take(step: Step): void {
    if (step.kind === 'begin') this.#coming = step.whole ? new Map() : new Map(this.people)
    else if (step.kind === 'batch') {
      for (const item of step.put) {
        const account = readAccount(item)
        if (account) this.#coming.set(item.key, bareOf(account.jid))
      }
      for (const key of step.removed) this.#coming.delete(key)
    } else {
      this.people = this.#coming
      this.mark = { id: step.id, seq: step.seq }
    }
  }
}
