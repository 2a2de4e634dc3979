// SPDX-License-Identifier: Apache-2.0
// The command line from its words to its exit code.
import { type Declaration, EXIT } from '../kit/process/command.ts'
import { wordsToArgs } from '../kit/process/command-words.ts'
import { problemLine, told } from '../kit/process/settings.ts'
import { createCatalogue, KIT_TEXTS } from '../kit/text/catalogue.ts'
import { nearestName } from '../kit/text/nearest-name.ts'
import { OPTIONS, readWords, type Words } from './argv.ts'
import { baseFolder, type Call, type World } from './call.ts'
import { checkAll } from './check.ts'
import { type Found, findComponents, learn } from './components.ts'
import { synopsis, writeCommandHelp, writeComponentHelp, writeHelp, writeOwnHelp } from './help.ts'
import { ask, NotRunning, NotTrusted } from './network/ask.ts'
import { openOutput, ReaderGone } from './output.ts'
import { configFolder, readRunFolder } from './settings.ts'
import { statusOfAll } from './status.ts'

/** Runs one command line; gives its exit code. A reader that leaves early, such as head, ends it in silence, and is no fault. */
export async function gatehouse(world: World): Promise<number> {
  const words = readWords(world.argv)
  const text = createCatalogue([KIT_TEXTS, new URL('./text/', import.meta.url)])
  const language = words.language ?? languageOf(world.environment)
  const output = openOutput(world.out, world.err, words.json)
  const config = configFolder(world, words.config)
  const call: Call = {
    world,
    language,
    config: config.folder,
    say: (id, args) => text.say(id, language, args),
    problem: (problem) => problemLine(told(problem, text, language)),
    output,
  }
  let exit: number = EXIT.ok
  try {
    exit = await dispatch(call, words, config.missing)
    await output.end()
  } catch (fault) {
    if (!(fault instanceof ReaderGone)) throw fault
  }
  return exit
}

async function dispatch(call: Call, words: Words, configMissing: boolean): Promise<number> {
  if (words.wrong !== undefined) return refuse(call, EXIT.usage, unknownOption(call, words.wrong))
  if (words.version) {
    await call.output.text(`gatehouse ${call.world.software}`)
    return EXIT.ok
  }
  try {
    const settings = readRunFolder(call.config)
    if ('wrong' in settings) return refuse(call, EXIT.usage, settings.wrong.map(call.problem).join('\n'))
    const found = findComponents(call.world.components, settings.run)
    // `help archive show` is `archive show --help`.
    if (words.rest[0] === 'help' && words.rest.length > 1) {
      words.rest.shift()
      words.help = true
    }
    const [first, ...more] = words.rest
    const asksForHelp = first === undefined || first === 'help' || words.help
    // Without its settings a command would ask other processes than the ones that were meant.
    if (configMissing && !asksForHelp)
      return refuse(call, EXIT.usage, call.say('cli-config-missing', { folder: call.config }))
    if (first === undefined || first === 'help') return await writeHelp(call, found, first === 'help' || words.help)
    if ((first === 'check' || first === 'status') && more.length > 0)
      return refuse(call, EXIT.usage, call.say('kit-words-too-many', { said: more.join(' ') }))
    if (first === 'check' || first === 'status') {
      if (words.help) return await writeOwnHelp(call, first)
      return first === 'check' ? await checkAll(call, found) : await statusOfAll(call, found)
    }
    const component = found.find((one) => one.name === first)
    if (component === undefined) return await unknownComponent(call, first, found)
    return await runWords(call, component, words)
  } catch (fault) {
    if (fault instanceof ReaderGone) return EXIT.ok
    if (fault instanceof NotRunning)
      return refuse(
        call,
        EXIT.notRunning,
        call.say('cli-not-running', { component: fault.component, folder: call.config }),
      )
    if (fault instanceof NotTrusted)
      return refuse(call, EXIT.usage, call.say('cli-not-trusted', { folder: fault.folder }))
    return refuse(call, EXIT.fault, fault instanceof Error ? fault.message : String(fault))
  }
}

