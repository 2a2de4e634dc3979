// SPDX-License-Identifier: Apache-2.0
// A network without IRCv3 (ngIRCd): what a room is like there, and what stands in the place of tags.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { irc } from '../harness/irc-person.ts'
import { ngircdLack, startNgircd } from '../harness/ngircd.ts'
import { slixmppLack } from '../harness/slixmpp.ts'
import { asks, enter, groupchat, like, openIrcPlace, plain, roomOf } from './place.ts'

describe('rooms on ngIRCd', { skip: serverLack() ?? ngircdLack() ?? slixmppLack() ?? false }, () => {
  it('carries messages, names, replies and reactions in words, where the network has no tags', async () => {
    await using ircd = await startNgircd()
    await using place = await openIrcPlace({ networks: [plain(ircd)], settings: { only: 'irc.gatehouse.test' } })
    const room = '#talk@irc.corp.example'
    await using iris = await irc(ircd, 'iris')
    await iris.join('#talk')
    const alice = await place.person('alice')
    await enter(alice, room, 'Alice')
    iris.say('#talk', 'a question')
    const asked = await alice.wait(like('message', `from="${room}/iris"`, '<body>a question</body>'))
    const id = /<stanza-id[^>]*\bid="([^"]+)"/.exec(asked)?.[1] ?? ''
    await alice.send(groupchat(room, 'plain', 'n1'))
    await iris.next(/:Alice!\S+ PRIVMSG #talk :plain$/)
    await alice.wait(like('message', 'id="n1"', `from="${room}/Alice"`))
    await alice.send(
      groupchat(room, 'an answer', 'n2', `<reply xmlns='urn:xmpp:reply:0' to='${room}/iris' id='${id}'/>`),
    )
    await iris.next(/:Alice!\S+ PRIVMSG #talk :iris: “a question” an answer$/)
    // What a client repeats for those who know of no answers (XEP-0428) is not said twice.
    await alice.send(
      groupchat(
        room,
        '> a question\nonce more',
        'n4',
        `<reply xmlns='urn:xmpp:reply:0' to='${room}/iris' id='${id}'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='13'/></fallback>`,
      ),
    )
    await iris.next(/:Alice!\S+ PRIVMSG #talk :iris: “a question” once more$/)
    // That somebody types has no words: nothing is said of it, there or to who types.
    for (const id of ['n2', 'n4']) await alice.wait(like('message', `id="${id}"`, `from="${room}/Alice"`))
    const before = iris.lines.length
    for (const state of ['composing', 'paused'])
      await alice.send(
        `<message xmlns='jabber:client' type='groupchat' to='${room}' id='${state}'><${state} xmlns='http://jabber.org/protocol/chatstates'/></message>`,
      )
    await alice.send(groupchat(room, 'typed', 'n5'))
    await iris.next(/:Alice!\S+ PRIVMSG #talk :typed$/)
    assert.deepEqual(
      iris.lines.slice(before).map((line) => line.replace(/^:Alice!\S+ /, '')),
      ['PRIVMSG #talk :typed'],
    )
    // The next that comes from the gateway at all is the room's own copy of it.
    assert.match(await alice.wait(/^<(?:message|iq)[^>]*irc\.corp\.example/), /^<message[^>]* id="n5"/)
    await alice.send(
      `<message xmlns='jabber:client' type='groupchat' to='${room}' id='n3'><reactions xmlns='urn:xmpp:reactions:0' id='${id}'><reaction>👍</reaction></reactions></message>`,
    )
    await iris.next(/PRIVMSG #talk :.ACTION reacts with 👍 to “a question”/)
    assert.deepEqual(await iris.names('#talk'), ['Alice', 'iris'])
    // Without WHOX the server compares with all it knows, and what was asked for is compared here.
    const search = (nick: string) =>
      asks(alice, 'set', 'irc.corp.example', `<query xmlns='jabber:iq:search'><nick>${nick}</nick></query>`)
    assert.match(await search('RI'), /<query[^>]*><item jid="iris@irc\.corp\.example">(?:(?!<item).)*<\/query>/)
    assert.match(await search('127'), /<query xmlns="jabber:iq:search" ?\/>/)
    // Both spellings of the address are the same room, and upper case is the same name (CASEMAPPING ascii).
    const long = roomOf('#TALK')
    const phone = await place.person('alice', 'phone')
    await phone.send(
      `<presence xmlns='jabber:client' to='${long}/Alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
    await phone.wait(like('presence', '/Alice"', 'code="110"'))
    assert.deepEqual(await iris.names('#talk'), ['Alice', 'iris'])
  })
})
