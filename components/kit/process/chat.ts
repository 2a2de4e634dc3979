// SPDX-License-Identifier: Apache-2.0
// The declared commands of a process as a conversation: what somebody writes to it is a command line without the process's name. Who asks,
// rights, facts and outcomes are those of ad-hoc commands; values that are secret are better given there, because clients keep chats.
import type { Catalogue, TextArgs } from '../text/catalogue.ts'
import { cell, printable } from '../text/cells.ts'
import { nearestName } from '../text/nearest-name.ts'
import { admit, deny, endedBy, mayHave } from './admission.ts'
import { type Caller, type Command, type Denied, EXIT } from './command.ts'
import { wordsToArgs } from './command-words.ts'
import type { Log } from './log.ts'
import { untilAborted } from './until-aborted.ts'

/** What a component says; the rest the skeleton knows. */
export type ChatOffered = {
  /** First word of every command, which nobody needs to write. */
  component: string
  commands(): readonly Command[]
  /** Settled before a caller without the right is refused. */
  denied(denied: Denied): Promise<void>
  /** Virtual hosts whose accounts may have what anyone may, beside those of the shared settings. */
  guests?: readonly string[]
}

export type Chat = {
  /** What is to be answered, one message for each; the last one has come when the command has ended. `from`: full address. */
  answer(from: string, said: string, language: string, signal: AbortSignal): AsyncIterable<string>
}

export type ChatOptions = ChatOffered & {
  callerOf(from: string): Caller | null
  text: Catalogue
  log: Log
  now(): number
}

/** Of one message that is answered, and of all of a command. */
const MOST_CHARACTERS = 2_000
const MOST_LINES = 200
const RUN_MS = 60_000
const HELP = ['help', '?']

export function openChat(options: ChatOptions): Chat {
  const { component, text, log, now } = options
  return {
    async *answer(from, said, language, signal) {
      const caller = options.callerOf(from)
      const offered = caller === null ? [] : options.commands().filter((one) => mayHave(one, caller))
      const words = split(said)
      if (words[0] === component) words.shift()
      const [first = 'help', ...more] = words
      if (HELP.includes(first.toLowerCase())) {
        yield* inMessages(help(offered, more.join(' '), language))
        return
      }
      const command = longestMatch(options.commands(), [component, first.toLowerCase(), ...more])
      if (command === undefined || caller === null) {
        yield unknown(first, offered, language)
        return
      }
      yield* inMessages(run(command, words.slice(command.name.split(' ').length - 1), caller, language, signal))
    },
  }

  function* help(offered: readonly Command[], about: string, language: string): Iterable<string> {
    const one = offered.find(({ name }) => shortName(name) === about)
    if (one === undefined) {
      yield text.say('kit-chat-help', language)
      for (const { name, help: id } of offered) yield `${shortName(name)}: ${text.say(id, language)}`
      return
    }
    yield `${[shortName(one.name), ...one.parameters.map(({ name, positional }) => (positional ? name.toUpperCase() : `--${name}`))].join(' ')}: ${text.say(one.help, language)}`
    for (const { name, help: id } of one.parameters) yield `${name}: ${text.say(id, language)}`
  }

  function misused(command: Command, wrong: { id: string; args?: TextArgs }, language: string): string {
    const help = text.say('kit-chat-takes', language, { command: shortName(command.name) })
    return `${text.say(wrong.id, language, wrong.args)} ${help}`
  }

  function unknown(said: string, offered: readonly Command[], language: string): string {
    const names = offered.map(({ name }) => shortName(name))
    const near = nearestName(said.toLowerCase(), names)
    return near === null
      ? text.say('kit-chat-unknown', language, { said })
      : text.say('kit-chat-near', language, { said, near })
  }

  async function* run(
    command: Command,
    words: readonly string[],
    caller: Caller,
    language: string,
    asked: AbortSignal,
  ): AsyncGenerator<string> {
    const since = now()
    const read = wordsToArgs(command, words, '/')
    if ('wrong' in read) {
      // Whoever may not have it learns nothing of it.
      yield mayHave(command, caller)
        ? misused(command, read.wrong, language)
        : await refuse(deny(command, {}, caller, { text, language }), asked)
      return
    }
    const admission = admit(command, read.args, caller, { now: since, text, language })
    if (admission.is === 'wrong') {
      yield misused(command, admission.wrong, language)
      return
    }
    if (admission.is === 'denied') {
      yield await refuse(admission, asked)
      return
    }
    const signal = AbortSignal.any([asked, AbortSignal.timeout(RUN_MS)])
    let exit: number = EXIT.ok
    try {
      let columns = command.columns
      const rows = command.run(admission.args, { caller, hosts: admission.hosts, language, signal })
      for await (const one of rows) {
        if (one.say === 'progress') continue
        if (one.say === 'text') yield printable(one.text)
        else {
          columns ??= Object.keys(one.row)
          yield columns.map((name) => `${name}: ${cell(one.row[name])}`).join(', ')
        }
      }
      yield text.say('kit-chat-done', language)
    } catch (fault) {
      const ended = endedBy(fault, { stopping: asked.aborted, over: signal.aborted }, { text, language, log })
      exit = ended.exit
      if (ended.text !== undefined) yield ended.text
    } finally {
      log.info('command', { command: command.name, exit, ms: now() - since, user: caller.user, via: 'chat' })
    }
  }

  async function refuse({ denied, text: why }: { denied: Denied; text: string }, signal: AbortSignal): Promise<string> {
    try {
      await untilAborted(options.denied({ ...denied, via: 'chat' }), signal)
    } catch (fault) {
      log.error('a denied attempt is not on record', { command: denied.command, ...denied.who, error: fault })
    }
    return why
  }

  function shortName(name: string): string {
    return name.startsWith(`${component} `) ? name.slice(component.length + 1) : name
  }
}

function longestMatch(commands: readonly Command[], words: readonly string[]): Command | undefined {
  const matching = commands.filter(({ name }) => name.split(' ').every((word, at) => words[at] === word))
  return matching.sort((one, other) => other.name.length - one.name.length)[0]
}

/** Words between blanks; what begins with a quote, also behind an option and its `=`, goes to the next one. */
function split(said: string): string[] {
  const words: string[] = []
  for (const [, option = '', double, single, plain = ''] of said.matchAll(/(--[\w-]+=)?(?:"([^"]*)"|'([^']*)'|(\S+))/g))
    words.push(option + (double ?? single ?? plain))
  return words
}

/** Lines put together to messages; what is more than the bound is left out, and an ellipsis says so. */
async function* inMessages(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let message = ''
  let count = 0
  for await (const line of lines) {
    count += 1
    if (count > MOST_LINES) {
      message += '\n…'
      break
    }
    const cut = line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line
    if (message !== '' && message.length + cut.length > MOST_CHARACTERS) {
      yield message
      message = cut
    } else message = message === '' ? cut : `${message}\n${cut}`
  }
  if (message !== '') yield message
}
