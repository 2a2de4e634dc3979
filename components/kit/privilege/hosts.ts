// SPDX-License-Identifier: Apache-2.0
// What each host has said it grants and delegates. It holds for one connection: servers say it anew after each handshake.
import { Waiters } from '../stream/waiters.ts'
import { type Delegated, readDelegated } from '../xep/delegation.ts'
import { findPrivilege, type Grants, readGrants } from '../xep/privilege.ts'
import type { Element } from '../xml/element.ts'
import { bareOf, resourceOf, sameJid } from '../xmpp/jid.ts'
import type { PrivilegeOptions } from './privileges.ts'

type Said = { grants: Grants | null; delegated: Map<string, Delegated> }

/** For the operator. */
export const SECOND_CONNECTION =
  'on ejabberd a second connection of this component ends its privileges when it closes; connect again'

export class Hosts {
  readonly #domain: string
  readonly #log: PrivilegeOptions['log']
  readonly #changed: (host: string) => void
  readonly #known: ReadonlySet<string>
  readonly #said = new Map<string, Said>()
  readonly #waiters = new Waiters()

  constructor(domain: string, { hosts, log, changed = () => {} }: PrivilegeOptions) {
    this.#domain = domain
    this.#log = log
    this.#changed = changed
    this.#known = new Set(hosts.map(bareOf))
  }

  /** The host whose own address this is; null for a domain elsewhere, an account, a resource. */
  hostOf(address: string): string | null {
    const host = bareOf(address)
    return resourceOf(address) === '' && this.#known.has(host) ? host : null
  }

  grants(host: string): Grants | null {
    return this.#said.get(bareOf(host))?.grants ?? null
  }

  delegated(host: string): ReadonlyMap<string, Delegated> {
    return this.#said.get(bareOf(host))?.delegated ?? new Map()
  }

  until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    return this.#waiters.until(holds, signal)
  }

  /** True: the message was an advertisement, or claimed to be one; it goes no further. */
  take(message: Element): boolean {
    const privilege = findPrivilege(message)
    const delegated = readDelegated(message)
    if (privilege === null && delegated === null) return false
    const { from = '', to = '', type } = message.attrs
    const host = this.hostOf(from)
    if (host === null || type === 'error' || !sameJid(to, this.#domain)) {
      this.#log.warn('an advertisement of privileges was ignored', { from: bareOf(from), to: bareOf(to) })
      return true
    }
    const said = this.#said.get(host) ?? { grants: null, delegated: new Map() }
    this.#said.set(host, said)
    if (privilege !== null) this.#takeGrants(host, said, readGrants(privilege.version, privilege.privilege))
    for (const one of delegated ?? []) {
      // ejabberd sends a message for each namespace (two, in fact), so they add up; of two versions the later counts.
      if ((said.delegated.get(one.namespace)?.version ?? 0) > one.version) continue
      said.delegated.set(one.namespace, one)
      this.#log.info('a namespace is delegated', { host, namespace: one.namespace, version: one.version })
    }
    this.#tell(host)
    return true
  }

  /** The server refused what it had granted: another connection of this name was closed, and ejabberd then takes all back. */
  withdraw(host: string): void {
    const said = this.#said.get(bareOf(host))
    if (said === undefined || said.grants === null) return
    said.grants = null
    this.#log.error('the server refuses what it had granted', { host, advice: SECOND_CONNECTION })
    this.#tell(host)
  }

  /** The connection is gone, and all that was said on it. */
  clear(): void {
    const hosts = [...this.#said.keys()]
    this.#said.clear()
    for (const host of hosts) this.#tell(host)
  }

  #takeGrants(host: string, said: Said, grants: Grants): void {
    if ((said.grants?.version ?? 0) > grants.version) return
    said.grants = grants
    const { version, roster, message, presence, iq } = grants
    const granted = [...iq].map(
      ([namespace, { get, set }]) => `${namespace} ${get && set ? 'both' : get ? 'get' : 'set'}`,
    )
    this.#log.info('privileges granted', {
      host,
      version,
      rosterGet: roster.get,
      rosterSet: roster.set,
      message,
      presence,
      iq: granted,
    })
  }

  #tell(host: string): void {
    this.#changed(host)
    this.#waiters.wake()
  }
}
