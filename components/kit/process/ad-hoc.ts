// SPDX-License-Identifier: Apache-2.0
// The declared commands of a process as XEP-0050 ad-hoc commands: a form, then pages of what the command says. Who asks is whom the
// XMPP server names (people.ts); rights, facts and outcomes are those of the socket (admission.ts).
import { randomBytes } from 'node:crypto'
import type { Iq, IqRoute, Nodes } from '../router/router.ts'
import type { Catalogue } from '../text/catalogue.ts'
import {
  COMMANDS_NODE,
  type CommandAnswer,
  type CommandRequest,
  commandIdentity,
  listIdentity,
  type Note,
  readCommand,
  refused,
  sessionExpired,
  writeCommand,
} from '../xep/commands.ts'
import { FormFault, readSubmitted, writeForm } from '../xep/data-forms.ts'
import { normalJid, sameJid } from '../xmpp/jid.ts'
import { NS } from '../xmpp/namespaces.ts'
import { StanzaError } from '../xmpp/stanza-error.ts'
import { commandFor, formOf, menuName, readForm, wrongInForm } from './ad-hoc-form.ts'
import { writePage } from './ad-hoc-page.ts'
import { type RunBounds, startRun } from './ad-hoc-run.ts'
import { type AdHocSession, AdHocSessions, type SessionBounds } from './ad-hoc-sessions.ts'
import { admit, deny, endedBy, mayHave } from './admission.ts'
import type { SaidArgs } from './arguments.ts'
import { type Args, type Caller, type Command, type Denied, EXIT, type Hosts, hostsFor } from './command.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { untilAborted } from './until-aborted.ts'

/** What a component says; the rest the skeleton knows. */
export type Offered = {
  domain: string
  commands(): readonly Command[]
  /** Settled before a caller without the right is refused. */
  denied(denied: Denied): Promise<void>
  /** Virtual hosts whose accounts may have what anyone may, beside those of the shared settings. */
  guests?: readonly string[]
  bounds?: Partial<AdHocBounds>
}

export type AdHoc = {
  /** For the component's router. */
  routes: readonly IqRoute[]
  nodes: Nodes
  /** Ends every session; nothing new is taken. */
  close(): void
}

export type AdHocBounds = RunBounds &
  SessionBounds & { formFields: number; formSize: number; running: number; runMs: number }

const BOUNDS: AdHocBounds = {
  perPerson: 4,
  inAll: 32,
  idleMs: 600_000,
  formFields: 100,
  formSize: 65_536,
  running: 16,
  /** One that nobody waits for, such as an export, goes on for so long. */
  runMs: 3_600_000,
  pageItems: 25,
  pageSize: 65_536,
  aheadSize: 131_072,
  keptSize: 262_144,
  pageMs: 5_000,
  settleMs: 500,
}

/** The router's deadline of a step; within it a look waits for the disk. */
const ANSWER_WITHIN_MS = 60_000
const SWEEP_MS = 30_000

export type AdHocOptions = Offered & {
  /** Whose name the `from` of a stanza is; null for somebody of whom this process knows nothing. */
  callerOf(from: string): Caller | null
  text: Catalogue
  log: Log
  metrics: Pick<Metrics, 'gauge'>
  now(): number
}

