// SPDX-License-Identifier: Apache-2.0
// Whether the helper runs where the settings say it does. What runs without it is neither asked about nor recorded, and only
// policy knows which hosts should ask. PROTOCOL.md: a helper probes and announces its hosts as soon as the stream is up, and
// while its numbers move it sends a mark every 5 s. A helper without traffic says nothing, so silence alone is no sign.
import { isOpen, type Open, openOf } from '../domain/doors.ts'
import type { Screen } from '../domain/screen.ts'

/** Why a host of the settings is not covered. */
export type Lack = 'unheard' | 'ended' | 'silent'

export type CoverageTimes = {
  /** From the stream being up to a host without an announcement being told. */
  unheardAfterMs: number
  /** From a question to its missing mark being told. */
  silentAfterMs: number
}

const TIMES: CoverageTimes = { unheardAfterMs: 30_000, silentAfterMs: 60_000 }
const STRANGERS_MAX = 20
/** A stranger is told for so long after its last question. */
const STRANGER_KEPT_MS = 10 * 60_000
const STRANGER_LOGGED_EVERY_MS = 60_000

type Source = { id: string; hosts: ReadonlySet<string>; asked: number; marked: number; owesSince: number | null }

export class Coverage {
  readonly #hosts: ReadonlySet<string>
  readonly #transports: ReadonlySet<string>
  readonly #times: CoverageTimes
  readonly #now: () => number
  #upAt: number | null = null
  /** Runs of helpers that announced themselves, the last one of each host: servers and transports each have their own. */
  readonly #sources = new Map<string, Source>()
  /** Hosts from which anything came over this connection. */
  readonly #heard = new Set<string>()
  readonly #ended = new Set<string>()
  /** What stands open at a host, as its helper said last. */
  readonly #open = new Map<string, Open>()
  readonly #strangers = new Map<string, { last: number; logged: number }>()

  /** `now` in ms, of a clock that does not jump. `transports`: their domains, as the settings name them. */
  constructor(
    hosts: ReadonlySet<string>,
    now: () => number,
    times: CoverageTimes = TIMES,
    transports: ReadonlySet<string> = new Set(),
  ) {
    this.#hosts = hosts
    this.#transports = transports
    this.#now = now
    this.#times = times
  }

  up(): void {
    this.down()
    this.#upAt = this.#now()
  }

  /** Every helper announces itself again after it. */
  down(): void {
    this.#upAt = null
    this.#sources.clear()
    this.#heard.clear()
    this.#ended.clear()
    this.#open.clear()
  }

  /** A screen of a host of the settings that could be read. */
  heard(host: string, screen: Pick<Screen<unknown>, 'source' | 'done' | 'asks' | 'reports'>): void {
    // Without `done` it is what an earlier run has left on disk, sent by a helper that runs here now.
    const live = screen.done !== null
    let ends = false
    for (const report of screen.reports) {
      if (!live) continue
      if (report.report === 'source') this.#announced(screen.source, report.hosts)
      else if (report.report === 'mark') {
        this.#marked(screen.source, report.last)
        ends = report.end
      } else if (report.report === 'host') this.#open.set(host, openOf(report, this.#transports))
    }
    if (live) this.#asked(screen)
    if (ends) this.#end(host, screen.source)
    else {
      this.#heard.add(host)
      if (live) this.#ended.delete(host)
    }
  }

  /** A host that is not in the settings has asked. True: it is time to log it. */
  stranger(host: string): boolean {
    const now = this.#now()
    this.#forgetStrangers(now)
    const known = this.#strangers.get(host)
    if (known === undefined && this.#strangers.size >= STRANGERS_MAX) return false
    const log = known === undefined || now - known.logged >= STRANGER_LOGGED_EVERY_MS
    this.#strangers.set(host, { last: now, logged: log ? now : known.logged })
    return log
  }

  /** Hosts that asked in the last ten minutes and are not in the settings; at most 20. */
  strangers(): readonly string[] {
    this.#forgetStrangers(this.#now())
    return [...this.#strangers.keys()]
  }

  /** Null: covered, or not known yet. */
  lack(host: string): Lack | null {
    if (this.#upAt === null) return null
    const now = this.#now()
    if (this.#ended.has(host)) return 'ended'
    const source = [...this.#sources.values()].find(({ hosts }) => hosts.has(host))
    if (source) {
      return source.owesSince !== null && now - source.owesSince >= this.#times.silentAfterMs ? 'silent' : null
    }
    return this.#heard.has(host) || now - this.#upAt < this.#times.unheardAfterMs ? null : 'unheard'
  }

  lacking(): readonly { host: string; lack: Lack }[] {
    return [...this.#hosts].flatMap((host) => {
      const lack = this.lack(host)
      return lack === null || this.#isAway(host, lack) ? [] : [{ host, lack }]
    })
  }

  /** Transports that do not ask: by one that does not run nothing comes in. */
  away(): readonly string[] {
    return [...this.#hosts].filter((host) => this.#isAway(host, this.lack(host)))
  }

  #isAway(host: string, lack: Lack | null): boolean {
    return this.#transports.has(host) && (lack === 'ended' || lack === 'unheard')
  }

  /** Hosts at which something stands open beside the question, with what their helpers said last. */
  open(): readonly { host: string; open: Open }[] {
    return [...this.#hosts].flatMap((host) => {
      const open = this.#open.get(host)
      return open !== undefined && isOpen(open) ? [{ host, open }] : []
    })
  }

  #announced(id: string, hosts: readonly string[]): void {
    const before = this.#sources.get(id)
    const named = new Set(hosts.map((host) => host.toLowerCase()))
    // Another run in the place of one before: it has its hosts, and who ran there is gone.
    const gone = before
      ? []
      : [...this.#sources.values()].filter((one) => [...named].some((host) => one.hosts.has(host)))
    for (const one of gone) this.#sources.delete(one.id)
    // PROTOCOL.md section 2: the helper left a host that it does not name any more. What it still owes there comes without `done`.
    const left = new Set([...(before?.hosts ?? []), ...gone.flatMap(({ hosts }) => [...hosts])])
    for (const host of left) {
      if (named.has(host)) continue
      this.#open.delete(host)
      if (!before?.hosts.has(host)) continue
      this.#heard.delete(host)
      this.#ended.add(host)
    }
    this.#sources.set(id, { asked: 0, marked: 0, owesSince: null, ...before, id, hosts: named })
    for (const host of named) this.#ended.delete(host)
  }

  #marked(id: string, last: number): void {
    const source = this.#sources.get(id)
    if (source === undefined) return
    source.marked = Math.max(source.marked, last)
    source.owesSince = source.marked < source.asked ? this.#now() : null
  }

  #asked({ source: id, asks }: Pick<Screen<unknown>, 'source' | 'asks'>): void {
    const source = this.#sources.get(id)
    if (source === undefined) return
    for (const { n } of asks) source.asked = Math.max(source.asked, n)
    if (source.asked > source.marked) source.owesSince ??= this.#now()
  }

  #end(host: string, id: string): void {
    for (const each of [...(this.#sources.get(id)?.hosts ?? []), host]) {
      this.#ended.add(each)
      this.#open.delete(each)
    }
    this.#sources.delete(id)
  }

  #forgetStrangers(now: number): void {
    for (const [host, { last }] of this.#strangers) if (now - last >= STRANGER_KEPT_MS) this.#strangers.delete(host)
  }
}
