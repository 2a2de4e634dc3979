// SPDX-License-Identifier: Apache-2.0
// A mistake in the settings of mod_gatehouse closes the host and says so; it never opens it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, openGated, soon } from './gated.ts'

const REFUSED = /id='m1'[^>]*type='error'|type='error'[^>]*id='m1'/

describe('mistakes in the settings of mod_gatehouse', () => {
  it('lets nothing pass where no screen is named', async () => {
    await using gated = await openGated({
      settings: { hosts: [{ name: 'bare.example', lines: UNNAMED }], accounts: TWO },
    })
    const alice = await gated.login('alice', { host: 'bare.example' })
    const bob = await gated.login('bob', { host: 'bare.example' })
    alice.client.send(`<message to='bob@bare.example' type='chat' id='m1'><body>hello</body></message>`)
    assert.match(await alice.got(REFUSED), /resource-constraint/)
    assert.deepEqual(bodies(bob), [])
    await soon(gated.prosody.logged(/gatehouse_screen is not set/), 'the error in the log')
  })

  it('takes an unknown outage rule for closed', async () => {
    await using gated = await openGated({ lines: ['gatehouse_on_outage = "opne"'] })
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.client.send(`<message to='bob@${HOST}' type='chat' id='m1'><body>hello</body></message>`)
    assert.match(await alice.got(REFUSED), /resource-constraint/)
    assert.deepEqual(bodies(bob), [])
    await soon(gated.prosody.logged(/gatehouse_on_outage is "opne"/), 'the error in the log')
    await soon(gated.prosody.logged(/has not connected yet; the outage rule applies/), 'the warning')
  })

  it('asks about every kind where one is misspelt', async () => {
    await using gated = await openGated({ lines: ['gatehouse_ask = { "mesage" }'] })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    alice.client.send(`<message to='bob@${HOST}' type='chat' id='m1'><body>hello</body></message>`)
    await soon(screen.saw(/<body>hello<\/body>/), 'the question')
    await soon(gated.prosody.logged(/there is no kind "mesage"/), 'the error in the log')
  })
})

const UNNAMED = ['modules_enabled = { "gatehouse" }']
const TWO = ['alice', 'bob'].map((user) => ({ jid: `${user}@bare.example`, password: 'secret' }))
