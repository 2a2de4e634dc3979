// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { directorySettings } from '../../../components/directory/settings.ts'
import { readSettings, settingsSchema } from '../../../components/kit/process/settings.ts'
import { assertExample } from '../../harness/example-settings.ts'
import { problemLines } from '../../harness/in-words.ts'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-directory-settings-'))
  for (const name of ['directory.secret', 'ldap.password', 'p', 'ca.pem'])
    writeFileSync(join(folder, name), 'x\n', { mode: 0o600 })
  writeFileSync(join(folder, 'for-all'), 'x\n')
  chmodSync(join(folder, 'for-all'), 0o644)
})
after(() => rmSync(folder, { recursive: true, force: true }))

function read(text: string) {
  const file = join(folder, 'directory.yaml')
  writeFileSync(file, text)
  const read = readSettings(directorySettings, file, {})
  if (!read.ok) throw new Error(problemLines(read).join('\n'))
  return read
}

const ONE = `{ name: corp, preset: openldap, servers: ['ldaps://ldap'], bind: { dn: 'cn=a', password_file: p }, bases: { people: ['ou=p'] } }`
const LEAST = `hosts: [corp.example]\njid: '{uid}@corp.example'\ndirectories: [${ONE}]\n`

test('config/directory.yaml names every setting, and uncommented it gives exactly the defaults', () => {
  const path = new URL('../../../config/directory.yaml', import.meta.url).pathname
  assertExample(path, settingsSchema(directorySettings), (text) => {
    const { settings, common } = read(text)
    return { settings: { ...settings, secret: settings.secret?.reveal() }, common }
  })
})

test('with the least that must be said: own places, 10 % and 1,000, every group to its members', () => {
  const { settings } = read(LEAST)
  assert.equal(settings.domain, 'directory.corp.example')
  assert.equal(settings.store, '/var/lib/gatehouse/directory/directory.db')
  assert.equal(settings.snapshot, '/var/lib/gatehouse/journals/directory')
  assert.equal(settings.journal.folder, '/var/lib/gatehouse/journals/directory-log')
  assert.deepEqual(settings.brake, { removeShare: 0.1, removeFew: 5, touch: 1_000 })
  assert.deepEqual(settings.poll, { everyMs: 30_000, sweepEveryMs: 30_000, compareAt: { hour: 3, minute: 0 } })
  assert.deepEqual(settings.rosters.rules, [{ groups: ['*'], name: '{name}', shown: 'members', to: [], order: 0 }])
  assert.deepEqual(settings.directories[0]?.template, ['uid'])
})

test('what is said of one attribute leaves the others to the preset', () => {
  const { settings } = read(LEAST.replace('name: corp,', 'name: corp, attributes: { phone: [mobile] },'))
  const attributes = settings.directories[0]?.layout.people.attributes
  assert.deepEqual(attributes?.phone, ['mobile'])
  assert.deepEqual(attributes?.mail, ['mail'])
})

test('people of one group: by the chain of groups where the server can follow it', () => {
  const filterOf = (preset: string) =>
    read(LEAST.replace('preset: openldap,', `preset: ${preset}, people_in: 'cn=a)b',`)).settings.directories[0]?.layout
      .people.filter
  assert.match(filterOf('openldap') ?? '', /^\(&\(objectClass=inetOrgPerson\)\(memberOf=cn=a\\29b\)\)$/)
  assert.match(filterOf('active-directory') ?? '', /\(memberOf:1\.2\.840\.113556\.1\.4\.1941:=cn=a\\29b\)\)$/)
})

test('without TLS only on this machine, or where it is said; a host of an attribute is not looked at', () => {
  for (const url of ['ldap://127.0.0.1:389', 'ldap://[::1]', 'ldap://localhost/'])
    assert.deepEqual(read(LEAST.replace('ldaps://ldap', url)).settings.directories[0]?.servers, [url])
  assert.ok(
    read(LEAST.replace('ldaps:', 'ldap:').replace('bases:', 'tls: { start_tls: true, ca_file: ca.pem }, bases:')),
  )
  assert.ok(read(LEAST.replace('ldaps:', 'ldap:').replace('bases:', 'allow_plain: true, bases:')))
  assert.ok(read(LEAST.replace('@corp.example', '@{domain}')))
})

test('a text in the place of a list is one mistake', () => {
  const text = LEAST.replace("['ldaps://ldap']", "'ldaps://ldap.corp.example'")
  assert.throws(() => read(text), /^Error: [^\n]*servers: [^\n]*: a list is wanted$/)
})

