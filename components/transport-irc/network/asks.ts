// SPDX-License-Identifier: Apache-2.0
// Commands and their answers. A label (IRCv3 labeled-response) tells which answer is whose. Where the server has none, answers come in
// order and name what they are about, and a PING behind the command is the fence: its answer shows that all before it was read.
import type { Clock } from '../../kit/stream/stream.ts'
import { IrcFault } from './irc.ts'
import type { Outbox, Priority } from './outbox.ts'
import { readRefusal } from './replies.ts'
import { type Line, writeLine } from './wire/line.ts'

/** `taken`: it belongs here and is said nowhere else; `seen`: the same, and others read it as well; `done`, `over`: with it the answer is whole. */
export type Read = 'taken' | 'seen' | 'done' | 'over' | null

export type Ask = {
  command: string
  params: readonly string[]
  tags?: ReadonlyMap<string, string>
  /** Names in a refusal that make it ours, beside the command. */
  about: readonly string[]
  /** `isLabelled`: the line bears the label of this question. */
  read?: (line: Line, isLabelled: boolean) => Read
  /** `read` alone says when the answer is whole; otherwise the end of the label, or the fence. */
  endsItself?: boolean
  /** Each line of the answer is wanted, refusals included: nothing fails it. */
  wantsAll?: boolean
  priority?: Priority
  deadlineMs?: number
  /** Lines that go with it, behind it. */
  behind?: readonly string[]
  /** Asked when its turn to be written comes: it is not wanted any more. */
  isOver?: () => boolean
  /** What answers it after its time is known for that (`isLate`). */
  staysKnown?: boolean
}

/** How it ended. */
export type Ended = 'read' | 'label' | 'fence'

type Entry = Ask & {
  label: string | null
  names: readonly string[]
  writtenAt: number | null
  /** The fence that covers it. */
  fence: number | null
  resolve: (ended: Ended) => void
  reject: (fault: IrcFault) => void
}

export type AsksOptions = {
  clock: Clock
  answerMs: number
  most: number
  key: (name: string) => string
  hasLabels: () => boolean
  outbox: () => Outbox | null
}

export class Asks {
  readonly #options: AsksOptions
  /** In the order of asking. */
  readonly #entries = new Set<Entry>()
  readonly #labels = new Map<string, Entry>()
  /** Their time was over, and their answers may still come. */
  readonly #late = new Set<Entry>()
  #nextLabel = 1
  #fencesSent = 0
  #fenceOut = false
  /** Something was written that a fence has to cover. */
  #needsFence = false
  #cancel: (() => void) | null = null
  /** When the timer looks. */
  #dueAt = 0
  /** Of those that want every line. */
  #wanting = 0

