// SPDX-License-Identifier: Apache-2.0
// What people do for themselves on a network beyond talking, on a made-up server that lets them: an account of their own; and who of the
// company may, where the settings name groups.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openSnapshotWriter } from '../../components/kit/bus/file-snapshot.ts'
import type { SnapshotWriter } from '../../components/kit/bus/snapshot.ts'
import { writeItem } from '../../components/kit/facts/people.ts'
import { untilHolds } from '../../deploy/demo/until.ts'
import { serverLack } from '../e2e/servers.ts'
import { FAKE_CAPS, type FakeIrcd, startFakeIrcd } from '../harness/fake-ircd.ts'
import { filesWith } from '../harness/files-with.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { itemsOf } from '../policy/people.ts'
import {
  asks,
  enter,
  GATEWAY,
  type IrcPlace,
  like,
  NETWORK,
  openIrcPlace,
  plain,
  refusedOrNot,
  roomOf,
} from './place.ts'

describe('people on a network, by themselves', { skip: serverLack() ?? slixmppLack() ?? false }, () => {
  let ircd: FakeIrcd
  let place: IrcPlace
  let directory: SnapshotWriter
  let alice: SlixmppClient
  /** Who is in the group, as the directory publishes it; resolves when it is in force. */
  const members = async (...names: string[]) => {
    const cast = Object.fromEntries(names.map((name) => [`${name}@corp.example`, { groups: ['Chat'] }]))
    await directory.replace(itemsOf({ ...cast, 'eve@corp.example': { groups: ['Other'] } }).map(writeItem))
    await place.transport.logged(({ event, count }) => event === 'members in force' && count === names.length)
  }

  before(async () => {
    ircd = await startFakeIrcd({ caps: { ...FAKE_CAPS, 'draft/account-registration': '' }, accounts: { other: 'x' } })
    place = await openIrcPlace({ networks: [plain(ircd)], settings: { groups: ['chat'] } })
    directory = await openSnapshotWriter(join(place.world.journal, '..', 'directory'))
    await members('alice')
    alice = await place.person('alice')
  })
  after(async () => {
    await directory?.[Symbol.asyncDispose]()
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

  it('only as members of a group of the settings: nobody else registers, keeps a login, connects, enters a room or writes; put in he may, put out he may no more', async () => {
    const bob = await place.person('bob')
    const refused = /type="error"[\s\S]*<error type="auth"><forbidden[\s\S]*This gateway is not for you/
    const register = (nick: string) => `<query xmlns='jabber:iq:register'><nick>${nick}</nick></query>`
    const into = (room: string, nick: string) =>
      `<presence xmlns='jabber:client' to='${roomOf(room)}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
    assert.match(await refusedOrNot(bob, 'get', GATEWAY, "<query xmlns='jabber:iq:register'/>"), refused)
    assert.match(await refusedOrNot(bob, 'set', GATEWAY, register('bob')), refused)
    await bob.send(into('#closed', 'bob'))
    assert.match(await bob.wait(like('presence', `from="${roomOf('#closed')}/bob"`)), refused)
    const contact = `other%${NETWORK}@${GATEWAY}`
    await bob.send(`<presence xmlns='jabber:client' type='subscribe' to='${contact}'/>`)
    assert.match(await bob.wait(like('presence', `from="${contact}"`)), refused)
    await bob.send(`<message xmlns='jabber:client' type='chat' to='${contact}' id='o1'><body>hello</body></message>`)
    assert.match(await bob.wait(like('message', 'id="o1"')), refused)
    const steps: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      connect: {},
      nick: { nick: 'bob' },
      password: { password: 'in vain' },
      certificate: {},
      signup: { password: 'in vain' },
      settings: { name: 'Bob' },
      contact: { nick: 'other' },
      room: { room: '#closed', stay: 'yes' },
    }
    for (const [name, values] of Object.entries(steps)) {
      const { session } = await bob.command(GATEWAY, `transport-irc-${name}`)
      const told = await bob.command(GATEWAY, `transport-irc-${name}`, { action: 'complete', session, values })
      assert.match(JSON.stringify(told.notes), /error.*This gateway is not for you/, name)
    }
    await bob.send(`<message xmlns='jabber:client' type='chat' to='${GATEWAY}'><body>nick bob</body></message>`)
    await bob.wait(like('message', `from="${GATEWAY}"`, 'This gateway is not for you'))
    // Nor by an operator.
    for (const command of ['connect', 'certificate'])
      await assert.rejects(place.ask(command, { network: NETWORK, person: 'bob@corp.example' }), /not for you/, command)
    assert.deepEqual(
      (await place.ask('settings', { network: NETWORK, person: 'bob@corp.example' })).flatMap(({ what, value }) =>
        value === null || value === 0 ? [] : [what],
      ),
      ['network'],
    )
    assert.equal(ircd.client('bob'), undefined)

    await asks(alice, 'set', GATEWAY, register('alice'))
    await enter(alice, roomOf('#open'), 'alice')
    assert.deepEqual(await place.ask('registered'), [{ person: 'alice@corp.example', network: NETWORK }])

    await members('alice', 'bob')
    await asks(bob, 'set', GATEWAY, register('bob'))
    await enter(bob, roomOf('#open'), 'bob')
    assert.equal(ircd.client('bob')?.nick, 'bob')

    await members('bob', 'carol', 'dora')
    // Who is no more among them is let go: now and then, and when settings are read again.
    place.transport.kill('SIGHUP')
    await alice.wait(like('presence', `from="${roomOf('#open')}/alice"`, 'type="unavailable"', 'code="110"'))
    await bob.wait(like('presence', `from="${roomOf('#open')}/alice"`, 'type="unavailable"'))
    // His connection ends a moment later, when he has left the channel.
    await untilHolds(async () => assert.equal(ircd.client('alice'), undefined))
    await alice.send(into('#open', 'alice'))
    assert.match(await alice.wait(like('presence', `from="${roomOf('#open')}/alice"`, 'type="error"')), refused)
    // He may still leave it.
    await asks(alice, 'set', GATEWAY, "<query xmlns='jabber:iq:register'><remove/></query>")
    assert.deepEqual(await place.ask('registered'), [{ person: 'bob@corp.example', network: NETWORK }])
  })
})
