// SPDX-License-Identifier: Apache-2.0
// Which fields each kind of fact has, and of what shape; the compiler checks that none of facts.ts is missing here.
import type { Fact, FactKind, FactOf } from './facts.ts'
import { isObject, namedTexts, number, type Shape, shape, text, texts, time, word } from './shapes.ts'

type Field = { name: string; optional: boolean; shape: Shape }

const count = shape('a whole number from 1', (value) => Number.isSafeInteger(value) && Number(value) >= 1)
const set = shape('true', (value) => value === true)
const object = shape('an object', isObject)
const numberOrNull = shape('a whole number from 0 or null', (value) => value === null || number.fits(value))
const outcome = oneOf('released', 'refused', 'bounced', 'unscreened', 'gone')

const who = shape('{uid, user} or {jid}', (value) => {
  return isObject(value) && ((number.fits(value.uid) && text.fits(value.user)) || word.fits(value.jid))
})

const predecessor = shape('{source, mark, reserved}', (value) => {
  return isObject(value) && word.fits(value.source) && number.fits(value.mark) && number.fits(value.reserved)
})

const verdict = shape('a verdict (allow, refuse with condition and text, replace with stanza)', (value) => {
  if (!isObject(value) || !text.fits(value.rule)) return false
  if (value.action === 'allow') return true
  if (value.action === 'replace') return text.fits(value.stanza)
  return (
    value.action === 'refuse' &&
    word.fits(value.condition) &&
    isObject(value.text) &&
    Object.values(value.text).every(text.fits)
  )
})

const matched = shape('a list of {rule, text, where, start, end}', (value) => {
  const fits = (one: unknown) =>
    isObject(one) &&
    word.fits(one.rule) &&
    number.fits(one.text) &&
    text.fits(one.where) &&
    number.fits(one.start) &&
    number.fits(one.end)
  return Array.isArray(value) && value.every(fits)
})

const whoWas = shape('{from, to}, each a text where it is there', (value) => {
  const fits = (one: unknown) => one === undefined || word.fits(one)
  return isObject(value) && fits(value.from) && fits(value.to)
})

const foreign = shape('{server, nick, account, identity}, the last two where they are there', (value) => {
  const fits = (one: unknown) => one === undefined || word.fits(one)
  return (
    isObject(value) && word.fits(value.server) && word.fits(value.nick) && fits(value.account) && fits(value.identity)
  )
})

const missing = { event: oneOf('found', 'closed'), source: word, from: number, to: number, count: number, at: time }

/** For each field of a kind its shape, or [shape] where the field may be absent. */
type Shapes<F extends Fact> = {
  [K in Exclude<keyof F, 'kind'>]-?: undefined extends F[K] ? readonly [Shape] : Shape
}

const kinds: { [K in FactKind]: Shapes<FactOf<K>> } = {
  source: {
    source: word,
    at: time,
    node: text,
    hosts: texts,
    software: text,
    helper: text,
    predecessor: [predecessor],
  },
  ask: {
    source: word,
    n: count,
    try: count,
    host: text,
    direction: oneOf('sent', 'received'),
    via: oneOf('c2s', 's2s', 'component', 'network'),
    at: time,
    stanza: text,
    verdict,
    rules: text,
    spooled: [set],
    tags: [texts],
    record: [oneOf('envelope', 'nothing')],
    matched: [matched],
    who: [whoWas],
    network: [word],
    foreign: [foreign],
  },
  identity: { hash: word, id: word, jid: word, name: text, mail: texts, department: [text], groups: texts, at: time },
  done: { source: word, to: number },
  settle: { source: word, n: count, try: [count], outcome, rule: [text], at: time },
  mark: { source: word, last: number, at: time, end: [set] },
  outage: { source: word, host: text, from: count, to: count, count: number, outcome, rule: [text], at: time },
  occupant: { source: word, host: text, room: word, nick: text, jid: word, event: oneOf('joined', 'left'), at: time },
  session: {
    source: word,
    host: text,
    jid: word,
    via: text,
    event: oneOf('started', 'ended'),
    account: [word],
    at: time,
  },
  account: {
    source: word,
    host: text,
    jid: word,
    event: oneOf('created', 'seen', 'removed'),
    id: word,
    at: time,
  },
  'stanza-id': { source: word, n: count, by: word, id: word, at: time },
  observed: { source: word, host: text, from: text, stanza: word, at: time },
  rules: { hash: text, rules: number, file: text, files: [namedTexts], at: time },
  network: { network: word, domain: word, at: time },
  access: {
    who,
    via: [word],
    command: word,
    query: object,
    hits: numberOrNull,
    reason: [text],
    denied: [set],
    at: time,
  },
  directory: {
    seq: count,
    plan: word,
    people: counts('added', 'changed', 'removed', 'locked'),
    groups: counts('added', 'changed', 'removed'),
    memberships: counts('added', 'removed'),
    who: [who],
    via: [word],
    at: time,
  },
  gap: missing,
  'tail-unknown': missing,
  'ended-without-mark': missing,
  'journal-gap': { journal: word, from: number, to: number, at: time },
}

/** The fields of every known kind, as lists. */
export const fields: ReadonlyMap<string, readonly Field[]> = new Map(
  Object.entries(kinds).map(([kind, shapes]) => [
    kind,
    Object.entries<Shape | readonly [Shape]>(shapes).map(([name, given]) =>
      'fits' in given ? { name, optional: false, shape: given } : { name, optional: true, shape: given[0] },
    ),
  ]),
)

function counts(...names: readonly string[]): Shape {
  return shape(`{${names.join(', ')}}, whole numbers from 0`, (value) => {
    return isObject(value) && names.every((name) => number.fits(value[name]))
  })
}

function oneOf(...words: readonly string[]): Shape {
  return shape(`one of ${words.join(', ')}`, (value) => typeof value === 'string' && words.includes(value))
}
