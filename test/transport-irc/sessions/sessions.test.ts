// SPDX-License-Identifier: Apache-2.0
// Ranks and modes, names, certificates and seals: tables, and properties where any input may come.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { wrongNick } from '../../../components/transport-irc/network/wire/nick.ts'
import { makeCertificate } from '../../../components/transport-irc/sessions/certificate.ts'
import { modesOf } from '../../../components/transport-irc/sessions/form.ts'
import { nickFrom, userFrom } from '../../../components/transport-irc/sessions/names.ts'
import { changesToAffiliation, changesToRole, standingOf } from '../../../components/transport-irc/sessions/ranks.ts'

const ALL = [
  { letter: 'q', sign: '~' },
  { letter: 'a', sign: '&' },
  { letter: 'o', sign: '@' },
  { letter: 'h', sign: '%' },
  { letter: 'v', sign: '+' },
]
const FEW = ALL.filter(({ letter }) => letter === 'o' || letter === 'v')

suite('ranks', () => {
  const shown: [string, readonly (typeof ALL)[number][], boolean, string, string][] = [
    ['~', ALL, false, 'moderator', 'owner'],
    ['&', ALL, false, 'moderator', 'admin'],
    ['@', ALL, false, 'moderator', 'admin'],
    ['@', FEW, false, 'moderator', 'owner'],
    ['%', ALL, true, 'moderator', 'member'],
    ['+', ALL, true, 'participant', 'member'],
    ['', ALL, false, 'participant', 'none'],
    ['', ALL, true, 'visitor', 'none'],
    ['~&@%+', ALL, false, 'moderator', 'owner'],
  ]
  for (const [prefixes, ranks, moderated, role, affiliation] of shown)
    test(`"${prefixes}"${moderated ? ' where it is moderated' : ''} of ${ranks.length} is ${role}, ${affiliation}`, () => {
      const standing = standingOf(prefixes, ranks, moderated)
      assert.deepEqual([standing.role, standing.affiliation], [role, affiliation])
      assert.deepEqual(standing.hats, prefixes.includes('&') ? ['protected'] : undefined)
    })

  test('MODE brings about what is asked for: whoever has it shown after it, whatever he had before', () => {
    const prefixes = fc.subarray(['~', '&', '@', '%', '+']).map((signs) => signs.join(''))
    const affiliations = fc.constantFrom('owner', 'admin', 'member', 'none')
    fc.assert(
      fc.property(prefixes, affiliations, fc.boolean(), (held, wanted, moderated) => {
        const after = applied(held, changesToAffiliation(wanted, held, ALL))
        assert.equal(standingOf(after, ALL, moderated).affiliation, wanted)
      }),
    )
    fc.assert(
      fc.property(prefixes, fc.constantFrom('moderator', 'participant', 'visitor'), (held, wanted) => {
        const after = applied(held, changesToRole(wanted, held, ALL, true) ?? [])
        assert.equal(standingOf(after, ALL, true).role, wanted)
      }),
    )
  })

  test('nobody is a visitor where everybody may speak', () => {
    assert.equal(changesToRole('visitor', '@', ALL, false), null)
  })
})

function applied(prefixes: string, changes: readonly string[]): string {
  const held = new Set(prefixes)
  for (const change of changes) {
    const sign = ALL.find(({ letter }) => letter === change[1])?.sign ?? ''
    if (change[0] === '+') held.add(sign)
    else held.delete(sign)
  }
  return ALL.map(({ sign }) => sign)
    .filter((sign) => held.has(sign))
    .join('')
}

suite('the form of a channel', () => {
  const facts = { modes: { list: 'b', always: 'k', onSet: 'l', flag: 'imnstz' } } as never
  const cases: [string, [string, string][], Record<string, string>, string, string[]][] = [
    [
      'flags go on and off',
      [['t', '']],
      { 'muc#roomconfig_moderatedroom': '1', 'muc#roomconfig_changesubject': '1' },
      '+m-t',
      [],
    ],
    ['what is so already stays', [['m', '']], { 'muc#roomconfig_moderatedroom': '1' }, '', []],
    [
      'a new key takes the place of the old one',
      [['k', 'old']],
      { 'muc#roomconfig_roomsecret': 'new' },
      '-k+k',
      ['old', 'new'],
    ],
    [
      'no key',
      [['k', 'old']],
      { 'muc#roomconfig_passwordprotectedroom': '0', 'muc#roomconfig_roomsecret': 'old' },
      '-k',
      ['old'],
    ],
    ['a limit', [], { 'muc#roomconfig_maxusers': '20' }, '+l', ['20']],
    ['no limit', [['l', '20']], { 'muc#roomconfig_maxusers': '' }, '-l', []],
    ['other letters', [['z', '']], { 'x-modes': '' }, '-z', []],
  ]
  for (const [what, held, values, changes, parameters] of cases)
    test(what, () => assert.deepEqual(modesOf(values, new Map(held), facts), { changes, parameters }))
  for (const [what, values] of [
    ['a key that would be two words', { 'muc#roomconfig_roomsecret': 'a b' }],
    ['a key that would begin another parameter', { 'muc#roomconfig_roomsecret': ':a' }],
    ['a limit that is none', { 'muc#roomconfig_maxusers': 'many' }],
    ['a letter that is no flag', { 'x-modes': 'b' }],
  ] as const)
    test(`refused: ${what}`, () => assert.throws(() => modesOf(values, new Map(), facts), { name: 'Error' }))
})

suite('names', () => {
  test('of any address there is a nick and a user name that every server takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (local) => {
        const nick = nickFrom('{local}', `${local.replaceAll(/[@/]/g, '')}x@corp.example`, 16)
        assert.equal(wrongNick(nick, 16), null, nick)
        assert.match(userFrom('{local}', `${local}@corp.example`), /^[a-z0-9][a-z0-9_-]{0,9}$/)
      }),
    )
    assert.equal(nickFrom('{local}', 'anna.müller@corp.example', 30), 'anna_muller')
    assert.equal(nickFrom('corp-{local}', 'anna@corp.example', 30), 'corp-anna')
  })
})

suite('certificates and seals', () => {
  test('a certificate is signed by its own key, and its fingerprint is that of the certificate', () => {
    const { cert, fingerprint } = makeCertificate('anna@corp.example', Date.parse('2026-11-23T00:00:00Z'))
    const read = new X509Certificate(cert)
    assert.ok(read.verify(read.publicKey))
    assert.equal(read.fingerprint256.replaceAll(':', '').toLowerCase(), fingerprint)
    assert.equal(read.subject, 'CN=anna@corp.example')
    assert.ok(Date.parse(read.validTo) > Date.parse('2036-01-01'))
  })
})
