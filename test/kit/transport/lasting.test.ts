// SPDX-License-Identifier: Apache-2.0
// What outlives a moment: history and XEP-0313, a restart, a lost link, a network that was away; and what is bounded.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { calm, room, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const BERT = 'bert@corp.example/desk'
const R = room('#tea')
const bodies = (told: readonly string[]) => told.flatMap((xml) => /<body>(.*?)<\/body>/.exec(xml)?.[1] ?? [])
const attr = (xml: unknown) => String(xml).replaceAll('"', "'")

test('XEP-0045 §7.2.13: history is bounded by number, characters, seconds and time', async () => {
  let now = Date.UTC(2026, 0, 1)
  await using at = await stand({ now: () => now })
  at.net.comes('#tea', 'otto')
  await at.enter(BERT, '#tea', 'bert')
  for (let n = 0; n < 30; n++) {
    now += 10_000
    at.net.says('#tea', 'otto', `n${n}`)
    await at.heard(BERT, new RegExp(`>n${n}<`))
  }
  const asked = async (history: string) => {
    const told = bodies(await at.enter(ANNA, '#tea', 'anna', history))
    at.send(`<presence type='unavailable' from='${ANNA}' to='${R}/anna'/>`)
    await at.heard(ANNA, /unavailable/)
    return told
  }
  assert.equal((await asked('')).length, 20)
  assert.deepEqual(await asked(`<history maxstanzas='2'/>`), ['n28', 'n29'])
  assert.deepEqual(await asked(`<history maxstanzas='0'/>`), [])
  assert.deepEqual(await asked(`<history maxchars='0'/>`), [])
  assert.deepEqual(await asked(`<history seconds='25'/>`), ['n27', 'n28', 'n29'])
  assert.deepEqual(await asked(`<history since='2026-01-01T00:04:55Z'/>`), ['n29'])
  assert.match((await at.enter(ANNA, '#tea', 'anna', `<history seconds='x'/>`)).join(), /bad-request/)
})

test('XEP-0313: pages forwards and backwards, by time, by occupant, by id; metadata; only for who is in the room', async () => {
  let now = Date.UTC(2026, 0, 1)
  await using at = await stand({ now: () => now })
  at.net.comes('#tea', 'otto')
  at.net.comes('#tea', 'olga')
  await at.enter(ANNA, '#tea', 'anna')
  for (let n = 0; n < 25; n++) {
    now += 1000
    at.net.says('#tea', n % 5 === 0 ? 'olga' : 'otto', `n${n}`)
  }
  at.says(ANNA, '#tea', 'mine', 'm1')
  await at.heard(ANNA, /mine/)
  at.unread(ANNA)
  const query = async (inside: string, from = ANNA) => {
    const fin = await at.ask(from, R, 'set', `<query xmlns='urn:xmpp:mam:2' queryid='q'>${inside}</query>`)
    return { fin: attr(fin), told: at.unread(from).filter((xml) => xml.includes('<result ')) }
  }
  const form = (...fields: [string, string][]) =>
    `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>${fields.map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`).join('')}</x>`
  const set = (inside: string) => `<set xmlns='http://jabber.org/protocol/rsm'>${inside}</set>`
  const first = await query(set('<max>10</max>'))
  assert.deepEqual(
    bodies(first.told),
    Array.from({ length: 10 }, (_, n) => `n${n}`),
  )
  assert.match(
    first.told[0] ?? '',
    new RegExp(
      `from='${R}'><result xmlns='urn:xmpp:mam:2' queryid='q' id='[\\w-]{16}'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:01.000Z'/><message xmlns='jabber:client' from='${R}/olga' type='groupchat'`,
    ),
  )
  assert.doesNotMatch(first.fin, /complete/)
  assert.match(first.fin, /<count>26<\/count>/)
  const last = /<last>(.*)<\/last>/.exec(first.fin)?.[1] ?? ''
  const second = await query(set(`<max>100</max><after>${last}</after>`))
  assert.equal(bodies(second.told).length, 16)
  assert.match(second.fin, /complete='true'/)
  assert.deepEqual(bodies((await query(set('<max>2</max><before/>'))).told), ['n24', 'mine'])
  assert.deepEqual(bodies((await query(`${set('<max>2</max><before/>')}<flip-page/>`)).told), ['mine', 'n24'])
  assert.deepEqual(bodies((await query(form(['with', `${R}/olga`]))).told), ['n0', 'n5', 'n10', 'n15', 'n20'])
  assert.deepEqual(
    bodies((await query(form(['start', '2026-01-01T00:00:24Z'], ['end', '2026-01-01T00:00:24Z']))).told),
    ['n23'],
  )
  assert.deepEqual(bodies((await query(form(['ids', last]))).told), ['n9'])
  assert.deepEqual(bodies((await query(form(['after-id', last]) + set('<max>1</max>'))).told), ['n10'])
  assert.match((await query(form(['ids', 'unknown']))).fin, /item-not-found/)
  assert.match((await query(form(['start', 'yesterday']))).fin, /bad-request/)
  assert.match((await query(form(['colour', 'red']))).fin, /feature-not-implemented/)
  assert.match((await query('', BERT)).fin, /forbidden/)
  const metadata = attr(await at.ask(ANNA, R, 'get', `<metadata xmlns='urn:xmpp:mam:2'/>`))
  assert.match(metadata, /<start id='[\w-]+' timestamp='2026-01-01T00:00:01.000Z'\/><end /)
  // What was withdrawn is no more there.
  const foreign = at.net.says('#tea', 'otto', 'secret') as string
  at.net.says('#tea', 'otto', '', { retracts: foreign })
  await at.heard(ANNA, /<retract /)
  const tail = await query(set('<max>2</max><before/>'))
  assert.match(tail.told[0] ?? '', /<retracted /)
  assert.equal(tail.told.join().includes('secret'), false)
})

