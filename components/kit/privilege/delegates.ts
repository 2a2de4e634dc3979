// SPDX-License-Identifier: Apache-2.0
// XEP-0355: answers what a host hands on, each IQ exactly once and in time. A refusal is an answer too and goes inside the server's
// result; an error to the server itself is only for who may not ask. A fault of a handler is logged once, as the router does.
import type { Iq, IqRoute, Nodes } from '../router/router.ts'
import { Turns } from '../router/turns.ts'
import {
  DELEGATION,
  type ForwardedIq,
  REMAINING,
  readForwarded,
  readNestingNode,
  writeForwarded,
} from '../xep/delegation.ts'
import type { DiscoInfo } from '../xep/disco.ts'
import { bareOf, domainOf, resourceOf, sameJid } from '../xmpp/jid.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import type { Hosts } from './hosts.ts'
import type { Delegate, DelegatedIq, PrivilegeBounds, PrivilegeOptions } from './privileges.ts'

const WITHIN_MS = 10_000
const WITHIN_MOST_MS = 25_000
/** The router's own deadline only stands behind ours: its error would not reach who asked (see writeForwarded). */
const ROUTER_WITHIN_MS = 30_000

export class Delegates {
  readonly #domain: string
  readonly #hosts: Hosts
  readonly #log: PrivilegeOptions['log']
  readonly #most: PrivilegeBounds
  readonly #delegates: ReadonlyMap<string, Delegate>
  readonly #turns: Turns
  #inWork = 0

  constructor(domain: string, hosts: Hosts, most: PrivilegeBounds, { delegates = [], log }: PrivilegeOptions) {
    this.#domain = domain
    this.#hosts = hosts
    this.#log = log
    this.#most = most
    this.#turns = new Turns(most.perSender)
    this.#delegates = new Map(delegates.map((one) => [one.namespace, one]))
    const late = delegates.find(({ answerWithinMs = 0 }) => answerWithinMs > WITHIN_MOST_MS)
    if (late !== undefined)
      throw new RangeError(`${late.namespace}: an answer within ${late.answerWithinMs} ms is too late for the server`)
  }

  get routes(): readonly IqRoute[] {
    return Object.values(DELEGATION).map((namespace) => ({
      type: 'set',
      namespace,
      name: 'delegation',
      order: 'arrival',
      answerWithinMs: ROUTER_WITHIN_MS,
      answer: (iq) => this.#take(iq),
    }))
  }

  /** The nodes that a host asks about before it delegates (§7.2), and below them those of the component itself. */
  nodes(own: Nodes | undefined): Nodes {
    return {
      features: (iq) => own?.features(iq) ?? [],
      info: (node, iq) => this.#info(node, iq) ?? own?.info(node, iq) ?? null,
      items: (node, iq) => own?.items(node, iq) ?? null,
    }
  }

  #info(node: string, iq: Iq): DiscoInfo | null {
    const nesting = readNestingNode(node)
    if (nesting === null || this.#hosts.hostOf(iq.from) === null) return null
    const { about, namespace } = nesting
    const delegate = this.#delegates.get(namespace)
    if (delegate === undefined) return null
    return delegate.shows?.[about] ?? { identities: [], features: [namespace] }
  }

  #take(asked: Iq): Promise<string> | string {
    const host = this.#hosts.hostOf(asked.from)
    if (host === null || !sameJid(asked.to, this.#domain)) {
      this.#log.warn('a delegated request was ignored', { from: bareOf(asked.from), to: bareOf(asked.to) })
      throw new StanzaError('cancel', 'service-unavailable')
    }
    const iq = readForwarded(asked.payload)
    const to = iq.to ?? bareOf(iq.from)
    // §4.3: only what is for the host itself or for an account of its own is handed on.
    if (domainOf(to) !== host || resourceOf(to) !== '')
      throw new StanzaError('modify', 'bad-request', {}, { cause: 'not of this host' })
    const delegate = this.#delegateFor(iq)
    const refuse = (error: StanzaError) => this.#write(iq, error)
    if (delegate === undefined) return refuse(new StanzaError('cancel', 'service-unavailable'))
    if (this.#inWork >= this.#most.delegated) {
      this.#log.warn('too much is delegated at once', { host, namespace: delegate.namespace })
      return refuse(new StanzaError('wait', 'resource-constraint'))
    }
    const { type, from, language, payload } = iq
    return this.#run(delegate, iq, { host, type, from, to, language: language || asked.language, payload })
  }

  #delegateFor({ payload }: ForwardedIq): Delegate | undefined {
    const namespace = payload.getNS() ?? ''
    const remaining = { [NS.discoInfo]: REMAINING.discoInfo, [NS.discoItems]: REMAINING.discoItems }[namespace]
    return this.#delegates.get(remaining ?? namespace)
  }

  /** Settles with the first of answer and deadline; a turn that has not come by then is not taken. */
  async #run(delegate: Delegate, iq: ForwardedIq, asked: DelegatedIq): Promise<string> {
    const controller = new AbortController()
    const { promise, resolve } = Promise.withResolvers<string | StanzaError>()
    const within = delegate.answerWithinMs ?? WITHIN_MS
    const timer = setTimeout(() => {
      const late = new StanzaError('wait', 'remote-server-timeout')
      this.#log.warn('a delegated request was not answered in time', {
        namespace: delegate.namespace,
        withinMs: within,
      })
      controller.abort(late)
      resolve(late)
    }, within)
    timer.unref()
    const work = async () => {
      if (controller.signal.aborted) return
      void this.#answer(delegate, asked, controller.signal).then(resolve)
      await promise
    }
    if (delegate.order === 'arrival') void work()
    else if (this.#turns.take(bareOf(iq.from), work) === null) {
      clearTimeout(timer)
      return this.#write(iq, new StanzaError('wait', 'resource-constraint'))
    }
    this.#inWork++
    try {
      return this.#write(iq, await promise)
    } finally {
      this.#inWork--
      clearTimeout(timer)
    }
  }

  async #answer(delegate: Delegate, asked: DelegatedIq, signal: AbortSignal): Promise<string | StanzaError> {
    try {
      return await delegate.answer(asked, signal)
    } catch (error) {
      return this.#told(error, delegate)
    }
  }

  #write(iq: ForwardedIq, answer: string | StanzaError): string {
    const xml = writeForwarded(iq, answer)
    if (Buffer.byteLength(xml) <= this.#most.stanzaBytes) return xml
    this.#log.error('an answer is larger than a server takes', { bytes: Buffer.byteLength(xml) })
    return writeForwarded(iq, new StanzaError('cancel', 'internal-server-error'))
  }

  #told(error: unknown, { namespace }: Delegate): StanzaError {
    if (error instanceof StanzaError) {
      if (error.cause !== undefined)
        this.#log.warn('refused', { namespace, condition: error.condition, error: error.cause })
      return error
    }
    this.#log.error('a handler failed', { namespace, error })
    return new StanzaError('cancel', 'internal-server-error', {}, { cause: error })
  }
}
