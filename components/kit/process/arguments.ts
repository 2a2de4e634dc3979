// SPDX-License-Identifier: Apache-2.0
// What a person typed behind a command, against what the command declares.

import { nearestName } from '../text/nearest-name.ts'
import type { Args, Declaration, Parameter } from './command.ts'
import { readDuration } from './words.ts'

/** As said: words by parameter name; the last positional may have several. `true` for a flag. */
export type SaidArgs = Readonly<Record<string, unknown>>

/** What is wrong, as an id of the kit's catalogue with its arguments. */
export type WrongArgument = { id: string; args: Record<string, string> }

/**
 * Numbers become numbers, flags booleans, times RFC 3339 in UTC ('2026-11-22', '2026-11-22T10:00', or a length of time ago: '2 h').
 * Several words of the last positional become one text with single spaces. Unknown names, wrong values and missing ones are told.
 */
export function readArguments(
  declared: Declaration,
  said: SaidArgs,
  now: number,
): { args: Args } | { wrong: WrongArgument } {
  const args: Record<string, string | number | boolean> = {}
  const names = declared.parameters.map((one) => one.name)
  for (const name of Object.keys(said)) {
    if (!names.includes(name))
      return wrong('kit-argument-unknown', { name, near: nearestName(name, names) ?? names.join(', ') })
  }
  for (const parameter of declared.parameters) {
    const given = said[parameter.name]
    if (given === undefined && parameter.required) return wrong('kit-argument-missing', { name: parameter.name })
    const value = given === undefined ? parameter.default : readValue(parameter, given, now)
    if (value === null) return wrong(`kit-argument-${parameter.type}`, { name: parameter.name, read: shown(given) })
    const { choices } = parameter
    if (value !== undefined && choices !== undefined && !choices.includes(String(value)))
      return wrong('kit-argument-choice', { name: parameter.name, read: shown(given), choices: choices.join(', ') })
    if (value !== undefined) args[parameter.name] = value
  }
  return { args }
}

/** What was said for the parameters there are, unread; texts are cut, as nobody has checked who says them. */
export function saidBriefly(declared: Declaration, said: SaidArgs): Record<string, string | number | boolean> {
  const named = declared.parameters.filter(({ name }) => Object.hasOwn(said, name))
  return Object.fromEntries(
    named.map(({ name, secret }) => {
      const given = secret ? 'set' : said[name]
      return [name, typeof given === 'number' || typeof given === 'boolean' ? given : shown(given)]
    }),
  )
}

function wrong(id: string, args: Record<string, string>): { wrong: WrongArgument } {
  return { wrong: { id, args } }
}

function shown(given: unknown): string {
  return (typeof given === 'string' ? given : JSON.stringify(given)).slice(0, 200)
}

function readValue(parameter: Parameter, given: unknown, now: number): string | number | boolean | null {
  if (parameter.type === 'flag') return given === true || given === false ? given : null
  const text = Array.isArray(given)
    ? given.every((word) => typeof word === 'string')
      ? given.join(' ')
      : null
    : typeof given === 'number'
      ? String(given)
      : given
  if (typeof text !== 'string' || text === '') return null
  if (parameter.type === 'number')
    return /^-?\d+(\.\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : null
  if (parameter.type === 'time') return readTime(text, now)
  if (parameter.type === 'jid' && !parameter.orName)
    return /^[^\s@/]+@[^\s@/]+(\/.+)?$|^[^\s@/]+(\/.+)?$/.test(text) ? text : null
  if (parameter.type === 'host') return /^[^\s@/]+$/.test(text) ? text.toLowerCase() : null
  if (parameter.type === 'path') return text.startsWith('/') ? text : null
  return text
}

/** RFC 3339, a date (its first moment, UTC), or a length of time before now. */
export function readTime(text: string, now: number): string | null {
  const ago = readDuration(text)
  if (ago !== null) return new Date(now - ago).toISOString()
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text)
  if (match === null) return null
  const [, day, minute = '00:00', second = ':00', zone = 'Z'] = match
  const at = Date.parse(`${day}T${minute}${second}${zone}`)
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(at) || Number.isNaN(midnight)) return null
  // Date.parse turns 31 February into 3 March.
  return new Date(midnight).toISOString().startsWith(day ?? '') ? new Date(at).toISOString() : null
}
