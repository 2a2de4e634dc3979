// SPDX-License-Identifier: Apache-2.0
// urn:gatehouse:directory:1: what a server helper is handed, and what it says it holds. Page: deploy/servers/DIRECTORY.md.
import type { Element } from '../../kit/xml/element.ts'
import { escapeAttribute } from '../../kit/xml/writer.ts'
import type { ProvisionedGroup, ProvisionedPerson } from '../domain/provisioned.ts'
import type { ProvisionedWall } from '../domain/walls.ts'

export const DIRECTORY = 'urn:gatehouse:directory:1'

export type HelperPolicy = { cap: number; deleted: 'back' | 'away'; presencePerSecond: number }

/** What a helper holds: `id` '' when nothing. */
export type HelperState = {
  id: string
  seq: number
  people: number
  groups: number
  /** Pushes and presences that are still to be sent. */
  waiting: number
  features: readonly string[]
  software: string
}

/** Names the version that is handed over; without `base` it is the whole. */
export type Transfer = { id: string; seq: number; base?: number }

/** A part has so many children at most, and is about so large (§4: 1,000, and 128 KiB). */
const PART_CHILDREN = 1_000
const PART_UNITS = 80 * 1024
/** §9: of one join or part; with long addresses less, by their size. */
const MEMBERS = 500
const MEMBERS_UNITS = 40 * 1024
/** §4: bytes of a name. */
const NAME_BYTES = 1_023

export const ASK_STATE = `<state xmlns='${DIRECTORY}'/>`

/** Null when the answer is none. */
export function readHelperState(result: Element): HelperState | null {
  const state = result.getChild('state', DIRECTORY)
  if (state === undefined) return null
  const {
    id = '',
    seq = '',
    people = '',
    groups = '',
    waiting = '',
    features = '',
    server = '',
    helper = '',
  } = state.attrs
  const number = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : 0)
  return {
    id,
    seq: number(seq),
    people: number(people),
    groups: number(groups),
    waiting: number(waiting),
    features: features.split(/\s+/).filter((word: string) => word !== ''),
    software: `${server} ${helper}`.trim(),
  }
}

export function writePolicy({ cap, deleted, presencePerSecond }: HelperPolicy): string {
  return `<policy cap='${cap}' deleted='${deleted}' presence='${presencePerSecond}'/>`
}

export function writePerson({ jid, name, disabled }: Pick<ProvisionedPerson, 'jid' | 'name' | 'disabled'>): string {
  return personElement(jid, name, disabled ? 'disabled' : null)
}

/** An address that is in use no more: nobody logs in under it, ever. */
export function writeFormer(jid: string, name: string): string {
  return personElement(jid, name, 'gone')
}

export function writeGroup({ id, name, roster }: Pick<ProvisionedGroup, 'id' | 'name' | 'roster'>): string {
  const tag = `<group id='${escapeAttribute(id)}' name='${escapeAttribute(named(roster?.name ?? name) || '-')}'`
  if (roster === undefined) return `${tag} shown='nobody'/>`
  const order = roster.order === 0 ? '' : ` order='${roster.order}'`
  // A group that is shown to groups of which none is there is shown to nobody.
  if (roster.shown === 'groups' && roster.to.length === 0) return `${tag}${order} shown='nobody'/>`
  const start = `${tag}${order} shown='${roster.shown}'`
  if (roster.shown !== 'groups') return `${start}/>`
  const to = roster.to.slice(0, 1_000).map((group) => `<to group='${escapeAttribute(group)}'/>`)
  return `${start}>${to.join('')}</group>`
}

export function writeGoneGroup(id: string): string {
  return `<group id='${escapeAttribute(id)}' gone='true'/>`
}

export function writeWall({ id, a, b, except }: ProvisionedWall): string {
  const sides = [
    ...a.map((group) => `<a group='${escapeAttribute(group)}'/>`),
    ...b.map((group) => `<b group='${escapeAttribute(group)}'/>`),
  ]
  const pairs = except.map(([one, other]) => `<except a='${escapeAttribute(one)}' b='${escapeAttribute(other)}'/>`)
  return `<wall id='${escapeAttribute(wallId(id))}'>${sides.join('')}${pairs.join('')}</wall>`
}

export function writeGoneWall(id: string): string {
  return `<wall id='${escapeAttribute(wallId(id))}' gone='true'/>`
}

/** §4: an id has no white space. */
function wallId(id: string): string {
  return id.replace(/[\s\p{Cc}]/gu, '_')
}

/** As many elements as it takes. */
export function* writeMembers(what: 'join' | 'part', group: string, jids: Iterable<string>): Generator<string> {
  let some: string[] = []
  let units = 0
  const element = () => `<${what} group='${escapeAttribute(group)}'>${some.join(' ')}</${what}>`
  for (const jid of jids) {
    const text = escapeAttribute(jid)
    some.push(text)
    units += text.length + 1
    if (some.length < MEMBERS && units < MEMBERS_UNITS) continue
    yield element()
    some = []
    units = 0
  }
  if (some.length > 0) yield element()
}

/** The parts of a transfer, numbered from 1; the last one says that it is. */
export async function* writeParts(
  { id, seq, base }: Transfer,
  children: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string> {
  let number = 1
  let part: string[] = []
  let units = 0
  const from = base === undefined ? '' : ` base='${base}'`
  const element = (last: boolean) =>
    `<state xmlns='${DIRECTORY}' id='${escapeAttribute(id)}' seq='${seq}'${from} part='${number}'${last ? " last='true'" : ''}>${part.join('')}</state>`
  for await (const child of children) {
    if (part.length > 0 && (part.length >= PART_CHILDREN || units + child.length > PART_UNITS)) {
      yield element(false)
      number += 1
      part = []
      units = 0
    }
    part.push(child)
    units += child.length
  }
  yield element(true)
}

function personElement(jid: string, name: string, locked: 'disabled' | 'gone' | null): string {
  const shown = named(name)
  const called = shown === '' ? '' : ` name='${escapeAttribute(shown)}'`
  return `<person jid='${escapeAttribute(jid)}'${called}${locked === null ? '' : ` locked='${locked}'`}/>`
}

/** Without control characters, cut at a character's end. */
function named(name: string): string {
  const plain = name.replace(/\p{Cc}+/gu, ' ').trim()
  if (plain.length * 3 <= NAME_BYTES || Buffer.byteLength(plain) <= NAME_BYTES) return plain
  let cut = ''
  let bytes = 0
  for (const character of plain) {
    bytes += Buffer.byteLength(character)
    if (bytes > NAME_BYTES) break
    cut += character
  }
  return cut.trim()
}
