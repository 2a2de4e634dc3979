// SPDX-License-Identifier: Apache-2.0
// What a component's hosts let it do beyond its own addresses, and how it says so to them: XEP-0356 and XEP-0355, each in both
// namespaces, chosen by what the host advertises. PRIVILEGE.md beside this file has the servers and their ways.
import type { Delegated } from '../xep/delegation.ts'
import type { DiscoInfo } from '../xep/disco.ts'
import type { Grants, MessageOnBehalf } from '../xep/privilege.ts'
import type { Element } from '../xml/element.ts'
import type { RosterChange, RosterItem, RosterPush } from '../xmpp/roster.ts'
import type { StanzaError } from '../xmpp/stanza-error.ts'

export type Within = { timeoutMs: number }

/** `as`: bare address of the account; `payload`: one element, with its namespace. */
export type RequestOnBehalf = { as: string; to: string; type: 'get' | 'set'; payload: Payload }
export type Payload = { namespace: string; xml: string }

export type Privileges = {
  /** What the host grants on this connection; null: nothing so far, or it has been taken back. */
  grants(host: string): Grants | null
  /** What the host delegates on this connection, by namespace. */
  delegated(host: string): ReadonlyMap<string, Delegated>
  /** Advertisements come some time after the stream is up. Resolves when it holds, rejects with the signal's reason. */
  until(holds: () => boolean, signal: AbortSignal): Promise<void>
  /**
   * In the name of an account, or of the host. Gives the id of what was written: the server does not confirm it, and what it refuses
   * comes to `refused` with that id. Throws StanzaError: forbidden where it is not granted, wait/recipient-unavailable while the
   * stream is down, not-acceptable when it is larger than a server takes.
   */
  sendMessage(message: MessageOnBehalf): string
  /**
   * An IQ in the name of an account; resolves with the IQ that answered it. Rejects with the StanzaError of that answer, with forbidden
   * where it is not granted, with wait/remote-server-timeout after `timeoutMs` (some servers drop such an IQ without a word). Not for
   * rosters.
   */
  request(request: RequestOnBehalf, within: Within): Promise<Element>
  /** The roster of an account. Rejects as `request` does. */
  roster(account: string, within: Within): Promise<RosterItem[]>
  /**
   * Stores one contact of an account; its clients are told, and no presence is exchanged. One at a time: of several in one IQ
   * ejabberd takes none, and Prosody answers each under the same id.
   */
  setRosterItem(account: string, change: RosterChange, within: Within): Promise<void>
}

/** An IQ of a person that the server hands on. `to` is the bare address that is meant, or the host. */
export type DelegatedIq = {
  host: string
  type: 'get' | 'set'
  from: string
  to: string
  language: string
  payload: Element
}

/** Who answers for a namespace that a host delegates. */
export type Delegate = {
  /** Of the payload; or one of REMAINING. */
  namespace: string
  /** What the server, and each account, is to show of it in service discovery; by default that namespace as a feature. */
  shows?: { server?: DiscoInfo; account?: DiscoInfo }
  /** 'sender': one at a time per sending bare address, in order. 'arrival': started in order, never waiting for one another. */
  order: 'sender' | 'arrival'
  /** Returns the payload of the result (serialised XML, '' for none); throws StanzaError to refuse. */
  answer(iq: DelegatedIq, signal: AbortSignal): Promise<string> | string
  /** Default 10 s, and at most 25 s: ejabberd waits for 32 s, Prosody and the client's user without end. */
  answerWithinMs?: number
}

export type PrivilegeOptions = {
  /**
   * The virtual hosts that this component serves. Only their own addresses are heard: a domain elsewhere, an account or a resource
   * grants nothing.
   */
  hosts: readonly string[]
  delegates?: readonly Delegate[]
  /** The server tells changes of an account's roster (`push`, XEP-0356 §4.4). */
  rosterPush?(account: string, pushes: readonly RosterPush[]): void
  /** A message sent on behalf came back. */
  refused?(id: string, error: StanzaError): void
  /** What a host grants or delegates has changed. */
  changed?(host: string): void
  log: PrivilegeLog
  most?: Partial<PrivilegeBounds>
}

/**
 * `delegated`: delegated IQs in work at once; `perSender`: of one sender, with order 'sender'; `stanzaBytes`: of what is written to the
 * server, since Prosody closes the stream of a component over 512 KiB; `remembered`: messages sent whose refusal would be recognised.
 */
export type PrivilegeBounds = { delegated: number; perSender: number; stanzaBytes: number; remembered: number }

export const DEFAULT_BOUNDS: PrivilegeBounds = {
  delegated: 1_000,
  perSender: 50,
  stanzaBytes: 500_000,
  remembered: 10_000,
}

/** One line with fields; never the text of a stanza. */
export type PrivilegeLog = Record<
  'info' | 'warn' | 'error',
  (event: string, fields?: Readonly<Record<string, unknown>>) => void
>
