// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readAddress, writeAddress } from '../../../components/kit/transport/address.ts'
import { escapeNode, unescapeNode } from '../../../components/kit/xep/jid-escaping.ts'
import { parseJid } from '../../../components/kit/xmpp/jid.ts'
import { MadeUpNet } from './made-up.ts'

const GATE = 'irc.corp.example'
const many = new MadeUpNet()
const one = new MadeUpNet({ only: 'a.example' })

test('a name, its network, the gateway', () => {
  const cases = [
    [many, `#tea%a.example@${GATE}/otto`, { kind: 'room', network: 'a.example', name: '#tea', resource: 'otto' }],
    [many, `otto%a.example@${GATE}`, { kind: 'person', network: 'a.example', name: 'otto', resource: '' }],
    [many, `#100%25%a.example@${GATE}`, { kind: 'room', network: 'a.example', name: '#100%25', resource: '' }],
    [many, `a.example@${GATE}`, { kind: 'network', network: 'a.example', resource: '' }],
    [many, GATE, { kind: 'gateway', resource: '' }],
    [many, `%a.example@${GATE}`, null],
    [many, `#tea%@${GATE}`, null],
    [many, '#tea%a.example@elsewhere.example', null],
    [one, `#tea@${GATE}`, { kind: 'room', network: 'a.example', name: '#tea', resource: '' }],
    [one, `#tea%b.example@${GATE}`, { kind: 'room', network: 'b.example', name: '#tea', resource: '' }],
    [one, `#50%off@${GATE}`, { kind: 'room', network: 'a.example', name: '#50%off', resource: '' }],
  ] as const
  for (const [net, address, wanted] of cases) assert.deepEqual(readAddress(address, GATE, net), wanted, address)
})

test('XEP-0106: every name comes back as it was, and is a localpart', () => {
  const name = fc
    .string({ unit: fc.constantFrom(...'ab#\\ "&\'/:<>@25c0e~%é'), minLength: 1, maxLength: 20 })
    .map((text) => `x${text}x`)
  fc.assert(
    fc.property(name, (text) => {
      assert.equal(unescapeNode(escapeNode(text)), text)
      assert.notEqual(parseJid(`${escapeNode(text)}@${GATE}`), null)
    }),
  )
  assert.equal(escapeNode('d\'artagnan "\\20" <x>@y'), 'd\\27artagnan\\20\\22\\5c20\\22\\20\\3cx\\3e\\40y')
})

test('an address that was written is read as what it was written for', () => {
  const name = fc
    .string({ unit: fc.constantFrom(...'ab#\\ "&\'/:<>@25c0~%'), maxLength: 12 })
    .map((text) => `#x${text}x`)
  fc.assert(
    fc.property(name, fc.constantFrom(many, one), (text, net) => {
      const read = readAddress(writeAddress(GATE, net, 'a.example', text), GATE, net)
      assert.deepEqual(read, { kind: 'room', network: 'a.example', name: text, resource: '' })
    }),
  )
})
