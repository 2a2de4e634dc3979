// SPDX-License-Identifier: Apache-2.0
import type { MatchedAt, Recorded } from '../../kit/facts/facts.ts'
import { isAmong } from './address-pattern.ts'
import { type Masking, maskSought } from './masking.ts'
import { Page } from './page.ts'
import { isAboutPeople, peopleMeet } from './people.ts'
import type { Condition, Rule, RuleSet, Sought, Texts } from './rule.ts'
import { inOrder } from './rule-index.ts'
import type { Screened } from './screened.ts'

/**
 * What the rules say. `rule` is the id of the rule that decided, of all rules that masked something (comma between), or
 * `otherwise`. `texts` of a replacement stand at the same places as in the stanza; null: left out.
 */
export type Decision = (
  | { action: 'allow'; rule: string }
  | { action: 'refuse'; rule: string; condition: string; text: Texts }
  | { action: 'replace'; rule: string; texts: Masking; refusal: Texts }
) &
  Noted

/** What the rules noted on the way. Absent: nothing, and the content is recorded. */
export type Noted = { tags?: readonly string[]; record?: Recorded; matched?: readonly MatchedAt[] }

/**
 * A decision function. What is long is decided on elsewhere and later: `units` are the UTF-16 units of the stanza as it came.
 */
export type Decide = (asked: Screened, units: number) => Decision | Promise<Decision>

/** Told of each rule that holds, in the order of the walk, with the texts as they stood then (null: none was looked at). */
export type Watch = (rule: Rule, page: Page | null) => void

/** Walks the rules in order over one stanza. */
export function decide(asked: Screened, set: RuleSet, watch?: Watch): Decision {
  const { rules, index, matcher } = set
  let page: Page | null = null
  const read = (): Page => {
    page ??= new Page(asked.texts(), matcher)
    return page
  }
  const notes = new Notes()
  const masked: string[] = []
  let masking: Masking | null = null
  let refusal: Texts = null
  const byEnvelope = index.byEnvelope(asked)
  let candidates = byEnvelope
  let withTexts = index.firstByText === Number.POSITIVE_INFINITY
  for (let at = 0; ; ) {
    const number = candidates[at]
    // The texts are read when a rule comes up that only they can call for.
    if (!withTexts && (number === undefined || number > index.firstByText)) {
      withTexts = true
      const called = index.byLists(read().lists)
      if (called.length === 0) continue
      // A rule that the envelope called for as well has had its turn.
      const last = candidates[at - 1] ?? -1
      candidates = inOrder([candidates, called]).filter((each) => each > last)
      at = 0
      continue
    }
    if (number === undefined) break
    at += 1
    const rule = rules[number]
    if (rule === undefined || !holds(rule.when, asked, read)) continue
    watch?.(rule, page)
    const then = rule.then
    const sought = index.sought(number)
    notes.add(rule, sought, sought.lists.length + sought.patterns.length > 0 ? read() : null)
    if (then.do === 'allow') return conclude(rule.id)
    if (then.do === 'refuse') return refuse(asked, rule, then.text, then.condition, notes)
    if (then.do === 'tag' || !read().has(sought)) continue
    const next: Masking | null = isSealed(asked) ? null : maskSought(read(), sought, then.mask)
    const after: Page | null = next && new Page(next, matcher)
    // What cannot be masked (a nick, a file name, an encrypted message) does not pass either.
    if (!next || !after || after.has(sought)) return refuse(asked, rule, then.text, null, notes)
    masking = next
    page = after
    refusal = then.text
    masked.push(rule.id)
    candidates = inOrder([byEnvelope, index.byLists(after.lists)]).filter((each) => each > number)
    at = 0
  }
  if (set.otherwise === 'allow') return conclude('otherwise')
  return refuse(asked, { id: 'otherwise' }, null, null, notes)

  function conclude(allowedBy: string): Decision {
    return masking
      ? { action: 'replace', rule: masked.join(','), texts: masking, refusal, ...notes.noted() }
      : { action: 'allow', rule: allowedBy, ...notes.noted() }
  }
}

/**
 * What is said where no decision could be made: null leaves it to the outage rule of the host, which a rule may only make
 * stricter. Texts are not looked at again: what a rule seeks there counts as found. What an earlier rule certainly allows is not
 * meant; what one certainly refuses is none the less.
 */
export function decideFault(asked: Screened, set: Pick<RuleSet, 'rules'>): Decision | null {
  for (const rule of set.rules) {
    if (rule.closed && mayHold(rule.when, asked) !== false)
      return refuse(asked, rule, null, 'resource-constraint', new Notes())
    if (rule.then.do === 'allow' && mayHold(rule.when, asked) === true) return null
  }
  return null
}

/** Encrypted and signed messages are never rewritten: nobody could read the one, and the other would be a forgery. */
function isSealed(asked: Screened): boolean {
  return asked.kinds.has('encrypted') || asked.kinds.has('signed')
}

