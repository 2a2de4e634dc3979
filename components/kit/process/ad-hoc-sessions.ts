// SPDX-License-Identifier: Apache-2.0
// The open sessions of ad-hoc commands: bounded for each person and in all; each belongs to one full address, and ends by itself.
import type { CommandRun, Page } from './ad-hoc-run.ts'
import type { Caller, Command } from './command.ts'

export type SessionBounds = {
  perPerson: number
  inAll: number
  /** Without a step it is over after this long. */
  idleMs: number
  /** Characters kept of pages seen. */
  keptSize: number
}

export type AdHocSession = {
  readonly id: string
  /** Full address. Nobody else goes on with it. */
  readonly owner: string
  readonly caller: Caller
  readonly command: Command
  readonly language: string
  /** Ends what runs in it. */
  stop: AbortController
  isBusy: boolean
  touchedAt: number
  /** Its form is still to be filled in: null. */
  results: Results | null
}

export type Results = {
  readonly run: CommandRun
  /** Those that are still kept, of which the first has the number `first`, from 0. */
  pages: Page[]
  first: number
  /** The one that was shown last. */
  at: number
}

const ENDED_KEPT = 1_000

export class AdHocSessions {
  readonly #bounds: SessionBounds
  readonly #now: () => number
  /** In the order they were opened. */
  readonly #open = new Map<string, AdHocSession>()
  /** id -> owner, of the last that ended. */
  readonly #over = new Map<string, string>()

  constructor(bounds: SessionBounds, now: () => number) {
    this.#bounds = bounds
    this.#now = now
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * null: there is no place. Whoever has as many as one person may have gives up his oldest: clients leave them open. One whose
   * command runs is not given up for that.
   */
  open(said: Pick<AdHocSession, 'id' | 'owner' | 'caller' | 'command' | 'language'>): AdHocSession | null {
    this.sweep()
    const own = [...this.#open.values()].filter(({ caller }) => caller.user === said.caller.user)
    if (own.length >= this.#bounds.perPerson) {
      const oldest = own.find(({ isBusy, results }) => !isBusy && (results === null || results.run.ended !== null))
      if (oldest === undefined) return null
      this.end(oldest)
    }
    if (this.#open.size >= this.#bounds.inAll) return null
    const session = { ...said, stop: new AbortController(), isBusy: false, touchedAt: this.#now(), results: null }
    this.#open.set(said.id, session)
    return session
  }

  /** `over`: it was this owner's, and has ended. null: there is none of his. */
  find(id: string, owner: string): AdHocSession | 'over' | null {
    this.sweep()
    const session = this.#open.get(id)
    if (session?.owner === owner) return session
    return session === undefined && this.#over.get(id) === owner ? 'over' : null
  }

  touch(session: AdHocSession): void {
    session.touchedAt = this.#now()
  }

  end(session: AdHocSession): void {
    if (!this.#open.delete(session.id)) return
    session.stop.abort(new Error('the session is over'))
    this.#over.set(session.id, session.owner)
    const [oldest] = this.#over.keys()
    if (this.#over.size > ENDED_KEPT && oldest !== undefined) this.#over.delete(oldest)
  }

  /** Back to its form, also when it had ended with its only page. */
  reopen(session: AdHocSession): void {
    session.results = null
    session.stop = new AbortController()
    this.#over.delete(session.id)
    this.#open.set(session.id, session)
  }

  /** The next page. The oldest go when all of them are too much. */
  keep({ results }: AdHocSession, page: Page): void {
    if (results === null) return
    results.pages.push(page)
    const sizeOf = (one: Page) => one.reduce((sum, item) => sum + item.size, 0)
    let size = results.pages.reduce((sum, one) => sum + sizeOf(one), 0)
    while (size > this.#bounds.keptSize && results.pages.length > 1) {
      size -= sizeOf(results.pages.shift() as Page)
      results.first += 1
    }
  }

  close(): void {
    for (const session of [...this.#open.values()]) this.end(session)
  }

  /** Ends those that nobody has gone on with. What tells how far it has come, such as an export, is left to its own bound. */
  sweep(): void {
    const since = this.#now() - this.#bounds.idleMs
    for (const session of [...this.#open.values()]) {
      const run = session.results?.run
      const isAtWork = run !== undefined && run.ended === null && run.progress !== null
      if (!session.isBusy && !isAtWork && session.touchedAt < since) this.end(session)
    }
  }
}
