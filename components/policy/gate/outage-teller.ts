// SPDX-License-Identifier: Apache-2.0
// Tells the helpers what is closed while policy is away, as long as it is there: after each announcement that names something else,
// and when other rules are in force. What a helper holds it keeps on its disk.
import { hash } from 'node:crypto'
import type { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import type { Screen } from '../domain/screen.ts'
import { type WrittenRules, writeOutageRules } from '../protocol/outage-rules.ts'

/** Why a helper does not hold what it should: it is older than this, or something went wrong. */
export type OutageLack = 'unknown' | 'failed'

export type TellerOptions = {
  /** Sends an IQ set to a host; rejects with what its helper answers. */
  request(host: string, payload: string): Promise<unknown>
  told(host: string, rows: { id: string; closed: boolean }): void
  /** Once for each announcement or rule set. */
  lacking(host: string, lack: OutageLack, cause: StanzaError): void
  again: { afterMs: number }
}

/** A run of a helper. `host` is the one that announced it. */
type Helper = {
  host: string
  hosts: readonly string[]
  /** What it holds; null: nothing. */
  holds: string | null
  lack: OutageLack | null
  telling: boolean
  again: NodeJS.Timeout | null
}

type Table = { id: string; payload: string; closed: boolean }

const NOTHING: WrittenRules = { attributes: '', children: '', reduced: { by: 'nothing' } }
/** Of a server of many nodes each has a helper. */
const HELPERS_MAX = 100

export class OutageTeller {
  readonly #options: TellerOptions
  readonly #helpers = new Map<string, Helper>()
  readonly #nothing = tableOf(NOTHING)
  #table: Table = this.#nothing

  constructor(options: TellerOptions) {
    this.#options = options
  }

  inForce(rules: WrittenRules): void {
    const table = tableOf(rules)
    if (table.id === this.#table.id) return
    this.#table = table
    for (const helper of this.#helpers.values()) void this.#tell(helper)
  }

  /** A screen of a host of the settings that could be read. */
  heard(host: string, screen: Pick<Screen<unknown>, 'source' | 'done' | 'reports'>): void {
    // Without `done` it is what an earlier run has left on disk.
    if (screen.done === null) return
    for (const report of screen.reports) {
      if (report.report === 'source') this.#announced(host, screen.source, report)
      else if (report.report === 'mark' && report.end) this.#forget(screen.source)
    }
  }

  /** Every helper announces itself again after it. */
  down(): void {
    for (const source of [...this.#helpers.keys()]) this.#forget(source)
  }

  /** Hosts whose helper does not hold what it should. */
  lacking(): readonly { host: string; lack: OutageLack }[] {
    return [...this.#helpers.values()].flatMap(({ hosts, lack }) =>
      lack === null ? [] : hosts.map((host) => ({ host, lack })),
    )
  }

  #announced(host: string, source: string, said: { hosts: readonly string[]; outageRules: string | null }): void {
    const helper = this.#helpers.get(source) ?? {
      host,
      hosts: [],
      holds: null,
      lack: null,
      telling: false,
      again: null,
    }
    Object.assign(helper, { host, hosts: said.hosts.map((each) => each.toLowerCase()), holds: said.outageRules })
    this.#helpers.set(source, helper)
    const [oldest] = this.#helpers.keys()
    if (this.#helpers.size > HELPERS_MAX && oldest !== undefined) this.#forget(oldest)
    void this.#tell(helper)
  }

  #forget(source: string): void {
    const helper = this.#helpers.get(source)
    if (helper?.again) clearTimeout(helper.again)
    this.#helpers.delete(source)
  }

  #isKnown(helper: Helper): boolean {
    return [...this.#helpers.values()].includes(helper)
  }

  /** One request at a time: what has changed meanwhile is told behind it. Never rejects. */
  async #tell(helper: Helper): Promise<void> {
    if (helper.again) clearTimeout(helper.again)
    helper.again = null
    if (helper.telling) return
    const table = this.#table
    if ((helper.holds ?? this.#nothing.id) === table.id) {
      helper.lack = null
      return
    }
    helper.telling = true
    const wrong = await this.#options.request(helper.host, table.payload).then(
      () => null,
      (error: StanzaError) => error,
    )
    helper.telling = false
    if (!this.#isKnown(helper)) return
    if (wrong === null) {
      helper.holds = table.id
      helper.lack = null
      this.#options.told(helper.host, table)
    }
    if (table !== this.#table) return this.#tell(helper)
    if (wrong !== null) this.#lacks(helper, wrong)
  }

  #lacks(helper: Helper, cause: StanzaError): void {
    const lack = OLDER.has(cause.condition) ? 'unknown' : 'failed'
    if (helper.lack !== lack) this.#options.lacking(helper.host, lack, cause)
    helper.lack = lack
    // A helper that does not know it will not learn it before it is another one, which announces itself.
    if (lack === 'failed') helper.again = setTimeout(() => void this.#tell(helper), this.#options.again.afterMs).unref()
  }
}

/** What a server answers to an IQ that nobody in it knows, and a helper to a version that it does not. */
const OLDER: ReadonlySet<string> = new Set(['service-unavailable', 'feature-not-implemented'])

function tableOf(rules: WrittenRules): Table {
  const id = hash('sha256', `${rules.attributes}>${rules.children}`, 'hex').slice(0, 32)
  return { id, payload: writeOutageRules(rules, id), closed: rules.children !== '' }
}
