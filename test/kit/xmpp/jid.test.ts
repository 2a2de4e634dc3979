// SPDX-License-Identifier: Apache-2.0
// RFC 7622 §3. Lists: one address a line; \uXXXX and \t stand for what an editor would hide.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
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

test('addresses are compared without the case of ASCII letters before the resource, and with it in the resource', () => {
  assert.ok(sameBare('ROMEO@verona.EXAMPLE/a', 'romeo@Verona.example/b'))
  assert.ok(sameJid('ROMEO@verona.example/a', 'romeo@verona.EXAMPLE/a'))
  assert.ok(!sameJid('romeo@verona.example/a', 'romeo@verona.example/A'))
  assert.ok(!sameBare('romeo@verona.example', 'verona.example'))
  // The Kelvin sign lower-cases to k: folding beyond ASCII would join two people.
  assert.ok(!sameBare('\u212a@verona.example', 'k@verona.example'))
})
