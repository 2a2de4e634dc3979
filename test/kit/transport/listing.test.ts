// SPDX-License-Identifier: Apache-2.0
// People whom a network names while its list is still coming are shown to who enters at once; what he is told in the end is true all the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MadeUpSession } from './made-up.ts'
import { calm, room, type Stand, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const PHONE = 'anna@corp.example/phone'
const BERT = 'bert@corp.example/desk'

const enters = (at: Stand, client: string, name: string, nick: string) =>
  at.send(
    `<presence from='${client}' to='${room(name)}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
  )

/** Somebody is on his way in: the network has not said yet who is there. */
async function entering(at: Stand, client: string, name: string, nick: string): Promise<MadeUpSession> {
  enters(at, client, name, nick)
  for (;;) {
    await calm(at)
    const session = at.net.sessions.findLast((one) => one.nick === nick)
    if (session?.rooms.has(name) === true) return session
  }
}

const nickOf = (xml: string) => /^<presence [^>]*from='[^'/]*\/([^']*)'/.exec(xml)?.[1] ?? ''
const isGone = (xml: string) => xml.includes(`type='unavailable'`)

/** What was told, in short: who is there, who is not (-), oneself (*), and the subject. */
const inShort = (told: readonly string[]) =>
  told.map((xml) =>
    xml.includes('<subject>')
      ? 'subject'
      : xml.includes(`type='error'`)
        ? `error ${/<error type='\w+'><([\w-]+)/.exec(xml)?.[1]}`
        : `${isGone(xml) ? '-' : ''}${nickOf(xml)}${xml.includes(`code='110'`) ? '*' : ''}`,
  )

/** The room as a client knows it that was told this. */
function roomAfter(told: readonly string[]): Map<string, string> {
  const people = new Map<string, string>()
  for (const xml of told) {
    if (!xml.startsWith('<presence')) continue
    if (isGone(xml)) people.delete(nickOf(xml))
    else people.set(nickOf(xml), xml.replace(/ to='[^']*'/, '').replace(/<status code='\d+'\/>/g, ''))
  }
  return people
}

test('who enters is told of those whom the network names before its list is whole; himself, and what is behind, comes last', async () => {
  await using at = await stand()
  for (const nick of ['otto', 'olga', 'oskar']) at.net.comes('#tea', nick)
  at.net.listed = Promise.withResolvers()
  const anna = await entering(at, ANNA, '#tea', 'anna')
  assert.deepEqual(at.unread(ANNA), [])
  anna.lists('#tea', ['otto', 'anna', 'OTTO'])
  anna.lists('#tea', ['Otto', 'olga', 'anna'])
  assert.deepEqual(inShort(at.unread(ANNA)), ['otto', 'olga'])
  at.net.listed.resolve()
  await at.heard(ANNA, /<subject>/)
  assert.deepEqual(inShort(at.unread(ANNA)), ['oskar', 'anna*'])
  at.net.goes('#tea', 'otto')
  await at.heard(ANNA, /otto' type='unavailable'/)
  // What is named once more when it is over says nothing.
  anna.lists('#tea', ['nobody'])
  await calm(at)
  assert.deepEqual(at.unread(ANNA), [])
})

test('who went, came, changed or took another nick meanwhile is shown so when the list is whole', async () => {
  await using at = await stand()
  for (const nick of ['otto', 'olga', 'oskar', 'omar', 'otis']) at.net.comes('#tea', nick)
  at.net.comes('#tea', 'away', { away: 'at lunch' })
  at.net.listed = Promise.withResolvers()
  const anna = await entering(at, ANNA, '#tea', 'anna')
  // Why somebody is away is asked about before it is shown.
  anna.lists('#tea', ['otto', 'olga', 'oskar', 'omar', 'otis', 'away', 'never-there'])
  assert.deepEqual(inShort(at.unread(ANNA)), ['otto', 'olga', 'oskar', 'omar', 'otis', 'never-there'])
  at.net.goes('#tea', 'otto')
  at.net.renames('#tea', 'olga', 'olivia')
  at.net.place('#tea').members.set('oskar', { nick: 'oskar', role: 'moderator', affiliation: 'owner' })
  at.net.goes('#tea', 'omar')
  at.net.comes('#tea', 'omar')
  at.net.place('#tea').members.set('otis', { nick: 'Otis', role: 'participant', affiliation: 'none' })
  at.net.comes('#tea', 'late')
  at.net.listed.resolve()
  await at.heard(ANNA, /<subject>/)
  const told = at.unread(ANNA)
  assert.deepEqual(inShort(told), [
    ...['-otto', '-olga', '-otis', '-never-there', 'oskar', 'Otis', 'away', 'olivia', 'late', 'anna*'],
  ])
  assert.match(told.find((xml) => nickOf(xml) === 'oskar') ?? '', /role='moderator'/)
})

test('a nick that the network gives meanwhile is no other person', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  at.net.listed = Promise.withResolvers()
  const anna = await entering(at, ANNA, '#tea', 'anna')
  anna.lists('#tea', ['anna', 'otto'])
  at.net.taken.delete('otto')
  at.net.goes('#tea', 'otto')
  await anna.rename('otto')
  anna.lists('#tea', ['otto'])
  at.net.listed.resolve()
  await at.heard(ANNA, /<subject>/)
  const told = at.unread(ANNA)
  assert.deepEqual(inShort(told), ['otto', 'otto*'])
  assert.match(told[1] ?? '', /code='110'\/><status code='210'/)
})

for (const how of ['kicked', 'cut'] as const)
  test(`who is not let in after all is told that those are gone of whom he was told, and then that he is not in (${how})`, async () => {
    await using at = await stand()
    for (const nick of ['otto', 'olga']) at.net.comes('#tea', nick)
    at.net.listed = Promise.withResolvers()
    const anna = await entering(at, ANNA, '#tea', 'anna')
    anna.lists('#tea', ['otto', 'olga'])
    enters(at, PHONE, '#tea', 'anna')
    await calm(at)
    if (how === 'cut') anna.cut(null)
    else at.net.kicks('#tea', 'anna', 'otto', 'no')
    at.net.listed.resolve()
    for (const client of [ANNA, PHONE]) {
      const error = await at.heard(client, /type='error'/)
      const told = [...at.unread(client), error]
      assert.deepEqual(inShort(told).slice(0, 4), ['otto', 'olga', '-otto', '-olga'])
      assert.equal(roomAfter(told.slice(0, -1)).size, 0)
    }
    assert.deepEqual([at.transport.state().seats, at.transport.state().rooms], [0, 0])
    at.net.listed = null
    at.net.goes('#tea', 'otto')
    if (how === 'cut') anna.connect()
    assert.deepEqual(inShort(await at.enter(ANNA, '#tea', 'anna')), ['olga', 'anna*', 'subject'])
  })

test('a second client of his is told of all of them too; one client too many is told that they are gone', async () => {
  await using at = await stand({ settings: { most: { clientsPerSeat: 2 } } })
  for (const nick of ['otto', 'olga', 'oskar']) at.net.comes('#tea', nick)
  at.net.listed = Promise.withResolvers()
  const anna = await entering(at, ANNA, '#tea', 'anna')
  anna.lists('#tea', ['otto'])
  enters(at, PHONE, '#tea', 'anna')
  enters(at, 'anna@corp.example/third', '#tea', 'anna')
  await calm(at)
  assert.deepEqual(inShort(at.unread(PHONE)), ['otto'])
  anna.lists('#tea', ['olga'])
  assert.deepEqual([inShort(at.unread(ANNA)), inShort(at.unread(PHONE))], [['otto', 'olga'], ['olga']])
  at.net.listed.resolve()
  for (const client of [ANNA, PHONE]) {
    await at.heard(client, /<subject>/)
    assert.deepEqual(inShort(at.unread(client)), ['oskar', 'anna*'])
  }
  await at.heard('anna@corp.example/third', /type='error'.*resource-constraint/)
  assert.deepEqual(inShort(at.unread('anna@corp.example/third')), ['otto', 'olga', '-otto', '-olga'])
})

test('two of ours who enter at once are each told once of everybody, and of each other', async () => {
  await using at = await stand()
  for (const nick of ['otto', 'olga', 'oskar']) at.net.comes('#tea', nick)
  at.net.listed = Promise.withResolvers()
  const anna = await entering(at, ANNA, '#tea', 'anna')
  const bert = await entering(at, BERT, '#tea', 'bert')
  anna.lists('#tea', ['otto', 'olga'])
  bert.lists('#tea', ['anna', 'otto'])
  at.net.listed.resolve()
  await at.heard(ANNA, /<subject>/)
  await at.heard(BERT, /<subject>/)
  const [first, second] = [at.unread(ANNA), at.unread(BERT)]
  assert.deepEqual(inShort(first), ['otto', 'olga', 'oskar', 'bert', 'anna*'])
  assert.deepEqual(inShort(second), ['anna', 'otto', 'olga', 'oskar', 'bert*'])
})

test('who is in already is told nothing of a list that comes again', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  const [anna] = at.net.sessions
  anna?.cut()
  at.net.listed = Promise.withResolvers()
  anna?.connect()
  await calm(at)
  anna?.lists('#tea', ['otto', 'olga'])
  at.net.listed.resolve()
  await calm(at)
  assert.deepEqual(at.unread(ANNA), [])
  assert.equal(at.transport.state().clients, 1)
})

test('no more are told than are shown of a room, and as the stream takes them; what a lost stream had is told again', async () => {
  await using at = await stand({ settings: { most: { occupants: 1_500 } } })
  const nicks = Array.from({ length: 3_000 }, (_, n) => `n${n}`)
  for (const nick of nicks) at.net.comes('#big', nick)
  at.net.listed = Promise.withResolvers()
  const anna = await entering(at, ANNA, '#big', 'anna')
  anna.lists('#big', nicks.slice(0, 600))
  await calm(at)
  assert.equal(at.unread(ANNA).length, 600)
  at.link.takes = false
  for (let n = 600; n < 3_000; n += 50) anna.lists('#big', nicks.slice(n, n + 50))
  await calm(at)
  assert.deepEqual(at.unread(ANNA), [])
  at.link.takes = true
  await at.heard(ANNA, /\/n1499'/)
  assert.deepEqual(inShort(at.unread(ANNA)), nicks.slice(600, 1_499))
  at.transport.down()
  at.transport.up()
  at.net.listed.resolve()
  await at.heard(ANNA, /<subject>/)
  assert.deepEqual(inShort(at.unread(ANNA)), [...nicks.slice(0, 1_500), 'anna*'])
  assert.equal(at.transport.counts.overBound, 1)
})

test('whatever happens while the list comes: in the end he knows the room as who comes later does', async () => {
  await using at = await stand()
  const nick = fc.constantFrom('a', 'A', 'b', 'c', 'd', 'e', 'me')
  const step = fc.oneof(
    fc.record({ what: fc.constant('lists' as const), nicks: fc.array(nick, { minLength: 1, maxLength: 4 }) }),
    fc.record({
      what: fc.constant('comes' as const),
      nick,
      role: fc.constantFrom('visitor' as const, 'moderator' as const),
    }),
    fc.record({ what: fc.constant('goes' as const), nick }),
    fc.record({ what: fc.constant('renames' as const), nick, to: nick }),
    fc.record({ what: fc.constant('away' as const), nick, away: fc.constantFrom(undefined, 'lunch') }),
    fc.record({ what: fc.constant('me' as const), to: fc.constantFrom('me', 'b', 'f') }),
  )
  let number = 0
  await fc.assert(
    fc.asyncProperty(fc.array(nick, { maxLength: 5 }), fc.array(step, { maxLength: 12 }), async (first, steps) => {
      const name = `#r${++number}`
      const person = `p${number}@corp.example`
      const [desk, phone] = [`${person}/desk`, `${person}/phone`]
      const place = at.net.place(name)
      for (const one of first) if (one !== 'me') at.net.comes(name, one)
      at.net.taken.clear()
      at.net.listed = Promise.withResolvers()
      const session = await entering(at, desk, name, 'me')
      const isFree = (one: string) => !place.members.has(one.toLowerCase())
      for (const each of steps) {
        at.net.taken.clear()
        if (each.what === 'lists') session.lists(name, each.nicks)
        else if (each.what === 'comes') {
          if (isFree(each.nick)) at.net.comes(name, each.nick, { role: each.role })
        } else if (each.what === 'me') {
          if (isFree(each.to)) await session.rename(each.to)
        } else if (each.nick.toLowerCase() === session.nick) continue
        else if (each.what === 'goes') at.net.goes(name, each.nick)
        else if (each.what === 'renames') {
          if (isFree(each.to)) at.net.renames(name, each.nick, each.to)
        } else {
          const before = place.members.get(each.nick.toLowerCase())
          const { away: _, ...there } = before ?? { nick: each.nick, role: 'participant', affiliation: 'none' }
          if (before !== undefined)
            place.members.set(each.nick.toLowerCase(), { ...there, ...(each.away && { away: each.away }) })
        }
      }
      at.net.listed.resolve()
      at.net.listed = null
      const told = [...at.unread(desk)]
      const last = await at.heard(desk, /<subject>/)
      told.push(...at.unread(desk), last)
      assert.deepEqual(inShort(told).slice(-2), [`${session.nick}*`, 'subject'])
      const later = await at.enter(phone, name, 'me')
      assert.deepEqual(roomAfter(told), roomAfter(later))
      assert.equal(roomAfter(told).size, place.members.size)
      for (const client of [desk, phone])
        at.send(`<presence type='unavailable' from='${client}' to='${room(name)}/me'/>`)
      await calm(at)
      at.sent.length = 0
    }),
    { numRuns: process.env.GATEHOUSE_LONG === '1' ? 2_000 : 100 },
  )
  assert.deepEqual(at.errors, [])
})
