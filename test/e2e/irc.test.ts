// SPDX-License-Identifier: Apache-2.0
// The whole way: people with slixmpp, an XMPP server, transport-irc, InspIRCd, and somebody on a bare socket.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { irc } from '../harness/irc-person.ts'
import { slixmppLack } from '../harness/slixmpp.ts'
import { enter, groupchat, openIrcPlace, plain, roomOf } from '../transport-irc/place.ts'
import { onServers } from './servers.ts'

const ROOM = roomOf('#talk')

onServers('a channel', inspircdLack() ?? slixmppLack(), (server) => {
  it('brings a message from a client to IRC and back, once for everybody', async () => {
    await using ircd = await startInspircd()
    await using place = await openIrcPlace({ server, networks: [plain(ircd)] })
    await using iris = await irc(ircd, 'iris')
    await iris.join('#talk')
    const [alice, bob] = await Promise.all([place.person('alice'), place.person('bob')])
    await Promise.all([enter(alice, ROOM, 'alice'), enter(bob, ROOM, 'bob')])
    assert.deepEqual(await iris.names('#talk'), ['alice', 'bob', 'iris'])
    // From a client to IRC, and back to all clients, under one id.
    await alice.send(groupchat(ROOM, 'hello from XMPP', 'm1'))
    await iris.next(/^:alice!\S+ PRIVMSG #talk :hello from XMPP$/)
    const own = await alice.wait(/<body>hello from XMPP<\/body>/)
    const other = await bob.wait(/<body>hello from XMPP<\/body>/)
    assert.match(own, /id="m1"/)
    assert.match(own, new RegExp(`from="${ROOM}/alice"`))
    const idOf = (stanza: string) =>
      /<stanza-id[^>]* id="([^"]+)"|<stanza-id[^>]*\bid="([^"]+)"/.exec(stanza)?.slice(1).find(Boolean)
    assert.ok(idOf(own))
    assert.equal(idOf(own), idOf(other))
    // And from IRC.
    iris.say('#talk', 'hello from IRC')
    const [a, b] = await Promise.all([alice, bob].map((one) => one.wait(/<body>hello from IRC<\/body>/)))
    assert.match(a ?? '', new RegExp(`from="${ROOM}/iris"`))
    assert.equal(idOf(a ?? ''), idOf(b ?? ''))
    await alice.nothing(/hello from/)
    await bob.nothing(/hello from/)
    assert.equal(iris.heard('#talk').length, 1)
  })
})
