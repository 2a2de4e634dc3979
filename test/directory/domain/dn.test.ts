// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDn, isWithin, normalDn, parseDn } from '../../../components/directory/domain/dn.ts'

/** DNs that name one entry, one list each: RFC 4514 §4, RFC 2253 §4 and §5, and what directories really give. */
const SAME: readonly (readonly string[])[] = [
  [
    'uid=alice,ou=people,dc=corp,dc=example',
    'UID=Alice,OU=People,DC=Corp,DC=Example',
    'uid = alice , ou=people, dc=corp , dc = example',
  ],
  [
    'userid=alice,domainComponent=corp',
    '0.9.2342.19200300.100.1.1=alice,OID.0.9.2342.19200300.100.1.25=corp',
    'uid=alice;dc=corp',
  ],
  ['cn=Miller\\, Ann,dc=x', 'cn=Miller\\2C Ann,dc=x', 'cn="Miller, Ann",dc=x', 'CN=miller\\2c  ann,DC=X'],
  [
    'cn=Jörg Müller,dc=x',
    'cn=J\\C3\\B6rg M\\C3\\BCller,dc=x',
    'cn=JÖRG MÜLLER,dc=x',
    'cn=Jo\u0308rg Mu\u0308ller,dc=x',
  ],
  ['cn=a+sn=b,dc=x', 'SN=B + CN=A,dc=x'],
  ['cn=\\ two\\ ,dc=x', 'cn=two,dc=x', 'cn= two ,dc=x'],
  ['cn=\\#1,dc=x', 'cn=\\231,dc=x'],
  ['1.3.6.1.4.1.1466.0=#04024869,dc=x', '1.3.6.1.4.1.1466.0 = #04024869 ,dc=x'],
  ['cn=😀 \\"q\\" \\\\ \\<\\>,dc=x', 'cn=\\F0\\9F\\98\\80 \\22q\\22 \\5C \\3c\\3E,dc=x'],
]

const NONE = [
  'alice',
  'uid',
  '=x',
  'uid=a,',
  'uid=a,,dc=x',
  'cn=a"b',
  'cn=a<b',
  'cn=\\',
  'cn=\\FF,dc=x',
  'cn=#0,dc=x',
  'cn=a\0b',
  'u id=a',
  ',dc=x',
]

test('names of one entry have one spelling, however they are written', () => {
  const spellings = SAME.map((dns) => {
    const first = normalDn(dns[0] ?? '')
    assert.notEqual(first, null, dns[0])
    for (const dn of dns) assert.equal(normalDn(dn), first, dn)
    return first
  })
  assert.equal(new Set(spellings).size, SAME.length)
})

test('what is no DN is none', () => {
  for (const text of NONE) assert.equal(normalDn(text), null, text)
})

test('what differs in more than spelling differs: an escaped comma is no separator, ß is not ss', () => {
  assert.notEqual(normalDn('cn=a\\,dc=x'), normalDn('cn=a,dc=x'))
  assert.notEqual(normalDn('cn=Straße'), normalDn('cn=Strasse'))
  assert.notEqual(normalDn('cn=a+sn=b'), normalDn('cn=a\\+sn=b'))
})

test('an entry is within its branch and not within one that only ends alike', () => {
  const base = 'ou=people,dc=x'
  assert.ok(isWithin('uid=a,ou=people,dc=x', base))
  assert.ok(isWithin(base, base))
  assert.ok(isWithin(base, ''))
  assert.ok(!isWithin('ou=xpeople,dc=x', 'people,dc=x'))
  assert.ok(!isWithin('ou=more-people,dc=x', base))
  assert.ok(!isWithin('dc=x', base))
})

const type = fc.constantFrom('cn', 'uid', 'ou', 'dc', 'sn', 'x-own', '2.5.4.46')
const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom(...' ,+"\\<>;#=\0aB\nü') }))
const rdn = fc.array(fc.record({ type, value }, { noNullPrototype: true }), { minLength: 1, maxLength: 3 })
const dn = fc.array(rdn, { minLength: 1, maxLength: 5 })

test('every DN is read as it was written', () => {
  fc.assert(fc.property(dn, (rdns) => assert.deepEqual(parseDn(formatDn(rdns)), rdns)))
})

test('the spelling is one for every way to escape, and stays what it is', () => {
  const hexed = (text: string) =>
    [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')
  fc.assert(
    fc.property(dn, (rdns) => {
      const written = normalDn(formatDn(rdns))
      assert.notEqual(written, null)
      assert.equal(
        normalDn(
          rdns.map((pairs) => pairs.map((pair) => `${pair.type} = ${hexed(pair.value)}`).join(' + ')).join(' ; '),
        ),
        written,
      )
      assert.equal(normalDn(written ?? ''), written)
    }),
  )
})

test('no text makes the parser fail, and what it reads it writes again', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'cn=,+"\\#; 0aü\0'), maxLength: 200 }), (text) => {
      const read = parseDn(text)
      if (read !== null && read.length > 0) assert.deepEqual(parseDn(formatDn(read)), read)
    }),
  )
  assert.equal(normalDn(`cn=${'\\'.repeat(99_999)}`), null)
  assert.equal(normalDn(`cn=${'a '.repeat(50_000)}"`), null)
})
