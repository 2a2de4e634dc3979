// SPDX-License-Identifier: Apache-2.0
// Who is there: people, groups and the state of the directory that names them, and the walls between groups, as items of a snapshot.
// `directory` publishes the first three, `policy` the walls. Version 1. Page: PEOPLE.md.
import { isObject, namedTexts, number, type Shape, shape, text, texts, time, word } from './shapes.ts'

/** `id` is the person's own for ever: names, addresses and places change. */
export type PersonItem = {
  kind: 'person'
  id: string
  /** Bare JID, and those that this person had before: never anybody else's. */
  jid: string
  oldJids: readonly string[]
  name: string
  given?: string
  family?: string
  nick?: string
  mail: readonly string[]
  phone: readonly string[]
  department?: string
  title?: string
  /** The `id` of a person. */
  manager?: string
  /** Ids of groups, those that are reached through other groups included. */
  groups: readonly string[]
  disabled: boolean
  /** Names on other networks, by network. */
  identities: Readonly<Record<string, string>>
}

export type GroupItem = { kind: 'group'; id: string; name: string; description?: string }

/** What the directory says of itself; `at`: when it was read last, RFC 3339 UTC with milliseconds. */
export type DirectoryItem = { kind: 'directory'; at: string; hosts: readonly string[]; people: number; groups: number }

/** A wall between two groups, by their names; who is in an exception passes: one person everywhere, two only between them. */
export type WallItem = { kind: 'wall'; id: string; a: string; b: string; except: readonly WallException[] }

/** `until`: RFC 3339 UTC with milliseconds; it holds before that moment. */
export type WallException = { jids: readonly string[]; until: string }

export type PeopleItem = PersonItem | GroupItem | DirectoryItem | WallItem

/** The same shape as the snapshot's own `Item`. */
export type PeopleEntry = { key: string; kind: string; version: number; body: string }

/** An item of a kind or version that this program does not know; readers leave it alone. */
export type UnknownItem = { kind: 'unknown'; of: string }

/** The body of an item is not what its kind promises. */
export class PeopleFault extends Error {
  override name = 'PeopleFault'
}

export const PEOPLE_VERSION = 1

/** `person/ID`, `group/ID`, `wall/ID`, and `directory`. */
export function keyOf(item: PeopleItem): string {
  return item.kind === 'directory' ? 'directory' : `${item.kind}/${item.id}`
}

export function writeItem(item: PeopleItem): PeopleEntry {
  return { key: keyOf(item), kind: item.kind, version: PEOPLE_VERSION, body: JSON.stringify(item) }
}

/** Throws PeopleFault where a known kind is malformed. Fields that this version does not know stay in the value. */
export function readItem({ key, kind, version, body }: PeopleEntry): PeopleItem | UnknownItem {
  const wanted = version === PEOPLE_VERSION ? fields.get(kind) : undefined
  if (wanted === undefined) return { kind: 'unknown', of: kind }
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw new PeopleFault(`${key}: a JSON object is wanted`, { cause })
  }
  if (!isObject(value) || value.kind !== kind) throw new PeopleFault(`${key}: a JSON object of kind ${kind} is wanted`)
  for (const [name, optional, { wanted: as, fits }] of wanted) {
    const given = value[name]
    if (!(given === undefined && optional) && !fits(given)) throw new PeopleFault(`${key}: ${name}: ${as} is wanted`)
  }
  const item = value as PeopleItem
  if (keyOf(item) !== key) throw new PeopleFault(`${key}: it says that it is ${keyOf(item)}`)
  return item
}

const flag = shape('true or false', (value) => typeof value === 'boolean')
const exceptions = shape('a list of {jids, until}', (value) => {
  const fits = (one: unknown) => isObject(one) && texts.fits(one.jids) && time.fits(one.until)
  return Array.isArray(value) && value.every(fits)
})

/** For each field of a kind its shape, or [shape] where the field may be absent. */
type Shapes<I extends PeopleItem> = {
  [K in Exclude<keyof I, 'kind'>]-?: undefined extends I[K] ? readonly [Shape] : Shape
}

const kinds: { [K in PeopleItem['kind']]: Shapes<Extract<PeopleItem, { kind: K }>> } = {
  person: {
    id: word,
    jid: word,
    oldJids: texts,
    name: text,
    given: [text],
    family: [text],
    nick: [text],
    mail: texts,
    phone: texts,
    department: [text],
    title: [text],
    manager: [word],
    groups: texts,
    disabled: flag,
    identities: namedTexts,
  },
  group: { id: word, name: text, description: [text] },
  directory: { at: time, hosts: texts, people: number, groups: number },
  wall: { id: word, a: word, b: word, except: exceptions },
}

/** The fields of every known kind: name, whether it may be absent, shape. */
export const fields: ReadonlyMap<string, readonly (readonly [name: string, optional: boolean, shape: Shape])[]> =
  new Map(
    Object.entries(kinds).map(([kind, shapes]) => [
      kind,
      Object.entries<Shape | readonly [Shape]>(shapes).map(([name, given]) =>
        'fits' in given ? ([name, false, given] as const) : ([name, true, given[0]] as const),
      ),
    ]),
  )
