// SPDX-License-Identifier: Apache-2.0
// What people log in with on another network is taken out of questions; nothing else is, and nothing from what goes elsewhere.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../../../components/kit/xml/parse.ts'
import { withoutLogins } from '../../../components/policy/protocol/logins.ts'

const form = (name: string) =>
  `<x xmlns='jabber:x:data' type='submit'><field var='account'><value>pat</value></field><field var='${name}' type='text-private'><value>hunter2</value><value>hunter2</value></field></x>`
const command = (inside: string) =>
  `<command xmlns='http://jabber.org/protocol/commands' node='password'>${inside}</command>`
const register = (inside: string) => `<query xmlns='jabber:iq:register'><username>pat</username>${inside}</query>`

const CASES: readonly [payload: string, isLeftOut: boolean, to?: string, type?: string][] = [
  [register('<password>hunter2</password>'), true],
  [register('<password><b>hunter2</b></password>'), true],
  [register(form('password')), true],
  [register(form('password')), true, 'IRC.corp.example'],
  [register(form('password')), true, '#r%n@irc.corp.example/x@else.example'],
  [command(form('password')), true],
  [command(form('Password')), true],
  [command(form('afterwards')), true],
  [command(form('reason')), false],
  [command(`<x xmlns='urn:x'><field var='password'><value>hunter2</value></field></x>`), false],
  [register("<password xmlns='urn:x'>hunter2</password>"), false],
  [register('<password>hunter2</password>'), false, 'else.example'],
  [register('<password>hunter2</password>'), false, 'irc.corp.example@else.example'],
  [register('<password>hunter2</password>'), false, 'irc.corp.example', 'result'],
]

for (const [payload, isLeftOut, to = 'irc.corp.example', type = 'set'] of CASES)
  test(`${isLeftOut ? 'without' : 'with'} the word: ${type} to ${to}: ${payload}`, () => {
    const raw = `<iq xmlns='jabber:client' type='${type}' id='i' from='pat@corp.example/r' to='${to}'>${payload}</iq>`
    const ask = {
      n: 1,
      try: 1,
      direction: 'sent',
      via: 'c2s',
      at: '',
      spooled: false,
      raw,
      stanza: parse(raw),
    } as const
    const left = withoutLogins(ask, (domain) => domain === 'irc.corp.example')
    assert.equal(left.raw.includes('hunter2'), !isLeftOut)
    assert.equal(left.stanza.toString().includes('hunter2'), !isLeftOut)
    assert.ok(left.raw.includes('pat'))
    if (!isLeftOut) assert.equal(left, ask)
  })
