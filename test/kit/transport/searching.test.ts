// SPDX-License-Identifier: Apache-2.0
// XEP-0055: people of a network are looked for at its address, on the connection of who asks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Asking } from '../../../components/kit/transport/rooms/house.ts'
import { GATEWAY, NETWORK, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const WHERE = `${NETWORK}@${GATEWAY}`
const search = (inside = '') => `<query xmlns='jabber:iq:search'>${inside}</query>`
const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`
const filled = (...fields: string[]) =>
  search(`<x xmlns='jabber:x:data' type='submit'>${field('FORM_TYPE', 'jabber:iq:search')}${fields.join('')}</x>`)

test('a form says what can be asked for, and the answer shows who was found, as addresses', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  at.net.people.push({ nick: 'otto', name: 'Otto \u0003<b>', host: 'o@host.example' }, { nick: 'o/p' })
  const form = String(await at.ask(ANNA, WHERE, 'get', search()))
  for (const name of ['nick', 'x-name', 'x-host']) assert.ok(form.includes(`var="${name}"`), name)
  const found = String(await at.ask(ANNA, WHERE, 'set', filled(field('nick', ' ot '), field('x-host', 'example'))))
  assert.deepEqual(at.net.done.at(-1), 'anna looks for {"nick":"ot","host":"example"}', found)
  for (const value of [
    `otto%${NETWORK}@${GATEWAY}`,
    'Otto  &lt;b&gt;',
    'o@host.example',
    `o\\2fp%${NETWORK}@${GATEWAY}`,
  ])
    assert.ok(found.includes(`<value>${value}</value>`), `${value} in ${found}`)
  const plain = String(await at.ask(ANNA, WHERE, 'set', search('<nick>otto</nick>')))
  assert.ok(plain.includes(`<item jid="otto%${NETWORK}@${GATEWAY}"><first/>`), plain)
  const info = String(await at.ask(ANNA, WHERE, 'get', "<query xmlns='http://jabber.org/protocol/disco#info'/>"))
  assert.match(info, /var="jabber:iq:search"/)
})

test('names and hosts of all who were found are one question; where they may not be read the nicks are shown', async () => {
  const asker: Asking = {
    async ask({ stanza }) {
      if (!stanza.includes('poison')) return { action: 'deliver', stanza, replaced: false }
      return { action: 'refuse', why: 'outage' }
    },
    occupant() {},
  }
  await using at = await stand({ asker })
  await at.enter(ANNA, '#tea', 'anna')
  at.net.people.push({ nick: 'otto', name: 'Otto', host: 'o@host.example' }, { nick: 'carl', name: 'Carl' })
  const found = async () => String(await at.ask(ANNA, WHERE, 'set', filled(field('nick', 'o'))))
  assert.match(await found(), /<value>Otto<.*<value>Carl</)
  at.net.people.push({ nick: 'ida', name: 'poison' })
  const refused = await found()
  for (const nick of ['otto', 'carl', 'ida']) assert.ok(refused.includes(`<value>${nick}</value>`), refused)
  assert.doesNotMatch(refused, /Otto|Carl|poison|host\.example/)
  const bodies = at.asked.flatMap(({ stanza }) => /headline.*<body>(.*)<\/body>/s.exec(stanza)?.[1] ?? [])
  assert.deepEqual(bodies, [
    'otto Otto o@host.example\ncarl Carl ',
    'otto Otto o@host.example\ncarl Carl \nida poison ',
  ])
})

test('of many only the first are shown; what asks for nothing, nowhere, or may not, is refused', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  for (let n = 0; n < 150; n += 1) at.net.people.push({ nick: `p${n}` })
  const many = String(await at.ask(ANNA, WHERE, 'set', filled(field('nick', 'p'))))
  assert.equal(many.match(/<item>/g)?.length, 100, many.slice(0, 500))
  const refused = async (to: string, payload: string, condition: RegExp, from = ANNA) =>
    assert.match(String(await at.ask(from, to, 'set', payload)), condition, payload)
  await refused(WHERE, search(), /not-acceptable/)
  await refused(WHERE, filled(field('x-else', 'p')), /not-acceptable/)
  await refused(GATEWAY, filled(field('nick', 'p')), /service-unavailable/)
  await refused(`somewhere@${GATEWAY}`, filled(field('nick', 'p')), /item-not-found/)
  at.net.refusal = { what: 'search', reason: 'busy' }
  await refused(WHERE, filled(field('nick', 'p')), /resource-constraint/)
})