  constructor(options: AsksOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** This label is on a question of ours without an answer. */
  has(label: string): boolean {
    return this.#labels.has(label)
  }

  /** Something without a label is under way that has to do with this name: what comes back may be its answer, in other words. */
  awaits(name: string): boolean {
    const key = this.#options.key(name)
    for (const all of [this.#entries, this.#late])
      for (const { label, writtenAt, names } of all)
        if (label === null && writtenAt !== null && names.includes(key)) return true
    return false
  }

  /** This line answers what nobody waits for any more: it was ours all the same. */
  isLate(line: Line, label: string | null): boolean {
    for (const entry of this.#late) {
      if (entry.label === null ? entry.read?.(line, false) !== 'over' : entry.label !== label) continue
      this.#late.delete(entry)
      return true
    }
    return false
  }

  /** Somebody waits for whatever comes. */
  get wantsAll(): boolean {
    return this.#wanting > 0
  }

  /** Why so many more at once are not taken; null: they are. */
  isFullFor(count: number): IrcFault | null {
    const { most, outbox } = this.#options
    const now = outbox()
    if (now === null) return new IrcFault('down', 'not connected')
    if (count > Math.min(most, now.most))
      return new IrcFault('too-long', `${count} lines, and ${Math.min(most, now.most)} are taken at once`)
    if (this.#entries.size + count > most) return new IrcFault('busy', 'too many questions without an answer')
    return count > now.room ? new IrcFault('busy', 'too many lines wait to be sent') : null
  }

  /** Resolves when the server has carried it out, as far as it says. `onLabel` tells the label before anything is written. */
  ask(ask: Ask, onLabel?: (label: string | null) => void): Promise<Ended> {
    const outbox = this.#options.outbox()
    if (outbox === null) return Promise.reject(new IrcFault('down', 'not connected'))
    if (this.#entries.size >= this.#options.most)
      return Promise.reject(new IrcFault('busy', 'too many questions without an answer'))
    const label = this.#options.hasLabels() ? (this.#nextLabel++).toString(36) : null
    let text: string
    try {
      const tags = ask.tags === undefined || ask.tags.size === 0 ? null : ask.tags
      if (label !== null && tags === null) text = `@label=${label} ${writeLine(ask.command, ask.params)}`
      else
        text = writeLine(
          ask.command,
          ask.params,
          label === null ? ask.tags : new Map([['label', label], ...(tags ?? [])]),
        )
    } catch (fault) {
      return Promise.reject(new IrcFault('other', fault instanceof Error ? fault.message : String(fault)))
    }
    return new Promise((resolve, reject) => {
      const names = [ask.command, ...ask.about.map(this.#options.key)]
      const entry: Entry = { ...ask, label, names, writtenAt: null, fence: null, resolve, reject }
      this.#entries.add(entry)
      if (label !== null) this.#labels.set(label, entry)
      if (ask.wantsAll === true) this.#wanting += 1
      onLabel?.(label)
      const whole = [text, ...(ask.behind ?? [])].join('\r\n')
      const { isOver } = ask
      const onDropped = isOver && { isOver, dropped: () => this.#fail(entry, new IrcFault('other', 'not sent')) }
      if (!outbox.send(whole, ask.priority, () => this.#written(entry), onDropped))
        this.#fail(entry, new IrcFault('busy', 'too many lines wait to be sent'))
    })
  }

  /** Offers a line; true: it was an answer, and nobody else needs it. `label` is its own or that of the batch around it. */
  offer(line: Line, label: string | null, isWhole: boolean): boolean {
    if (this.#entries.size === 0) return false
    const labelled = label === null ? undefined : this.#labels.get(label)
    if (labelled !== undefined) {
      const taken = this.#read(labelled, line, true)
      if (isWhole) this.labelEnds(label as string)
      return taken
    }
    for (const entry of this.#entries) {
      if (entry.writtenAt === null) continue
      if (this.#read(entry, line, false)) return true
    }
    return false
  }

  /** A label's batch has ended, or ACK came. */
  labelEnds(label: string): void {
    for (const late of this.#late) if (late.label === label) this.#late.delete(late)
    const entry = this.#labels.get(label)
    if (entry !== undefined && entry.endsItself !== true) this.#end(entry, 'label')
  }

  /** True: it was a fence of ours. */
  pong(token: string): boolean {
    const found = /^fence-([0-9]{1,15})$/.exec(token)
    if (found === null) return false
    this.#fenceOut = false
    const reached = Number(found[1])
    for (const entry of [...this.#entries])
      if (entry.fence !== null && entry.fence <= reached) this.#end(entry, 'fence')
    for (const late of this.#late) if (late.fence !== null && late.fence <= reached) this.#late.delete(late)
    this.fence()
    return true
  }

  /** One PING for all that has been written since the last: called when the outbox pauses. */
  fence(): void {
    if (this.#fenceOut || !this.#needsFence) return
    this.#needsFence = false
    const covered = [...this.#entries, ...this.#late].filter(
      ({ writtenAt, fence, endsItself, label }) =>
        writtenAt !== null && fence === null && endsItself !== true && label === null,
    )
    if (covered.length === 0) return
    for (const entry of covered) entry.fence = this.#fencesSent + 1
    this.#fencesSent += 1
    this.#fenceOut = this.#options.outbox()?.send(`PING :fence-${this.#fencesSent}`, 'urgent') ?? false
    // Without room for the fence these wait for the next.
    if (this.#fenceOut) return
    for (const entry of covered) entry.fence = null
    this.#needsFence = true
  }

  /** The connection is gone. What was written may have been carried out. */
  lost({ message, isSaid }: IrcFault): void {
    this.#fenceOut = false
    this.#needsFence = false
    this.#cancel?.()
    this.#cancel = null
    this.#late.clear()
    for (const entry of [...this.#entries])
      this.#fail(
        entry,
        isSaid
          ? IrcFault.said('down', message, 'down', entry.writtenAt !== null)
          : new IrcFault('down', message, 'down', entry.writtenAt !== null),
      )
  }

  #read(entry: Entry, line: Line, isLabelled: boolean): boolean {
    if (!this.#entries.has(entry)) return false
    const read = entry.read?.(line, isLabelled) ?? null
    if (read === 'done' || read === 'over') this.#end(entry, 'read')
    if (read !== null) return read === 'taken' || read === 'done'
    if (entry.wantsAll === true) return false
    const refusal = readRefusal(line)
    if (refusal === null) return false
    if (
      !isLabelled &&
      !refusal.about.some((name) => entry.names.includes(name) || entry.names.includes(this.#options.key(name)))
    )
      return false
    this.#fail(entry, IrcFault.said(refusal.reason, refusal.text, refusal.code))
    return true
  }

  #written(entry: Entry): void {
    entry.writtenAt = this.#options.clock.now()
    this.#needsFence ||= entry.endsItself !== true && entry.label === null
    if (this.#deadline(entry, entry.writtenAt) < this.#dueAt) {
      this.#cancel?.()
      this.#cancel = null
    }
    this.#watch()
  }

  #end(entry: Entry, ended: Ended): void {
    if (this.#remove(entry)) entry.resolve(ended)
  }

  #fail(entry: Entry, fault: IrcFault): void {
    if (this.#remove(entry)) entry.reject(fault)
  }

  #remove(entry: Entry): boolean {
    if (!this.#entries.delete(entry)) return false
    if (entry.label !== null) this.#labels.delete(entry.label)
    if (entry.wantsAll === true) this.#wanting -= 1
    // The timer stays: another one for each message would cost more than a look at nothing now and then.
    return true
  }

  /** One timer for all: it looks again when the first could be over its time. */
  #watch(): void {
    if (this.#cancel !== null) return
    let first = Number.POSITIVE_INFINITY
    for (const entry of this.#entries)
      if (entry.writtenAt !== null) first = Math.min(first, this.#deadline(entry, entry.writtenAt))
    if (first === Number.POSITIVE_INFINITY) return
    this.#dueAt = first
    this.#cancel = this.#options.clock.after(Math.max(1, first - this.#options.clock.now()), () => {
      this.#cancel = null
      const now = this.#options.clock.now()
      for (const entry of [...this.#entries]) {
        if (entry.writtenAt === null || this.#deadline(entry, entry.writtenAt) > now) continue
        if (entry.staysKnown === true && this.#late.size < this.#options.most) this.#late.add(entry)
        this.#fail(entry, new IrcFault('timeout', `${entry.command}: no answer`, 'timeout', true))
      }
      this.#watch()
    })
  }

  #deadline(entry: Entry, writtenAt: number): number {
    return writtenAt + (entry.deadlineMs ?? this.#options.answerMs)
  }
}
