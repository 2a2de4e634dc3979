// SPDX-License-Identifier: Apache-2.0
// Servers that lie, flood, fall silent or go away: bounded, survived, and said.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { IrcFault } from '../../../components/transport-irc/network/irc.ts'
import { startFakeIrcd } from '../../harness/fake-ircd.ts'
import { handClock } from './clock.ts'
import { arrived, faultOf, person } from './people.ts'

const LONG = process.env.GATEHOUSE_LONG === '1'
const backoff = { firstMs: 30, mostMs: 60 }

test('a line of a megabyte, NULs and bytes that are no UTF-8 cost nothing but themselves', async () => {
  await using server = await startFakeIrcd()
  await using anna = await arrived(server, 'anna')
  await anna.irc.join('#h')
  server.bytes(`:x!y@z PRIVMSG #h :${'A'.repeat(1_000_000)}\r\n`)
  server.bytes(`@${'t=1;'.repeat(300_000)} :x!y@z PRIVMSG #h :tags\r\n`)
  server.bytes(Buffer.from(':x!y@z PRIVMSG #h :a\0b\r\n\0\0\0\r\n\r\n\r\r\n:\r\n@\r\n'))
  server.bytes(
    Buffer.concat([Buffer.from(':x!y@z PRIVMSG #h :Gr'), Buffer.from([0xfc, 0xdf, 0xe9]), Buffer.from('\r\n')]),
  )
  server.say('mary', '#h', 'after all that')
  await anna.next('message', ({ text }) => text === 'after all that')
  assert.deepEqual(
    anna.all('message').map(([{ text }]) => text),
    ['ab', 'Grüßé', 'after all that'],
  )
  assert.equal(anna.irc.counts.overlong, 2)
  assert.ok(anna.irc.counts.malformed >= 2)
  assert.ok(anna.irc.isUp)
})

test('a flood is read no faster than the bound, and nothing of it is kept', async () => {
  await using server = await startFakeIrcd()
  const bytesPerSecond = 2 * 1024 * 1024
  const held = Promise.withResolvers<void>()
  // Time stands still until the test lets a second pass.
  const clock = handClock((ms) => {
    if (ms === 1_000) held.resolve()
  })
  await using bert = await arrived(server, 'bert', { limits: { bytesPerSecond } }, { clock })
  await bert.irc.join('#f', { attention: 'messages' })
  const line = ':x!y@z JOIN #f\r\n'
  const skipped = bert.irc.counts.skipped
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 20; n += 1) server.bytes(line.repeat(10_000))
  server.say('mary', '#f', 'the end')
  await held.promise
  assert.ok(bert.irc.counts.linesIn * line.length < bytesPerSecond + 128 * 1024)
  assert.equal(bert.all('message').length, 0)
  clock.passes(1_000)
  await bert.next('message')
  assert.equal(bert.irc.counts.skipped - skipped, 200_000)
  assert.ok(process.memoryUsage().heapUsed - before < 100 * 1024 * 1024)
})

test('names that mean something elsewhere are names', async () => {
  await using server = await startFakeIrcd()
  await using carl = await arrived(server, 'carl')
  await carl.irc.join('#__proto__')
  for (const nick of ['__proto__', 'constructor', 'toString', '\u202eevil', '<b>', "a'b", '𝒳', '%s', 'a/b'])
    server.bytes(`:${nick}!u@h JOIN #__proto__\r\n:${nick}!u@h PRIVMSG #__proto__ :I am\r\n`)
  server.bytes(
    ':s FAIL constructor __proto__ :odd\r\n:s 999 carl x :odd\r\n:carl!u@h JOIN :\r\n:s 353 carl = #nowhere :a b\r\n:s 005 carl PREFIX=x CHANMODES= :odd\r\n',
  )
  server.say('mary', '#__proto__', 'end')
  await carl.next('message', ({ text }) => text === 'end')
  assert.equal(carl.all('join').length, 9)
  assert.deepEqual([...(carl.irc.channel('#__PROTO__')?.members() ?? [])].map(({ nick }) => nick).slice(0, 3), [
    'carl',
    '__proto__',
    'constructor',
  ])
})

