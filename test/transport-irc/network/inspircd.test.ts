// SPDX-License-Identifier: Apache-2.0
// Our client on a real InspIRCd, beside people who share no code with it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Inspircd, inspircdLack, startInspircd } from '../../harness/inspircd.ts'
import { irc } from '../../harness/irc-person.ts'
import { arrived, faultOf, person } from './people.ts'

const lack = inspircdLack()
const skip = lack === null ? false : lack
let server: Inspircd

before(async () => {
  if (lack === null) server = await startInspircd()
})
after(async () => {
  if (lack === null) await server[Symbol.asyncDispose]()
})

test('what is said is confirmed by its echo, and everybody reads it once', { skip }, async () => {
  await using alice = person(server, 'alice')
  await using raw = await irc(server, 'rawbob', { caps: ['echo-message', 'message-tags'] })
  await alice.next('up')
  await alice.irc.join('#talk')
  await raw.join('#talk')
  await alice.next('join', (_, member) => member.nick === 'rawbob')
  const spoken = await alice.irc.say('#talk', 'hello \x02there\x02')
  assert.equal(spoken.by, 'echo')
  assert.match(spoken.ids[0] ?? '', /./)
  await raw.next(/PRIVMSG #talk :hello/u)
  assert.deepEqual(
    raw.heard('#talk').filter(([nick]) => nick === 'alice'),
    [['alice', 'hello \x02there\x02']],
  )
  const [echo] = await alice.next('message')
  assert.deepEqual([echo.own, echo.id, echo.at, echo.text], [true, spoken.ids[0], spoken.at, 'hello \x02there\x02'])
  raw.say('#talk', '\x01ACTION waves\x01')
  const [wave] = await alice.next('message', (message) => !message.own)
  assert.deepEqual(
    [wave.kind, wave.text, wave.from.nick, wave.target, wave.isChannel],
    ['action', 'waves', 'rawbob', '#talk', true],
  )
  assert.ok(wave.at !== null && Math.abs(wave.at - Date.now()) < 60_000)
  raw.say('alice', 'for you alone')
  const [direct] = await alice.next('message', (message) => !message.isChannel)
  assert.deepEqual([direct.text, direct.target, direct.from.user], ['for you alone', 'alice', 'tester'])
  await alice.irc.say('rawbob', 'and back')
  await raw.next(/PRIVMSG rawbob :and back/u)
})

test('a long text is cut within 512 bytes and arrives whole', { skip }, async () => {
  await using carl = person(server, 'carl')
  await using raw = await irc(server, 'rawdora')
  await carl.next('up')
  await carl.irc.join('#long')
  await raw.join('#long')
  const text = `${'wörter und 👍🏽 '.repeat(80)}end`
  const spoken = await carl.irc.say('#long', `${text}\n\nsecond line`)
  await raw.next(/:second line/u)
  const heard = raw.heard('#long').map(([, part]) => part)
  assert.equal(heard.slice(0, -1).join(''), text)
  assert.deepEqual(heard, spoken.parts)
  assert.equal(spoken.ids.length, heard.length)
  assert.equal(new Set(spoken.ids).size, heard.length)
  assert.ok(heard.length > 3)
  const waved = await carl.irc.say('#long', 'x'.repeat(600), { kind: 'action' })
  assert.equal(waved.parts.join(''), 'x'.repeat(600))
  await raw.next(/ACTION x+.$/u)
})

test('who is there, with ranks, hosts, logins and being away, and how it changes', { skip }, async () => {
  await using eve = person(server, 'eve')
  await using raw = await irc(server, 'rawfrank')
  await eve.next('up')
  await eve.irc.join('#ranks')
  await raw.join('#ranks')
  await eve.next('join', (_, member) => member.nick === 'rawfrank')
  const channel = eve.irc.channel('#RANKS')
  assert.ok(channel !== null)
  assert.deepEqual(
    [...channel.members()].map(({ nick, prefixes }) => `${prefixes}${nick}`),
    ['@eve', 'rawfrank'],
  )
  await eve.irc.mode('#ranks', '+vo', 'rawfrank', 'rawfrank')
  const [, ranked, by] = await eve.next('ranked', (_, member) => member.nick === 'rawfrank')
  assert.deepEqual([ranked.prefixes, by], ['@+', 'eve'])
  {
    // Who comes later reads all of it in the list itself: every rank, user and host (multi-prefix, userhost-in-names).
    await using late = await arrived(server, 'late')
    await late.irc.join('#ranks')
    const { prefixes, user, host } = late.irc.channel('#ranks')?.member('rawfrank') ?? {}
    assert.deepEqual([prefixes, user, host], ['@+', 'tester', '127.0.0.1'])
    await eve.next('join', (_, member) => member.nick === 'late')
  }
  await eve.next('quit', ({ nick }) => nick === 'late')
  raw.send('AWAY :at lunch')
  const [away, where] = await eve.next('changed', (user) => user.away !== undefined)
  assert.deepEqual([away.nick, away.away, where.map(({ name }) => name)], ['rawfrank', 'at lunch', ['#ranks']])
  raw.send('AWAY')
  await eve.next('changed', (user) => user.nick === 'rawfrank' && user.away === undefined)
  raw.send('SETNAME :Frank the Second')
  await eve.next('changed', (user) => user.realname === 'Frank the Second')
  raw.send('NICK rawfranz')
  const [from, to, channels] = await eve.next('renamed')
  assert.deepEqual([from, to, channels.length], ['rawfrank', 'rawfranz', 1])
  assert.equal(channel.member('rawfranz')?.prefixes, '@+')
  await eve.irc.setNick('evelyn')
  assert.deepEqual(await eve.next('nick'), ['eve', 'evelyn'])
  assert.deepEqual((await eve.next('renamed')).slice(0, 2), ['eve', 'evelyn'])
  assert.deepEqual([eve.irc.nick, channel.member('evelyn')?.prefixes], ['evelyn', '@'])
  await eve.irc.join('#second')
  await eve.irc.setNick('eve')
  raw.send('TOPIC #ranks :a new topic')
  const [, topic, setter] = await eve.next('topic')
  assert.deepEqual([topic, setter, channel.topic?.text], ['a new topic', 'rawfranz', 'a new topic'])
  raw.send('PART #ranks :gone')
  const [, left, reason] = await eve.next('part')
  assert.deepEqual([left, reason, channel.size], ['rawfranz', 'gone', 1])
  await raw.join('#ranks')
  await eve.next('join')
  raw.send('QUIT :so long')
  const [quitter, words, from3] = await eve.next('quit')
  assert.deepEqual([quitter.nick, words, from3.length, channel.size], ['rawfranz', 'so long', 1, 1])
  assert.equal(eve.irc.user('rawfranz'), null)
})

test('what the server refuses is refused to the one who asked, and what follows is carried out', { skip }, async () => {
  await using gina = person(server, 'gina')
  await using hugo = person(server, 'hugo')
  await gina.next('up')
  await hugo.next('up')
  await gina.irc.join('#shut', { key: 'secret' })
  await gina.irc.mode('#shut', '+kn', 'secret')
  assert.equal((await faultOf(hugo.irc.join('#shut'))).reason, 'password')
  assert.equal((await faultOf(hugo.irc.join('#shut', { key: 'wrong' }))).reason, 'password')
  assert.equal((await faultOf(hugo.irc.join('nochannel'))).reason, 'no-such-room')
  const asked = [
    hugo.irc.say('#shut', 'from outside'),
    hugo.irc.say('gina', 'one'),
    hugo.irc.say('nobody-here', 'x'),
    hugo.irc.say('gina', 'two'),
  ]
  const outcomes = await Promise.allSettled(asked)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal((await faultOf(asked[0] as Promise<unknown>)).reason, 'not-allowed')
  assert.equal((await faultOf(asked[2] as Promise<unknown>)).reason, 'no-such-person')
  await hugo.irc.join('#shut', { key: 'secret' })
  assert.equal((await faultOf(hugo.irc.kick('#shut', 'gina'))).reason, 'not-allowed')
  assert.equal((await faultOf(hugo.irc.setNick('gina'))).reason, 'nick-taken')
  assert.equal((await faultOf(hugo.irc.topic('#shut', 'x'.repeat(500)))).reason, 'too-long')
  assert.equal((await faultOf(hugo.irc.whois('nobody-here'))).reason, 'no-such-person')
  await gina.irc.mode('#shut', '+b', '*!hugo@*')
  await gina.irc.kick('#shut', 'hugo', 'enough')
  const [, how, by, reason] = await hugo.next('out')
  assert.deepEqual([how, by, reason], ['banned', 'gina', 'enough'])
  const [, , , , banned] = await gina.next('kick')
  assert.equal(banned, true)
  assert.equal((await faultOf(hugo.irc.join('#shut', { key: 'secret' }))).reason, 'banned')
  const masks = await gina.irc.masks('#shut', 'b')
  assert.deepEqual(
    masks.map(({ mask, by: setter }) => [mask, setter]),
    [['*!hugo@*', 'gina']],
  )
  assert.equal((await gina.irc.modes('#shut')).get('k'), 'secret')
  const about = await gina.irc.whois('hugo')
  assert.deepEqual([about.user, about.server, about.realname], ['hugo', server.name, 'hugo of the tests'])
  assert.ok((about.signedOnAt ?? 0) > 0)
})

test('reactions, replies and typing go as tags; kept presence is told by MONITOR', { skip }, async () => {
  await using iris = person(server, 'iris')
  await using jan = person(server, 'jan')
  await iris.next('up')
  await jan.next('up')
  await iris.irc.join('#tags')
  await jan.irc.join('#tags')
  const { ids } = await iris.irc.say('#tags', 'a question')
  const id = ids[0] ?? ''
  await jan.irc.say('#tags', 'an answer', { replyTo: id })
  const [answer] = await iris.next('message', (message) => !message.own)
  assert.equal(answer.replyTo, id)
  assert.equal(await jan.irc.react('#tags', id, '👍'), true)
  const [reaction] = await iris.next('reaction')
  assert.deepEqual([reaction.to, reaction.text, reaction.removed, reaction.from.nick], [id, '👍', false, 'jan'])
  assert.equal(jan.irc.typing('#tags', 'active'), true)
  assert.deepEqual(await iris.next('typing'), ['#tags', 'jan', 'active'])
  iris.irc.watch('kurt')
  iris.irc.watch('jan')
  const [first] = await iris.next('presence', (nick) => nick === 'kurt')
  assert.equal(first, 'kurt')
  assert.deepEqual(await iris.next('presence', (nick) => nick === 'jan'), ['jan', { online: true }])
  const kurt = await irc(server, 'Kurt')
  assert.deepEqual(await iris.next('presence', (nick) => nick === 'kurt'), ['kurt', { online: true }])
  kurt.send('AWAY :gone')
  assert.deepEqual(await iris.next('presence', (nick) => nick === 'kurt'), ['kurt', { online: true, away: 'gone' }])
  await kurt.quit()
  assert.deepEqual(await iris.next('presence', (nick) => nick === 'kurt'), ['kurt', { online: false }])
})

test('a connection that only reads messages keeps nobody, and learns all when it is asked to', { skip }, async () => {
  await using lena = person(server, 'lena')
  await using raw = await irc(server, 'rawmax')
  await lena.next('up')
  await lena.irc.join('#quiet', { attention: 'messages' })
  const before = lena.irc.counts.skipped
  await raw.join('#quiet')
  raw.send('AWAY :x', 'NICK rawmoritz', 'AWAY', 'PRIVMSG #quiet :still heard')
  const [message] = await lena.next('message')
  assert.deepEqual([message.text, message.from.nick], ['still heard', 'rawmoritz'])
  assert.equal(lena.irc.channel('#quiet')?.size, 0)
  assert.equal(lena.irc.counts.skipped - before, 4)
  assert.equal(lena.all('join').length + lena.all('changed').length + lena.all('renamed').length, 0)
  lena.irc.attend('#quiet', 'all')
  const [channel] = await lena.next('names')
  assert.deepEqual([...channel.members()].map(({ nick }) => nick).sort(), ['lena', 'rawmoritz'])
  raw.send('PART #quiet')
  await lena.next('part')
  await lena.irc.who('#quiet')
  lena.irc.attend('#quiet', 'messages')
  assert.equal(lena.irc.channel('#quiet')?.size, 0)
  assert.equal(lena.irc.user('lena'), null)
})

test('the list of channels comes row by row and can be left', { skip }, async () => {
  await using nora = await arrived(server, 'nora')
  for (let index = 0; index < 40; index += 1) await nora.irc.join(`#list${index}`, { attention: 'messages' })
  await nora.irc.topic('#list7', 'the seventh')
  const rows = await Array.fromAsync(nora.irc.list(AbortSignal.timeout(10_000)))
  assert.equal(rows.filter(({ name }) => name.startsWith('#list')).length, 40)
  assert.deepEqual(
    rows.find(({ name }) => name === '#list7'),
    { name: '#list7', people: 1, topic: 'the seventh' },
  )
  for await (const row of nora.irc.list(AbortSignal.timeout(10_000))) {
    assert.ok(row.people >= 1)
    break
  }
  assert.match((await nora.irc.raw('VERSION')).join('\n'), /InspIRCd-3/u)
  await nora.irc.say('nora', 'still in order')
})

test('after a loss it comes back, is in its channels again, and what was typed meanwhile is refused', {
  skip,
}, async () => {
  await using olga = await arrived(server, 'olga', { limits: { backoff: { firstMs: 50, mostMs: 200 } } })
  await olga.irc.join('#back', { key: 'k' })
  await using oper = await irc(server, 'rawoper')
  await oper.oper(server.oper)
  const lost = olga.irc.say('#nowhere', 'perhaps')
  await lost.catch(() => undefined)
  oper.send('KILL olga :by the test')
  const [fault, retryAt] = await olga.next('down')
  assert.equal(fault.reason, 'down')
  assert.match(fault.message, /by the test/u)
  assert.ok(retryAt !== null && retryAt >= Date.now() - 1_000)
  assert.deepEqual(await faultOf(olga.irc.say('#back', 'typed meanwhile')), {
    reason: 'down',
    code: 'down',
    unsure: false,
  })
  await olga.next('up')
  await olga.next('names')
  await olga.next('names', (channel) => channel.name === '#back')
  assert.equal((await olga.irc.say('#back', 'here again')).by, 'echo')
})
