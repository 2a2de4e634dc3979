// SPDX-License-Identifier: Apache-2.0
// Netsplits of servers without batches. Two servers that lost each other are the reason of many QUITs in a row: they are told together.
import type { Clock } from '../../kit/stream/stream.ts'

/** `one.example two.example`, the names of two servers and nothing else; `*.net *.split` where they are hidden. */
export function isSplit(reason: string): boolean {
  const servers = reason.split(' ')
  return servers.length === 2 && servers[0] !== servers[1] && servers.every((name) => SERVER.test(name))
}

const SERVER =
  /^(?=.{3,63}$)(?:\*|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?))+$/

export type SplitsOptions<Channel, Member> = {
  clock: Clock
  /** Who is known by what name. */
  key: (nick: string) => string
  /** So long nothing more comes, and they are told. */
  quietMs: number
  split: (channel: Channel, nicks: readonly string[], servers: string) => void
  join: (channel: Channel, members: readonly Member[]) => void
}

/** How many that went are remembered, for knowing them when they come back; and for how long. */
const REMEMBERED = 10_000
const REMEMBER_MS = 3_600_000

export class Splits<Channel, Member> {
  readonly #options: SplitsOptions<Channel, Member>
  #gone = new Map<Channel, { nicks: string[]; servers: string }>()
  #back = new Map<Channel, Member[]>()
  /** When who went. */
  readonly #away = new Map<string, number>()
  #cancel: (() => void) | null = null

  constructor(options: SplitsOptions<Channel, Member>) {
    this.#options = options
  }

  gone(channel: Channel, nick: string, servers: string): void {
    if (this.#back.size > 0) this.tell()
    const before = this.#gone.get(channel)
    if (before !== undefined && before.servers !== servers) this.tell()
    const group = this.#gone.get(channel)
    if (group === undefined) this.#gone.set(channel, { nicks: [nick], servers })
    else group.nicks.push(nick)
    this.remember(nick)
    this.#later()
  }

  /** Went in a split that was told by a batch. */
  remember(nick: string): void {
    const key = this.#options.key(nick)
    this.#away.delete(key)
    if (this.#away.size >= REMEMBERED) this.#away.delete(this.#away.keys().next().value as string)
    this.#away.set(key, this.#options.clock.now())
  }

  /** True: comes back from a split, and is told with the others. */
  back(channel: Channel, nick: string, member: Member): boolean {
    if (this.#gone.size > 0) this.tell()
    const went = this.#away.get(this.#options.key(nick))
    if (went === undefined || this.#options.clock.now() - went > REMEMBER_MS) return false
    const group = this.#back.get(channel)
    if (group === undefined) this.#back.set(channel, [member])
    else group.push(member)
    this.#later()
    return true
  }

  /** Whatever else is told about people comes after what is held here. */
  tell(): void {
    this.#cancel?.()
    this.#cancel = null
    const gone = this.#gone
    const back = this.#back
    if (gone.size === 0 && back.size === 0) return
    this.#gone = new Map()
    this.#back = new Map()
    for (const [channel, { nicks, servers }] of gone) this.#options.split(channel, nicks, servers)
    for (const [channel, members] of back) this.#options.join(channel, members)
  }

  clear(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#gone.clear()
    this.#back.clear()
    this.#away.clear()
  }

  #later(): void {
    // From the first on: a row without an end is not to be held for ever.
    this.#cancel ??= this.#options.clock.after(this.#options.quietMs, () => {
      this.#cancel = null
      this.tell()
    })
  }
}
