// SPDX-License-Identifier: Apache-2.0
// Transports on Prosody: test/servers/both/transports.ts.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { HOST, soon } from '../both/house.ts'
import { openProsody, prosody } from '../both/prosody.ts'
import { IRC, transports } from '../both/transports.ts'

transports(prosody)

it('a host whose helper is an earlier one, beside one that is loaded anew, goes on asking and telling', async () => {
  await using gated = await openProsody({ options: { transports: [IRC] }, components: [IRC] })
  const first = await gated.asking()
  await soon(first.saw(/<host [^>]*transports=/), 'what stands open')
  const state = `require "core.modulemanager".get_module("${HOST}", "gatehouse").module:shared("/*/gatehouse/state")`
  await gated.shell(`> ${state}.hosts["${HOST}"].transports = nil`)
  await first.close()
  const second = await gated.asking()
  const told = await soon(second.saw(/<host /), 'what stands open, again')
  assert.doesNotMatch(told, /transports=/)
  const alice = await gated.login('alice')
  alice.client.send(`<iq type='set' id='i' to='${IRC}'><x xmlns='urn:x'>DENY still</x></iq>`)
  assert.match(await alice.got(/<iq[^>]*id='i'/), /policy-violation/)
  alice.say(`alice@${HOST}`, 'still here')
  await alice.got(/<body>still here/)
  assert.deepEqual(gated.server.linesWith(/attempt to|In the timer/), [])
})
