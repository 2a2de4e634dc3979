// SPDX-License-Identifier: Apache-2.0
// Whose accounts on other networks are whose, as items of the snapshot that a transport publishes: policy names by them who said something
// there. Version 1. Page: ACCOUNTS.md.
import { isObject, type Shape, shape, time, word } from './shapes.ts'

/** `by`: the person said so and proved it by logging in there, or an operator did. */
export type AccountItem = {
  kind: 'network-account'
  /** The kind of network, such as irc, and which one. */
  network: string
  server: string
  /** Login at that network, as it is compared there. */
  account: string
  /** Bare JID of the person. */
  jid: string
  by: 'person' | 'operator'
  at: string
}

/** The same shape as the snapshot's own `Item`. */
export type AccountEntry = { key: string; kind: string; version: number; body: string }

/** The body of an item is not what its kind promises. */
export class AccountFault extends Error {
  override name = 'AccountFault'
}

export const ACCOUNTS_VERSION = 1

/** `account/SERVER/ACCOUNT`, both in lower case: what is told apart by more than that there is one here. */
export function accountKey({ server, account }: Pick<AccountItem, 'server' | 'account'>): string {
  return `account/${server.toLowerCase()}/${account.normalize('NFC').toLowerCase()}`
}

export function writeAccount(item: AccountItem): AccountEntry {
  return { key: accountKey(item), kind: item.kind, version: ACCOUNTS_VERSION, body: JSON.stringify(item) }
}

/** Null for a kind or a version that this program does not know. Throws AccountFault. Fields that it does not know stay in the value. */
export function readAccount({ key, kind, version, body }: AccountEntry): AccountItem | null {
  if (kind !== 'network-account' || version !== ACCOUNTS_VERSION) return null
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw new AccountFault(`${key}: a JSON object is wanted`, { cause })
  }
  if (!isObject(value)) throw new AccountFault(`${key}: a JSON object is wanted`)
  for (const [name, { wanted, fits }] of accountFields)
    if (!fits(value[name])) throw new AccountFault(`${key}: ${name}: ${wanted} is wanted`)
  const item = value as AccountItem
  if (accountKey(item) !== key) throw new AccountFault(`${key}: it says that it is ${accountKey(item)}`)
  return item
}

const shapes: { [K in keyof AccountItem]: Shape } = {
  kind: shape('network-account', (value) => value === 'network-account'),
  network: word,
  server: word,
  account: word,
  jid: word,
  by: shape('person or operator', (value) => value === 'person' || value === 'operator'),
  at: time,
}

export const accountFields: readonly (readonly [name: string, shape: Shape])[] = Object.entries(shapes)