test('a server that tells no end of channels, people and words fills no memory', async () => {
  await using server = await startFakeIrcd()
  await using nina = await arrived(server, 'nina', { limits: { members: 50, bytesPerSecond: 1e9 } })
  const send = (count: number, line: (n: number) => string) =>
    server.bytes(Array.from({ length: count }, (_, n) => `${line(n)}\r\n`).join(''))
  send(3_000, (n) => `:nina!u@h JOIN #c${n}`)
  send(500, (n) => `:${'x'.repeat(5_000)}${n}!u@h JOIN #c1`)
  for (let channel = 1; channel < 10; channel += 1) send(100, (n) => `:p${channel}-${n}!u@h JOIN #c${channel}`)
  send(40, (n) => `:p1-${n}!u@h AWAY :${'a'.repeat(9_000)}`)
  send(200, (n) => `:p1-1!u@h MODE #c1 +${String.fromCodePoint(0x4e00 + n * 2)}${String.fromCodePoint(0x4e01 + n * 2)}`)
  send(200, (n) => `:s CAP nina ACK :made-up-${n}`)
  server.bytes(':s PING :done\r\n')
  await server.got(/^PONG :?done$/u)
  const channels = [...nina.irc.channels()]
  assert.equal(channels.length, 2_000)
  const sizes = channels.map(({ size }) => size)
  assert.equal(sizes[1], 50)
  assert.equal(
    sizes.reduce((one, other) => one + other, 0),
    250,
  )
  assert.equal(nina.irc.user('p1-1')?.away?.length, 1_000)
  assert.ok((nina.irc.channel('#c1')?.modes.size ?? 0) <= 100)
  assert.ok(![...nina.irc.facts.caps].some((name) => name.startsWith('made-up')))
})

test('members are told while the first list comes, each once, and no more than are kept; a list without end ends nothing', async () => {
  await using server = await startFakeIrcd()
  await using nina = await arrived(server, 'nina', { limits: { members: 500, bytesPerSecond: 1e9 } })
  const names = (channel: string, from: number, count: number) =>
    server.bytes(
      `:s 353 nina = ${channel} :${Array.from({ length: count }, (_, n) => `${n % 7 === 0 ? '@' : ''}n${from + n}`).join(' ')}\r\n`,
    )
  const read = async (mark: string) => {
    server.bytes(`:s PING :${mark}\r\n`)
    await server.got(new RegExp(`^PONG :?${mark}$`))
  }
  const told = (channel: string) =>
    nina.all('listing').flatMap(([{ name }, members]) => (name === channel ? members : []))
  server.bytes(':nina!u@h JOIN #list\r\n')
  names('#list', 0, 40)
  names('#list', 0, 40)
  await read('too-few')
  assert.deepEqual(told('#list'), [])
  server.bytes(':n3!u@h QUIT :gone\r\n:n4!u@h NICK :n4b\r\n')
  names('#list', 30, 40)
  await read('listed')
  const nicks = Array.from({ length: 70 }, (_, n) => (n === 4 ? 'n4b' : `n${n}`)).filter((nick) => nick !== 'n3')
  assert.deepEqual(
    told('#list').map(({ nick }) => nick),
    nicks,
  )
  assert.deepEqual(told('#list')[0], { nick: 'n0', prefixes: '@' })
  assert.deepEqual(nina.all('names'), [])
  names('#list', 70, 20)
  server.bytes(':s 366 nina #list :End\r\n')
  await nina.next('names')
  // The whole list tells them all, and one that comes again is no news for who enters.
  assert.equal(told('#list').length, nicks.length)
  for (let at = 100; at < 300; at += 100) names('#list', at, 100)
  server.bytes(':s 366 nina #list :End\r\n')
  await nina.next('names')
  assert.equal(told('#list').length, nicks.length)
  server.bytes(':nina!u@h JOIN #endless\r\n')
  for (let at = 0; at < 100_000; at += 1_000) names('#endless', at, 1_000)
  for (let round = 0; round < 10; round += 1) names('#endless', 0, 300)
  await read('endless')
  assert.ok(told('#endless').length <= 500)
  assert.equal(new Set(told('#endless').map(({ nick }) => nick)).size, told('#endless').length)
  assert.ok(nina.irc.isUp)
})

test('numbers that a server makes up cost nothing: a name of a gigabyte is none', async () => {
  await using server = await startFakeIrcd({
    caps: { 'echo-message': '' },
    isupport: [
      'HOSTLEN=999999999',
      'USERLEN=999999999',
      'NICKLEN=999999999',
      'TOPICLEN=999999999',
      'MONITOR=999999999',
    ],
  })
  await using nora = await arrived(server, 'nora')
  assert.ok(nora.irc.facts.nickLength <= 255)
  await nora.irc.join('#n')
  assert.equal((await nora.irc.say('#n', 'short')).by, 'echo')
  const { parts } = await nora.irc.say('#n', 'word '.repeat(300))
  assert.ok(parts.length > 1)
  assert.ok((server.client('nora')?.lines ?? []).every((line) => Buffer.byteLength(line) <= 510))
})