async function runWords(call: Call, component: Found, words: Words): Promise<number> {
  const described = await learn(component, call.language)
  const command = longestMatch(described.commands, words.rest)
  if (command === undefined) {
    if (words.rest.length === 1) return await writeComponentHelp(call, described, words.help)
    const option = words.rest[1] ?? ''
    if (option.startsWith('-')) return refuse(call, EXIT.usage, unknownOption(call, option))
    const names = described.commands.map((one) => one.name)
    return refuseUnknown(call, words.rest.slice(0, 2).join(' '), names)
  }
  if (words.help) return await writeCommandHelp(call, command)
  const read = wordsToArgs(command, words.rest.slice(command.name.split(' ').length), baseFolder(call.world))
  if ('wrong' in read) return refuse(call, EXIT.usage, call.say(read.wrong.id, read.wrong.args))
  const missing = command.parameters.find((one) => one.positional && one.required && !(one.name in read.args))
  if (missing !== undefined) {
    const name = missing.name.toUpperCase()
    return refuse(call, EXIT.usage, call.say('cli-place-missing', { name, form: synopsis(command) }))
  }
  call.output.columns(command.columns)
  const ended = await ask(component, { command: command.name, args: read.args, language: call.language }, (said) =>
    call.output.said(said),
  )
  if (ended.exit !== EXIT.ok)
    return refuse(call, ended.exit, ended.text ?? call.say('cli-cut-off', { component: component.name }))
  return EXIT.ok
}

function unknownOption(call: Call, said: string): string {
  const option = said.split('=')[0] ?? said
  const begun = option.length > 2 ? OPTIONS.find((one) => one.startsWith(option)) : undefined
  const near = begun ?? nearestName(option, OPTIONS)
  // One that is known lacks its value.
  return near === null || near === option
    ? call.say('cli-option-unknown', { option: said })
    : call.say('cli-option-near', { option, near })
}

function longestMatch(commands: readonly Declaration[], rest: readonly string[]): Declaration | undefined {
  const matching = commands.filter((one) => one.name.split(' ').every((word, index) => rest[index] === word))
  return matching.sort((one, other) => other.name.length - one.name.length)[0]
}

async function unknownComponent(call: Call, said: string, found: readonly Found[]): Promise<number> {
  return refuseUnknown(call, said, [...found.map((one) => one.name), 'check', 'status', 'help'])
}

async function refuseUnknown(call: Call, said: string, names: readonly string[]): Promise<number> {
  const near = meant(said, names) ?? nearestName(said, names)
  const known = names.join(', ')
  return refuse(
    call,
    EXIT.usage,
    near === null ? call.say('cli-command-unknown', { said, known }) : call.say('cli-command-near', { said, near }),
  )
}

/** What people call it elsewhere, as the last word of a command. */
const OTHER_WORDS: readonly (readonly string[])[] = [
  ['search', 'find', 'grep', 'query', 'look'],
  ['show', 'get', 'view', 'read', 'cat'],
  ['tail', 'follow', 'watch'],
  ['erase', 'delete', 'remove', 'rm'],
  ['stats', 'count', 'counts', 'statistics'],
  ['access', 'audit', 'looks'],
]

function meant(said: string, names: readonly string[]): string | null {
  const words = said.split(' ')
  const [word] = OTHER_WORDS.find((one) => one.includes(words.at(-1) ?? '')) ?? []
  const name = [...words.slice(0, -1), word].join(' ')
  return word !== undefined && names.includes(name) ? name : null
}

async function refuse(call: Call, exit: number, text: string): Promise<number> {
  await call.output.refusal(exit, text)
  return exit
}

function languageOf(environment: World['environment']): string {
  const said = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || ''
  const tag = (said.split('.')[0] ?? '').replaceAll('_', '-')
  return tag === 'C' || tag === 'POSIX' ? '' : tag
}
