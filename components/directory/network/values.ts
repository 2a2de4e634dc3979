// SPDX-License-Identifier: Apache-2.0
// Octets of an attribute as values: text that can be shown and sent, ids, times. What cannot be used is told, not repaired.
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { PhotoMark } from '../domain/person.ts'
import type { Problem } from '../domain/source.ts'
import type { Octets, RawEntry } from './entry.ts'
import type { IdForm } from './layout.ts'

/** UTF-16 units of one text. */
const TEXT_MOST = 2_048
const LIST_MOST = 100
/** Controls but the white space that becomes a space, and what XML 1.0 §2.2 has no character for. */
const UNUSABLE = /[^\P{Cc}\t\n\r]|[\uFFFE\uFFFF]/u
/** Words of ASCII with one space between them: nothing is to be done. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/
const PICTURES = ['\xFF\xD8\xFF', '\x89PNG\r\n\x1A\n', 'GIF87a', 'GIF89a']

export type Told = (attribute: string, what: Problem['what']) => void

/** Every usable value of the attributes, in their order, each once. */
export function textsOf({ attributes }: RawEntry, names: readonly string[], tell: Told): string[] {
  const texts = new Set<string>()
  for (const name of names) {
    for (const octets of attributes.get(name.toLowerCase()) ?? []) {
      const text = shownText(octets, name, tell)
      if (text === '') continue
      if (texts.size === LIST_MOST) {
        tell(name, 'too-many')
        return [...texts]
      }
      texts.add(text)
    }
  }
  return [...texts]
}

/** The first usable value of the first attribute that has one; '' where none has. */
export function textOf({ attributes }: RawEntry, names: readonly string[], tell: Told): string {
  for (const name of names) {
    for (const octets of attributes.get(name.toLowerCase()) ?? []) {
      const text = shownText(octets, name, tell)
      if (text !== '') return text
    }
  }
  return ''
}

/** Values for machines (DNs, uids of members): every one as it stands; those that are no text are told. */
export function namesOf({ attributes }: RawEntry, names: readonly string[], tell: Told): string[] {
  const texts: string[] = []
  for (const name of names) {
    for (const octets of attributes.get(name.toLowerCase()) ?? []) {
      const text = decoded(octets)
      if (text === null) tell(name, 'not-text')
      else texts.push(text)
    }
  }
  return texts
}

/** Null where there is none, or none that is an id. */
export function idOf({ attributes }: RawEntry, attribute: string, form: IdForm): string | null {
  const octets = attributes.get(attribute.toLowerCase())?.[0]
  if (octets === undefined) return null
  if (form === 'guid') return octets.length === 16 ? guidText(octets.bytes) : null
  const text = octets.latin1.toLowerCase()
  return /^[0-9a-z][0-9a-z.-]{0,127}$/.test(text) ? text : null
}

/** [MS-DTYP] §2.3.4.3: the first three parts stand with their lowest octet first. */
export function guidText(octets: Buffer): string {
  const hex = (from: number, to: number): string => octets.toString('hex', from, to)
  const turned = Buffer.from(octets.subarray(0, 8))
  turned.subarray(0, 4).reverse()
  turned.subarray(4, 6).reverse()
  turned.subarray(6, 8).reverse()
  const start = turned.toString('hex')
  return `${start.slice(0, 8)}-${start.slice(8, 12)}-${start.slice(12)}-${hex(8, 10)}-${hex(10, 16)}`
}

/** JPEG, PNG, GIF or WebP by their first octets; anything else is no picture. Whether it can be drawn is found out when a face is made. */
export function photoOf(
  { attributes }: RawEntry,
  names: readonly string[],
  most: number,
  tell: Told,
): PhotoMark | null {
  for (const name of names) {
    const octets = attributes.get(name.toLowerCase())?.[0]
    if (octets === undefined || octets.length === 0) continue
    if (octets.length > most) tell(name, 'photo-large')
    else if (!isPicture(octets.bytes)) tell(name, 'photo-broken')
    else return { hash: createHash('sha256').update(octets.bytes).digest('hex'), bytes: octets.length }
  }
  return null
}

export function isPicture(octets: Buffer): boolean {
  const start = octets.toString('latin1', 0, 12)
  return (
    PICTURES.some((signature) => start.startsWith(signature)) || (start.startsWith('RIFF') && start.endsWith('WEBP'))
  )
}

function shownText(octets: Octets, name: string, tell: Told): string {
  const text = octets.length > TEXT_MOST * 4 ? undefined : decoded(octets)
  if (text === undefined || (text !== null && text.length > TEXT_MOST)) {
    tell(name, 'too-long')
    return ''
  }
  if (text !== null && PLAIN.test(text)) return text
  if (text === null || UNUSABLE.test(text)) {
    tell(name, text === null ? 'not-text' : 'control-characters')
    return ''
  }
  return text.replace(/\s+/g, ' ').trim()
}

function decoded(octets: Octets): string | null {
  const { text } = octets
  return text.includes('\uFFFD') && !isUtf8(octets.bytes) ? null : text
}
