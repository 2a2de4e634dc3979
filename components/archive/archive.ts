// SPDX-License-Identifier: Apache-2.0
// The component archive: what it follows, what it keeps, what it answers.
import { hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openDenialLog } from '../kit/bus/denied.ts'
import { openJournal } from '../kit/bus/file-journal.ts'
import { orAborted } from '../kit/bus/or-aborted.ts'
import type { AdHoc } from '../kit/process/ad-hoc.ts'
import type { Context, Running } from '../kit/process/run.ts'
import { createRouter } from '../kit/router/create-router.ts'
import { openStream } from '../kit/stream/open-stream.ts'
import { openAccessLog } from './access.ts'
import { openCommands } from './commands.ts'
import type { Batch } from './domain/batch.ts'
import { type Completeness, countFrom } from './domain/completeness.ts'
import type { FollowEvents } from './follow.ts'
import { openGauges } from './gauges.ts'
import { type JournalView, NOT_OPENED, openJournals } from './journals.ts'
import { openStanzaReader } from './protocol/stanza-reader.ts'
import type { ArchiveSettings } from './settings.ts'
import { ARCHIVE_WORKER, openArchiveStore } from './storage/archive-store.ts'
import type { HostCounts } from './storage/hosts.ts'
import { packBatch } from './storage/parcel.ts'
import type { Counts } from './storage/report.ts'
import { openWatch } from './watch.ts'

export const texts = new URL('./text/', import.meta.url)

const LOOK_EVERY_MS = 1000
const MOST_ROOMS = 100_000

/** `worker`: a test hands in a store worker of its own. */
export async function startArchive(
  context: Context<ArchiveSettings>,
  software: string,
  worker = ARCHIVE_WORKER,
): Promise<Running> {
  const { settings, log, now, text } = context
  await using opening = new AsyncDisposableStack()
  mkdirSync(dirname(settings.store.file), { recursive: true, mode: 0o750 })
  const store = opening.use(await openArchiveStore(settings.store.file, settings.store.readers, worker))
  const own = opening.use(
    await openJournal(settings.journal.folder, {
      maxBytes: settings.journal.maxBytes,
      warn: (level, fill) => log[level === 'normal' ? 'info' : 'warn']('own journal', { level, ...fill }),
      fault: (error) => log.error('own journal fault', { error }),
    }),
  )
  const gauges = openGauges(context.metrics)
  const movers = new Set<() => void>()
  const rooms = new Set<string>()
  const events: FollowEvents = {
    kept(kept) {
      gauges.kept(kept)
      if (kept.otherHost > 0)
        log.error('tries of a number under another host than the first', { tries: kept.otherHost })
      if (kept.reopened > 0) log.warn('addresses were given to other accounts', { addresses: kept.reopened })
      for (const move of movers) move()
      movers.clear()
    },
    refused: (error, full) =>
      log.error(full ? 'store full, waiting for space' : 'store refused, trying again', { error }),
    resumed: () => log.info('store takes again'),
    hole: (journal, from, to) => {
      log.error('journal entries are gone', { journal, from, to })
      return watch.hole(journal, from, to)
    },
    unrecorded: (error) => log.error('a finding could not be recorded, trying again', { error }),
  }
  const common = {
    batch: settings.follow.batch,
    commitEveryMs: settings.follow.commitEveryMs,
    reading: {
      stanzas: openStanzaReader(),
      isRoom: (bare: string) => rooms.has(bare),
      sha256: (of: string) => hash('sha256', of, 'hex'),
    },
    seenRoom: (bare: string) => {
      if (rooms.size < MOST_ROOMS) rooms.add(bare)
    },
    keep: (batch: Batch) => store.write('keep', packBatch(batch)),
    cursorOf: async (journal: string) => {
      const { cursors } = await store.read('resume', null)
      return cursors.find((one) => one.journal === journal)?.position ?? 0
    },
    failed: (name: string, error: unknown) =>
      log.error('journal cannot be followed, trying again', { journal: name, error }),
    now,
    told: events,
  }
  const watchOptions = {
    journal: own,
    keepCounting: (sources: Parameters<typeof store.write<'keepCounting'>>[1]) => store.write('keepCounting', sources),
    now,
  }
  // The own journal first, to its end: what was found before a crash is not found again.
  const nothing = countFrom([], [], settings.patience)
  let watch = openWatch({ ...watchOptions, completeness: nothing })
  const ownFollowed = [{ name: 'own', folder: settings.journal.folder }]
  const ownJournals = opening.use(openJournals({ ...common, followed: ownFollowed, completeness: nothing }))
  await untilOpen(ownJournals.views, context.signal)
  await ownJournals.caughtUp(context.signal)
  const resumed = await store.read('resume', null)
  for (const room of resumed.rooms) rooms.add(room)
  const completeness = countFrom(resumed.counts, resumed.open, settings.patience)
  watch = openWatch({ ...watchOptions, completeness })
  const journals = opening.use(openJournals({ ...common, followed: settings.follow.journals, completeness }))

  const views = () => [...journals.views(), ...ownJournals.views()]
  const moved = async (signal: AbortSignal) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    movers.add(resolve)
    await orAborted(promise, signal)
    movers.delete(resolve)
  }
  let looking = Promise.resolve()
  const look = async () => {
    const asOf = await journals.look(now())
    await ownJournals.look(now())
    if (asOf === null) return
    for (const finding of await watch.look(asOf))
      log[finding.event === 'found' ? 'error' : 'info'](`${finding.kind} ${finding.event}`, { ...finding })
  }
  const ticking = setInterval(() => {
    looking = looking.then(look).catch((error: unknown) => log.error('looking for gaps failed', { error }))
  }, LOOK_EVERY_MS)
  opening.defer(async () => {
    clearInterval(ticking)
    await looking
  })
  const totals = () => completeness.totals()
  gauges.open({ views, totals, undecided: () => store.read('undecided', null) })
  const access = openAccessLog(own, now, (error) => {
    log.error('a look could not be recorded', { error })
    return text.say('archive-unrecorded', undefined)
  })
  const denials = openDenialLog(own, now, (who) => log.warn('denied attempts are no more put on record', { ...who }))
  const wrongOf = (view: JournalView | undefined, language: string) => {
    if (view === undefined || view.wrong === null) return null
    if (view.wrong === NOT_OPENED) return text.say('archive-journal-not-opened', language)
    return text.say('archive-journal-wrong', language, { name: view.name, cause: view.wrong })
  }
  const counts = async (hosts: readonly string[] | null) =>
    hosts === null
      ? countsOf(await store.read('counts', null), totals(), views())
      : hostCountsOf(await store.read('hostCounts', hosts))
  const commands = openCommands({
    store,
    journals: [journals, ownJournals],
    software: `Gatehouse archive ${software}`,
    reasonRequired: settings.looks.reasonRequired,
    access,
    say: text.say,
    caughtUp: journals.caughtUp,
    ownCaughtUp: ownJournals.caughtUp,
    moved,
    now,
    counts,
  })
  const adHoc = context.adHoc({ domain: settings.domain, commands: () => commands, denied: denials.record })
  const router = openLink(context, software, adHoc)
  const opened = opening.move()
  return {
    commands,
    healthy: (language) =>
      wrongOf(
        views().find(({ wrong }) => wrong !== null && wrong !== NOT_OPENED),
        language,
      ),
    denied: denials.record,
    ready: (language) =>
      wrongOf(
        views().find(({ wrong }) => wrong !== null),
        language,
      ),
    async drain(signal) {
      adHoc.close()
      await router?.stream.drain(signal)
      await opened.disposeAsync()
    },
  }
}

