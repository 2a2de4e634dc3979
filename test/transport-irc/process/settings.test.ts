// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readSettings, settingsSchema } from '../../../components/kit/process/settings.ts'
import { transportIrcSettings } from '../../../components/transport-irc/settings.ts'
import { assertExample } from '../../harness/example-settings.ts'
import { problemLines } from '../../harness/in-words.ts'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-transport-irc-settings-'))
  for (const name of ['transport-irc.secret', 'transport-irc.key'])
    writeFileSync(join(folder, name), 'a key that nobody guesses\n', { mode: 0o600 })
})
after(() => rmSync(folder, { recursive: true, force: true }))

function read(text: string) {
  const file = join(folder, 'transport-irc.yaml')
  writeFileSync(file, text)
  const read = readSettings(transportIrcSettings, file, {})
  if (!read.ok) throw new Error(problemLines(read).join('\n'))
  return read
}

const ONE = `{ name: irc.example.org, servers: ['ircs://irc.example.org'] }`
const LEAST = `secret_file: transport-irc.secret\nhosts: [corp.example]\nnetworks: [${ONE}]\n`
const of = (more: string) => LEAST.replace(`org'] }`, `org'], ${more} }`)

test('config/transport-irc.yaml names every setting, and uncommented it gives exactly the defaults', () => {
  const path = new URL('../../../config/transport-irc.yaml', import.meta.url).pathname
  assertExample(path, settingsSchema(transportIrcSettings), (text) => {
    const { settings, common } = read(text)
    return { settings: { ...settings, secret: settings.secret.reveal(), key: settings.key?.reveal() }, common }
  })
})

test('with the least that must be said: own places, TLS, everybody of the hosts, policy is asked', () => {
  const { settings } = read(LEAST)
  assert.equal(settings.domain, 'irc.corp.example')
  assert.equal(settings.folder, '/var/lib/gatehouse/transport-irc')
  assert.equal(settings.journal.folder, '/var/lib/gatehouse/journals/transport-irc')
  assert.deepEqual(settings.networks[0]?.servers, [{ host: 'irc.example.org', port: 6697, tls: 'tls' }])
  assert.deepEqual(settings.policy, {
    domain: 'policy.gatehouse.internal',
    onOutage: 'closed',
    holdMaxMs: 5_000,
    most: 1_000,
  })
  assert.deepEqual(
    [settings.others, settings.only, settings.stays, settings.key, settings.identd],
    [false, null, false, null, null],
  )
})

test('an irc:// server is only asked where TLS is, unless clear text is allowed', () => {
  const clear = LEAST.replace('ircs://irc.example.org', 'irc://[::1]:6670')
  assert.deepEqual(read(clear).settings.networks[0]?.servers, [{ host: '::1', port: 6670, tls: 'sts' }])
  const allowed = clear.replace(`6670'] }`, `6670'], allow_plain: true }`)
  assert.deepEqual(read(allowed).settings.networks[0]?.servers, [{ host: '::1', port: 6670, tls: 'plain' }])
})

test('without policy nobody is asked, and that must be said', () => {
  assert.equal(read(`${LEAST}policy: { ask: false }\n`).settings.policy, null)
})

const bad: readonly [what: string, text: string, wanted: RegExp][] = [
  ['nothing said', '', /hosts/],
  ['no host', LEAST.replace('[corp.example]', '[]'), /at least one virtual host/],
  ['no network', LEAST.replace(ONE, ''), /at least one network/],
  ['no server', LEAST.replace(`'ircs://irc.example.org'`, ''), /ircs:\/\/host:port/],
  ['a web address', LEAST.replace('ircs://', 'https://'), /ircs:\/\/host:port/],
  ['a port that is none', LEAST.replace(`example.org'`, `example.org:70000'`), /ircs:\/\/host:port/],
  ['two networks of one name', LEAST.replace(ONE, `${ONE}, ${ONE}`), /a name of its own/],
  [
    'a name that could not stand in an address',
    LEAST.replace('name: irc.example.org', "name: 'IRC net'"),
    /as it stands in addresses/,
  ],
  ['a pin that is none', of(`tls: { pins: ['abc'] }`), /64 hexadecimal digits/],
  ['an encoding that is not known', of('encoding: ebcdic'), /utf-8/],
  ['a pattern with a comma', of(`channels: { deny: ['#a,#b'] }`), /without blanks and commas/],
  ['two lines in one', of(`afterwards: ["a\\r\\nQUIT"]`), /one line/],
  ['an address that is none', of('local_addresses: [somewhere]'), /an IP address/],
  ['a network that is not listed', `${LEAST}only: irc.other.example\n`, /the name of one of the networks/],
  ['its domain is that of people', `${LEAST}domain: corp.example\n`, /a domain is wanted that is none of hosts/],
  ['a setting nobody knows', `${LEAST}limits: { room: 5 }\n`, /is rooms meant/],
]
for (const [what, text, wanted] of bad) {
  test(`refused: ${what}`, () => {
    assert.throws(() => read(text), wanted)
  })
}

test('a key for secrets that could be guessed is refused', () => {
  writeFileSync(join(folder, 'short.key'), 'short\n', { mode: 0o600 })
  assert.throws(() => read(`${LEAST}secrets: { key_file: short.key }\n`), /at least 16 characters/)
})
