// SPDX-License-Identifier: Apache-2.0
// `matches:` and `passes:` of a rule: texts, or stanzas in a few words, for which its condition must hold, or must not. They are
// tried when the file is read. What an example does not say fits every condition.
import { bareOf } from '../../kit/xmpp/jid.ts'
import { isAmong } from '../domain/address-pattern.ts'
import { everyMay, mayHold, someMay } from '../domain/decide.ts'
import { withDecoded } from '../domain/decoded.ts'
import { Page } from '../domain/page.ts'
import { nameKey } from '../domain/person.ts'
import type { Condition, Matcher } from '../domain/rule.ts'
import { soughtBy } from '../domain/rule-index.ts'
import { DIRECTIONS, KINDS, type Kind, type Screened, type Text } from '../domain/screened.ts'
import { readNames, readNetworks } from './condition.ts'
import { EXAMPLE_KEYS } from './keys.ts'
import { isMap, type Reading } from './reading.ts'

const EXAMPLES_MAX = 1_000
const TEXT_MAX = 65_536

export type Example = Partial<Pick<Screened, 'from' | 'host' | 'direction'>> & {
  to?: string
  room?: boolean
  kinds?: ReadonlySet<Kind>
  networks?: ReadonlySet<string>
  text: string
  /** Names for comparison, of groups and departments, by the words of the conditions. */
  names: ReadonlyMap<string, ReadonlySet<string>>
  external?: boolean
}

/** An example with what the condition must say of it, and where it stands. */
export type Wanted = { example: Example; holds: boolean; place: Reading }

export function readExamples(rule: Reading): readonly Wanted[] {
  return (['matches', 'passes'] as const).flatMap((key) => {
    const place = rule.at(key)
    if (place.value === undefined || place.value === null) return []
    const read = place.items(EXAMPLES_MAX, (item) => {
      const example = readExample(item)
      return example && { example, holds: key === 'matches', place: item }
    })
    return read ?? []
  })
}

/** Tells the place of each example that fails. */
export function tryExamples(when: Condition, wanted: readonly Wanted[], matcher: Matcher): void {
  for (const { example, holds, place } of wanted) {
    const texts = withDecoded<Text>([{ where: 'body', value: example.text, onReplace: 'rewrite' }])
    const page = new Page(texts, matcher)
    const said = fits(when, example, page)
    if (holds && said === false) place.refuse('policy-example-passes')
    if (holds || said === false) continue
    if (said === null) place.refuse('policy-example-open')
    else {
      const found = firstFound(when, page)
      if (found === null) place.refuse('policy-example-matches')
      else place.refuse('policy-example-found', { found })
    }
  }
}

/** What the condition looks for, as the example spells it: of a word list nobody could guess which word it was. */
function firstFound(when: Condition, page: Page): string | null {
  for (const [at, text] of page.texts.entries()) {
    const [first] = page.spans(at, soughtBy(when), 1) ?? []
    if (text && first) return text.value.slice(first.start, first.end)
  }
  return null
}

function readExample(place: Reading): Example | null {
  if (typeof place.value === 'string') return { text: place.value, names: new Map() }
  if (!isMap(place.value)) return place.refuse('policy-wanted-example')
  place.keys(EXAMPLE_KEYS)
  const said = (key: string) => place.at(key).value !== undefined
  const text = said('text') ? place.at('text').text(TEXT_MAX) : ''
  const from = said('from') ? place.at('from').text(3_071) : undefined
  const to = said('to') ? place.at('to').text(3_071) : undefined
  const host = said('host') ? place.at('host').text(1_023) : undefined
  const direction = said('direction') ? place.at('direction').oneOf(DIRECTIONS) : undefined
  const networks = said('network') ? readNetworks(place.at('network')) : undefined
  const kinds = said('kind') ? place.at('kind').items(KINDS.length, (item) => item.oneOf(KINDS)) : undefined
  const room = place.at('room').value
  if (room !== undefined && typeof room !== 'boolean') return place.at('room').refuse('policy-wanted-true-false')
  const names = new Map<string, ReadonlySet<string>>()
  for (const key of NAMED) {
    const read = said(key) ? readNames(place.at(key)) : []
    if (read === null) return null
    if (read.length > 0) names.set(key, new Set(read.map(nameKey)))
  }
  if (said('same.group')) return place.at('same.group').refuse('policy-example-same-group')
  const external = place.at('is-external').value
  if (external !== undefined && typeof external !== 'boolean')
    return place.at('is-external').refuse('policy-wanted-true-false')
  if (text === null || from === null || to === null || host === null || direction === null || kinds === null)
    return null
  if (networks === null) return null
  return {
    text,
    names,
    ...(external === undefined ? {} : { external }),
    ...(from === undefined ? {} : { from: bareOf(from) }),
    ...(to === undefined ? {} : { to: bareOf(to) }),
    ...(host === undefined ? {} : { host: host.toLowerCase() }),
    ...(direction === undefined ? {} : { direction }),
    ...(kinds === undefined ? {} : { kinds: new Set(kinds) }),
    ...(networks === undefined ? {} : { networks: new Set(networks) }),
    ...(room === undefined ? {} : { room }),
  }
}

const NAMED = ['from.group', 'to.group', 'from.department', 'to.department'] as const

/** Null: it depends on what the example does not say. */
function fits(condition: Condition, example: Example, page: Page): boolean | null {
  switch (condition.is) {
    case 'all':
      return everyMay(condition.of.map((each) => fits(each, example, page)))
    case 'any':
      return someMay(condition.of.map((each) => fits(each, example, page)))
    case 'not': {
      const not = fits(condition.of, example, page)
      return not === null ? null : !not
    }
    case 'words':
      return page.has({ lists: condition.lists, patterns: [] })
    case 'regex':
      return page.has({ lists: [], patterns: condition.patterns })
    case 'room-named':
      if (example.room === false) return false
      return example.to === undefined ? null : isAmong(example.to, condition.rooms)
    case 'from.group':
    case 'to.group':
    case 'from.department':
    case 'to.department': {
      const { names } = condition
      const said = example.names.get(condition.is)
      return said === undefined ? null : [...said].some((name) => names.has(name))
    }
    case 'same.group': {
      const { names, same } = condition
      const [from, to] = [example.names.get('from.group'), example.names.get('to.group')]
      if (from === undefined || to === undefined) return null
      return [...from].some((name) => to.has(name) && (names?.has(name) ?? true)) === same
    }
    case 'is-external':
      return example.external === undefined ? null : example.external === condition.external
    default:
      return isSaid(condition.is, example) ? mayHold(condition, screenedOf(example)) : null
  }
}

function isSaid(what: Condition['is'], example: Example): boolean {
  if (what === 'always') return true
  if (what === 'kind') return example.kinds !== undefined
  if (what === 'network') return example.networks !== undefined
  return (
    (what === 'from' || what === 'to' || what === 'host' || what === 'direction' || what === 'room') &&
    example[what] !== undefined
  )
}

function screenedOf(example: Example): Screened {
  return {
    host: example.host ?? '',
    direction: example.direction ?? 'sent',
    via: 'c2s',
    from: example.from ?? '',
    sender: example.from ?? '',
    networks: example.networks ?? new Set(),
    to: example.to === undefined ? [] : [example.to],
    room: example.room === true ? (example.to ?? '') : null,
    nick: null,
    kinds: example.kinds ?? new Set(),
    parts: false,
    people: null,
    texts: () => [],
  }
}
