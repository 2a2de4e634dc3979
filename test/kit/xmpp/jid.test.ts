// SPDX-License-Identifier: Apache-2.0
// RFC 7622 §3. Lists: one address a line; \uXXXX and \t stand for what an editor would hide.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bareOf,
  domainOf,
  formatJid,
  localOf,
  normalJid,
  parseJid,
  resourceOf,
  sameBare,
  sameJid,
} from '../../../components/kit/xmpp/jid.ts'

const lines = (name: string) =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) =>
      line
        .replace(/\\u([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
        .replaceAll('\\t', '\t'),
    )
const short = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}... (${text.length})` : text)

for (const address of lines('jid.valid.txt'))
  test(`valid: ${short(address)}`, () => {
    const jid = parseJid(address)
    assert.ok(jid !== null)
    assert.equal(formatJid(jid), address)
    assert.equal(normalJid(formatJid({ ...jid, domain: jid.domain })), normalJid(address))
  })

for (const address of lines('jid.invalid.txt'))
  test(`invalid: ${short(address)}`, () => {
    assert.equal(parseJid(address), null)
  })

test('the parts', () => {
  assert.deepEqual(parseJid('Romeo@Verona.example/Or/ch@rd'), {
    local: 'Romeo',
    domain: 'Verona.example',
    resource: 'Or/ch@rd',
  })
  assert.deepEqual(parseJid('verona.example/a@b'), { local: '', domain: 'verona.example', resource: 'a@b' })
  const address = 'Romeo@Verona.Example/Orchard'
  assert.equal(bareOf(address), 'romeo@verona.example')
  assert.equal(localOf(address), 'romeo')
  assert.equal(domainOf(address), 'verona.example')
  assert.equal(resourceOf(address), 'Orchard')
  assert.equal(localOf('verona.example/x@y'), '')
  assert.equal(domainOf('verona.example/x@y'), 'verona.example')
  assert.equal(resourceOf('verona.example'), '')
})

test('addresses are compared without their case before the resource, and with it in the resource', () => {
  assert.ok(sameBare('ROMEO@verona.EXAMPLE/a', 'romeo@Verona.example/b'))
  assert.ok(sameJid('ROMEO@verona.example/a', 'romeo@verona.EXAMPLE/a'))
  assert.ok(!sameJid('romeo@verona.example/a', 'romeo@verona.example/A'))
  assert.ok(!sameBare('romeo@verona.example', 'verona.example'))
})

/** Spellings that a server makes one person of, first the one that all become. */
const SPELLINGS: readonly (readonly string[])[] = [
  [
    'bob@corp.example',
    'BOB@Corp.EXAMPLE',
    'bob@corp.example.',
    '\uff42\uff4f\uff42@corp.example',
    'bob@\uff43orp.example',
  ],
  [
    'bob@corp.example',
    'bob@corp.ex\u00adample',
    'b\u00adob@corp.example',
    'b\u200dob@corp\u200b.example',
    '\ufeffbob@corp.example',
  ],
  [
    'bob@corp.example',
    'bob@corp\u3002example',
    'bob@corp\uff0eexample',
    'bob@corp\uff61example',
    'bob@corp.example\u3002',
  ],
  ['k@verona.example', '\u212a@verona.example', 'K@verona.example'],
  [
    'm\u00fcller@m\u00fcller.example',
    'M\u00dcLLER@xn--mller-kva.example',
    'mu\u0308ller@XN--MLLER-KVA.example.',
    'mu\u0308ller@mu\u0308ller.example',
  ],
  ['strauss@corp.example', 'strau\u00df@corp.example', 'STRAU\u1e9e@corp.example'],
  ['b@fass.example', 'b@fa\u00df.example', 'b@xn--fa-hia.example'],
  ['\u03bf\u03c3@corp.example', '\u03bf\u03c2@corp.example', '\u039f\u03a3@corp.example'],
  ['fin@corp.example', '\ufb01n@corp.example'],
  ['corp.example', 'Corp.Example.', 'corp.ex\u00adample'],
  ['[fe80::1]', '[FE80::1]'],
]
for (const [first = '', ...others] of SPELLINGS)
  for (const other of [first, ...others])
    test(`${JSON.stringify(other)} is compared as ${first}`, () => {
      assert.equal(bareOf(other), first)
      assert.equal(bareOf(`${other}/Desk`), first)
      assert.equal(normalJid(`${other}/Desk`), `${first}/Desk`)
      assert.equal(domainOf(other), first.slice(first.indexOf('@') + 1))
    })

test('what is not the same person stays apart', () => {
  for (const [one, other] of [
    ['\u0131@corp.example', 'i@corp.example'],
    ['\u0430@corp.example', 'a@corp.example'],
    ['b\u00f6b@corp.example', 'bob@corp.example'],
    ['bob.@corp.example', 'bob@corp.example'],
    ['bob@corp.example..', 'bob@corp.example'],
    ['a\uff20b@corp.example', 'a@b@corp.example'],
    ['a\uff0fb@corp.example', 'a/b@corp.example'],
    ['bob@xn--mller-kv.example', 'bob@m\u00fcller.example'],
  ] as const)
    assert.notEqual(bareOf(one), bareOf(other), one)
})

test('preparing what is prepared changes nothing, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      (a, b) => {
        const bare = bareOf(`${a}@${b}`)
        assert.equal(bareOf(bare.replace(/\.+$/, '')), bare.replace(/\.+$/, ''))
      },
    ),
  )
})