test('a credential of systemd goes before the file of the same name', () => {
  const credentials = mkdtempSync(join(folder, 'credentials-'))
  writeFileSync(join(credentials, 'p'), 'y', { mode: 0o600 })
  const file = join(folder, 'directory.yaml')
  writeFileSync(file, LEAST)
  const read = readSettings(directorySettings, file, { CREDENTIALS_DIRECTORY: credentials })
  assert.ok(read.ok)
  assert.deepEqual(read.settings.directories[0]?.bind, {
    kind: 'simple',
    dn: 'cn=a',
    passwordFile: join(credentials, 'p'),
  })
})

const bad: readonly [what: string, text: string, wanted: RegExp][] = [
  ['nothing said', '', /hosts/],
  ['no host', LEAST.replace('[corp.example]', '[]'), /at least one virtual host/],
  ['no directory', LEAST.replace(ONE, ''), /at least one directory/],
  ['an address without an attribute', LEAST.replace('{uid}', 'uid'), /jid: .*attributes in braces/],
  ['an address with a brace left open', LEAST.replace('{uid}', '{uid'), /jid: .*attributes in braces/],
  ['two directories of one name', LEAST.replace(ONE, `${ONE}, ${ONE}`), /a name of its own/],
  ['a name that could not be half of an id', LEAST.replace('name: corp', "name: 'a:b'"), /a short name/],
  ['a web address', LEAST.replace('ldaps://', 'https://'), /ldaps:\/\/host/],
  ['a password without a name', LEAST.replace("dn: 'cn=a', ", ''), /dn and password_file/],
  [
    'a certificate without one',
    LEAST.replace("bind: { dn: 'cn=a', password_file: p }", 'bind: { by: certificate }'),
    /a certificate and its key/,
  ],
  [
    'no password file',
    LEAST.replace('file: p ', 'file: nowhere '),
    /:3: directories\.0\.bind\.password_file: "nowhere": .*nowhere cannot be read \(ENOENT\)/,
  ],
  ['a password that all may read', LEAST.replace('file: p ', 'file: for-all '), /password_file: .*chmod 0640/],
  [
    'authorities that are not there',
    LEAST.replace('bases:', 'tls: { ca_file: nowhere.pem }, bases:'),
    /:3: directories\.0\.tls\.ca_file: "nowhere\.pem": a file is wanted; .*nowhere\.pem cannot be read \(ENOENT\)/,
  ],
  [
    'a password in clear over the network',
    LEAST.replace('ldaps:', 'ldap:'),
    /servers\.0: "ldap:\/\/ldap": .*start_tls or allow_plain/,
  ],
  ['no port', LEAST.replace('ldaps://ldap', 'ldaps://ldap:port'), /servers\.0: .*ldaps:\/\/host/],
  ['addresses elsewhere', LEAST.replace('@corp', '@korp'), /:2: jid: .*at one of hosts is wanted/],
  ['no base', LEAST.replace("['ou=p']", '[]'), /at least one base/],
  ['a field that nobody has', LEAST.replace('name: corp,', 'name: corp, attributes: { hat: [x] },'), /attributes.*hat/],
  [
    'a filter as an attribute',
    LEAST.replace('name: corp,', "name: corp, attributes: { mail: ['(x=*)'] },"),
    /name of an attribute/,
  ],
  [
    'a filter that is none',
    LEAST.replace('name: corp,', "name: corp, filters: { people: '(uid=*' },"),
    /a filter is wanted/,
  ],
  ['a base that is no DN', LEAST.replace("'ou=p'", "'people'"), /a DN is wanted/],
  [
    'referrals beside the numbers of one server',
    LEAST.replace('preset: openldap,', 'preset: samba-ad, referrals: [dc2.example],'),
    /referrals can be followed only/,
  ],
  ['a preset that is not known', LEAST.replace('openldap', 'novell'), /openldap/],
  ['more than all', `${LEAST}brake: { remove: 101 % }\n`, /a share is wanted/],
  ['no time of day', `${LEAST}poll: { compare_at: '25:00' }\n`, /a time of day/],
  ['asked all the time', `${LEAST}poll: { every: 10 ms }\n`, /at least 1 s/],
  ['its domain is that of people', `${LEAST}domain: corp.example\n`, /a domain is wanted that is none of hosts/],
  [
    'a journal in the folder of the snapshot',
    `${LEAST}journal: { folder: /x }\nsnapshot: { folder: /x }\n`,
    /another folder/,
  ],
]
for (const [what, text, wanted] of bad) {
  test(`refused: ${what}`, () => {
    assert.throws(() => read(text), wanted)
  })
}
