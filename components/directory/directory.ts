// SPDX-License-Identifier: Apache-2.0
// The component directory: what it is made of, when it asks, and what it answers.
import { hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openDenialLog } from '../kit/bus/denied.ts'
import { openJournal } from '../kit/bus/file-journal.ts'
import { openSnapshotWriter } from '../kit/bus/file-snapshot.ts'
import type { Journal } from '../kit/bus/journal.ts'
import { writeFact } from '../kit/facts/entries.ts'
import type { Who } from '../kit/facts/facts.ts'
import { createPrivilegedRouter } from '../kit/privilege/privileged-router.ts'
import type { AdHoc } from '../kit/process/ad-hoc.ts'
import type { Context, Running } from '../kit/process/run.ts'
import { openStream } from '../kit/stream/open-stream.ts'
import type { StanzaError } from '../kit/xmpp/stanza-error.ts'
import { directoryCommands } from './commands.ts'
import { sayFault } from './desk.ts'
import { removalsOf } from './domain/brake.ts'
import { roomNames } from './domain/room.ts'
import { rosterRules } from './domain/roster-rules.ts'
import {
  type Applying,
  type By,
  type CrashPoint,
  type Engine,
  type EngineEvents,
  type How,
  openEngine,
} from './engine.ts'
import { followWalls } from './follow-walls.ts'
import { openGauges } from './gauges.ts'
import { type Helpers, type HelperView, openHelpers } from './helpers.ts'
import { settingsMark } from './ldap-settings.ts'
import { openLdapDirectory } from './network/ldap-directory.ts'
import { openPhotos } from './photos.ts'
import { openPublisher } from './publish.ts'
import { keepAsking } from './schedule.ts'
import { type DirectorySettings, groupPatterns } from './settings.ts'
import { openShowing, type Showing } from './showing/showing.ts'
import { type DirectoryStore, openDirectoryStore } from './storage/directory-store.ts'

/** Folder of the texts that people read. */
export const texts = new URL('./text/', import.meta.url)

/** What a main hands in. A test's own may end the process at a point, or bring a store worker of its own. */
export type Parts = { version: string; crash?: (point: CrashPoint) => void; worker?: URL }

const ITSELF: By = {}

