// SPDX-License-Identifier: Apache-2.0
// Whose accounts on other networks are whose, as transports publish it: followed, and held in memory.
import { followSnapshot, SnapshotTable } from '../kit/bus/follow-snapshot.ts'
import type { Item } from '../kit/bus/snapshot.ts'
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

export function followAccounts({ transports, fault }: AccountsOptions): Accounts {
  const tables = new Map(transports.map(({ domain }) => [domain, new SnapshotTable(personIn)]))
  const followed = transports.map(({ domain, accounts }) =>
    followSnapshot(accounts, {
      take: (step) => tables.get(domain)?.take(step),
      changed() {},
      fault: (error) => fault(accounts, error),
    }),
  )
  return {
    personOf: (transport, { server, account }) =>
      account === undefined ? null : (tables.get(transport)?.rows.get(accountKey({ server, account })) ?? null),
    count: () => [...tables.values()].reduce((sum, { rows }) => sum + rows.size, 0),
    [Symbol.dispose]() {
      for (const one of followed) void one[Symbol.asyncDispose]()
    },
  }
}

function personIn(item: Item): string | null {
  const account = readAccount(item)
  return account ? bareOf(account.jid) : null
}
