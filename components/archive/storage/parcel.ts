// SPDX-License-Identifier: Apache-2.0
// A batch on its way to the thread that keeps it. An object a record is written and read property by property, names included, which
// took as long as reading the stanza (6 us a message, now 1.4, measured): numbers go over as numbers in one piece of memory, a text
// that repeats goes over once, and what is long or seldom alike as it is.
import type { Batch, Item } from '../domain/batch.ts'
import type { TryRecord } from '../domain/record.ts'

/** In the order in which packRecord writes and unpackRecord reads. `others`: items that are no tries, by their place among all. */
export type Parcel = Omit<Batch, 'items'> & {
  count: number
  words: readonly string[]
  numbers: Float64Array
  texts: readonly string[]
  lists: readonly Lists[]
  others: readonly { place: number; item: Exclude<Item, { as: 'try' }> }[]
}

type Lists = Pick<TryRecord['fields'], 'people' | 'links'> & Pick<TryRecord, 'tags'>

export function packBatch({ items, ...rest }: Batch): Parcel {
  const words: string[] = []
  const known = new Map<string, number>()
  const numbers: number[] = []
  const texts: string[] = []
  const lists: Lists[] = []
  const others: { place: number; item: Exclude<Item, { as: 'try' }> }[] = []
  const to: Packing = {
    numbers,
    texts,
    lists,
    word(text) {
      let number = known.get(text)
      if (number === undefined) {
        number = words.push(text) - 1
        known.set(text, number)
      }
      return number
    },
  }
  for (const [place, item] of items.entries()) {
    if (item.as === 'try') packRecord(item.record, to)
    else others.push({ place, item })
  }
  return { ...rest, count: items.length, words, numbers: Float64Array.from(numbers), texts, lists, others }
}

export function unpackBatch({ count, words, numbers, texts, lists, others, ...rest }: Parcel): Batch {
  const items: Item[] = []
  const from: Unpacking = { words, numbers, texts, lists, number: 0, text: 0 }
  let other = 0
  for (let place = 0; place < count; place += 1) {
    const next = others[other]
    if (next?.place === place) {
      items.push(next.item)
      other += 1
    } else items.push({ as: 'try', record: unpackRecord(from) })
  }
  return { ...rest, items }
}

type Packing = { numbers: number[]; texts: string[]; lists: Lists[]; word(text: string): number }

function packRecord(record: TryRecord, { numbers, texts, lists, word }: Packing): void {
  const { fields, tags } = record
  const { people, links } = fields
  const hasLists = people.length + links.length + tags.length > 0
  numbers.push(
    word(record.journal),
    record.position,
    record.recordedAt,
    word(record.source),
    record.n,
    record.try,
    word(record.host),
    word(record.direction),
    word(record.via),
    record.at ?? Number.NaN,
    word(fields.element),
    word(fields.what),
    word(fields.type),
    word(fields.from.bare),
    word(fields.from.resource),
    word(fields.to.bare),
    word(fields.to.resource),
    word(fields.language),
    word(fields.room),
    word(fields.encrypted),
    word(record.action),
    word(record.rule),
    word(record.rules),
    word(record.verdict),
    record.spooled ? 1 : 0,
    word(record.recorded),
    word(record.fromWho),
    word(record.toWho),
    hasLists ? lists.push({ people, links, tags }) - 1 : -1,
    word(record.network),
    ...foreignWords(record.foreign).map(word),
  )
  texts.push(fields.id, fields.originId, fields.note, record.words, record.replacement, record.matched, record.stanza)
}

function foreignWords(foreign: TryRecord['foreign']): readonly string[] {
  return foreign ? [foreign.server, foreign.nick, foreign.account, foreign.identity] : ['', '', '', '']
}

type Unpacking = Pick<Parcel, 'words' | 'numbers' | 'texts' | 'lists'> & { number: number; text: number }

const NO_LISTS: Lists = { people: [], links: [], tags: [] }

function unpackRecord(from: Unpacking): TryRecord {
  const { words, numbers, texts, lists } = from
  const number = () => numbers[from.number++] ?? Number.NaN
  const word = () => words[number()] ?? ''
  const text = () => texts[from.text++] ?? ''
  const head = {
    journal: word(),
    position: number(),
    recordedAt: number(),
    source: word(),
    n: number(),
    try: number(),
    host: word(),
    direction: word(),
    via: word(),
    at: orNull(number()),
  }
  const said = {
    element: word() as TryRecord['fields']['element'],
    what: word(),
    type: word(),
    from: { bare: word(), resource: word() },
    to: { bare: word(), resource: word() },
    language: word(),
    room: word(),
    encrypted: word(),
  }
  const verdict = { action: word(), rule: word(), rules: word(), verdict: word() }
  const spooled = number() === 1
  const recorded = word() as TryRecord['recorded']
  const who = { fromWho: word(), toWho: word() }
  const { people, links, tags } = lists[number()] ?? NO_LISTS
  const network = word()
  const foreign = { server: word(), nick: word(), account: word(), identity: word() }
  const fields = { ...said, people, links, id: text(), originId: text(), note: text() }
  return {
    ...head,
    fields,
    ...verdict,
    spooled,
    recorded,
    ...who,
    network,
    foreign: foreign.server === '' ? null : foreign,
    tags,
    words: text(),
    replacement: text(),
    matched: text(),
    stanza: text(),
  }
}

function orNull(number: number): number | null {
  return Number.isNaN(number) ? null : number
}
