// SPDX-License-Identifier: Apache-2.0
// Secrets at rest. What is on the disk is looked at in test/transport-irc.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSeal, SealFault } from '../../../components/kit/transport/secrets.ts'

const [OLD, NEW] = ['an old key of enough length', 'a new key of enough length']
const CONTEXT = 'alice@corp.example irc.example.org'

test('what is sealed opens with the key and the context it was sealed with, and with nothing else', () => {
  const seal = openSeal(OLD)
  for (const text of ['', 'correct horse battery staple', 'Grüße 🎈', 'x'.repeat(100_000)]) {
    const sealed = seal.seal(text, CONTEXT)
    assert.equal(seal.open(sealed, CONTEXT), text)
    assert.equal(seal.open(sealed, 'bob@corp.example irc.example.org'), null)
    assert.equal(openSeal(NEW).open(sealed, CONTEXT), null)
    if (text.length > 3)
      for (const encoding of ['utf8', 'base64', 'hex'] as const)
        assert.ok(!sealed.includes(Buffer.from(text).toString(encoding)))
  }
})

test('the same secret is sealed differently each time', () => {
  const seal = openSeal(OLD)
  assert.notEqual(seal.seal('secret', CONTEXT), seal.seal('secret', CONTEXT))
})

test('what was changed in any place does not open', () => {
  const seal = openSeal(OLD)
  const sealed = seal.seal('correct horse', CONTEXT)
  const body = sealed.lastIndexOf('.') + 1
  const bytes = Buffer.from(sealed.slice(body), 'base64')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.equal(seal.open(sealed.slice(0, body) + changed.toString('base64'), CONTEXT), null, `byte ${at}`)
  }
  for (const bad of ['', '2.', 'x', sealed.slice(0, body), sealed.slice(0, body + 8), sealed.replace(/^2/, '9')])
    assert.equal(seal.open(bad, CONTEXT), null, bad)
})

test('a new key goes first in the file; what former keys sealed opens as long as they stand behind it', () => {
  const before = openSeal(OLD).seal('correct horse', CONTEXT)
  const both = openSeal(`# keys of the transport\n${NEW}\n\n${OLD}\n`)
  assert.equal(both.open(before, CONTEXT), 'correct horse')
  assert.equal(both.isCurrent(before), false)
  const after = both.seal('correct horse', CONTEXT)
  assert.equal(both.isCurrent(after), true)
  assert.equal(openSeal(NEW).open(after, CONTEXT), 'correct horse')
  assert.equal(openSeal(OLD).open(after, CONTEXT), null)
})

test('no key, and a key that could be guessed, are faults that name the line and not the key', () => {
  for (const keys of ['', '# none\n', 'short', `${NEW}\nshort`])
    assert.throws(
      () => openSeal(keys),
      (error: unknown) => error instanceof SealFault && !error.message.includes('short'),
    )
})
