// SPDX-License-Identifier: Apache-2.0
// Of a person's own connections and rooms.

import { orAborted } from '../../kit/bus/or-aborted.ts'
import { type Args, type Asked, CommandError, EXIT, type Said } from '../../kit/process/command.ts'
import { NetworkFault } from '../../kit/transport/network.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import {
  connectedOf,
  type Desk,
  networkOf,
  personOf,
  type RoomWord,
  roomPlace,
  row,
  said,
  shownToOwner,
  userOf,
} from '../desk.ts'
import { withoutCodes } from '../network/wire/formatting.ts'
import { placeOf } from '../storage/memory.ts'

export async function* connect(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = personOf(desk, args, asked)
  const network = networkOf(desk, args, asked)
  try {
    await desk.transport.sessions.open(person, network, desk.nickOf(person, network))
    await desk.memory.set('keep', placeOf(person, network), true)
    const one = connectedOf(desk, person, network, asked)
    if (!one.session.isUp) {
      if (one.fault !== null) one.tried = Promise.withResolvers()
      one.connection.connect()
      // It goes on trying by itself; who asked is told what came of the first try.
      let fault: NetworkFault | null = null
      const tried = one.tried.promise.then((told) => {
        fault = told
      })
      await orAborted(tried, asked.signal)
      asked.signal.throwIfAborted()
      if (fault !== null) throw fault
    }
  } catch (error) {
    throw await refusalOf(desk, error, asked.language, { person, network })
  }
  yield row(await shownToOwner(desk, connectedOf(desk, person, network, asked), asked.language))
}

export async function* disconnect(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = personOf(desk, args, asked)
  const network = networkOf(desk, args, asked)
  connectedOf(desk, person, network, asked)
  await desk.memory.set('keep', placeOf(person, network), null)
  await desk.transport.sessions.close(person, network, '')
  yield row({ network, state: 'disconnected' })
}

export async function* connections(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = personOf(desk, args, asked)
  const mine = [...desk.networks.connected()].filter(({ owner }) => owner === person)
  for (const one of await Promise.all(mine.map((one) => shownToOwner(desk, one, asked.language)))) yield row(one)
  if (mine.length === 0) yield { say: 'text', text: desk.say('transport-irc-no-connections', asked.language) }
}

export async function* networks(desk: Desk, _: Args, { caller }: Asked): AsyncGenerator<Said> {
  for (const { name, servers } of desk.listed) {
    const of = [...desk.networks.connected()].filter(({ network }) => network === name)
    yield row({
      network: name,
      servers: servers.map(
        ({ host, port, tls }) => `${tls === 'plain' ? 'irc' : tls === 'sts' ? 'irc+sts' : 'ircs'}://${host}:${port}`,
      ),
      connected: caller.rights.has('operator') ? of.length : of.filter(({ owner }) => owner === caller.jid).length,
    })
  }
}

/** The message of the day: words of the network, which pass the rules and are on record. */
export async function* motd(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = personOf(desk, args, asked)
  const network = networkOf(desk, args, asked)
  const { session } = connectedOf(desk, person, network, asked)
  let answers: readonly string[]
  try {
    answers = await session.raw('MOTD')
  } catch (error) {
    throw await refusalOf(desk, error, asked.language, { person, network })
  }
  const lines = answers.flatMap((line) => /^(?::\S+ )?372 \S+ :?(?:- ?)?(.*)$/u.exec(line)?.[1] ?? [])
  const text = withoutCodes(lines.join('\n').trim())
  const allowed = text === '' ? '' : await desk.transport.words.read(person, network, text)
  if (allowed === null || allowed === '') {
    const id = allowed === null ? 'transport-irc-motd-refused' : 'transport-irc-no-motd'
    yield { say: 'text', text: desk.say(id, asked.language, { network }) }
    return
  }
  for (const line of allowed.split('\n')) yield row({ text: line })
}

/** What a person says of one room: whether he stays in it, and that he leaves. */
export async function* room(desk: Desk, args: Args, asked: Asked): AsyncGenerator<Said> {
  const person = (args.stay === 'yes' ? userOf : personOf)(desk, args, asked)
  const network = networkOf(desk, args, asked)
  const name = String(args.room)
  if (!desk.networks.isRoom(name))
    throw new CommandError(desk.say('transport-irc-no-room', asked.language, { room: name }), EXIT.usage)
  const place = roomPlace(person, network, desk.networks.key(network, name))
  try {
    if (typeof args.stay === 'string')
      await desk.memory.set('room', place, args.stay === 'default' ? null : { stay: args.stay === 'yes' })
  } catch (error) {
    throw await refusalOf(desk, error, asked.language, { person, network })
  }
  if (args.leave === true) await desk.transport.leave(person, network, name, '')
  const word = desk.memory.read<RoomWord>('room', place)
  const here = desk.transport
    .roomsOf(person)
    .find((one) => one.network === network && desk.networks.key(network, one.room) === desk.networks.key(network, name))
  // Who says now that he stays was in it before.
  if (args.stay === 'yes' && here !== undefined) desk.people.entered?.(person, { ...here, name: here.room })
  yield row({ what: 'room', value: name })
  yield row({ what: 'network', value: network })
  yield row({ what: 'state', value: here?.state ?? 'out' })
  yield row({ what: 'nick', value: here?.nick ?? null })
  yield row({ what: 'stay', value: (word?.stay ?? desk.stays) ? 'yes' : 'no' })
}

/** What the network or the gateway refused, in words for who asked: those of the network where they may be read. */
export async function refusalOf(
  { say, transport }: Desk,
  error: unknown,
  language: string,
  { person, network }: { person: string; network: string },
): Promise<unknown> {
  if (error instanceof NetworkFault) {
    const cause = said(await transport.words.heard(person, network, error), say, language)
    return new CommandError(say('transport-irc-refused', language, { reason: error.reason, cause }), EXIT.fault)
  }
  if (error instanceof StanzaError)
    return new CommandError(
      say('transport-irc-refused', language, {
        reason: error.condition,
        cause: error.text[language] ?? Object.values(error.text)[0] ?? causeOf(error.cause),
      }),
      EXIT.fault,
    )
  return error
}

function causeOf(cause: unknown): string {
  return typeof cause === 'string' ? cause : cause instanceof Error ? cause.message : '-'
}