test('channels into which a server forces us are not ours: after a loss they are not entered again', async () => {
  await using server = await startFakeIrcd()
  await using nina = await arrived(server, 'nina', { limits: { backoff } })
  await nina.irc.join('#own')
  for (let n = 0; n < 50; n += 1) server.bytes(`:nina!u@h JOIN #forced${n}\r\n`)
  server.bytes(':s PING :forced\r\n')
  await server.got(/^PONG :?forced$/)
  assert.equal([...nina.irc.channels()].length, 51)
  const before = server.client('nina')
  server.cut()
  await nina.next('down')
  await nina.next('up')
  await nina.next('entered', (name) => name === '#own')
  await nina.irc.raw('AWAY')
  const lines = server.client('nina')?.lines ?? []
  assert.notEqual(server.client('nina'), before)
  assert.deepEqual(
    lines.filter((line) => /JOIN /.test(line)).map((line) => line.replace(/^@\S+ /, '')),
    ['JOIN #own'],
  )
})

test('what a server offers again and again is asked for once until it answers, and no faster than anything else is said', async () => {
  await using server = await startFakeIrcd()
  const clock = handClock()
  await using olga = await arrived(server, 'olga', { flood: { burst: 5, perSecond: 1 } }, { clock })
  server.mute(true)
  for (let n = 0; n < 500; n += 1) server.bytes(':s CAP olga NEW :away-notify setname\r\n')
  server.bytes(':s PING :offered\r\n')
  await server.got(/^PONG :?offered$/)
  const asked = () => (server.client('olga')?.lines ?? []).filter((line) => /^CAP REQ :?(away|setname)/.test(line))
  assert.equal(asked().length, 1)
  // Taken and given without end: each costs a token, and the rest waits.
  for (let n = 0; n < 500; n += 1)
    server.bytes(':s CAP olga NEW :away-notify setname\r\n:s CAP olga NAK :away-notify setname\r\n')
  server.bytes(':s PING :refused\r\n')
  await server.got(/^PONG :?refused$/)
  assert.ok(asked().length <= 5, `${asked().length} lines`)
  assert.ok(olga.irc.isUp)
})

test('one that asks without end before it lets anybody in is left', async () => {
  const sockets = new Set<net.Socket>()
  let read = 0
  const greedy = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      read += chunk.toString().split('\n').length - 1
    })
    socket.write(':s CAP * LS :setname away-notify\r\n')
    for (let n = 0; n < 5_000; n += 1) socket.write(':s CAP * NAK :setname away-notify\r\n')
  })
  greedy.listen(0, '127.0.0.1')
  await once(greedy, 'listening')
  {
    const at = { address: '127.0.0.1', port: (greedy.address() as net.AddressInfo).port }
    await using paul = person(at, 'paul', { limits: { backoff: { firstMs: 60_000, mostMs: 60_000 } } })
    const [fault, retryAt] = await paul.next('down')
    assert.match(fault.message, /without end/)
    assert.ok(retryAt !== null)
    assert.ok(paul.irc.counts.linesOut <= 200, `${paul.irc.counts.linesOut} lines`)
  }
  assert.ok(read <= 200)
  for (const socket of sockets) socket.destroy()
  greedy.close()
  await once(greedy, 'close')
})

test('a crowd that asks by CTCP is answered seldom, and DCC never', async () => {
  await using server = await startFakeIrcd()
  await using dora = await arrived(server, 'dora', { version: 'Gatehouse' })
  for (let n = 0; n < 100; n += 1) server.bytes(`:x${n}!y@z PRIVMSG dora :\x01VERSION\x01\r\n`)
  server.bytes(
    ':x!y@z PRIVMSG dora :\x01DCC SEND file 2130706433 80 1\x01\r\n:x!y@z NOTICE dora :\x01VERSION odd\x01\r\n',
  )
  server.bytes(`:x!y@z PRIVMSG dora :\x01PING ${'1'.repeat(400)}\x01\r\n`)
  await server.got(/^NOTICE x2 :.VERSION Gatehouse.$/)
  await dora.irc.raw('AWAY')
  const notices = (server.client('dora')?.lines ?? []).filter((line) => line.startsWith('NOTICE'))
  assert.equal(notices.length, 3)
  assert.equal(dora.all('message').length, 0)
})

