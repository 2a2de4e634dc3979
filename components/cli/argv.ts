// SPDX-License-Identifier: Apache-2.0
// The words behind `gatehouse`: options of the command line itself.
import { splitOption } from '../kit/process/command-words.ts'

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