export async function startDirectory(context: Context<DirectorySettings>, parts: Parts): Promise<Running> {
  const { settings, log, now, text } = context
  await using opening = new AsyncDisposableStack()
  mkdirSync(dirname(settings.store), { recursive: true, mode: 0o750 })
  const store = opening.use(await openDirectoryStore(settings.store, parts.worker))
  const journal = opening.use(
    await openJournal(settings.journal.folder, {
      maxBytes: settings.journal.maxBytes,
      // Who left must be locked out also when nobody reads what was done years ago.
      forgets: true,
      warn: (level, fill) => log[level === 'normal' ? 'info' : 'warn']('journal level', { fill: level, ...fill }),
      fault: (error) => log.error('journal fault', { error }),
    }),
  )
  const snapshot = opening.use(await openSnapshotWriter(settings.snapshot))
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const sources = settings.directories.map((one) => ({
    source: opening.use(openLdapDirectory(one)),
    settings: settingsMark(one),
  }))
  const gauges = openGauges(context.metrics, now)
  let helpers: Helpers | null = null
  let planAnew = () => {}
  const walls = opening.use(
    followWalls(
      settings.walls,
      () => planAnew(),
      (error) => log[error === null ? 'info' : 'error']('walls', { error }),
    ),
  )
  const publisher = openPublisher({ store, snapshot, hosts: settings.hosts, now })
  let link: Link | null = null
  const showing = opening.use(
    await openShowing({
      store,
      settings: settings.showing,
      domain: settings.domain,
      hosts: new Set(settings.hosts),
      router: () => link?.router ?? null,
      isDelegated: (host, namespace) => link?.privileges.delegated(host).has(namespace) ?? false,
      photo: openPhotos(
        store,
        sources.map(({ source }) => source),
        signal,
      ),
      text,
      now,
      signal,
      log,
      events: { done: gauges.shown, failed: gauges.notShown },
    }),
  )
  const engine = await openEngine({
    store,
    sources,
    template: settings.template,
    hosts: new Set(settings.hosts),
    rosters: rosterRules(settings.rosters.rules),
    cap: settings.rosters.cap,
    brake: settings.brake,
    auto: settings.auto,
    sweepEveryMs: settings.poll.sweepEveryMs,
    now,
    pause: (ms) => delay(ms, undefined, { signal }).catch(() => {}),
    signal,
    events: eventsOf(context, gauges),
    record: (applying) => recordApplying(journal, applying, now),
    walls: walls.current,
    confirm: publisher.confirm,
    async publish(seq) {
      await publisher.publish(seq)
      helpers?.wake()
      if (settings.secret) await showing.notice(seq)
    },
    ...(parts.crash && { crash: parts.crash }),
  })
  planAnew = () => void orLog(engine.replan(ITSELF), context)
  planAnew()
  gauges.open(engine, () => helpers?.views() ?? [])
  const sync = async (how: How, by: By) => {
    const faults = await engine.sync(how, by)
    if (how === 'whole' && settings.secret) await showing.compared()
    return faults
  }
  const names = settings.directories.map(({ name }) => name)
  const commands = directoryCommands({
    engine,
    store,
    say: text.say,
    names,
    sync,
    roomName: roomNames(settings.showing.rooms),
    leaving: (walls) => helpers?.leaving(walls) ?? (async function* () {})(),
    refused: () => (helpers?.views() ?? []).flatMap(({ host, refused }) => refused.map((jid) => ({ host, jid }))),
    patterns: groupPatterns(settings),
    stats: async () => ({
      ...gauges.counts(engine, helpers?.views() ?? []),
      snapshot: (await snapshot.state()).seq,
      ...(settings.secret ? await showing.counts() : {}),
    }),
  })
  const denials = openDenialLog(journal, now, (who) =>
    log.warn('denied attempts are no more put on record', { ...who }),
  )
  const adHoc = context.adHoc({ domain: settings.domain, commands: () => commands, denied: denials.record })
  link = openLink(context, parts.version, adHoc, showing, () => {
    helpers?.wake()
    showing.up()
  })
  helpers = link && openHelpersOf(context, link.router, engine, store, gauges, signal)
  const shown = link ? showing.run() : Promise.resolve()
  shown.catch(context.fail)
  const asking = keepAsking(settings.poll, (how) => orLog(sync(how, ITSELF), context), signal, now)
  asking.catch(context.fail)
  const opened = opening.move()
  return {
    commands,
    denied: denials.record,
    healthy: () => null,
    ready: () => null,
    warnings: (language) => [
      ...(link === null || link.router.stream.state === 'up' ? [] : [text.say('directory-no-server', language)]),
      ...warningsOf(engine, helpers?.views() ?? [], text.say, language),
      ...waitsOf(engine, settings.auto, text.say, language),
    ],
    async drain(bound) {
      stop.abort()
      adHoc.close()
      await asking
      await shown
      await helpers?.[Symbol.asyncDispose]()
      await link?.router.stream.drain(bound)
      await opened.disposeAsync()
    },
  }
}

/** What the machine has not (a full disk) is said, and tried again the next time. */
async function orLog(work: Promise<unknown>, { log, signal }: Context<DirectorySettings>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!signal.aborted) log.error('the directory could not be carried over, trying again', { error })
  }
}

function eventsOf({ log }: Context<DirectorySettings>, gauges: ReturnType<typeof openGauges>): EngineEvents {
  return {
    read(directory, how, people, ms) {
      gauges.read(directory, how, ms)
      log[how === 'whole' ? 'info' : 'debug']('directory read', { directory, how, people, ms: Math.round(ms) })
    },
    failed(directory, fault) {
      gauges.failed(directory)
      log.warn('directory does not answer; what it said last holds', {
        directory,
        reason: fault.reason,
        cause: fault.message,
      })
    },
    cut: (wall) => log.error('a wall has more exceptions than helpers take; it stands without them', { wall }),
    back: (directory) => log.info('directory answers again', { directory }),
    held: ({ held, hash: plan, counts }) =>
      log.warn('a plan waits for gatehouse directory apply', {
        plan,
        removals: removalsOf(counts),
        held: held.map(({ why }) => why),
      }),
    applied({ counts, hash: plan }, version) {
      gauges.applied()
      log.info('directory carried over', { version, plan, people: counts.people, groups: counts.groups })
    },
  }
}