/** Loops, not closures: a rule that is walked for every stanza is to leave nothing for the collector. */
function holds(condition: Condition, asked: Screened, read: () => Page): boolean {
  switch (condition.is) {
    case 'all':
      for (const each of condition.of) if (!holds(each, asked, read)) return false
      return true
    case 'any':
      for (const each of condition.of) if (holds(each, asked, read)) return true
      return false
    case 'not':
      return !holds(condition.of, asked, read)
    case 'words':
      for (const list of condition.lists) if (read().lists.has(list)) return true
      return false
    case 'regex':
      for (const pattern of condition.patterns) if (read().fits(pattern)) return true
      return false
    default: {
      const held = mayHold(condition, asked)
      if (held === null) throw new PeopleUnknown(condition.is)
      return held
    }
  }
}

/** A condition on people came up while nobody knows who they are: no verdict, and the outage rule applies. */
export class PeopleUnknown extends Error {
  override name = 'PeopleUnknown'
  constructor(condition: string) {
    super(`${condition} cannot be told: there is no snapshot of the directory`)
  }
}

/** Each part of a condition that says something by itself, in the words of the rule file, and whether it holds. */
export function groundsOf(condition: Condition, asked: Screened, page: Page): { ground: string; holds: boolean }[] {
  if (condition.is === 'all' || condition.is === 'any')
    return condition.of.flatMap((each) => groundsOf(each, asked, page))
  if (condition.is === 'not')
    return groundsOf(condition.of, asked, page).map(({ ground, holds }) => ({ ground: `not ${ground}`, holds: !holds }))
  const ground = condition.is === 'room-named' ? 'room' : condition.is
  const isHeld = isAboutPeople(condition) ? peopleMeet(condition, asked) === true : holds(condition, asked, () => page)
  return [{ ground, holds: isHeld }]
}

/** What can be told from the envelope alone; null: that depends on the texts, or on people while nobody knows them. */
export function mayHold(condition: Condition, asked: Screened): boolean | null {
  switch (condition.is) {
    case 'always':
      return true
    case 'all':
      return everyMay(condition.of.map((each) => mayHold(each, asked)))
    case 'any':
      return someMay(condition.of.map((each) => mayHold(each, asked)))
    case 'not': {
      const not = mayHold(condition.of, asked)
      return not === null ? null : !not
    }
    case 'direction':
      return asked.direction === condition.direction
    case 'host':
      return isAmong(asked.host, condition.hosts)
    case 'from':
      return isAmong(asked.from, condition.who)
    case 'to':
      return asked.to.some((address) => isAmong(address, condition.who))
    case 'room':
      return (asked.room !== null) === condition.room
    case 'room-named':
      return asked.room !== null && isAmong(asked.room, condition.rooms)
    case 'kind':
      return condition.kinds.some((kind) => asked.kinds.has(kind))
    case 'network':
      for (const network of asked.networks) if (condition.networks.has(network)) return true
      return false
    case 'words':
    case 'regex':
      return null
    default:
      return peopleMeet(condition, asked)
  }
}

export function everyMay(parts: readonly (boolean | null)[]): boolean | null {
  if (parts.includes(false)) return false
  return parts.includes(null) ? null : true
}

export function someMay(parts: readonly (boolean | null)[]): boolean | null {
  if (parts.includes(true)) return true
  return parts.includes(null) ? null : false
}

/** So many places are noted of a rule, and of all rules together. */
const MATCHED_BY_RULE = 20
const MATCHED_MAX = 100
/** The name of a place is one of an element, and may be as long as a stanza. */
const WHERE_MAX = 64

class Notes {
  readonly #tags = new Set<string>()
  #record: Recorded | null = null
  readonly #matched: MatchedAt[] = []

  add(rule: Rule, sought: Sought, page: Page | null): void {
    for (const tag of rule.tags) this.#tags.add(tag)
    this.#record ??= rule.record
    if (page !== null) this.#addPlaces(rule, sought, page)
  }

  noted(): Noted {
    const record = this.#record
    return {
      ...(this.#tags.size > 0 ? { tags: [...this.#tags] } : {}),
      ...(record !== null && record !== 'content' ? { record } : {}),
      ...(this.#matched.length > 0 ? { matched: this.#matched } : {}),
    }
  }

  #addPlaces(rule: Rule, sought: Sought, page: Page): void {
    let left = Math.min(MATCHED_BY_RULE, MATCHED_MAX - this.#matched.length)
    for (const [text, value] of page.texts.entries()) {
      if (value === null || left <= 0) continue
      const where = value.where.slice(0, WHERE_MAX).toWellFormed()
      for (const { start, end } of (page.spans(text, sought, left) ?? []).slice(0, left)) {
        this.#matched.push({ rule: rule.id, text, where, start, end })
        left -= 1
      }
    }
  }
}

function refuse(
  asked: Screened,
  rule: Pick<Rule, 'id'>,
  text: Texts,
  condition: string | null,
  notes: Notes,
): Decision {
  // XEP-0045 7.2: a join is refused with its own condition; all else with the one that clients read as "not like this".
  const usual = asked.kinds.has('join') ? 'not-allowed' : 'policy-violation'
  return { action: 'refuse', rule: rule.id, condition: condition ?? usual, text, ...notes.noted() }
}
