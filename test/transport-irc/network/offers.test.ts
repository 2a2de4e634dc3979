// SPDX-License-Identifier: Apache-2.0
// What no server of Debian offers, on a made-up one: SCRAM, STS, CHATHISTORY, multi-line messages, REDACT; and TLS with its refusals.
import assert from 'node:assert/strict'
import { createHash, type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import tls from 'node:tls'
import type { StsPolicy } from '../../../components/transport-irc/network/irc.ts'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { FAKE_CAPS, type FakeIrcd, startFakeIrcd } from '../../harness/fake-ircd.ts'
import { arrived, faultOf, person } from './people.ts'

const quick = { limits: { backoff: { firstMs: 30, mostMs: 60 } } }

test('what the server kept is read page by page', async () => {
  await using server = await startFakeIrcd({ isupport: ['CHATHISTORY=3'] })
  for (let n = 1; n <= 5; n += 1) server.remember('old', '#h', `line ${n}`, n * 1_000)
  await using anna = await arrived(server, 'anna')
  await anna.irc.join('#h')
  const latest = await anna.irc.history('#h', null, 50)
  assert.deepEqual(
    latest?.map(({ text, at, from, historic }) => [text, at, from.nick, historic]),
    [3, 4, 5].map((n) => [`line ${n}`, n * 1_000, 'old', true]),
  )
  const before = await anna.irc.history('#h', 3_000, 2)
  assert.deepEqual(
    before?.map(({ text }) => text),
    ['line 1', 'line 2'],
  )
  assert.equal(anna.all('message').length, 0)
  await using without = await arrived(await startedWithout(), 'bert')
  assert.equal(without.irc.history('#h', null, 5), null)
})

const opened: FakeIrcd[] = []
async function startedWithout(): Promise<FakeIrcd> {
  const server = await startFakeIrcd({ caps: {} })
  opened.push(server)
  return server
}
test.after(async () => {
  for (const server of opened) await server[Symbol.asyncDispose]()
})

test('being away is said when it changes, not as often as it is asked for, and again after a loss', async () => {
  await using server = await startFakeIrcd()
  await using anna = await arrived(server, 'anna', { limits: { backoff: { firstMs: 10, mostMs: 10 } } })
  await anna.irc.away('out')
  const { linesOut } = anna.irc.counts
  await Promise.all(Array.from({ length: 50 }, () => anna.irc.away('out')))
  assert.equal(anna.irc.counts.linesOut, linesOut)
  server.cut()
  await anna.next('down')
  await anna.irc.away('still out')
  await server.got(/AWAY :still out$/)
  await anna.irc.away(null)
  assert.equal(anna.irc.self.away, undefined)
})

test('a reason that is too long is cut between letters to what the line holds', async () => {
  await using server = await startFakeIrcd()
  await using anna = await arrived(server, 'anna')
  await anna.irc.away('\u{1F600}'.repeat(150))
  const line = await server.got(/AWAY /)
  assert.match(line, /AWAY (\u{1F600}){100,}$/u)
  assert.ok(Buffer.byteLength(line) <= 510)
})

test('a text of several lines is one message where the server takes one, in and out', async () => {
  await using server = await startFakeIrcd()
  await using carl = await arrived(server, 'carl')
  await using dora = await arrived(server, 'dora')
  await carl.irc.join('#m')
  await dora.irc.join('#m')
  const text = `first\n\n${'long '.repeat(200)}\nlast`
  const spoken = await carl.irc.say('#m', text)
  assert.deepEqual([spoken.by, spoken.ids.length], ['echo', 1])
  const [heard] = await dora.next('message')
  assert.deepEqual([heard.text, heard.id, heard.own], [text, spoken.ids[0], false])
  const [echo] = await carl.next('message')
  assert.deepEqual([echo.text, echo.own], [text, true])
  const tooMany = 'x\n'.repeat(30)
  assert.equal((await carl.irc.say('#m', tooMany)).ids.length, 30)
})

test('a message is taken back, and a refusal of that is told in the words of the standard reply', async () => {
  await using server = await startFakeIrcd()
  await using emil = await arrived(server, 'emil')
  await using fred = await arrived(server, 'fred')
  await emil.irc.join('#r')
  await fred.irc.join('#r')
  const { ids } = await emil.irc.say('#r', 'oh no')
  await emil.irc.redact('#r', ids[0] ?? '', 'mistake')
  assert.deepEqual(await fred.next('redacted'), ['#r', ids[0], 'emil', 'mistake'])
  const fault = await faultOf(emil.irc.redact('#r', 'nothing'))
  assert.deepEqual([fault.reason, fault.code], ['not-there', 'UNKNOWN_MSGID'])
})

for (const [how, caps] of [
  ['labels', undefined],
  ['echoes alone', { 'echo-message': '', 'message-tags': '' }],
  ['nothing', {}],
] as const)
  test(`with ${how}, what another client of the same account says is told from an echo`, async () => {
    await using server = await startFakeIrcd(caps === undefined ? {} : { caps })
    await using berta = await arrived(server, 'berta')
    await berta.irc.join('#b')
    await berta.irc.say('#b', 'here')
    await berta.irc.say('uwe', 'here too')
    // As a bouncer tells it.
    server.bytes(':berta!berta@fake PRIVMSG #b :here\r\n:berta!berta@fake PRIVMSG uwe :on my phone\r\n', 'berta')
    // Who talks to herself: the copy that reaches her is no word of another client.
    server.bytes(':berta!berta@fake PRIVMSG berta :note\r\n:uwe!uwe@fake PRIVMSG berta :last\r\n', 'berta')
    for (let [message] = await berta.next('message'); message.text !== 'last'; [message] = await berta.next('message'));
    const own = berta.all('message').filter(([message]) => message.own)
    assert.deepEqual(
      own.filter(([message]) => message.elsewhere).map(([{ target, text }]) => `${target} ${text}`),
      ['#b here', 'uwe on my phone'],
    )
    assert.equal(own.length, caps !== undefined && !('echo-message' in caps) ? 3 : 5)
  })

for (const [mapping, sameHat] of [
  ['rfc1459', true],
  ['rfc1459-strict', false],
] as const)
  test(`with CASEMAPPING=${mapping} channels, people and watched ones are the same in each of its spellings`, async () => {
    await using server = await startFakeIrcd({ isupport: [`CASEMAPPING=${mapping}`] })
    await using mona = await arrived(server, 'mona')
    await mona.irc.join('#a[b]\\~')
    const lines = (...all: string[]) => server.bytes(all.map((line) => `${line}\r\n`).join(''))
    lines(':X[y]\\z!u@h JOIN #A{b}|~', ':x{Y}|z!u@h PRIVMSG #a[B]|~ :one', ':x{Y}|z!u@h NICK x{y}|~')
    lines(':w!w@h JOIN #a[b]\\^', ':X[Y]\\~!u@h PART #a{b}|~', ':s MODE #A[b]|~ +v mona')
    await mona.next('ranked')
    const channel = mona.irc.channel('#A{B}|~')
    assert.equal(channel?.name, '#a[b]\\~')
    assert.equal(mona.irc.channel('#a{b}|^'), sameHat ? channel : null)
    assert.deepEqual(
      [...(channel?.members() ?? [])].map(({ nick, prefixes }) => prefixes + nick),
      sameHat ? ['@+mona', 'w'] : ['@+mona'],
    )
    const [message] = await mona.next('message')
    assert.deepEqual([message.isChannel, mona.irc.key(message.target)], [true, channel && mona.irc.key(channel.name)])
    assert.deepEqual((await mona.next('renamed')).slice(0, 2), ['x{Y}|z', 'x{y}|~'])
    assert.equal(mona.all('part').length, 1)
  })

test('how far somebody has read goes to the server, and comes from there when it was said elsewhere', async () => {
  await using server = await startFakeIrcd({ caps: { ...FAKE_CAPS, 'draft/read-marker': '' } })
  await using lena = await arrived(server, 'lena')
  await lena.irc.join('#l')
  const at = Date.parse('2026-01-02T03:04:05.678Z')
  assert.equal(lena.irc.markRead('#l', at), true)
  // It only goes forward, and what is known is not said again.
  assert.equal(lena.irc.markRead('#L', at - 1), true)
  await server.got(/^MARKREAD #l timestamp=2026-01-02T03:04:05\.678Z$/)
  const from = (target: string, stamp: string) =>
    server.bytes(`:${server.name} MARKREAD ${target} ${stamp}\r\n`, 'lena')
  from('#l', 'timestamp=2026-01-02T03:04:05.678Z')
  from('#l', '*')
  from('#l', 'timestamp=nonsense')
  from('uwe', 'timestamp=2026-01-02T03:04:05.000Z')
  from('#l', 'timestamp=2026-01-02T03:04:06.000Z')
  server.bytes(`:${server.name} FAIL MARKREAD INVALID_PARAMS #l :no\r\n`, 'lena')
  await lena.next('read', (target) => target === '#l')
  await lena.irc.say('#l', 'behind it')
  assert.deepEqual(lena.all('read'), [
    ['uwe', at - 678],
    ['#l', at + 322],
  ])
  assert.equal(server.client('lena')?.lines.filter((line) => line.startsWith('MARKREAD')).length, 1)
  assert.equal(lena.all('said').filter(([text]) => text === 'no').length, 0)
  await using without = await arrived(await startedWithout(), 'otto')
  assert.equal(without.irc.markRead('#l', at), false)
})

test('an account is made with the services in two steps; what they refuse is said in their words', async () => {
  const caps = { ...FAKE_CAPS, 'draft/account-registration': '' }
  await using server = await startFakeIrcd({ caps, accounts: { taken: 'x' } })
  await using sara = await arrived(server, 'sara')
  const refusals = [
    sara.irc.signUp('taken', 'sara@corp.example', 'correct horse'),
    sara.irc.signUp('sara', null, 'correct horse'),
    sara.irc.confirm('sara', '271828'),
  ]
  const codes = (await Promise.all(refusals.map(faultOf))).map(({ reason, code }) => `${reason} ${code}`)
  assert.deepEqual(codes, ['nick-reserved ACCOUNT_EXISTS', 'other INVALID_EMAIL', 'other INVALID_CODE'])
  assert.deepEqual(await sara.irc.signUp('sara', 'sara@corp.example', 'correct horse'), {
    ...{ account: 'sara', wantsCode: true, text: 'A mail went to sara@corp.example' },
  })
  assert.deepEqual(await sara.irc.confirm('sara', '271828'), { account: 'sara', wantsCode: false, text: 'Welcome' })
  await using again = await arrived(server, 'sara2', {
    sasl: { account: 'sara', secret: 'correct horse', required: true },
  })
  assert.equal(again.irc.self.account, 'sara')
  await using without = await arrived(await startedWithout(), 'tom')
  assert.equal((await faultOf(without.irc.signUp('tom', null, 'x'))).reason, 'unsupported')
})

test('answers out of order find their questions by the label that these bore', async () => {
  await using server = await startFakeIrcd()
  await using lisa = await arrived(server, 'lisa')
  await lisa.irc.join('#l')
  server.mute(true)
  const said = [lisa.irc.say('#l', 'first'), lisa.irc.say('#l', 'second'), lisa.irc.say('#l', 'third')]
  const asked = [lisa.irc.raw('TIME'), lisa.irc.raw('TIME')]
  const outcomes = Promise.allSettled(said)
  await server.got(/TIME$/)
  const fence = lisa.irc.raw('VERSION')
  await server.got(/VERSION$/)
  const labels = (like: RegExp) =>
    (server.client('lisa')?.lines ?? [])
      .filter((line) => like.test(line))
      .map((line) => /^@label=(\S+) /.exec(line)?.[1])
  const [first, second, third] = labels(/PRIVMSG #l :?(?:first|second|third)$/)
  const [early, late] = labels(/ TIME$/)
  const [last] = labels(/ VERSION$/)
  const all = [first, second, third, early, late, last]
  assert.ok(all.every((label) => label !== undefined && label !== ''))
  assert.equal(new Set(all).size, 6)
  // All of them fit each question but for the label.
  for (const line of [
    `@label=${last} :s 351 lisa fake :here`,
    `@label=${late} :s 391 lisa s :late`,
    `@label=${third};msgid=m3 :lisa!lisa@fake PRIVMSG #l :as it was cleaned`,
    `@label=${second} :s 404 lisa #l :You may not say that`,
    `@label=${early} :s 391 lisa s :early`,
    `@label=${first};msgid=m1 :lisa!lisa@fake PRIVMSG #l :as it was cleaned`,
  ])
    server.bytes(`${line}\r\n`)
  assert.deepEqual(
    (await outcomes).map((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value.by, ...outcome.value.ids] : outcome.reason.message,
    ),
    [['echo', 'm1'], 'You may not say that', ['echo', 'm3']],
  )
  assert.deepEqual(await Promise.all([...asked, fence]), [
    [':s 391 lisa s :early'],
    [':s 391 lisa s :late'],
    [':s 351 lisa fake :here'],
  ])
})

test('without echo and labels a fence confirms; a refusal reaches the one who asked', async () => {
  await using server = await startFakeIrcd({ caps: {} })
  await using gerd = await arrived(server, 'gerd')
  await gerd.irc.join('#f')
  const asked = [gerd.irc.say('#f', 'one'), gerd.irc.say('#nowhere', 'x'), gerd.irc.say('#f', 'two')]
  const outcomes = await Promise.allSettled(asked)
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.by : 'refused')),
    ['fence', 'refused', 'fence'],
  )
  assert.ok((server.client('gerd')?.lines ?? []).filter((line) => line.startsWith('PING')).length <= 4)
  assert.equal(await gerd.irc.react('#f', 'x', '👍'), false)
  assert.equal(gerd.irc.typing('#f', 'active'), false)
})

