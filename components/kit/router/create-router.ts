// SPDX-License-Identifier: Apache-2.0
// Stops 3 and 8: a stanza finds its one handler by kind, type, namespace and element; each iq get or set gets exactly one answer,
// and only from here. An error is never answered with an error (RFC 6120 §8.3.1).
import type { Element } from '../xml/element.ts'
import type { ReadStanza } from '../xml/reader.ts'
import { escapeAttribute } from '../xml/writer.ts'
import { bareOf, parseJid } from '../xmpp/jid.ts'
import { admit, type Stanza, type StanzaOf } from '../xmpp/stanza.ts'
import { StanzaError, writeError } from '../xmpp/stanza-error.ts'
import { builtInRoutes } from './built-in.ts'
import { Requests } from './requests.ts'
import {
  DEFAULT_BOUNDS,
  type Iq,
  type IqRoute,
  type Link,
  type LinkEvents,
  type Router,
  type RouterCounts,
  type RouterOptions,
} from './router.ts'
import { Turns } from './turns.ts'

/** `open` gets what the stream is to tell: `createRouter(options, (events) => openStream(streamOptions, events))`. */
export function createRouter<L extends Link>(options: RouterOptions, open: (events: LinkEvents) => L): Router<L> {
  const { domain, log } = options
  const bounds = { ...DEFAULT_BOUNDS, ...options.most }
  const counts: RouterCounts = { results: 0, errors: 0, late: 0, unanswerable: 0 }
  const routes = new Map<string, IqRoute>()
  for (const route of [...builtInRoutes(options), ...options.routes])
    routes.set(keyOf(route.type, route.namespace, route.name), route)
  const turns = new Turns(bounds.perSender)
  let atWork = 0
  const requests = new Requests(domain, bounds.requests, (xml) => stream.send(xml))
  const stream: L = open({ take, down: (reason) => requests.failAll(reason) })

  function take(received: ReadStanza): Promise<void> | undefined {
    let stanza: Stanza
    try {
      stanza = admit(received.element)
    } catch (error) {
      refuseUnadmitted(received.element, error)
      return undefined
    }
    if (stanza.kind === 'iq') {
      if (stanza.type === 'get' || stanza.type === 'set') return takeIq(stanza, received)
      requests.settle(stanza)
      return undefined
    }
    if (stanza.type !== 'error') return takeOther(stanza, received)
    takeBounced(stanza)
    return undefined
  }

  function takeIq(stanza: StanzaOf<'iq'> & { type: 'get' | 'set' }, received: ReadStanza): Promise<void> | undefined {
    const { payload, id, from, to } = stanza
    const about = { payload: payload.getName(), namespace: payload.getNS() ?? '' }
    const reply = onceReply({ id, from, to, language: stanza.language }, about)
    const route = routes.get(keyOf(stanza.type, about.namespace, about.payload))
    if (route === undefined) {
      reply(new StanzaError('cancel', 'service-unavailable'))
      return undefined
    }
    if (atWork >= bounds.inWork) {
      reply(new StanzaError('wait', 'resource-constraint', {}, { cause: 'too much is in work' }))
      return undefined
    }
    const iq: Iq = {
      type: stanza.type,
      id,
      from,
      to,
      language: stanza.language,
      payload,
      slice: (child) => received.slice(child),
    }
    const work = () => run(route, iq, reply)
    if (route.order === 'arrival') return counted(work())
    const turn = turns.take(bareOf(from), work)
    if (turn === null) {
      reply(new StanzaError('wait', 'resource-constraint', {}, { cause: 'too many requests of yours are in work' }))
      return undefined
    }
    return counted(turn)
  }

  /** Starts the handler at once; settles when it has answered, or its time is over. */
  function run(route: IqRoute, iq: Iq, reply: Reply): Promise<void> | undefined {
    const controller = new AbortController()
    let outcome: Promise<string> | string
    try {
      outcome = route.answer(iq, controller.signal)
    } catch (error) {
      reply(error)
      return undefined
    }
    if (typeof outcome === 'string') {
      reply(outcome)
      return undefined
    }
    const pending = outcome
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          const timeout = new StanzaError('wait', 'remote-server-timeout', {}, { cause: 'no answer in time' })
          controller.abort(timeout)
          reply(timeout)
          resolve()
        },
        route.answerWithinMs ?? options.answerWithinMs ?? 10_000,
      )
      // A process that has closed its stream does not wait for deadlines.
      timer.unref()
      const settle = (answer: unknown) => {
        clearTimeout(timer)
        reply(answer)
        resolve()
      }
      pending.then(settle, (error: unknown) => settle(error instanceof Error ? error : new Error(String(error))))
    })
  }

  /**
   * A string is the payload of the result, anything else an error. Only the first counts. It holds no element: until the answer
   * comes, what was read would live on, and the collector would copy it.
   */
  function onceReply(stanza: Asker, about: { payload: string; namespace: string }): Reply {
    let answered = false
    return (answer) => {
      if (answered) {
        counts.late++
        return
      }
      answered = true
      if (typeof answer === 'string') {
        counts.results++
        const addresses = `id='${escapeAttribute(stanza.id)}' from='${escapeAttribute(stanza.to)}' to='${escapeAttribute(stanza.from)}'`
        stream.reply(
          answer === '' ? `<iq type='result' ${addresses}/>` : `<iq type='result' ${addresses}>${answer}</iq>`,
        )
        return
      }
      replyError('iq', stanza, told(answer, { kind: 'iq', from: bareOf(stanza.from), ...about }))
    }
  }

  function takeOther(stanza: StanzaOf<'message' | 'presence'>, received: ReadStanza): Promise<void> | undefined {
    const fail = (error: unknown) =>
      replyError(stanza.kind, stanza, told(error, { kind: stanza.kind, from: bareOf(stanza.from) }))
    try {
      const work = stanza.kind === 'message' ? takeMessage(stanza, received) : options.presence?.(stanza, received)
      return work instanceof Promise ? counted(work.catch(fail)) : undefined
    } catch (error) {
      fail(error)
      return undefined
    }
  }

  function takeBounced(stanza: StanzaOf<'message' | 'presence'>): void {
    try {
      options.bounced?.(stanza)
    } catch (error) {
      log.error('a handler failed', { kind: stanza.kind, from: bareOf(stanza.from), error })
    }
  }

  function takeMessage(message: StanzaOf<'message'>, received: ReadStanza): void | Promise<void> {
    if (options.message !== undefined) return options.message(message, received)
    // RFC 6121 §8.5.1: a headline that cannot be delivered is dropped in silence.
    if (message.type !== 'headline') throw new StanzaError('cancel', 'service-unavailable')
  }

  function replyError(kind: Stanza['kind'], to: Asker, error: StanzaError): void {
    counts.errors++
    const id = to.id === '' ? '' : ` id='${escapeAttribute(to.id)}'`
    stream.reply(
      `<${kind} type='error'${id} from='${escapeAttribute(to.to)}' to='${escapeAttribute(to.from)}'>${writeError(error, to.language || 'en')}</${kind}>`,
    )
  }

  /** What the sender may know of a failure. A fault is logged here, once, and told as internal-server-error. */
  function told(error: unknown, about: Readonly<Record<string, unknown>>): StanzaError {
    if (error instanceof StanzaError) {
      if (error.cause !== undefined) log.warn('refused', { ...about, condition: error.condition, error: error.cause })
      return error
    }
    log.error('a handler failed', { ...about, error })
    return new StanzaError('cancel', 'internal-server-error', {}, { cause: error })
  }

  /** Not admitted: answered where that is possible and allowed, else counted. */
  function refuseUnadmitted(element: Element, error: unknown): void {
    const { from = '', to = '', type, id = '' } = element.attrs
    const kind = element.getName()
    const answerable =
      kind === 'iq' ? type !== 'result' && type !== 'error' && id !== '' : type !== 'error' && kind === 'message'
    if (!answerable || parseJid(from) === null || !(error instanceof StanzaError)) {
      counts.unanswerable++
      log.warn('a stanza was dropped', { kind, error: error instanceof StanzaError ? error.condition : error })
      return
    }
    const sender = parseJid(to) === null ? domain : to
    replyError(
      kind === 'iq' ? 'iq' : 'message',
      { id, from, to: sender, language: element.attrs['xml:lang'] ?? '' },
      error,
    )
  }

  function counted(work: Promise<void> | undefined): Promise<void> | undefined {
    if (work === undefined) return undefined
    atWork++
    return work.finally(() => {
      atWork--
    })
  }

  return {
    stream,
    counts,
    inWork: () => atWork,
    request: (to, payloadXml, { timeoutMs, type = 'set' }) => requests.send(type, to, payloadXml, timeoutMs),
  }
}

type Reply = (answer: unknown) => void
type Asker = { id: string; from: string; to: string; language: string }

function keyOf(type: string, namespace: string, name: string): string {
  return `${type} ${namespace} ${name}`
}