test('a server that falls silent is left, what waited is refused as unsure, and the next is tried', async () => {
  await using server = await startFakeIrcd()
  const limits = { idleMs: 100, pongMs: 150, backoff }
  await using emil = await arrived(server, 'emil', { limits })
  await emil.irc.join('#s')
  server.deaf(true)
  const said = faultOf(emil.irc.say('#s', 'does anybody hear me?'))
  const [fault] = await emil.next('down')
  assert.equal(fault.reason, 'timeout')
  assert.deepEqual(await said, { reason: 'down', code: 'down', unsure: true })
  server.deaf(false)
  await emil.next('up')
  await emil.next('names')
  await emil.next('names')
  assert.equal((await emil.irc.say('#s', 'again')).by, 'echo')
})

test('a question that is never answered ends', async () => {
  await using server = await startFakeIrcd()
  await using fred = await arrived(server, 'fred', { limits: { answerMs: 100 } })
  server.mute(true)
  assert.equal((await faultOf(fred.irc.topic('#q', 'x'))).reason, 'timeout')
  const late = await fred.irc.whois('x').catch((fault: unknown) => fault)
  assert.ok(late instanceof IrcFault && late.reason === 'timeout' && !late.isSaid)
  server.mute(false)
  await fred.irc.join('#q')
  const refused = await fred.irc.say('#nowhere', 'hello').catch((fault: unknown) => fault)
  assert.ok(refused instanceof IrcFault && refused.code === '403' && refused.isSaid, 'in the words of the server')
})

test('a queue has an end, and what is over it is refused at once', async () => {
  await using server = await startFakeIrcd()
  await using gerd = await arrived(server, 'gerd', { flood: { burst: 5, perSecond: 1 }, limits: { queue: 20 } })
  const outcomes = Array.from({ length: 60 }, (_, n) => faultOf(gerd.irc.say('#x', `line ${n}`)))
  assert.deepEqual(await outcomes.at(-1), { reason: 'busy', code: 'busy', unsure: false })
  await server.got(/line 4/)
  const down = gerd.irc.quit()
  await down
  const reasons = (await Promise.all(outcomes)).map(({ reason }) => reason)
  assert.deepEqual(
    reasons.slice(25),
    Array.from({ length: 35 }, () => 'busy'),
  )
})

test('a server that is not there is followed by the next, and a taken-away one is come back to', async () => {
  await using server = await startFakeIrcd()
  const closed = net.createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as net.AddressInfo
  closed.close()
  await once(closed, 'close')
  const servers = [port, server.port].map((each) => ({ host: '127.0.0.1', port: each, tls: 'plain' as const }))
  await using hans = person(server, 'hans', { servers, limits: { backoff } })
  assert.equal((await hans.next('down'))[0].reason, 'down')
  await hans.next('up')
  await hans.irc.join('#t')
  await hans.next('entered')
  for (let n = 0; n < 3; n += 1) {
    server.cut()
    await hans.next('entered')
  }
  assert.equal(server.channels.get('#t')?.members.size, 1)
  assert.equal(hans.all('entered').length, 4)
})

test('one that lets nobody in, and one that hangs up at once, are not pressed', async () => {
  const sockets = new Set<net.Socket>()
  let count = 0
  const silent = net.createServer((socket) => {
    sockets.add(socket)
    count += 1
    if (count > 1) socket.end('ERROR :Closing link (Trying to reconnect too fast)\r\n')
  })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const at = { address: '127.0.0.1', port: (silent.address() as net.AddressInfo).port }
  {
    await using ilse = person(at, 'ilse', { limits: { registerMs: 80, backoff } })
    const [late] = await ilse.next('down')
    assert.deepEqual([late.reason, late.isSaid], ['timeout', false])
    const [fault, retryAt] = await ilse.next('down')
    assert.match(fault.message, /too fast/)
    assert.equal(fault.isSaid, true)
    assert.ok(retryAt !== null)
  }
  for (const socket of sockets) socket.destroy()
  silent.close()
  await once(silent, 'close')
})