test('SCRAM proves both sides; a wrong password is said, and not tried again', async () => {
  await using server = await startFakeIrcd({ accounts: { hans: 'secret' }, mechanisms: ['SCRAM-SHA-256'] })
  await using hans = await arrived(server, 'hans', { sasl: { account: 'hans', secret: 'secret', required: true } })
  assert.equal(hans.irc.self.account, 'hans')
  await using wrong = person(server, 'ilse', { ...quick, sasl: { account: 'hans', secret: 'wrong', required: true } })
  const [fault, retryAt] = await wrong.next('down')
  assert.deepEqual([fault.reason, retryAt], ['login', null])
  assert.equal(server.client('ilse')?.registered ?? false, false)
  await using optional = await arrived(server, 'jule', { sasl: { account: 'hans', secret: 'wrong', required: false } })
  assert.equal(optional.irc.self.account, undefined)
})

test('where login is required and not offered, nobody comes in without', async () => {
  await using server = await startFakeIrcd()
  await using karl = person(server, 'karl', { ...quick, sasl: { account: 'karl', secret: 'x', required: true } })
  const [fault, retryAt] = await karl.next('down')
  assert.equal(fault.reason, 'login')
  assert.ok(retryAt !== null)
})

async function certificateOf(server: FakeIrcd): Promise<X509Certificate> {
  const ca = await readFile(server.caFile ?? '', 'utf8')
  return await new Promise((resolve, reject) => {
    const socket = tls.connect({ host: server.address, port: server.tlsPort, ca, servername: 'localhost' }, () => {
      resolve(socket.getPeerX509Certificate() as X509Certificate)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('TLS: verified, or pinned, or refused; never clear text instead', async () => {
  await using server = await startFakeIrcd({ tls: true })
  const ca = await readFile(server.caFile ?? '', 'utf8')
  const at = { host: server.address, port: server.tlsPort, tls: 'tls' as const }
  await using verified = await arrived(server, 'lars', { servers: [at], ca })
  assert.equal(verified.irc.ends?.tls, true)
  await using stranger = person(server, 'mona', { servers: [at], ...quick })
  const [fault, retryAt] = await stranger.next('down')
  assert.equal(fault.reason, 'protection')
  assert.ok(retryAt !== null)
  const certificate = await certificateOf(server)
  const key = createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
  for (const [nick, pin] of [
    ['nils', certificate.fingerprint256],
    ['olaf', key],
  ] as const) {
    await using pinned = await arrived(server, nick, { servers: [{ ...at, pins: ['0'.repeat(64), pin] }] })
    assert.equal(pinned.irc.ends?.tls, true)
  }
  await using other = person(server, 'paul', { servers: [{ ...at, pins: ['0'.repeat(64)] }], ca, ...quick })
  assert.equal((await other.next('down'))[0].reason, 'protection')
  assert.equal(server.client('paul'), undefined)
  assert.equal(server.client('mona'), undefined)
})

test('several ports: with TLS one after the other, whatever is wrong with the first; never one in clear beside them', async () => {
  await using server = await startFakeIrcd({ tls: true })
  await using wrong = await startFakeIrcd({ tls: true })
  const ca = await readFile(server.caFile ?? '', 'utf8')
  const [dead = 0] = await freePorts(1)
  const at = (port: number) => ({ host: server.address, port, tls: 'tls' as const })
  // Nobody there; one that talks in clear; one that another authority signed; the right one.
  const servers = [at(dead), at(server.port), at(wrong.tlsPort), at(server.tlsPort)]
  await using quinn = person(server, 'quinn', { servers, ca, ...quick })
  const reasons = []
  for (let n = 0; n < 3; n += 1) reasons.push((await quinn.next('down'))[0].reason)
  await quinn.next('up')
  assert.deepEqual([reasons[0], reasons[2]], ['down', 'protection'])
  assert.deepEqual([quinn.irc.ends?.tls, quinn.irc.ends?.remotePort], [true, server.tlsPort])
  assert.ok([...server.clients, ...wrong.clients].every(({ secure, lines }) => secure || lines.join('') === ''))
  for (const beside of ['plain', 'sts'] as const) {
    const mixed = [at(server.tlsPort), { ...at(server.port), tls: beside }]
    if (beside === 'plain')
      assert.throws(() => person(server, 'quinn2', { servers: mixed, ca }), /fall-back to clear text/)
    else {
      await using other = await arrived(server, 'quinn3', { servers: mixed, ca })
      assert.equal(other.irc.ends?.tls, true)
    }
  }
})

test('STS: a clear connection is given up for TLS before anything is said of us, and the policy holds', async () => {
  await using server = await startFakeIrcd({ tls: true, sts: 300 })
  const ca = await readFile(server.caFile ?? '', 'utf8')
  const kept = new Map<string, StsPolicy>()
  const sts = {
    read: (host: string) => kept.get(host) ?? null,
    write: (host: string, policy: StsPolicy | null) =>
      void (policy === null ? kept.delete(host) : kept.set(host, policy)),
  }
  const at = { host: server.address, port: server.port, tls: 'sts' as const }
  await using rita = await arrived(server, 'rita', { servers: [at], ca, sts, password: 'server-secret' })
  assert.equal(rita.irc.ends?.tls, true)
  assert.deepEqual(rita.all('down'), [])
  assert.equal(kept.get(server.address)?.port, server.tlsPort)
  assert.ok((kept.get(server.address)?.until ?? 0) > Date.now() + 290_000)
  // From now on it is TLS from the first byte.
  await using sven = await arrived(server, 'sven', { servers: [at], ca, sts })
  assert.equal(sven.irc.counts.connects, 1)
  // Without the right authority there is no way back to clear text.
  await using tina = person(server, 'tina', { servers: [at], sts, ...quick })
  assert.equal((await tina.next('down'))[0].reason, 'protection')
  assert.equal((await tina.next('down'))[0].reason, 'protection')
})

test('a server from which TLS is expected and that offers none is told nothing', async () => {
  await using server = await startFakeIrcd()
  const at = { host: server.address, port: server.port, tls: 'sts' as const }
  await using udo = person(server, 'udo', { servers: [at], password: 'server-secret', ...quick })
  assert.equal((await udo.next('down'))[0].reason, 'protection')
  const lines = [...server.clients].flatMap(({ lines: all }) => all)
  assert.ok(
    lines.every((line) => /^(?:CAP LS 302|)$/.test(line)),
    lines.join('|'),
  )
})

test('batches: a netsplit and its end are one event each, nested or not; history that nobody asked for is told as such, a bouncer’s too', async () => {
  await using server = await startFakeIrcd()
  await using zoe = await arrived(server, 'zoe')
  await zoe.irc.join('#b')
  const far = [1, 2, 3].map((n) => `far${n}`)
  const lines = (...all: string[]) => server.bytes(all.map((line) => `${line}\r\n`).join(''))
  lines(...far.map((nick) => `:${nick}!u@h JOIN #b`))
  lines(
    ':s BATCH +1 netsplit hub.x leaf.y',
    ...far.map((nick) => `@batch=1 :${nick}!u@h QUIT :hub.x leaf.y`),
    ':s BATCH -1',
  )
  const [, nicks, servers] = await zoe.next('netsplit')
  assert.deepEqual([nicks, servers], [far, 'hub.x leaf.y'])
  lines(':s BATCH +2 some-vendor', '@batch=2 :s BATCH +3 netjoin hub.x leaf.y')
  lines(
    ...far.map((nick) => `@batch=3 :${nick}!u@h JOIN #b`),
    ':far1!u@h MODE #b +o far2',
    ':s BATCH -3',
    ':s BATCH -2',
  )
  const [, members] = await zoe.next('netjoin')
  assert.deepEqual(
    members.map(({ nick }) => nick),
    far,
  )
  assert.deepEqual([zoe.all('quit').length, zoe.all('join').length, zoe.irc.channel('#b')?.size], [0, 3, 4])
  lines(
    ':s BATCH +4 chathistory #b',
    '@batch=4;time=2026-01-01T00:00:00.000Z;msgid=m :old!u@h PRIVMSG #b :long ago',
    ':s BATCH -4',
  )
  lines(
    ':s BATCH +5 znc.in/playback #b',
    '@batch=5;time=2026-01-02T00:00:00.000Z :old!u@h PRIVMSG #b :\x01ACTION waved\x01',
    ':s BATCH -5',
  )
  const kept = [await zoe.next('kept'), await zoe.next('kept')]
  assert.deepEqual(
    kept.map(([channel, [one]]) => [channel, one?.historic, one?.kind, one?.text, one?.at, one?.id]),
    [
      ['#b', true, 'privmsg', 'long ago', Date.UTC(2026, 0, 1), 'm'],
      ['#b', true, 'action', 'waved', Date.UTC(2026, 0, 2), null],
    ],
  )
  assert.equal(zoe.all('message').length, 0)
  lines(
    ':s WARN REHASH CERTS_EXPIRED :Certificate has expired',
    ':s NOTE * OPER_MESSAGE :Hello',
    ':s FAIL BOX BOXES_INVALID a :Invalid',
  )
  for (const wanted of [
    ['Certificate has expired', 'warning', 'CERTS_EXPIRED'],
    ['Hello', 'info', 'OPER_MESSAGE'],
    ['Invalid', 'error', 'BOXES_INVALID'],
  ])
    assert.deepEqual(await zoe.next('said', (_, kind) => kind === wanted[1]), wanted)
})

test('what is bold goes on being bold in the next line; UTF8ONLY is stronger than a setting', async () => {
  await using server = await startFakeIrcd({ caps: {}, isupport: ['UTF8ONLY'] })
  await using yves = await arrived(server, 'yves', { encoding: 'iso-8859-1' })
  await yves.irc.join('#u')
  const { parts } = await yves.irc.say('#u', `\x02${'word '.repeat(150)}\x02 plain ä`)
  assert.ok(parts.length >= 2)
  assert.ok(parts.every((part) => part.startsWith('\x02')))
  assert.match(await server.got(/PRIVMSG #u :.*plain/), /plain ä$/u)
})

test('capabilities that come and go are followed', async () => {
  await using server = await startFakeIrcd({ caps: { ...FAKE_CAPS, 'cap-notify': '' } })
  await using vera = await arrived(server, 'vera')
  assert.ok(vera.irc.facts.caps.has('echo-message'))
  server.bytes(':fake CAP vera DEL :echo-message labeled-response\r\n')
  server.bytes(':fake CAP vera NEW :setname unknown-thing\r\n')
  await server.got(/^CAP REQ :?setname$/)
  assert.ok(!vera.irc.facts.caps.has('echo-message'))
  await vera.irc.join('#c')
  assert.equal((await vera.irc.say('#c', 'still said')).by, 'echo')
})

test('a nick that is taken is replaced, and taken back when it is free', async () => {
  await using server = await startFakeIrcd()
  const first = await arrived(server, 'wim')
  await using second = await arrived(server, 'wim', { limits: { pollMs: 50 } })
  assert.equal(second.irc.nick, 'wim_')
  await first.irc.quit()
  assert.deepEqual(await second.next('nick'), ['wim_', 'wim'])
  assert.equal(second.irc.nick, 'wim')
})
