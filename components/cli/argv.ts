// SPDX-License-Identifier: Apache-2.0
// The words behind `gatehouse`: options of the command line itself, and those a command declares.
import { resolve } from 'node:path'
import type { Declaration } from '../kit/process/command.ts'
import { nearestName } from '../kit/text/nearest-name.ts'

export type Words = {
  json: boolean
  help: boolean
  version: boolean
  config?: string
  language?: string
  /** Everything else, in order. */
  rest: string[]
  /** An option without the value it needs. */
  wrong?: string
}

/** Of the command line itself. */
export const OPTIONS = ['--json', '--help', '--version', '--config', '--language'] as const

/** Takes out --json, --help, --version, --config FOLDER and --language TAG, wherever they stand before a `--`. */
export function readWords(argv: readonly string[]): Words {
  const words: Words = { json: false, help: false, version: false, rest: [] }
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') {
      words.rest.push(...argv.slice(at))
      break
    }
    const [name = '', inline] = splitOption(word)
    if (word === '--json') words.json = true
    else if (word === '--help' || word === '-h') words.help = true
    else if (word === '--version' && words.rest.length === 0) words.version = true
    else if (name === '--config' || name === '--language') {
      const value = inline ?? argv[++at]
      if (value === undefined || value === '') words.wrong = name
      else if (name === '--config') words.config = value
      else words.language = value
    } else words.rest.push(word)
  }
  if (words.rest[0]?.startsWith('-')) words.wrong = words.rest[0]
  return words
}

export type CommandArgs = Record<string, string | boolean | readonly string[]>

/** What was said for each parameter, still as texts; paths absolute. The process reads the values. */
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
      if (names.length === 0) return wrong('cli-no-options', { name })
      return wrong('kit-argument-unknown', { name, near: nearestName(name, names) ?? names.join(', ') })
    }
    if (name in args) return wrong('cli-said-twice', { name })
    if (parameter.type === 'flag') {
      if (inline !== undefined) return wrong('kit-argument-flag', { name })
      args[name] = true
    } else {
      const value = inline ?? words[++at]
      if (value === undefined) return wrong('cli-value-missing', { name })
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
  return free.length > 0 ? wrong('cli-too-many', { said: free.join(' ') }) : { args }
}

function splitOption(word: string): [string, string | undefined] {
  const at = word.indexOf('=')
  return word.startsWith('--') && at > 0 ? [word.slice(0, at), word.slice(at + 1)] : [word, undefined]
}
