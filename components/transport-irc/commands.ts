// SPDX-License-Identifier: Apache-2.0
// What a person can ask the running process, and have it do.
import type { Args, Asked, Command, Said } from '../kit/process/command.ts'
import * as login from './commands/login.ts'
import * as operators from './commands/operators.ts'
import * as own from './commands/own.ts'
import * as people from './commands/people.ts'
import { signUp } from './commands/sign-up.ts'
import { type CommandName, declarations } from './declarations.ts'
import type { Desk } from './desk.ts'

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

export function transportIrcCommands(desk: Desk): readonly Command[] {
  return declarations.map((declared) => ({
    ...declared,
    run: (args, asked) => runs[declared.name](desk, args, asked),
  }))
}
