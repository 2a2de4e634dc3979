// SPDX-License-Identifier: Apache-2.0
// What is kept of people who use a transport, and what they log in with: the component hands both in.
import type { Login } from '../network.ts'

/** All of it is at hand; what is set is on disk when the promise resolves. Null takes it away. Names hold no secret. */
export type Keep = {
  read<T>(kind: KeptKind, name: string): T | null
  list<T>(kind: KeptKind): readonly { name: string; body: T }[]
  set(kind: KeptKind, name: string, body: unknown): Promise<void>
}

/**
 * Of a person on a network; of somebody there in his contacts; of an account there and whose it is; of a room among his bookmarks; up to when he
 * was told what is said to him on a network.
 */
export type KeptKind = 'registration' | 'contact' | 'account' | 'bookmark' | 'heard'

/** Null takes a part away. */
export type LoginChange = Readonly<{
  nick?: string | null
  account?: string | null
  secret?: string | null
  certificate?: { key: string; cert: string } | null
  name?: string | null
  afterwards?: readonly string[] | null
}>

export type LoginShown = { nick: string | null; account: string | null; name: string | null; hasSecret: boolean }

export type PersonLogins = {
  /** 'no-key': there is none to encrypt what is secret, so nothing is kept. */
  set(owner: string, network: string, change: LoginChange): Promise<'kept' | 'no-key'>
  shown(owner: string, network: string): Promise<LoginShown>
  /** Null: nothing is kept. `sealed`: what is secret was sealed with a key that is not here. */
  login(owner: string, network: string): Login | null | 'sealed'
}
