// SPDX-License-Identifier: Apache-2.0

import { isMeant } from './address-pattern.ts'
import { type Masking, maskWords } from './masking.ts'
import { type Page, readPage } from './page.ts'
import type { Condition, Rule, RuleSet, Texts } from './rule.ts'
import type { Screened } from './screened.ts'

/**
 * What the rules say. `rule` is the id of the rule that decided, of all rules that masked something (comma between), or
 * `otherwise`. `texts` of a replacement stand at the same places as in the stanza; null: left out.
 */
export type Decision =
  | { action: 'allow'; rule: string }
  | { action: 'refuse'; rule: string; condition: string; text: Texts }
  | { action: 'replace'; rule: string; texts: Masking; refusal: Texts }

/** A decision function; today's rules answer at once, a rule that asks elsewhere may answer later. */
export type Decide = (asked: Screened) => Decision | Promise<Decision>

/** Walks the rules in order over one stanza. */
export function decide(asked: Screened, set: RuleSet): Decision {
  let page: Page | null = null
  const read = (): Page => {
    page ??= readPage(asked.texts(), set.find)
    return page
  }
  const masked: string[] = []
  let masking: Masking | null = null
  let refusal: Texts = null
  for (const rule of set.rules) {
    if (!holds(rule.when, asked, read)) continue
    const then = rule.then
    if (then.do === 'allow') return conclude(rule.id)
    if (then.do === 'refuse') return refuse(asked, rule, then.text, then.condition)
    const lists = wordLists(rule.when)
    if (!lists.some((list) => read().lists.has(list))) continue
    const next = asked.kinds.has('encrypted') ? null : maskWords(read(), lists, then.mask)
    const after = next && readPage(next, set.find)
    // What cannot be masked (a nick, a file name, an encrypted message) does not pass either.
    if (!next || !after || lists.some((list) => after.lists.has(list))) return refuse(asked, rule, then.text, null)
    masking = next
    page = after
    refusal = then.text
    masked.push(rule.id)
  }
  if (set.otherwise === 'allow') return conclude('otherwise')
  return refuse(asked, { id: 'otherwise' }, null, null)

  function conclude(allowedBy: string): Decision {
    return masking
      ? { action: 'replace', rule: masked.join(','), texts: masking, refusal }
      : { action: 'allow', rule: allowedBy }
  }
}

function holds(condition: Condition, asked: Screened, read: () => Page): boolean {
  switch (condition.is) {
    case 'always':
      return true
    case 'all':
      return condition.of.every((each) => holds(each, asked, read))
    case 'any':
      return condition.of.some((each) => holds(each, asked, read))
    case 'not':
      return !holds(condition.of, asked, read)
    case 'direction':
      return asked.direction === condition.direction
    case 'from':
      return isMeant(asked.from, condition.who)
    case 'to':
      return asked.to.some((address) => isMeant(address, condition.who))
    case 'room':
      return (asked.room !== null) === condition.room
    case 'room-named':
      return asked.room !== null && isMeant(asked.room, condition.rooms)
    case 'kind':
      return condition.kinds.some((kind) => asked.kinds.has(kind))
    case 'words':
      return read().lists.has(condition.list)
  }
}

/** The lists whose words make the condition hold; those under `not` do not. */
export function wordLists(condition: Condition): readonly number[] {
  if (condition.is === 'words') return [condition.list]
  if (condition.is === 'all' || condition.is === 'any') return condition.of.flatMap(wordLists)
  return []
}

function refuse(asked: Screened, rule: Pick<Rule, 'id'>, text: Texts, condition: string | null): Decision {
  // XEP-0045 7.2: a join is refused with its own condition; all else with the one that clients read as "not like this".
  const usual = asked.kinds.has('join') ? 'not-allowed' : 'policy-violation'
  return { action: 'refuse', rule: rule.id, condition: condition ?? usual, text }
}