test('pauses between tries grow up to a bound; after a connection that lasted they begin short again, after another not', async () => {
  await using server = await startFakeIrcd()
  await server.close()
  const clock = handClock()
  await using jonas = person(
    server,
    'jonas',
    { limits: { backoff: { firstMs: 1_000, mostMs: 8_000 } } },
    { clock, now: clock.now, random: () => 0.5 },
  )
  const { counts } = jonas.irc
  /** The pause that was told, and that nothing is tried before it is over. */
  const pause = async () => {
    const [, retryAt] = await jonas.next('down')
    const ms = (retryAt ?? 0) - clock.now()
    const tries = counts.connects
    clock.passes(ms - 1)
    assert.equal(counts.connects, tries, 'nothing is tried within the pause')
    return ms
  }
  const pauses: number[] = []
  for (let n = 1; n <= 6; n += 1) {
    pauses.push(await pause())
    assert.equal(counts.connects, n)
    // The last of them finds a server.
    if (n === 6) await server.open()
    clock.passes(1)
    assert.equal(counts.connects, n + 1, 'and at its end it is, once')
  }
  assert.deepEqual(pauses, [750, 1_500, 3_000, 6_000, 6_000, 6_000])
  await jonas.next('up')
  clock.passes(29_999)
  server.cut()
  assert.equal(await pause(), 6_000)
  clock.passes(1)
  await jonas.next('up')
  clock.passes(30_000)
  server.cut()
  assert.equal(await pause(), 750)
})

test('whatever comes, the connection lives, and works afterwards', async () => {
  await using server = await startFakeIrcd()
  await using jana = await arrived(server, 'jana')
  await jana.irc.join('#z')
  const word = fc.constantFrom(
    ...[
      'jana',
      '#z',
      '#Z',
      '#other',
      'bob',
      ':',
      '+o',
      '-o+v',
      '+b',
      '*',
      '0',
      '1',
      '=',
      '@bob',
      'bob!u@h',
      ':a b',
      '',
      '+x',
      '-x',
      'labeled-response',
    ],
    ...[
      'netsplit',
      'chathistory',
      'draft/multiline',
      'x.y',
      'irc.a.b irc.c.d',
      'ACK',
      'LS',
      'NEW',
      '\x01ACTION x\x01',
      '\x01VERSION\x01',
      '\u{1f469}',
      '\x02',
    ],
  )
  const command = fc.constantFrom(
    ...[
      'JOIN',
      'PART',
      'QUIT',
      'NICK',
      'MODE',
      'KICK',
      'TOPIC',
      'INVITE',
      'AWAY',
      'ACCOUNT',
      'CHGHOST',
      'SETNAME',
      'PRIVMSG',
      'NOTICE',
      'TAGMSG',
    ],
    ...[
      'BATCH',
      'REDACT',
      'FAIL',
      'WARN',
      'NOTE',
      'PING',
      'PONG',
      'ACK',
      '001',
      '005',
      '332',
      '333',
      '353',
      '366',
      '352',
      '354',
      '315',
      '311',
      '318',
    ],
    ...[
      '322',
      '323',
      '367',
      '368',
      '401',
      '404',
      '433',
      '473',
      '730',
      '731',
      '900',
      '903',
      '904',
      '302',
      '324',
      '329',
      '396',
      '999',
    ],
  )
  const tag = fc.constantFrom(
    'batch=1',
    'label=1',
    'label=2',
    'time=x',
    'msgid=1',
    'account=bob',
    '+typing=active',
    '+draft/react=a',
    '+draft/reply=1',
    'draft/multiline-concat',
  )
  const source = fc.constantFrom('', ':bob!u@h ', ':Bob ', ':s.t ', ': ')
  const line = fc
    .tuple(fc.array(tag, { maxLength: 3 }), source, command, fc.array(word, { maxLength: 5 }))
    .map(
      ([tags, from, name, words]) =>
        `${tags.length === 0 ? '' : `@${tags.join(';')} `}${from}${name} ${words.join(' ')}`,
    )
  const lines = fc.sample(line, { numRuns: LONG ? 100_000 : 10_000, seed: 6 })
  for (let at = 0; at < lines.length; at += 1_000) server.bytes(`${lines.slice(at, at + 1_000).join('\r\n')}\r\n`)
  server.bytes(
    ':s 005 jana CASEMAPPING=ascii PREFIX=(ov)@+ CHANMODES=b,k,l,imnt CHANTYPES=# :ok\r\n:s PING :still-there\r\n',
  )
  await server.got(/^PONG :?still-there$/)
  assert.ok(jana.irc.isUp)
  await jana.irc.join('#after')
  assert.equal((await jana.irc.say('#after', 'here')).by, 'echo')
})