export function openAdHoc(options: AdHocOptions): AdHoc {
  const { text, log, domain } = options
  const bounds = { ...BOUNDS, ...options.bounds }
  const sessions = new AdHocSessions(bounds, options.now)
  options.metrics.gauge('ad_hoc_sessions', 'Sessions of ad-hoc commands that are open', () => sessions.size)
  let running = 0
  let closed = false
  const sweeping = setInterval(() => sessions.sweep(), SWEEP_MS)
  sweeping.unref()
  const route: IqRoute = {
    type: 'set',
    namespace: NS.commands,
    name: 'command',
    // A step may wait for the next row; what the same person does meanwhile, such as cancelling, must not wait behind it.
    order: 'arrival',
    hidden: true,
    answerWithinMs: ANSWER_WITHIN_MS,
    answer: (iq, signal) => answer(iq, signal),
  }
  return {
    routes: [route],
    nodes: { features: (iq) => (offeredTo(iq).length > 0 ? [NS.commands] : []), info, items },
    close() {
      closed = true
      clearInterval(sweeping)
      sessions.close()
    },
  }

  function offeredTo(iq: Iq): readonly Command[] {
    const caller = options.callerOf(iq.from)
    return caller === null ? [] : options.commands().filter((one) => mayHave(one, caller))
  }

  function info(node: string, iq: Iq) {
    const offered = offeredTo(iq)
    const features = [NS.commands, NS.dataForms]
    if (node === COMMANDS_NODE) {
      if (offered.length === 0) return null
      const name = text.say('kit-ad-hoc-list', iq.language)
      return { identities: [listIdentity(name)], features: [NS.commands] }
    }
    const command = commandAt(node)
    if (command === undefined) return null
    // XEP-0050 §2.2
    if (!offered.includes(command)) throw new StanzaError('auth', 'forbidden')
    return { identities: [commandIdentity(menuName(command, text, iq.language))], features }
  }

  function items(node: string, iq: Iq) {
    if (node !== COMMANDS_NODE) return commandAt(node) === undefined ? null : []
    const named = (one: Command) => ({ jid: domain, node: nodeOf(one), name: menuName(one, text, iq.language) })
    return offeredTo(iq).map(named)
  }

  function commandAt(node: string): Command | undefined {
    return options.commands().find((one) => nodeOf(one) === node)
  }

  async function answer(iq: Iq, signal: AbortSignal): Promise<string> {
    if (!sameJid(iq.to, domain)) throw new StanzaError('cancel', 'service-unavailable')
    const request = readCommand(iq.payload)
    const command = commandAt(request.node)
    if (command === undefined) throw new StanzaError('cancel', 'item-not-found')
    return writeCommand(
      request.session === undefined
        ? await open(iq, request, command, signal)
        : await goOn(iq, request, request.session, signal),
    )
  }

  async function open(iq: Iq, request: CommandRequest, command: Command, signal: AbortSignal): Promise<CommandAnswer> {
    const language = text.nearest(request.language || iq.language)
    const said = request.form === undefined ? {} : readFilled(command, request)
    const caller = options.callerOf(iq.from) ?? strangerOf(iq.from)
    if (!mayHave(command, caller)) return refuse(deny(command, said, caller, { text, language }), language, signal)
    if (request.action !== 'execute') throw refused('bad-action')
    if (closed) throw new StanzaError('wait', 'resource-constraint', text.inAll('kit-stopping'))
    const session = sessions.open({
      id: randomBytes(16).toString('hex'),
      owner: normalJid(iq.from),
      caller,
      command,
      language,
    })
    if (session === null) throw new StanzaError('wait', 'resource-constraint', text.inAll('kit-busy'))
    return step(session, signal, () =>
      commandFor(command, caller).parameters.length === 0 || request.form !== undefined
        ? submit(session, said, signal)
        : askFor(session, said),
    )
  }

  async function goOn(iq: Iq, request: CommandRequest, id: string, signal: AbortSignal): Promise<CommandAnswer> {
    const session = sessions.find(id, normalJid(iq.from))
    if (session === 'over') throw sessionExpired(text.inAll('kit-ad-hoc-expired'))
    if (session === null || nodeOf(session.command) !== request.node) throw refused('bad-sessionid')
    const { action } = request
    if (action === 'cancel') {
      sessions.end(session)
      return { ...headOf(session), status: 'canceled' }
    }
    return step(session, signal, async () => {
      if (session.results !== null) return turn(session, action, signal)
      if (action === 'prev') throw refused('bad-action')
      const said = request.form === undefined ? {} : readFilled(session.command, request)
      return submit(session, said, signal)
    })
  }

  /** One step of a session at a time. */
  async function step(
    session: AdHocSession,
    signal: AbortSignal,
    act: () => Promise<CommandAnswer> | CommandAnswer,
  ): Promise<CommandAnswer> {
    if (session.isBusy) throw new StanzaError('wait', 'unexpected-request', text.inAll('kit-ad-hoc-busy'))
    session.isBusy = true
    try {
      return await act()
    } catch (fault) {
      // Cancelled, or over, while it waited; whoever cancelled has his own answer.
      if (session.stop.signal.aborted && !signal.aborted && !(fault instanceof StanzaError))
        return { ...headOf(session), status: 'canceled' }
      throw fault
    } finally {
      session.isBusy = false
      sessions.touch(session)
    }
  }

  function readFilled(command: Command, { form }: CommandRequest): SaidArgs {
    if (form === undefined) return {}
    try {
      return readForm(command, readSubmitted(form, { fields: bounds.formFields, characters: bounds.formSize }))
    } catch (fault) {
      if (fault instanceof FormFault) throw refused('bad-payload')
      throw fault
    }
  }

  function askFor(session: AdHocSession, said: SaidArgs, wrong?: string): CommandAnswer {
    const { command, caller, language } = session
    const hosts = hostsFor(caller, command.rights) ?? null
    const notes: Note[] = wrong === undefined ? [] : [{ type: 'error', text: wrong }]
    const payload = writeForm(formOf(commandFor(command, caller), { text, language, hosts, said }))
    return { ...headOf(session), status: 'executing', actions: ['next', 'complete'], notes, payload }
  }

  async function submit(session: AdHocSession, said: SaidArgs, signal: AbortSignal): Promise<CommandAnswer> {
    const { command, caller, language } = session
    const admission = admit(command, said, caller, { now: options.now(), text, language })
    if (admission.is === 'wrong') return askFor(session, said, wrongInForm(command, admission.wrong, text, language))
    if (admission.is === 'denied') {
      sessions.end(session)
      return refuse(admission, language, signal)
    }
    if (running >= bounds.running) return askFor(session, said, text.say('kit-busy', language))
    start(session, admission.args, admission.hosts)
    const answer = await turn(session, 'next', signal)
    // What the command itself finds wrong in what was said can be mended in the form.
    const { run } = session.results ?? {}
    if (run?.ended?.exit !== EXIT.usage || commandFor(command, caller).parameters.length === 0) return answer
    sessions.reopen(session)
    return askFor(session, said, run.ended.text)
  }

  function start(session: AdHocSession, args: Args, hosts: Hosts): void {
    const { command, caller, language, stop } = session
    const since = options.now()
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(bounds.runMs)])
    running += 1
    const rows = command.run(args, { caller, hosts, language, signal })
    session.results = {
      run: startRun(rows, {
        columns: command.columns,
        signal,
        bounds,
        ended: (fault) => endedBy(fault, { stopping: closed, over: signal.aborted }, { text, language, log }),
        closed(ended, fault) {
          running -= 1
          if (fault !== undefined) log.error('command fault', { command: command.name, error: fault })
          const { user } = caller
          log.info('command', {
            command: command.name,
            exit: ended.exit,
            ms: options.now() - since,
            user,
            via: 'ad-hoc',
          })
        },
      }),
      pages: [],
      first: 0,
      at: -1,
    }
  }

  /** Turns the pages of what the command says. */
  async function turn(
    session: AdHocSession,
    action: CommandRequest['action'],
    signal: AbortSignal,
  ): Promise<CommandAnswer> {
    const { results } = session
    if (results === null) throw refused('bad-action')
    const { run, pages } = results
    const isFirst = results.at <= results.first
    const isNewest = () => results.at === results.first + pages.length - 1
    const isLast = () => isNewest() && run.ended !== null && !run.waits
    const wanted = action === 'execute' ? (isLast() ? 'complete' : 'next') : action
    if ((wanted === 'prev' && isFirst) || (wanted === 'next' && results.at >= 0 && isLast()))
      throw refused('bad-action')
    // An export that is not done is not done: it goes on, or it is cancelled.
    if (wanted === 'complete' && run.ended === null && run.progress !== null) throw refused('bad-action')
    if (wanted === 'prev') results.at -= 1
    if (wanted === 'next') {
      if (isNewest()) sessions.keep(session, await run.take(signal))
      results.at += 1
    }
    const ends = wanted === 'complete' || (isLast() && pages.length === 1 && results.first === 0)
    const page = pages[results.at - results.first] ?? []
    const { command, language } = session
    const follows = ends || isLast() ? 'nothing' : isNewest() && !run.waits ? 'perhaps' : 'more'
    const { payload, notes } = writePage({ command, run, page, number: results.at + 1, follows, text, language })
    if (ends) sessions.end(session)
    return {
      ...headOf(session),
      status: ends ? 'completed' : 'executing',
      actions: [
        ...(isLast() ? [] : (['next'] as const)),
        ...(run.ended === null && run.progress !== null ? [] : (['complete'] as const)),
        ...(results.at > results.first ? (['prev'] as const) : []),
      ],
      notes,
      payload,
    }
  }

  /** On record first. When it cannot be kept, the log says so, and it is refused all the same: nothing was shown. */
  async function refuse(
    { denied, text: why }: { denied: Denied; text: string },
    language: string,
    signal: AbortSignal,
  ): Promise<never> {
    try {
      await untilAborted(options.denied(denied), signal)
    } catch (fault) {
      log.error('a denied attempt is not on record', { command: denied.command, ...denied.who, error: fault })
    }
    log.info('command', { command: denied.command, exit: EXIT.forbidden, ...denied.who, via: 'ad-hoc' })
    throw new StanzaError('auth', 'forbidden', { [language]: why })
  }
}

/** Somebody who has no right here whatever he asks for: who he says he is, for the record. */
function strangerOf(from: string): Caller {
  const bare = from.split('/')[0] ?? ''
  return { jid: bare, user: bare, rights: new Map() }
}

function headOf({ id, command, language }: AdHocSession): Pick<CommandAnswer, 'node' | 'session' | 'language'> {
  return { node: nodeOf(command), session: id, language }
}

/** `archive search` -> `archive-search`. */
function nodeOf({ name }: Command): string {
  return name.replaceAll(' ', '-')
}
