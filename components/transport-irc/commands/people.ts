// SPDX-License-Identifier: Apache-2.0
// People of the network in somebody's contacts, and whose accounts there are whose.
import { type Args, type Asked, CommandError, EXIT, type Said } from '../../kit/process/command.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import { type Desk, networkOf, row, userOf } from '../desk.ts'
import { refusalOf } from './own.ts'

export async function* contact(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = userOf(desk, args, asked)
  const network = networkOf(desk, args, asked)
  const nick = String(args.nick).trim()
  if (desk.networks.isRoom(nick) || desk.networks.wrongNick(network, nick) !== null)
    throw new CommandError(desk.say('transport-irc-wrong-nick', asked.language, { nick }), EXIT.usage)
  try {
    yield row({ network, nick, way: await desk.people.addContact(person, network, nick) })
  } catch (error) {
    throw await refusalOf(desk, error, asked.language, { person, network })
  }
}

/** Whose accounts are whose: policy and records go by it. */
export async function* accounts(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const network = typeof args.network === 'string' ? networkOf(desk, args, asked) : null
  for (const { server, account, jid, by, at } of desk.people.identities.all())
    if (network === null || server === network) yield row({ network: server, account, person: jid, by, at })
}

export async function* account(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const network = networkOf(desk, args, asked)
  const name = String(args.account).trim()
  const person = typeof args.person === 'string' ? bareOf(args.person) : null
  if ((person === null) !== (args.remove === true))
    throw new CommandError(desk.say('transport-irc-account-whose', asked.language), EXIT.usage)
  await desk.record(asked.caller, 'transport-irc account', { network, account: name, person })
  await desk.people.identities.set(network, name, person)
  yield row({ network, account: name, person })
}

/** Who is registered. */
export async function* registered(desk: Desk): AsyncGenerator<Said> {
  for (const { owner, network } of desk.people.registrations.everybody()) yield row({ person: owner, network })
}