async function recordApplying(journal: Journal, { plan, seq, by }: Applying, now: () => number): Promise<void> {
  const { people, groups, memberships } = plan.counts
  await journal.append([
    writeFact({
      kind: 'directory',
      seq,
      plan: plan.hash,
      people: { added: people.added, changed: people.changed, removed: people.removed, locked: people.locked },
      groups: { added: groups.added, changed: groups.changed, removed: groups.removed },
      memberships: { added: memberships.added, removed: memberships.removed },
      ...(by as { who?: Who; via?: string }),
      at: new Date(now()).toISOString(),
    }),
  ])
}

/** Works without the XMPP server too: the stream connects in its own time, or not at all. */
function openLink(
  { settings, log }: Context<DirectorySettings>,
  version: string,
  { routes, nodes }: AdHoc,
  showing: Showing,
  up: () => void,
) {
  const { secret, server, domain, hosts } = settings
  if (!secret) return null
  return createPrivilegedRouter(
    {
      domain,
      routes: [...routes, ...showing.routes],
      features: showing.features,
      nodes,
      identity: { category: 'directory', type: 'user', name: 'Gatehouse directory' },
      software: { name: 'Gatehouse directory', version },
      log,
    },
    { hosts, delegates: showing.delegates, log },
    (told) =>
      openStream(
        { host: server.host, port: server.port, allowClear: server.allowPlain, domain, secret: secret.reveal(), log },
        { ...told, up, take: (received) => (showing.take(received.element) ? undefined : told.take(received)) },
      ),
  )
}

type Link = NonNullable<ReturnType<typeof openLink>>

function openHelpersOf(
  { settings, log, now, text }: Context<DirectorySettings>,
  router: Link['router'],
  engine: Engine,
  store: DirectoryStore,
  gauges: ReturnType<typeof openGauges>,
  signal: AbortSignal,
): Helpers {
  const { cap, deleted, presencePerSecond } = settings.rosters
  const policy = { cap, deleted, presencePerSecond }
  return openHelpers({
    hosts: settings.hosts,
    store,
    // Another policy is another state.
    stateId: `${engine.stateId}-${hash('sha256', JSON.stringify(policy), 'hex').slice(0, 8)}`,
    policy,
    wallReason: text.say('directory-room-walled', settings.showing.language),
    request: (host, payload, type, timeoutMs) => router.request(host, payload, { type, timeoutMs }),
    current: () => engine.seq,
    told: {
      handed(host, kind, version, count, ms) {
        gauges.handed(host, kind)
        log.info('helper has it', { host, kind, version, parts: count, ms: Math.round(ms) })
      },
      failed(host, error) {
        gauges.refused(host)
        log.warn('helper does not take it, trying again', { host, condition: error.condition, cause: causeOf(error) })
      },
      leftOut: (host, addresses) =>
        log.error('the server takes these for no addresses; nobody logs in under them', { host, addresses }),
      putOut: (host, people) => log.info('put out of rooms by walls', { host, people }),
      cutRoom: (host, room) => log.warn('a room has more people than are looked at for walls', { host, room }),
    },
    now,
    signal,
  })
}

function causeOf({ cause, message }: StanzaError): string {
  return typeof cause === 'string' ? cause : message
}

type Say = Context<DirectorySettings>['text']['say']

function warningsOf(engine: Engine, helpers: readonly HelperView[], say: Say, language: string): string[] {
  const away = engine.sources().flatMap(({ name, fault, since }) => {
    if (fault === null) return []
    const at = new Date(since ?? 0).toISOString()
    return [say('directory-away', language, { name, at, cause: sayFault(say, language, fault) })]
  })
  const behind = helpers.flatMap(({ host, trouble }) => {
    if (trouble === null || trouble.error === null) return []
    const at = new Date(trouble.since).toISOString()
    return [
      say('directory-helper-behind', language, {
        host,
        at,
        cause: `${trouble.error.condition}: ${causeOf(trouble.error)}`,
      }),
    ]
  })
  return [...away, ...behind]
}

/** A plan that nobody but a person carries out. */
function waitsOf({ plan }: Engine, auto: boolean, say: Say, language: string): string[] {
  if (plan === null || (auto && plan.held.length === 0)) return []
  return [say('directory-waits', language, { removals: removalsOf(plan.counts) })]
}