/** Commands work without the XMPP server: the stream connects in its own time, or not at all. */
function openLink({ settings, log }: Context<ArchiveSettings>, version: string, { routes, nodes }: AdHoc) {
  const { secret, server, domain } = settings
  if (!secret) return null
  const identity = { category: 'component', type: 'archive', name: 'Gatehouse archive' }
  const software = { name: 'Gatehouse archive', version }
  return createRouter({ domain, routes, nodes, identity, software, log }, (told) =>
    openStream(
      { host: server.host, port: server.port, allowClear: server.allowPlain, domain, secret: secret.reveal(), log },
      told,
    ),
  )
}

function countsOf(
  { settles, outagesBy, openFindings, reopened, otherHost, oldest, newest, ...kept }: Counts,
  missing: ReturnType<Completeness['totals']>,
  views: readonly JournalView[],
): Record<string, string | number | null> {
  return {
    ...kept,
    open_findings: openFindings,
    identities_reopened: reopened,
    other_host_tries: otherHost,
    oldest: timeOrNull(oldest),
    newest: timeOrNull(newest),
    ...Object.fromEntries(Object.entries(settles).map(([outcome, count]) => [`settled ${outcome}`, count])),
    ...Object.fromEntries(Object.entries(outagesBy).map(([outcome, count]) => [`outages ${outcome}`, count])),
    gaps: missing.gaps,
    tail_unknown: missing.tailUnknown,
    ended_without_mark: missing.endedWithoutMark,
    ...Object.fromEntries(
      views.flatMap(({ name, position, behind, lagMs, wrong }) => [
        [`journal ${name} position`, position],
        [`journal ${name} behind`, behind],
        [`journal ${name} lag_seconds`, lagMs / 1000],
        ...(wrong === null ? [] : [[`journal ${name} wrong`, wrong]]),
      ]),
    ),
  }
}

function hostCountsOf({ openFindings, oldest, newest, ...kept }: HostCounts): Record<string, string | number | null> {
  return { ...kept, open_findings: openFindings, oldest: timeOrNull(oldest), newest: timeOrNull(newest) }
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

/** The archive's own journal is there: this process writes it. */
async function untilOpen(views: () => readonly JournalView[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted && views().some(({ wrong }) => wrong !== null))
    await delay(10, undefined, { signal }).catch(() => {})
}
