// SPDX-License-Identifier: Apache-2.0
// What few networks offer, all the way to a client and back, on a made-up one: what it kept, several lines as one, what is taken back, accounts.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { type FakeIrcd, startFakeIrcd } from '../harness/fake-ircd.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { asks, enter, groupchat, type IrcPlace, like, openIrcPlace, plain, roomOf } from './place.ts'

describe('a network that offers more than others', { skip: serverLack() ?? slixmppLack() ?? false }, () => {
  const room = roomOf('#more')
  let ircd: FakeIrcd
  let place: IrcPlace
  let alice: SlixmppClient
  const said = (nick: string, body: string) => like('message', `from="${room}/${nick}"`, `<body>${body}</body>`)
  const idOf = (stanza: string) => /<stanza-id[^>]*\bid="([^"]+)"/.exec(stanza)?.[1] ?? ''
  const lines = (...all: string[]) => ircd.bytes(all.map((line) => `${line}\r\n`).join(''), 'alice')
  /** Commands that the gateway wrote, without their tags. */
  const wrote = (like: RegExp) =>
    (ircd.client('alice')?.lines ?? []).map((line) => line.replace(/^@\S+ /, '')).filter((line) => like.test(line))

  before(async () => {
    ircd = await startFakeIrcd()
    ircd.remember('otto', '#more', 'said before', Date.parse('2026-01-02T03:04:05.678Z'))
    place = await openIrcPlace({ networks: [plain(ircd)] })
    alice = await place.person('alice')
    await enter(alice, room, 'alice')
  })
  after(async () => {
    await place?.[Symbol.asyncDispose]()
    await ircd?.[Symbol.asyncDispose]()
  })

  it('gives what it kept, with the time at which it was said (chathistory, server-time)', async () => {
    assert.match(await alice.wait(said('otto', 'said before')), /<delay[^>]* stamp="2026-01-02T03:04:05\.678Z"/)
    // Of what is said now its word on the time counts too, for who reads it later.
    lines('@time=2026-02-03T04:05:06.789Z;msgid=t1 :otto!o@h PRIVMSG #more :at its time')
    await alice.wait(said('otto', 'at its time'))
    await asks(alice, 'set', room, "<query xmlns='urn:xmpp:mam:2' queryid='q1'/>")
    const kept = await alice.wait(/urn:xmpp:mam:2[\s\S]*<body>at its time/)
    assert.match(kept, /<delay[^>]* stamp="2026-02-03T04:05:06\.789Z"/)
  })

  it('takes several lines as one message, and gives them as one (multiline)', async () => {
    await alice.send(groupchat(room, 'first\n\nlast', 'm1'))
    await alice.wait(like('message', 'id="m1"', '<body>first\n\nlast</body>'))
    assert.equal(wrote(/^BATCH \+\S+ draft\/multiline #more$/).length, 1)
    assert.deepEqual(
      wrote(/^PRIVMSG #more /).map((line) => line.replace(/^PRIVMSG #more :?/, '')),
      ['first', '', 'last'],
    )
    lines(
      '@msgid=m2 :otto!o@h BATCH +x draft/multiline #more',
      '@batch=x :otto!o@h PRIVMSG #more :one',
      '@batch=x :otto!o@h PRIVMSG #more :two ',
      '@batch=x;draft/multiline-concat :otto!o@h PRIVMSG #more :halves',
      ':otto!o@h BATCH -x',
    )
    await alice.wait(said('otto', 'one\ntwo halves'))
  })

  it('takes messages back, of oneself and of others, both ways (REDACT)', async () => {
    await alice.send(groupchat(room, 'oh no', 'r1'))
    const mine = idOf(await alice.wait(said('alice', 'oh no')))
    await alice.send(
      `<message xmlns='jabber:client' type='groupchat' to='${room}' id='r2'><retract xmlns='urn:xmpp:message-retract:1' id='${mine}'/></message>`,
    )
    await alice.wait(like('message', `from="${room}/alice"`, 'urn:xmpp:message-retract:1', mine))
    assert.equal(wrote(/^REDACT #more \S+$/).length, 1)
    const [first, second] = [ircd.say('otto', '#more', 'oops'), ircd.say('eve', '#more', 'rude words')]
    const oops = idOf(await alice.wait(said('otto', 'oops')))
    const rude = idOf(await alice.wait(said('eve', 'rude words')))
    lines(`:otto!o@h REDACT #more ${first}`)
    await alice.wait(like('message', `from="${room}/otto"`, 'urn:xmpp:message-retract:1', oops))
    // XEP-0425: by hand of a moderator, here and there.
    const moderate = "<retract xmlns='urn:xmpp:message-retract:1'/><reason>not here</reason>"
    await asks(alice, 'set', room, `<moderate xmlns='urn:xmpp:message-moderate:1' id='${rude}'>${moderate}</moderate>`)
    assert.deepEqual(wrote(/^REDACT #more /).slice(1), [`REDACT #more ${second} :not here`])
    const third = ircd.say('eve', '#more', 'rude again')
    const again = idOf(await alice.wait(said('eve', 'rude again')))
    lines(`:otto!o@h REDACT #more ${third} :enough`)
    await alice.wait(like('message', `from="${room}"`, '<moderated', again, '<reason>enough</reason>'))
  })

  it('says who somebody is whatever he is called (account-tag, extended-join, account-notify)', async () => {
    const occupant = (stanza: string) => /<occupant-id[^>]*\bid="([^"]+)"/.exec(stanza)?.[1] ?? assert.fail(stanza)
    const speaks = async (nick: string, account: string, words: string) => {
      lines(`@${account === '' ? '' : `account=${account};`}msgid=${words} :${nick}!u@h PRIVMSG #more :${words}`)
      return occupant(await alice.wait(said(nick, words)))
    }
    lines(':ida!u@h JOIN #more ida-there :Ida', ':nobody!u@h JOIN #more * :Somebody')
    const joined = occupant(await alice.wait(like('presence', `from="${room}/ida"`, 'role=')))
    const stranger = occupant(await alice.wait(like('presence', `from="${room}/nobody"`, 'role=')))
    const first = await speaks('ida', 'ida-there', 'a1')
    assert.equal(first, joined)
    assert.equal(await speaks('ida-on-the-way', 'ida-there', 'a2'), first)
    assert.notEqual(await speaks('ida', 'impostor', 'a3'), first)
    assert.notEqual(stranger, first)
    lines(':nobody!u@h ACCOUNT ida-there')
    assert.equal(occupant(await alice.wait(like('presence', `from="${room}/nobody"`, first))), first)
  })
})
