// SPDX-License-Identifier: Apache-2.0
// What operators see and do. They see who is connected, never what is said.
import { type Args, type Asked, CommandError, EXIT, type Said } from '../../kit/process/command.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import { type Ban, connectedOf, type Desk, networkOf, personOf, row, shown } from '../desk.ts'
import { placeOf } from '../storage/memory.ts'
import { refusalOf } from './own.ts'

/** A line as it is; on record, because it is said in somebody's name. */
export async function* raw(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = personOf(desk, args, asked)
  const network = networkOf(desk, args, asked)
  const line = String(args.line)
  if (/[\0\r\n]/.test(line)) throw new CommandError(desk.say('transport-irc-one-line', asked.language), EXIT.usage)
  const { session } = connectedOf(desk, person, network, asked)
  await desk.record(asked.caller, 'transport-irc raw', { person, network, line })
  let answers: readonly string[]
  try {
    answers = await session.raw(line)
  } catch (error) {
    throw await refusalOf(desk, error, asked.language, { person, network })
  }
  // Who reads it is asked about, where it is somebody with an address of his own.
  const reader = bareOf(asked.caller.jid ?? person)
  const read = await desk.transport.words.read(reader, network, answers.join('\n'))
  if (read === null) yield { say: 'text', text: desk.say('kit-transport-unreadable', asked.language) }
  else if (read !== '') for (const line of read.split('\n')) yield row({ line })
}

export async function* list(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const network = typeof args.network === 'string' ? networkOf(desk, args, asked) : null
  const connected = [...desk.networks.connected()].filter((one) => network === null || one.network === network)
  for (const one of connected) yield row({ person: one.owner, ...shown(desk, one, asked.language) })
  if (connected.length === 0) yield { say: 'text', text: desk.say('transport-irc-nobody-connected', asked.language) }
}

export async function* end(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = bareOf(String(args.person))
  const network = typeof args.network === 'string' ? networkOf(desk, args, asked) : null
  await desk.record(asked.caller, 'transport-irc end', { person, network })
  const ended = await endAll(desk, person, network, reasonOf(args))
  for (const one of ended) yield row({ network: one, state: 'disconnected' })
  if (ended.length === 0)
    throw new CommandError(desk.say('transport-irc-nobody', asked.language, { person }), EXIT.notFound)
}

export async function* ban(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = bareOf(String(args.person))
  const reason = reasonOf(args)
  const entry: Ban = { at: new Date(desk.now()).toISOString(), by: asked.caller.user, reason }
  await desk.record(asked.caller, 'transport-irc ban', { person, reason })
  await desk.memory.set('ban', person, entry)
  await endAll(desk, person, null, reason)
  yield row({ person, ...entry })
}

export async function* unban(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = bareOf(String(args.person))
  if (desk.memory.read<Ban>('ban', person) === null)
    throw new CommandError(desk.say('transport-irc-not-banned', asked.language, { person }), EXIT.notFound)
  await desk.record(asked.caller, 'transport-irc unban', { person })
  await desk.memory.set('ban', person, null)
  yield row({ person })
}

export async function* bans(desk: Desk): AsyncGenerator<Said> {
  for (const { name, body } of desk.memory.list<Ban>('ban')) yield row({ person: name, ...body })
}

export async function* announce(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const network = typeof args.network === 'string' ? networkOf(desk, args, asked) : undefined
  await desk.record(asked.caller, 'transport-irc announce', { network: network ?? null, text: String(args.text) })
  yield row({ people: desk.transport.announce(String(args.text), network) })
}

export async function* stats({ stats: counts }: Desk): AsyncGenerator<Said> {
  for (const [what, value] of Object.entries(counts())) yield row({ what, value })
}

async function endAll(desk: Desk, person: string, network: string | null, text: string): Promise<string[]> {
  const his = [...desk.networks.connected()].filter(
    (one) => one.owner === person && (network === null || one.network === network),
  )
  for (const one of his) await desk.memory.set('keep', placeOf(person, one.network), null)
  for (const one of his) await desk.transport.sessions.close(person, one.network, text)
  return his.map((one) => one.network)
}

function reasonOf(args: Args): string {
  return typeof args.reason === 'string' ? args.reason : ''
}
