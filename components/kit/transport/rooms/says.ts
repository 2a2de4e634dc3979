// SPDX-License-Identifier: Apache-2.0
// What our people said in one room and the network has not shown yet: the copy that the driver gets is the place of the message in the
// room's order, and here it is known again.
import type { ForeignMessage, Sent } from '../network.ts'
import type { Known } from './foreign.ts'

/** One message of ours, on its way. */
export type Say = {
  readonly owner: string
  /** `Network.key` of the nick under which it went, and under which copies of it come. */
  nick: string
  readonly shown: string
  /** As the stanza had it. */
  readonly mid: string
  readonly payload: string
  readonly body: string
  /** What it takes back. */
  withdraws: Known | null
  /** The room's id for it. */
  readonly id: string
  /** When it was handed over, or answered. */
  at: number
  sent: Sent | null
  isPlaced: boolean
  /** Into how many parts the network's side cut it. */
  of: number
  /** Parts of it that were seen, and how much of its text; which they were, where there are several. */
  parts: number
  seen: number
  readonly copies: ForeignMessage[]
  /** Its sender was told that it is not there, or not whole. Of its parts so many were told, and copies of so many may still come. */
  givenUp: { readonly told: number; readonly most: number } | null
}

/** Of one nick, those which are placed and of which a copy may still come: more are let go. */
const PLACED_MOST = 200

export class Says {
  readonly #says = new Map<string, Say[]>()
  readonly #byId = new Map<string, Say>()
  /** By owner: how many are not answered yet. */
  readonly #unanswered = new Map<string, number>()

  get isEmpty(): boolean {
    return this.#says.size === 0
  }

  add(say: Say): void {
    this.#unanswered.set(say.owner, this.countOf(say.owner) + 1)
    const mine = this.#says.get(say.nick)
    if (mine === undefined) {
      this.#says.set(say.nick, [say])
      return
    }
    mine.push(say)
    const [oldest] = mine
    if (mine.length <= PLACED_MOST || oldest === undefined) return
    if (oldest.givenUp !== null || (oldest.isPlaced && oldest.sent !== null)) this.remove(oldest)
  }

  countOf(owner: string): number {
    return this.#unanswered.get(owner) ?? 0
  }

  /** The network refused it. Null: nothing of it will be seen any more. */
  failed(say: Say, givenUp: Say['givenUp'], now: number): void {
    this.#isAnswered(say.owner)
    if (givenUp === null) {
      this.remove(say)
      return
    }
    say.givenUp = givenUp
    say.at = now
  }

  /** What went under one nick is seen under another from now on. Both are keys. */
  renamed(from: string, to: string): void {
    const mine = this.#says.get(from)
    if (mine === undefined || from === to) return
    this.#says.delete(from)
    for (const say of mine) say.nick = to
    this.#says.set(to, [...mine, ...(this.#says.get(to) ?? [])])
  }

  remove(say: Say): void {
    for (const id of say.sent?.ids ?? []) if (id !== null) this.#byId.delete(id)
    const mine = this.#says.get(say.nick)
    if (mine === undefined) return
    if (mine[0] === say) mine.shift()
    else {
      const at = mine.indexOf(say)
      if (at !== -1) mine.splice(at, 1)
    }
    if (mine.length === 0) this.#says.delete(say.nick)
  }

  #isAnswered(owner: string): void {
    const left = this.countOf(owner) - 1
    if (left > 0) this.#unanswered.set(owner, left)
    else this.#unanswered.delete(owner)
  }

  /** Which of ours this is; null: it is somebody else's, or was never said by way of us. */
  match(nick: string, message: ForeignMessage): Say | null {
    const mine = this.#says.get(nick)
    if (mine === undefined) return null
    const known = message.id === null ? undefined : this.#byId.get(message.id)
    const found =
      (known?.nick === nick ? known : null) ??
      byText(mine, message, false) ??
      byText(mine, message, true) ??
      firstUnanswered(mine)
    return found === null ? null : this.#saw(found, message)
  }

  /** The same, of those only of which the sender was told that they failed. */
  matchGivenUp(nick: string, message: ForeignMessage): Say | null {
    const found = byText(this.#says.get(nick) ?? [], message, true)
    return found === null ? null : this.#saw(found, message)
  }

  #saw(found: Say, message: ForeignMessage): Say {
    found.parts++
    found.seen += plain(message.body).length
    if (found.of > 1 && found.givenUp === null) found.copies.push(message)
    this.#removeSeen(found)
    return found
  }

  /** The network has it, in so many parts. */
  answered(say: Say, sent: Sent): void {
    say.sent = sent
    this.#isAnswered(say.owner)
    for (const id of sent.ids) if (id !== null) this.#byId.set(id, say)
    this.#removeSeen(say)
  }

  #removeSeen(say: Say): void {
    const { givenUp, sent, parts } = say
    if (givenUp === null ? sent !== null && parts >= sent.ids.length : parts >= givenUp.most) this.remove(say)
  }

  /**
   * Answered, and not shown since `before`. Who was placed before `forgotten` is let go: no copy will come any more; nor of what was given
   * up before `over`.
   */
  due(before: number, forgotten: number, over: number): Say[] {
    const due: Say[] = []
    for (const mine of [...this.#says.values()])
      for (const say of [...mine]) {
        const { givenUp } = say
        // Of what was told only copies can come.
        if (givenUp !== null && say.at <= (givenUp.most > givenUp.told ? over : forgotten)) this.remove(say)
        if (givenUp !== null || say.sent === null || say.at > before) continue
        if (!say.isPlaced) due.push(say)
        else if (say.at <= forgotten) this.remove(say)
      }
    return due
  }
}

/** Those whose ids are known are known by them only. The first of which so much is still to be seen. */
function byText(mine: readonly Say[], { id, body }: ForeignMessage, isGivenUp: boolean): Say | null {
  const text = plain(body)
  const fits = (say: Say) => {
    if ((say.givenUp !== null) !== isGivenUp) return false
    if (id !== null && say.sent?.ids.every((one) => one !== null) === true) return false
    const said = say.sent?.body ?? say.body
    if (said === body) return say.seen === 0
    const whole = plain(said)
    if (whole === text) return say.seen === 0
    // What never went in parts comes whole, or not at all.
    if (isGivenUp && say.of === 1) return false
    return text !== '' && say.seen + text.length <= whole.length && whole.includes(text)
  }
  return mine.find(fits) ?? null
}

/** A network may change a text on its way: who is still waited for is the one. */
function firstUnanswered(mine: readonly Say[]): Say | null {
  return mine.find(({ sent, isPlaced, givenUp }) => sent === null && !isPlaced && givenUp === null) ?? null
}

function plain(text: string): string {
  return /^\s|\s$|\s\s|[^\S ]/.test(text) ? text.replace(/\s+/g, ' ').trim() : text
}
