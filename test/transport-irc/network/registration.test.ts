// SPDX-License-Identifier: Apache-2.0
// Who must log in is not there without it, whatever the server does; and a password is not handed over to a server that refuses the better way.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { IrcFault, IrcSasl } from '../../../components/transport-irc/network/irc.ts'
import { Registration } from '../../../components/transport-irc/network/registration.ts'
import { readLine } from '../../../components/transport-irc/network/wire/line.ts'
import { startFakeIrcd } from '../../harness/fake-ircd.ts'
import { arrived, person } from './people.ts'

const SASL: IrcSasl = { account: 'anna', secret: 'pencil', required: true }
const PLAIN = `AUTHENTICATE ${Buffer.from('anna\0anna\0pencil').toString('base64')}`
const quick = { limits: { backoff: { firstMs: 30, mostMs: 60 } } }

/** What we say to a server that says these lines, and the fault that ends it. */
async function answering(lines: readonly string[], { sasl = SASL, isTls = true } = {}) {
  const said: string[] = []
  const faults: IrcFault[] = []
  const settings = { servers: [], nick: 'anna', user: 'anna', realname: 'Anna', sasl }
  const registration = new Registration({
    settings,
    isTls,
    mayBeClear: true,
    send: (line) => said.push(line) > 0,
    nonce: () => 'nonce',
    sts: () => false,
    fail: (fault) => void faults.push(fault),
    changed() {},
    loggedIn() {},
  })
  registration.start()
  for (const text of lines) {
    registration.read(readLine(text) ?? assert.fail(text))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { said, fault: faults[0] ?? null, registration }
}

const offers = (value: string) => [`:s CAP * LS :sasl${value}`, ':s CAP * ACK :sasl']
const REFUSED = ':s 904 anna :SASL authentication failed'
const HAS_PLAIN = ':s 908 anna PLAIN,EXTERNAL :are available SASL mechanisms'

test('who must log in is nobody to a server before it says that it knows a login', async () => {
  assert.deepEqual((await answering([])).said, ['CAP LS 302'])
  const { said } = await answering([':s CAP * LS :sasl=PLAIN'])
  assert.deepEqual(said, ['CAP LS 302', 'NICK anna', 'USER anna 0 * Anna', 'CAP REQ sasl'])
  const { said: free } = await answering([], { sasl: { ...SASL, required: false } })
  assert.deepEqual(free, ['CAP LS 302', 'NICK anna', 'USER anna 0 * Anna'])
})

for (const [title, lines] of [
  ['knows no CAP (421)', [':s 421 * CAP :Unknown command']],
  ['knows no CAP (451)', [':s 451 * CAP :You have not registered']],
  ['lets in without CAP', [':s 001 anna :Welcome']],
  ['lets in while the login is under way', [...offers('=PLAIN'), 'AUTHENTICATE +', ':s 001 anna :Welcome']],
  ['offers no login', [':s CAP * LS :server-time', ':s CAP * ACK :server-time']],
  ['refuses the capability', [':s CAP * LS :sasl=PLAIN', ':s CAP * NAK :sasl']],
] as const)
  test(`a server that ${title} is left, where a login is required; and where it is not, nobody minds`, async () => {
    const { fault } = await answering(lines)
    assert.deepEqual([fault?.reason, fault?.code], ['login', 'sasl-missing'])
    assert.equal((await answering(lines, { sasl: { ...SASL, required: false } })).fault, null)
  })

for (const [title, lines] of [
  ['refuses SCRAM after it has taken it up', [...offers('=PLAIN,SCRAM-SHA-256'), 'AUTHENTICATE +', REFUSED]],
  ['takes SCRAM up, and says then what else it has', [...offers(''), 'AUTHENTICATE +', HAS_PLAIN, REFUSED]],
  ['refuses SCRAM and names nothing else', [...offers(''), REFUSED]],
] as const)
  test(`a server that ${title} is not handed the password`, async () => {
    const { said, fault } = await answering([...lines, 'AUTHENTICATE +'])
    assert.ok(said.includes('AUTHENTICATE SCRAM-SHA-256'))
    assert.deepEqual(
      said.filter((line) => line === PLAIN || line === 'AUTHENTICATE PLAIN'),
      [],
    )
    assert.deepEqual([fault?.reason, fault?.code], ['login', 'sasl'])
    assert.match(fault?.message ?? '', /PLAIN.*was not tried/)
  })

test('a server that has no SCRAM, and says what it has, is told the password over TLS, and in clear text where the settings name it', async () => {
  const lines = [...offers(''), HAS_PLAIN, REFUSED, 'AUTHENTICATE +']
  assert.ok((await answering(lines)).said.includes(PLAIN))
  assert.ok(!(await answering(lines, { isTls: false })).said.includes(PLAIN))
  const only = [...offers('=PLAIN'), 'AUTHENTICATE +']
  assert.ok((await answering(only)).said.includes(PLAIN))
  const { said, fault } = await answering(only, { isTls: false })
  assert.ok(!said.includes(PLAIN))
  assert.match(fault?.message ?? '', /only PLAIN/)
  const named = { ...SASL, mechanisms: ['PLAIN'] as const }
  assert.ok((await answering(only, { sasl: named, isTls: false })).said.includes(PLAIN))
})

test('where SCRAM has let somebody in, a server that then has only PLAIN is not handed the password', async () => {
  await using server = await startFakeIrcd({ accounts: { anna: 'pencil' }, tls: true })
  const ca = await readFile(server.caFile ?? '', 'utf8')
  let isSeen = false
  const scram = {
    wasSeen: () => isSeen,
    isSeen() {
      isSeen = true
    },
  }
  const secure = { servers: [{ host: server.address, port: server.tlsPort, tls: 'tls' as const }], ca }
  await using anna = await arrived(server, 'anna', { ...secure, sasl: { ...SASL, scram } })
  assert.deepEqual([anna.irc.self.account, isSeen], ['anna', true])
  await using other = await startFakeIrcd({ accounts: { anna: 'pencil' }, mechanisms: ['PLAIN'], tls: true })
  const there = {
    servers: [{ host: other.address, port: other.tlsPort, tls: 'tls' as const }],
    ca: await readFile(other.caFile ?? '', 'utf8'),
    ...quick,
  }
  await using again = person(other, 'anna', { ...there, sasl: { ...SASL, scram } })
  assert.equal((await again.next('down'))[0].reason, 'login')
  await assert.rejects(other.got(/AUTHENTICATE/, 0.05))
})

test('with a wrong password PLAIN is not said after SCRAM', async () => {
  await using server = await startFakeIrcd({ accounts: { anna: 'pencil' } })
  await using anna = person(server, 'anna', { ...quick, sasl: { ...SASL, secret: 'wrong' } })
  const [fault, retryAt] = await anna.next('down')
  assert.deepEqual([fault.reason, fault.isSaid, retryAt], ['login', true, null])
  await assert.rejects(server.got(/AUTHENTICATE PLAIN/, 0.05))
})

test('a server that does not answer CAP is not told who comes, and tried again', async () => {
  await using server = await startFakeIrcd({ cap: 'silent' })
  await using anna = person(server, 'anna', { limits: { ...quick.limits, registerMs: 300 }, sasl: SASL })
  const [fault, retryAt] = await anna.next('down')
  assert.deepEqual([fault.code, fault.isSaid, retryAt === null], ['sasl-missing', false, false])
  await assert.rejects(server.got(/NICK|USER/, 0.05))
})

test('a server that says of CAP that nobody is registered is left at once', async () => {
  await using server = await startFakeIrcd({ cap: 'unregistered' })
  await using anna = person(server, 'anna', { ...quick, sasl: SASL })
  assert.deepEqual((await anna.next('down'))[0].code, 'sasl-missing')
})
