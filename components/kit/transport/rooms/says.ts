// SPDX-License-Identifier: Apache-2.0
// What our people said in one room and the network has not shown yet: the copy that the driver gets is the place of the message in the
// room's order, and here it is known again.
import type { ForeignMessage, Sent } from '../network.ts'
import type { Known } from './foreign.ts'

/** One message of ours, on its way. */
export type Say = {
  readonly owner: string
  /** `Network.key` of the nick under which it went. */
  readonly nick: string
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
  /** Parts of it that were seen, and how much of its text. */
  parts: number
  seen: number
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
    if (mine.length > PLACED_MOST && mine[0]?.isPlaced === true && mine[0].sent !== null) this.remove(mine[0])
  }

  countOf(owner: string): number {
    return this.#unanswered.get(owner) ?? 0
  }

  /** The network refused it. */
  failed(say: Say): void {
    this.#isAnswered(say.owner)
    this.remove(say)
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
    const found = (known?.nick === nick ? known : null) ?? byText(mine, message) ?? firstUnanswered(mine)
    if (found === null) return null
    found.parts++
    found.seen += plain(message.body).length
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
    if (say.sent !== null && say.parts >= say.sent.ids.length) this.remove(say)
  }

  /** Answered, and not shown since `before`. Who was placed before `forgotten` is let go: no copy will come any more. */
  due(before: number, forgotten: number): Say[] {
    const due: Say[] = []
    for (const mine of [...this.#says.values()])
      for (const say of [...mine]) {
        if (say.sent === null || say.at > before) continue
        if (!say.isPlaced) due.push(say)
        else if (say.at <= forgotten) this.remove(say)
      }
    return due
  }
}

/** Those whose ids are known are known by them only. The first of which so much is still to be seen. */
function byText(mine: readonly Say[], { id, body }: ForeignMessage): Say | null {
  const text = plain(body)
  const fits = (say: Say) => {
    if (id !== null && say.sent?.ids.every((one) => one !== null) === true) return false
    const said = say.sent?.body ?? say.body
    if (said === body) return say.seen === 0
    const whole = plain(said)
    if (whole === text) return say.seen === 0
    return text !== '' && say.seen + text.length <= whole.length && whole.includes(text)
  }
  return mine.find(fits) ?? null
}

/** A network may change a text on its way: who is still waited for is the one. */
function firstUnanswered(mine: readonly Say[]): Say | null {
  return mine.find(({ sent, isPlaced }) => sent === null && !isPlaced) ?? null
}

function plain(text: string): string {
  return /^\s|\s$|\s\s|[^\S ]/.test(text) ? text.replace(/\s+/g, ' ').trim() : text
}
