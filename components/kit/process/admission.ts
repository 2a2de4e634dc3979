// SPDX-License-Identifier: Apache-2.0
// Whether a caller may have a command with what he said, and how a command ends: the same whichever way he came.
import type { Catalogue } from '../text/catalogue.ts'
import { readArguments, type SaidArgs, saidBriefly, type WrongArgument } from './arguments.ts'
import {
  type Args,
  type Caller,
  type Command,
  CommandError,
  cameOf,
  type Denied,
  EXIT,
  type Hosts,
  hostsFor,
} from './command.ts'
import type { Log } from './log.ts'

/** How a command ended; `text` says why, where `exit` is not 0. */
export type Ended = { exit: number; text?: string }

export type Admission =
  | { is: 'admitted'; args: Args; hosts: Hosts }
  /** The attempt belongs on record. */
  | { is: 'denied'; denied: Denied; text: string }
  | { is: 'wrong'; wrong: WrongArgument }

type At = { now: number; text: Catalogue; language: string }

/** Rights come first: whoever has none learns nothing of what he said. */
export function admit(command: Command, said: SaidArgs, caller: Caller, at: At): Admission {
  const held = hostsFor(caller, command.rights)
  if (held === undefined || !mayHave(command, caller)) return deny(command, said, caller, at)
  const read = readArguments(command, said, at.now)
  if ('wrong' in read) return { is: 'wrong', wrong: read.wrong }
  const hosts = hostsAsked(command, read.args, held)
  return hosts === undefined ? deny(command, said, caller, at) : { is: 'admitted', args: read.args, hosts }
}

/** A caller may have a command at all: he has one of its rights, and for all hosts where it shows all. */
export function mayHave(command: Command, caller: Caller): boolean {
  const held = hostsFor(caller, command.rights)
  return held !== undefined && (command.byHost === true || held === null)
}

/** The refusal of a command to a caller without the right to it, or with one for other hosts. */
export function deny(
  command: Command,
  said: SaidArgs,
  caller: Caller,
  { text, language }: Pick<At, 'text' | 'language'>,
): Admission & { is: 'denied' } {
  const { name } = command
  const { user } = caller
  const denied = { ...cameOf(caller), command: name, query: saidBriefly(command, said) }
  const held = hostsFor(caller, command.rights)
  if (held === undefined) {
    const rights = command.rights.map((right) => text.say(`kit-right-${right}`, language)).join(', ')
    return { is: 'denied', denied, text: text.say('kit-forbidden', language, { command: name, user, rights }) }
  }
  const id = command.byHost ? 'kit-forbidden-host' : 'kit-forbidden-all-hosts'
  const hosts = [...(held ?? [])].join(', ')
  return { is: 'denied', denied, text: text.say(id, language, { command: name, user, hosts }) }
}

/** What the command may show: all that is held, or of it what was asked for; undefined: more was asked for than is held. */
function hostsAsked(command: Command, args: Args, held: Hosts): Hosts | undefined {
  if (!command.byHost) return null
  const named = command.parameters.filter(({ type }) => type === 'host').flatMap(({ name }) => args[name] ?? [])
  if (named.length === 0) return held
  const asked = new Set(named.map(String))
  return held === null || [...asked].every((host) => held.has(host)) ? asked : undefined
}

/** What is told of a command that threw. `stopping`: the process ends; `over`: the command was ended from outside. */
export function endedBy(
  fault: unknown,
  is: { stopping: boolean; over: boolean },
  { text, language, log }: { text: Catalogue; language: string; log: Pick<Log, 'error'> },
): Ended {
  if (is.stopping) return { exit: EXIT.notRunning, text: text.say('kit-stopping', language) }
  if (fault instanceof CommandError) return { exit: fault.exitCode, text: fault.message }
  if (is.over || (fault instanceof Error && fault.name === 'AbortError'))
    return { exit: EXIT.fault, text: text.say('kit-too-long', language) }
  log.error('command fault', { error: fault })
  return { exit: EXIT.fault, text: text.say('kit-fault', language) }
}
