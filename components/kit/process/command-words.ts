// SPDX-License-Identifier: Apache-2.0
// The words behind the name of a command, on a command line as in a chat.
import { resolve } from 'node:path'
import { nearestName } from '../text/nearest-name.ts'
import type { Declaration } from './command.ts'

export type CommandArgs = Record<string, string | boolean | readonly string[]>

/** What was said for each parameter, still as texts; paths counted from `folder`. The process reads the values. */
export function wordsToArgs(
  command: Declaration,
  words: readonly string[],
  folder: string,
): { args: CommandArgs } | { wrong: { id: string; args: Record<string, string> } } {
  const args: CommandArgs = {}
  const free: string[] = []
  const wrong = (id: string, found: Record<string, string>) => ({ wrong: { id, args: found } })
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--') {
      free.push(...words.slice(at + 1))
      break
    }
    if (!/^--?[A-Za-z]/.test(word)) {
      free.push(word)
      continue
    }
    const [option = '', inline] = splitOption(word)
    const name = option.replace(/^--?/, '')
    const parameter = option.startsWith('--') ? command.parameters.find((one) => one.name === name) : undefined
    if (parameter === undefined) {
      const names = command.parameters.map((one) => one.name)
      if (names.length === 0) return wrong('kit-words-no-options', { name })
      return wrong('kit-argument-unknown', { name, near: nearestName(name, names) ?? names.join(', ') })
    }
    if (name in args) return wrong('kit-words-twice', { name })
    if (parameter.type === 'flag') {
      if (inline !== undefined) return wrong('kit-argument-flag', { name })
      args[name] = true
    } else {
      const value = inline ?? words[++at]
      if (value === undefined) return wrong('kit-words-value', { name })
      args[name] = parameter.type === 'path' ? resolve(folder, value) : value
    }
  }
  const places = command.parameters.filter((one) => one.positional && !(one.name in args))
  for (const [index, place] of places.entries()) {
    const isLast = index === places.length - 1
    const taken = isLast ? free.splice(0) : free.splice(0, 1)
    const [only] = taken
    if (only === undefined) continue
    args[place.name] = taken.length > 1 ? taken : place.type === 'path' ? resolve(folder, only) : only
  }
  return free.length > 0 ? wrong('kit-words-too-many', { said: free.join(' ') }) : { args }
}

export function splitOption(word: string): [string, string | undefined] {
  const at = word.indexOf('=')
  return word.startsWith('--') && at > 0 ? [word.slice(0, at), word.slice(at + 1)] : [word, undefined]
}
