// SPDX-License-Identifier: Apache-2.0
// What a connection tells, in the words of rooms and people.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomEvent, SessionEvents } from '../../../components/kit/transport/network.ts'
import type { IrcConnection } from '../../../components/transport-irc/network/irc.ts'
import { openIrcConnection } from '../../../components/transport-irc/network/irc-connection.ts'
import { openTelling, type Told } from '../../../components/transport-irc/sessions/telling.ts'
import { startFakeIrcd } from '../../harness/fake-ircd.ts'

test('what a bouncer kept one to one is told as that, of others and of oneself; what was kept of a channel is not told twice', async () => {
  await using server = await startFakeIrcd()
  const told: unknown[][] = []
  const over = Promise.withResolvers<void>()
  const events = new Proxy({} as Told, {
    get:
      (_, name: keyof SessionEvents) =>
      (...values: unknown[]) => {
        if (name === 'up') isUp.resolve()
        if (name === 'message' && (values[0] as { body: string }).body === 'now') over.resolve()
        if (name === 'message' || name === 'reflected' || name === 'room') told.push([name, ...values])
      },
  })
  const isUp = Promise.withResolvers<void>()
  const connection: IrcConnection = openIrcConnection(
    {
      servers: [{ host: server.address, port: server.port, tls: 'plain' }],
      ...{ nick: 'anna', user: 'anna', realname: 'Anna' },
    },
    openTelling(() => connection, events),
  )
  await using _gone = { [Symbol.asyncDispose]: () => connection.quit() }
  await isUp.promise
  const time = '2026-11-22T00:00:00.000Z'
  const kept = (ref: string, id: string, line: string) => `@batch=${ref};time=${time};msgid=${id} ${line}\r\n`
  server.bytes(
    `:s BATCH +1 chathistory bob\r\n${kept('1', 'a', ':bob!b@h PRIVMSG anna :of bob')}` +
      `${kept('1', 'b', ':anna!a@h PRIVMSG bob :of anna')}:s BATCH -1\r\n` +
      `:s BATCH +2 chathistory #tea\r\n${kept('2', 'c', ':bob!b@h PRIVMSG #tea :in a channel')}:s BATCH -2\r\n` +
      `@time=${time};msgid=d :bob!b@h PRIVMSG anna :now\r\n`,
  )
  await over.promise
  const at = Date.parse(time)
  const bob = { nick: 'bob', identity: 'bob!b@h' }
  assert.deepEqual(told, [
    ['message', { id: 'a', at, body: 'of bob', ...bob, kept: true }],
    ['reflected', 'bob', { id: 'b', at, body: 'of anna', nick: 'anna', identity: 'anna!a@h', kept: true }],
    ['room', '#tea', { kind: 'kept', messages: [{ id: 'c', at, body: 'in a channel', ...bob }] }],
    ['message', { id: 'd', at, body: 'now', ...bob }],
  ])
})

test('people whom the server names are told before its list is whole, as they are in it', async () => {
  await using server = await startFakeIrcd()
  const told: RoomEvent[] = []
  const isUp = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const events = new Proxy({} as Told, {
    get:
      (_, name: keyof SessionEvents) =>
      (...values: unknown[]) => {
        if (name === 'up') isUp.resolve()
        if (name !== 'room') return
        told.push(values[1] as RoomEvent)
        if (told.at(-1)?.kind === 'occupants') over.resolve()
      },
  })
  const connection: IrcConnection = openIrcConnection(
    {
      servers: [{ host: server.address, port: server.port, tls: 'plain' }],
      ...{ nick: 'anna', user: 'anna', realname: 'Anna' },
    },
    openTelling(() => connection, events),
  )
  await using _gone = { [Symbol.asyncDispose]: () => connection.quit() }
  await isUp.promise
  const nicks = Array.from({ length: 60 }, (_, n) => `n${n}`)
  server.bytes(
    `:anna!a@h JOIN #tea\r\n:s 353 anna = #tea :@anna +o!u@h ${nicks.join(' ')}\r\n:s 353 anna = #tea :last\r\n:s 366 anna #tea :End\r\n`,
  )
  await over.promise
  const [listing, all] = told
  assert.deepEqual(
    told.slice(0, 3).map(({ kind }) => kind),
    ['listing', 'occupants', 'subject'],
  )
  const people = listing?.kind === 'listing' ? listing.occupants : []
  assert.deepEqual(people[1], { nick: 'o', role: 'participant', affiliation: 'member', identity: 'o!u@h' })
  assert.deepEqual(all?.kind === 'occupants' ? all.occupants : [], [
    ...people,
    { nick: 'last', role: 'participant', affiliation: 'none' },
  ])
})
