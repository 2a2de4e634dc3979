// SPDX-License-Identifier: Apache-2.0
// What people do for themselves on a network beyond talking, on a made-up server that lets them: an account of their own.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { FAKE_CAPS, type FakeIrcd, startFakeIrcd } from '../harness/fake-ircd.ts'
import { filesWith } from '../harness/files-with.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { GATEWAY, type IrcPlace, NETWORK, openIrcPlace, plain } from './place.ts'

describe('people on a network, by themselves', { skip: serverLack() ?? slixmppLack() ?? false }, () => {
  let ircd: FakeIrcd
  let place: IrcPlace
  let alice: SlixmppClient

  before(async () => {
    ircd = await startFakeIrcd({ caps: { ...FAKE_CAPS, 'draft/account-registration': '' }, accounts: { other: 'x' } })
    place = await openIrcPlace({ networks: [plain(ircd)] })
    alice = await place.person('alice')
  })
  after(async () => {
    await place?.[Symbol.asyncDispose]()
    await ircd?.[Symbol.asyncDispose]()
  })

  it('make an account there in two steps of a form, and log in with it from then on', async () => {
    const node = 'transport-irc-signup'
    const step = async (values: Readonly<Record<string, string>>) => {
      const form = await alice.command(GATEWAY, node)
      assert.deepEqual([form.types.password, form.types.code], ['text-private', 'text-single'])
      return alice.command(GATEWAY, node, { action: 'next', session: form.session, values })
    }
    await place.ask('connect', { network: NETWORK, person: 'alice@corp.example' })
    const refused = await step({ password: 'correct horse', account: 'other', email: 'alice@corp.example' })
    assert.match(refused.notes.join(), /error.*Not so/)
    const first = await step({ password: 'correct horse', email: 'alice@corp.example' })
    assert.deepEqual([first.values.account, first.values.state], ['alice', 'code'])
    assert.match(JSON.stringify(first), /A mail went to alice@corp\.example.*once more, with the code/)
    const wrong = await step({ code: '1' })
    assert.match(wrong.notes.join(), /error.*Not that one/)
    const second = await step({ code: '271828' })
    assert.deepEqual([second.values.account, second.values.state], ['alice', 'registered'])
    assert.deepEqual(await filesWith(place.world.folder, 'correct horse'), [])
    await place.ask('disconnect', { network: NETWORK, person: 'alice@corp.example' })
    await place.ask('connect', { network: NETWORK, person: 'alice@corp.example' })
    assert.equal(ircd.client('alice')?.account, 'alice')
  })
})
