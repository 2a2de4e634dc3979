// SPDX-License-Identifier: Apache-2.0
// Accounts at real services (Atheme on InspIRCd): SASL PLAIN and EXTERNAL, and who is logged in as whom.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { makeAuthority } from '../../harness/certificates.ts'
import { inspircdLack, startInspircd } from '../../harness/inspircd.ts'
import { SERVICES, servicesLack, startServices } from '../../harness/irc-services.ts'
import { askUntil, daemonFolder } from '../../harness/ircd.ts'
import { arrived, person } from './people.ts'

const lack = inspircdLack() ?? servicesLack()
const skip = lack === null ? false : lack

test('login by password and by certificate, and accounts of others', { skip }, async () => {
  await using server = await startInspircd({ services: SERVICES, tls: true })
  const { folder, leave } = await daemonFolder('irc-client')
  await using _left = { [Symbol.asyncDispose]: leave }
  const files = await (await makeAuthority(folder)).sign('client', '/CN=dora', [])
  const certificate = { key: await readFile(files.key, 'utf8'), cert: await readFile(files.cert, 'utf8') }
  const fingerprint = new X509Certificate(certificate.cert).fingerprint256.replaceAll(':', '').toLowerCase()
  await using services = await startServices(server)
  await services.register('anna', 'secret-of-anna')
  await services.register('dora', 'secret-of-dora', fingerprint)
  const ca = await readFile(server.caFile ?? '', 'utf8')
  const secure = { servers: [{ host: server.address, port: server.tlsPort, tls: 'tls' as const }], ca }
  await using bert = person(server, 'bert')
  await using anna = person(server, 'anna1', {
    ...secure,
    sasl: { account: 'anna', secret: 'secret-of-anna', required: true },
  })
  await using dora = person(server, 'dora1', { ...secure, certificate, sasl: { account: 'dora', required: true } })
  await using wrong = person(server, 'anna2', { ...secure, sasl: { account: 'anna', secret: 'wrong', required: true } })
  const [fault, retryAt] = await wrong.next('down')
  assert.deepEqual([fault.reason, retryAt], ['login', null])
  for (const one of [bert, anna, dora]) await one.next('up')
  assert.deepEqual([bert.irc.self.account, anna.irc.self.account, dora.irc.self.account], [undefined, 'anna', 'dora'])
  await bert.irc.join('#who')
  await anna.irc.join('#who')
  const [, member] = await bert.next('join')
  assert.deepEqual([member.nick, member.account], ['anna1', 'anna'])
  await anna.irc.say('#who', 'hello')
  assert.equal((await bert.next('message'))[0].account, 'anna')
  await using late = await arrived(server, 'late')
  await late.irc.join('#who')
  assert.equal(late.irc.channel('#who')?.member('anna1')?.account, undefined)
  await late.irc.who('#who')
  assert.equal((await late.next('changed'))[0].account, 'anna')
  // Where there is no SASL: said to the services after each login.
  await using byHand = await arrived(server, 'anna3', {
    afterwards: ['PRIVMSG NickServ :IDENTIFY anna secret-of-anna'],
  })
  await askUntil(async () => (await byHand.irc.whois('anna3')).account === 'anna', 'anna3 being logged in')
  await anna.irc.say('NickServ', 'LOGOUT')
  await bert.next('changed', (user) => user.nick === 'anna1' && user.account === undefined)
  assert.equal((await bert.irc.whois('anna1')).account, undefined)
})