test('who stays is entered again after a restart, with the password; who does not is told that he is out; history is there', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-transport-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const stays = (owner: string) => owner.startsWith('anna')
  const first = await stand({ folder, settings: { stays } })
  first.net.place('#tea').password = 'earl'
  first.net.comes('#tea', 'otto')
  await first.enter(ANNA, '#tea', 'anna', '<password>earl</password>')
  await first.enter(BERT, '#tea', 'bert', '<password>earl</password>')
  first.net.says('#tea', 'otto', 'before')
  await first.heard(ANNA, /before/)
  await calm(first)
  // A second run on the store of the first, as after kill -9: nothing was said to anybody. The stream told that it writes.
  first.transport.writing()
  const second = await stand({ folder, settings: { stays } })
  t.after(() => second[Symbol.asyncDispose]())
  second.net.place('#tea').password = 'earl'
  second.net.comes('#tea', 'otto')
  await second.transport.resume()
  for (const client of [ANNA, BERT])
    assert.match(await second.heard(client, /unavailable/), /code='110'\/><status code='332'/)
  assert.deepEqual(
    second.transport.roomsOf('anna@corp.example').map(({ room: name, state, clients }) => [name, state, clients]),
    [['#tea', 'in', 0]],
  )
  assert.deepEqual(second.transport.roomsOf('bert@corp.example'), [])
  second.net.says('#tea', 'otto', 'meanwhile')
  await calm(second)
  const told = await second.enter(ANNA, '#tea', 'anna')
  assert.deepEqual(bodies(told), ['before', 'meanwhile'])
  assert.equal(second.net.sessions.length, 1)
  // The last client goes, and she stays.
  second.send(`<presence type='unavailable' from='${ANNA}' to='${R}/anna'/>`)
  await second.heard(ANNA, /unavailable/)
  await calm(second)
  assert.equal(second.net.place('#tea').members.has('anna'), true)
  await second.transport.leave('anna@corp.example', 'a.example', '#tea', 'enough')
  assert.deepEqual(second.net.done, ['anna leaves #tea: enough'])
  await first[Symbol.asyncDispose]()
})

test('a lost link puts clients out, tells them when it is back, and keeps their seats meanwhile', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  at.link.up = false
  at.transport.down()
  at.net.says('#tea', 'otto', 'missed')
  await calm(at)
  at.link.up = true
  at.transport.up()
  assert.match(await at.heard(ANNA, /unavailable/), /332/)
  assert.deepEqual(bodies(await at.enter(ANNA, '#tea', 'anna')), ['missed'])
  assert.equal(at.net.sessions.length, 1)
  assert.deepEqual(at.net.done, [])
})

