// SPDX-License-Identifier: Apache-2.0
// Goes through the accounts that are due, at a bounded rate, and on from where a process before was ended.
import { domainOf } from '../../kit/xmpp/jid.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import type { Due } from '../domain/posting.ts'
import type { ProvisionedPerson } from '../domain/provisioned.ts'
import { SourceFault } from '../domain/source.ts'
import type { DirectoryStore } from '../storage/directory-store.ts'
import { type AccountOptions, bringUpToDate, type Done } from './account.ts'
import { openWaking, wokenOrAfter } from './waiting.ts'

export type PostingOptions = AccountOptions & {
  /** False: there is no way to the server now. */
  isUp(): boolean
  /** A mark of the settings by which accounts look as they do. */
  settings: string
  now(): number
  signal: AbortSignal
  log: Record<'info' | 'warn' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
  events: { done(): void; failed(condition: string): void }
}

export type Posting = {
  /** The people whom versions up to this one changed are due. Resolves when that is on disk. */
  notice(seq: number): Promise<void>
  /** The members of these groups are due. */
  noticeGroups(groups: readonly string[]): Promise<void>
  /** Looks whether pictures of ours stand where they stood. Resolves when that is on disk. */
  noticePictures(): Promise<void>
  /** Looks now, whatever it waits for. */
  wake(): void
  /** Resolves when the signal aborts; rejects when the store fails. */
  run(): Promise<void>
}

const BATCH = 64
/** An account that is not there may be under way, or come with its first login. */
const ABSENT_MS = 2_000
const LATER_MS = 60_000
const LONGEST_MS = 6 * 3_600_000
const PAUSES_MS = [2_000, 10_000, 60_000, 300_000]
/** These say something about the host, not about one account. */
const OF_HOST: ReadonlySet<string> = new Set([
  'feature-not-implemented',
  'forbidden',
  'recipient-unavailable',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
])

export function openPosting(options: PostingOptions): Posting {
  const { store, now, signal } = options
  const pauses = new Pauses(options)
  const waking = openWaking(signal)
  return {
    async notice(seq) {
      if (await store.write('dueUpTo', { seq, at: now(), settings: options.settings })) waking.wake()
    },
    async noticeGroups(groups) {
      if (groups.length === 0) return
      await store.write('dueOf', { groups, at: now() })
      waking.wake()
    },
    async noticePictures() {
      await store.write('dueOurPictures', now())
      waking.wake()
    },
    wake() {
      pauses.end()
      waking.wake()
    },
    async run() {
      while (!signal.aborted) {
        const waiting = waking.next
        const but = pauses.hosts()
        const batch = options.isUp() ? await store.read('due', { now: now(), limit: BATCH, but }) : []
        if (batch.length > 0) await throughAll(batch)
        else await wokenOrAfter(waiting, await restMs(store, pauses, now()))
      }
    },
  }

  /** One after the other: PEP nodes that are made side by side fail on ejabberd (Database failure, item-not-found). */
  async function throughAll(batch: readonly Due[]): Promise<void> {
    for (const due of batch) {
      if (signal.aborted) return
      await lookAt(options, pauses, due)
    }
  }
}

async function lookAt(options: PostingOptions, pauses: Pauses, due: Due): Promise<void> {
  const { store, now, events, log, signal } = options
  if (due.body === '') {
    await store.write('forgetPosted', due.person)
    return
  }
  const person = JSON.parse(due.body) as ProvisionedPerson
  const host = domainOf(person.jid)
  if (pauses.has(host)) return
  const done: Done = { put: {}, drop: [], later: false }
  const settle = (next: number | null) =>
    store.write('posted', {
      person: due.person,
      jid: person.jid,
      put: done.put,
      drop: done.drop,
      next,
      begunAt: due.at,
    })
  try {
    // Who is locked out is seen by nobody; it is looked at again when he comes back.
    if (!person.disabled) await bringUpToDate(options, due, person, done)
    pauses.worked(host)
    await settle(done.later ? now() + LATER_MS : null)
    events.done()
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof SourceFault) {
      await settle(now() + LATER_MS)
      return
    }
    if (!(error instanceof StanzaError)) throw error
    events.failed(error.condition)
    if (OF_HOST.has(error.condition)) {
      // What was done is noted; this one is the first again when the pause is over.
      await settle(due.at)
      pauses.begin(host, error)
      return
    }
    const isAbsent = error.condition === 'item-not-found'
    if (!isAbsent)
      log.warn('an account could not be brought up to date', {
        host,
        person: due.person,
        condition: error.condition,
        error: error.message,
      })
    await settle(now() + Math.min(LONGEST_MS, (isAbsent ? ABSENT_MS : LATER_MS) * 4 ** Math.min(due.tries, 8)))
  }
}

async function restMs(store: DirectoryStore, pauses: Pauses, now: number): Promise<number> {
  const next = await store.read('nextDue', pauses.hosts())
  const ends = pauses.nextEnd()
  return Math.max(0, Math.min(LATER_MS, ends - now, next === null ? LATER_MS : Math.max(next - now, 1_000)))
}

/** Hosts whose helper does not answer; growing pauses. */
class Pauses {
  readonly #options: Pick<PostingOptions, 'now' | 'log'>
  readonly #until = new Map<string, number>()
  readonly #tries = new Map<string, number>()

  constructor(options: Pick<PostingOptions, 'now' | 'log'>) {
    this.#options = options
  }

  has(host: string): boolean {
    return (this.#until.get(host) ?? 0) > this.#options.now()
  }

  hosts(): string[] {
    return [...this.#until.keys()].filter((host) => this.has(host))
  }

  nextEnd(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.hosts().map((host) => this.#until.get(host) ?? 0))
  }

  begin(host: string, error: StanzaError): void {
    const tries = this.#tries.get(host) ?? 0
    this.#tries.set(host, tries + 1)
    this.#until.set(host, this.#options.now() + (PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 0))
    if (tries === 0)
      this.#options.log.warn('nothing can be published for the users of a host', {
        host,
        condition: error.condition,
        error: error.cause,
      })
  }

  worked(host: string): void {
    if ((this.#tries.get(host) ?? 0) > 0) this.#options.log.info('publishing for the users of a host again', { host })
    this.#tries.delete(host)
    this.#until.delete(host)
  }

  end(): void {
    this.#until.clear()
  }
}
