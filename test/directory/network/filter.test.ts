// SPDX-License-Identifier: Apache-2.0
// RFC 4515: filters as settings hold them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BerWriter } from 'ldapts'
import { inChainFilter, readFilter, wrongFilter } from '../../../components/directory/network/filter.ts'
import { PRESETS } from '../../../components/directory/network/layout.ts'

/** The octets that go over the wire. */
function wire(text: string): string {
  const writer = new BerWriter()
  readFilter(text).write(writer)
  return writer.buffer.toString('hex')
}

test('a filter may stand in lines, and means the same', () => {
  assert.equal(wire(' (&\n  (a=b c)\n  (| (c=d) (e=f) )\n)\n'), wire('(&(a=b c)(|(c=d)(e=f)))'))
})

test('escaped octets are the characters that they make together', () => {
  assert.equal(wire('(cn=J\\c3\\b6rg \\28x\\29 \\2a \\5c)'), wire('(cn=Jörg \\28x\\29 \\2a \\5c)'))
  assert.match(wire('(cn=J\\c3\\b6rg)'), new RegExp(Buffer.from('Jörg').toString('hex')))
})

test('what is no filter is told', () => {
  for (const text of ['', '(', '(cn=a', 'cn', '(cn=a))', '(&(cn=a)', '(cn=\\ff)', '(cn=\\zz)', '(=a)']) {
    assert.notEqual(wrongFilter(text), null, text)
  }
})

test('every preset has filters', () => {
  for (const { people, groups } of Object.values(PRESETS)) {
    assert.equal(wrongFilter(people.filter), null)
    assert.equal(wrongFilter(groups.filter), null)
  }
})

test('the DN in a filter of a chain is one value, whatever stands in it', () => {
  const filter = inChainFilter('CN=a)(b=*\\,ü,DC=x')
  assert.match(wire(filter), new RegExp(Buffer.from('CN=a)(b=*\\,ü,DC=x').toString('hex')))
})
