// SPDX-License-Identifier: Apache-2.0
// What a person can ask the running process, and have it do.
import type { Args, Asked, Command, Said } from '../kit/process/command.ts'
import * as login from './commands/login.ts'
import * as operators from './commands/operators.ts'
import * as own from './commands/own.ts'
import * as people from './commands/people.ts'
import { signUp } from './commands/sign-up.ts'
import { type CommandName, declarations } from './declarations.ts'
import { type Desk, isForAnother } from './desk.ts'

type Run = (desk: Desk, args: Args, asked: Asked) => AsyncIterable<Said>

const runs: Readonly<Record<CommandName, Run>> = {
  'transport-irc connect': own.connect,
  'transport-irc disconnect': own.disconnect,
  'transport-irc connections': own.connections,
  'transport-irc networks': own.networks,
  'transport-irc motd': own.motd,
  'transport-irc room': own.room,
  'transport-irc contact': people.contact,
  'transport-irc registered': people.registered,
  'transport-irc accounts': people.accounts,
  'transport-irc account': people.account,
  'transport-irc nick': login.nick,
  'transport-irc password': login.password,
  'transport-irc signup': signUp,
  'transport-irc certificate': login.certificate,
  'transport-irc settings': login.settings,
  'transport-irc raw': operators.raw,
  'transport-irc list': operators.list,
  'transport-irc end': operators.end,
  'transport-irc ban': operators.ban,
  'transport-irc unban': operators.unban,
  'transport-irc bans': operators.bans,
  'transport-irc announce': operators.announce,
  'transport-irc stats': operators.stats,
}

/** Of many people at once: that an operator looked is on record. */
const LOOKS: ReadonlySet<CommandName> = new Set([
  'transport-irc registered',
  'transport-irc accounts',
  'transport-irc list',
  'transport-irc bans',
])

/** What is on record with the words that were said; each sees to it itself. */
const RECORDED: ReadonlySet<CommandName> = new Set([
  'transport-irc account',
  'transport-irc nick',
  'transport-irc signup',
  'transport-irc settings',
  'transport-irc raw',
  'transport-irc end',
  'transport-irc ban',
  'transport-irc unban',
  'transport-irc announce',
])

export function transportIrcCommands(desk: Desk): readonly Command[] {
  return declarations.map((declared) => ({
    ...declared,
    run: (args, asked) => onRecord(desk, declared.name, args, asked),
  }))
}

/** What an operator does, or looks at, for somebody else is on record before it is done. */
async function* onRecord(desk: Desk, name: CommandName, args: Args, asked: Asked): AsyncGenerator<Said> {
  if (LOOKS.has(name) || (!RECORDED.has(name) && isForAnother(args, asked)))
    await desk.record(asked.caller, name, whereOf(args))
  yield* runs[name](desk, args, asked)
}

function whereOf(args: Args): Readonly<Record<string, string>> {
  const said = (name: string) => (typeof args[name] === 'string' ? { [name]: args[name] } : {})
  return { ...said('person'), ...said('network'), ...said('room'), ...said('nick') }
}