test('a network that goes away: what is said meanwhile is refused, and the room is entered again; one that does not come back puts out', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  const [session] = at.net.sessions
  session?.cut()
  at.says(ANNA, '#tea', 'hello?', 'lost')
  assert.match(await at.heard(ANNA, /id='lost'/), /type='error'.*<error type='wait'><remote-server-not-found/)
  at.net.goes('#tea', 'otto')
  at.net.comes('#tea', 'olga')
  session?.connect()
  await at.heard(ANNA, /otto' type='unavailable'/)
  await at.heard(ANNA, /olga'>/)
  at.says(ANNA, '#tea', 'back', 'b')
  await at.heard(ANNA, /back/)
  session?.cut(null)
  assert.match(await at.heard(ANNA, /anna' type='unavailable'/), /code='110'\/><status code='333'/)
  await calm(at)
  assert.equal(at.transport.state().seats, 0)
})

test('a large room is told as the stream takes it, in order, and a client that takes nothing is put out', async () => {
  await using at = await stand()
  for (let n = 0; n < 2000; n++) at.net.comes('#big', `n${n}`)
  at.link.takes = false
  at.send(`<presence from='${ANNA}' to='${room('#big')}/anna'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await calm(at)
  at.net.comes('#big', 'late')
  assert.deepEqual(at.unread(ANNA), [])
  at.link.takes = true
  const last = await at.heard(ANNA, /late/)
  assert.match(last, /presence/)
  const told = at.unread(ANNA)
  assert.equal(told.length, 2002)
  assert.match(told[2000] ?? '', /code='110'/)
  assert.match(told[2001] ?? '', /<subject>/)
  at.link.takes = false
  for (let n = 0; n < 5100; n++)
    at.net.tellAll('#big', {
      kind: 'changed',
      occupant: { nick: `n${n % 2000}`, role: n % 4000 < 2000 ? 'visitor' : 'participant', affiliation: 'none' },
    })
  await calm(at)
  assert.equal(at.transport.state().clients, 0)
  assert.ok(at.transport.counts.overBound > 0)
})

test('many who go while a client is still being told who is there', async () => {
  await using at = await stand()
  for (let n = 0; n < 1500; n++) at.net.comes('#big', `n${n}`)
  at.net.subjectFirst = true
  at.net.place('#big').subject = { subject: 'Large', by: 'n1', at: 1 }
  at.link.takes = false
  at.send(`<presence from='${ANNA}' to='${room('#big')}/anna'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await calm(at)
  while (at.transport.state().clients === 0) await calm(at)
  at.net.tellAll('#big', { kind: 'parted', nicks: Array.from({ length: 1000 }, (_, n) => `n${n}`), reason: 'hub leaf' })
  await calm(at)
  at.link.takes = true
  await at.heard(ANNA, /n999' type='unavailable'/)
  const told = at.unread(ANNA)
  assert.equal(told.filter((xml) => xml.startsWith('<presence') && !xml.includes('unavailable')).length, 1501)
  assert.equal(told.filter((xml) => xml.includes('unavailable')).length, 999)
  assert.equal(
    told.findIndex((xml) => xml.includes('<subject>Large')),
    1501,
  )
})

test('a connection that goes once more while the room is entered again, and a client that enters meanwhile', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  const [session] = at.net.sessions
  session?.cut()
  session?.hold()
  session?.connect()
  await calm(at)
  const second = at.enter('anna@corp.example/phone', '#tea', 'anna')
  await calm(at)
  session?.cut()
  session?.connect()
  await second
  assert.equal(at.transport.state().seats, 1)
  assert.equal(at.transport.state().clients, 2)
  at.says(ANNA, '#tea', 'still here', 'm')
  await at.heard('anna@corp.example/phone', /still here/)
  assert.deepEqual([...at.net.place('#tea').members.keys()].sort(), ['anna', 'otto'])
})

test('bounds: rooms of one person, clients of one person, messages on their way', async () => {
  await using at = await stand({ settings: { most: { roomsPerPerson: 2, clientsPerSeat: 2 } } })
  await at.enter(ANNA, '#one', 'anna')
  await at.enter(ANNA, '#two', 'anna')
  assert.match((await at.enter(ANNA, '#three', 'anna')).join(), /resource-constraint.*as many rooms/)
  const elsewhere = room('#three').replace('a.example', 'b.example')
  at.send(`<presence from='${ANNA}' to='${elsewhere}/anna'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await at.heard(ANNA, /#three%b\.example.*code='110'/)
  const names = at.transport.roomsOf('anna@corp.example').map((one) => `${one.room} ${one.network}`)
  assert.deepEqual(names, ['#one a.example', '#two a.example', '#three b.example'])
  await at.enter('anna@corp.example/2', '#one', 'anna')
  assert.match((await at.enter('anna@corp.example/3', '#one', 'anna')).join(), /resource-constraint.*your clients/)
  at.net.sessions[0]?.hold()
  for (let n = 0; n < 101; n++) at.says(ANNA, '#one', `n${n}`, `n${n}`)
  assert.match(await at.heard(ANNA, /type='error'/), /id='n100'.*resource-constraint/)
})

test('a stop tells clients with 332, leaves the rooms and closes', async () => {
  const at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  await at[Symbol.asyncDispose]()
  assert.match(await at.heard(ANNA, /unavailable/), /code='110'\/><status code='332'/)
  assert.match(at.net.done.join(), /anna leaves #tea/)
  assert.equal(at.net.sessions[0]?.isEnded, true)
})
