// SPDX-License-Identifier: Apache-2.0
// biome-ignore-all lint/suspicious/noControlCharactersInRegex: CTCP and formatting are made of them
// Channels as rooms (XEP-0045), with slixmpp, Prosody and InspIRCd: who is there, what they may, what they say, and back.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { type Inspircd, inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { type IrcPerson, irc } from '../harness/irc-person.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import {
  asks,
  enter,
  GATEWAY,
  groupchat,
  type IrcPlace,
  like,
  NETWORK,
  openIrcPlace,
  plain,
  refusedOrNot,
  roomOf,
} from './place.ts'

const MUC = 'http://jabber.org/protocol/muc'
const ADMIN = `${MUC}#admin`
const OWNER = `${MUC}#owner`
const CAPS = ['message-tags', 'server-time', 'echo-message', 'batch', 'multi-prefix', 'account-tag', 'away-notify']

describe('rooms on InspIRCd', { skip: serverLack() ?? inspircdLack() ?? slixmppLack() ?? false }, () => {
  let ircd: Inspircd
  let place: IrcPlace
  let alice: SlixmppClient
  let bob: SlixmppClient
  let iris: IrcPerson
  const said = (room: string, nick: string, body: string) =>
    like('message', `from="${room}/${nick}"`, `<body>${body}</body>`)
  const shows = (room: string, nick: string, ...parts: string[]) => like('presence', `from="${room}/${nick}"`, ...parts)
  const idOf = (stanza: string) => /<stanza-id[^>]*\bid="([^"]+)"/.exec(stanza)?.[1] ?? ''

  before(async () => {
    ircd = await startInspircd()
    place = await openIrcPlace({ networks: [plain(ircd, { channels: { allow: ['*'], deny: ['#forbidden*'] } })] })
    ;[alice, bob, iris] = await Promise.all([
      place.person('alice'),
      place.person('bob'),
      irc(ircd, 'iris', { caps: CAPS, user: 'iris' }),
    ])
  })
  after(async () => {
    await iris?.quit()
    await place?.[Symbol.asyncDispose]()
    await ircd?.[Symbol.asyncDispose]()
  })

  it('tells who enters: occupants first, then himself with 110, then what was said, the subject last', async () => {
    const room = roomOf('#order')
    await iris.join('#order')
    iris.send('TOPIC #order :what it is about')
    await iris.fence()
    await enter(bob, room, 'bob')
    iris.say('#order', 'said before')
    await bob.wait(said(room, 'iris', 'said before'))
    await alice.send(`<presence xmlns='jabber:client' to='${room}/alice'><x xmlns='${MUC}'/></presence>`)
    const order: string[] = []
    for (let count = 0; count < 5; count++)
      order.push(await alice.wait(new RegExp(`^<(presence|message)(?=[^>]*from="${room})`), 20))
    const kinds = order.map((stanza) =>
      /code="110"/.test(stanza)
        ? 'self'
        : /<subject/.test(stanza)
          ? 'subject'
          : /<body/.test(stanza)
            ? 'history'
            : 'occupant',
    )
    assert.deepEqual(kinds, ['occupant', 'occupant', 'self', 'history', 'subject'])
    assert.match(order[3] ?? '', /<delay/)
    assert.match(order[4] ?? '', /what it is about/)
    // And when it was set, which the network tells.
    assert.match(order[4] ?? '', /<delay[^>]* stamp="20/)
    assert.match(order[4] ?? '', new RegExp(`from="${room}/iris"`))
  })

  it('shows ranks as roles and affiliations, and changes them by MODE', async () => {
    const room = roomOf('#ranks')
    await iris.join('#ranks')
    await enter(alice, room, 'alice')
    // Who made it is its operator.
    await asks(alice, 'get', room, `<query xmlns='${ADMIN}'><item affiliation='admin'/></query>`).then((answer) =>
      assert.match(answer, /iris/),
    )
    iris.send('MODE #ranks +v alice')
    await alice.wait(shows(room, 'alice', 'affiliation="member"', 'role="participant"'))
    iris.send('MODE #ranks +o alice')
    await alice.wait(shows(room, 'alice', 'affiliation="admin"', 'role="moderator"'))
    await using root = await irc(ircd, 'root3')
    await root.oper(ircd.oper)
    root.send('SAMODE #ranks +q alice')
    await alice.wait(shows(room, 'alice', 'affiliation="owner"', 'role="moderator"'))
    root.send('SAMODE #ranks -q+a alice alice')
    await alice.wait(shows(room, 'alice', 'affiliation="admin"', 'role="moderator"', '<hat'))
    root.send('SAMODE #ranks -ao+h alice alice alice')
    await alice.wait(shows(room, 'alice', 'affiliation="member"', 'role="moderator"'))
    root.send('SAMODE #ranks -h+o alice alice')
    await alice.wait(shows(room, 'alice', 'affiliation="admin"', 'role="moderator"'))
    await enter(bob, room, 'bob')
    const admin = (item: string) => asks(alice, 'set', room, `<query xmlns='${ADMIN}'>${item}</query>`)
    await admin(`<item nick='bob' role='moderator'/>`)
    await iris.next(/ MODE #ranks \+\S+ :?bob$/)
    await bob.wait(shows(room, 'bob', 'role="moderator"'))
    await admin(`<item nick='bob' role='participant'/>`)
    await iris.next(/ MODE #ranks -\S+ :?bob$/)
    await admin(`<item nick='bob' affiliation='member'/>`)
    await iris.next(/ MODE #ranks \+v :?bob$/)
    // Moderated: who has no rank may not speak.
    iris.send('MODE #ranks -v bob', 'MODE #ranks +m')
    await bob.wait(shows(room, 'bob', 'role="visitor"'))
    await bob.send(groupchat(room, 'may I', 'v1'))
    await bob.wait(like('message', 'type="error"', 'id="v1"'))
    await admin(`<item nick='bob' role='participant'/>`)
    await bob.wait(shows(room, 'bob', 'role="participant"'))
  })

  it('says what a channel is to who is in it, also where it was so before anybody of ours came', async () => {
    const room = roomOf('#hushed')
    await iris.join('#hushed')
    iris.send('MODE #hushed +ms-t')
    await iris.fence()
    // What flags the channel has is asked on entering: the answer may come before he is told that he is in.
    const self = await enter(bob, room, 'bob')
    if (!self.includes('role="visitor"')) await bob.wait(shows(room, 'bob', 'role="visitor"'))
    const about = (who: SlixmppClient) =>
      asks(who, 'get', room, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
    const inside = await about(bob)
    for (const feature of ['muc_moderated', 'muc_hidden', 'muc_open', 'muc_unsecured'])
      assert.match(inside, new RegExp(`var="${feature}"`))
    assert.doesNotMatch(inside, /muc_unmoderated|muc_public/)
    assert.match(inside, /var="muc#roominfo_subjectmod"[^>]*><value>1</)
    // Nobody else is told what the network hides.
    assert.doesNotMatch(await about(alice), /muc_hidden|subjectmod/)
    await enter(alice, room, 'alice')
    iris.send('MODE #hushed +o alice')
    await alice.wait(shows(room, 'alice', 'role="moderator"'))
    await asks(alice, 'set', room, `<query xmlns='${ADMIN}'><item nick='bob' role='participant'/></query>`)
    await iris.next(/ MODE #hushed \+v :?bob$/)
    await bob.wait(shows(room, 'bob', 'role="participant"'))
    iris.send('MODE #hushed +t')
    await bob.wait(like('message', 'code="104"'))
    assert.match(await about(bob), /var="muc#roominfo_subjectmod"[^>]*><value>0</)
  })

  it('takes /mode typed in it, from who may; nobody else reads that, and it is for this channel alone', async () => {
    const room = roomOf('#orders')
    await enter(alice, room, 'alice')
    await enter(bob, room, 'bob')
    await iris.join('#orders')
    const order = async (client: SlixmppClient, words: string, id: string) => {
      await client.send(groupchat(room, words, id))
      return client.wait(like('message', `id="${id}"`), 15)
    }
    assert.match(await order(alice, '/mode +t-m', 'o1'), /type="groupchat"/)
    await order(alice, '/MODE #orders +v bob', 'o2')
    await iris.next(/:alice!\S+ MODE #orders \+v :?bob$/)
    await bob.wait(shows(room, 'bob', 'affiliation="member"'))
    await order(alice, '/mode +b *!*@spam.example', 'o3')
    await order(alice, '/mode b', 'o4')
    await alice.wait(like('message', `from="${room}"`, '<body>+b *!*@spam.example'))
    await order(alice, '/mode', 'o5')
    await alice.wait(like('message', `from="${room}"`, '<body>+', 't'))
    for (const [client, words, id] of [
      [bob, '/mode +o bob', 'o6'],
      [alice, '/mode #order +o bob', 'o7'],
      [alice, '/mode +v nobody-of-that-name', 'o8'],
      [alice, '/mode !', 'o9'],
    ] as const)
      assert.match(await order(client, words, id), /type="error"/, words)
    await alice.send(groupchat(room, '/modest words', 'o10'))
    await iris.next(/PRIVMSG #orders :\/modest words$/)
    assert.equal(iris.heard('#orders').length, 1)
    await bob.nothing(/\/mode /)
  })

  it('kicks and bans both ways, with who and why, and lists bans', async () => {
    const room = roomOf('#out')
    await enter(alice, room, 'alice')
    await enter(bob, room, 'bob')
    await iris.join('#out')
    await Promise.all([alice, bob].map((one) => one.wait(shows(room, 'iris'))))
    await asks(
      alice,
      'set',
      room,
      `<query xmlns='${ADMIN}'><item nick='iris' role='none'><reason>enough</reason></item></query>`,
    )
    await iris.next(/ KICK #out iris :?enough$/)
    const kicked = shows(room, 'iris', 'type="unavailable"', 'code="307"', '<reason>enough</reason>')
    await Promise.all([alice.wait(kicked), bob.wait(kicked)])
    await asks(
      alice,
      'set',
      room,
      `<query xmlns='${ADMIN}'><item nick='bob' affiliation='outcast'><reason>no more</reason></item></query>`,
    )
    await bob.wait(shows(room, 'bob', 'type="unavailable"', 'code="301"', 'code="110"'))
    const list = await asks(alice, 'get', room, `<query xmlns='${ADMIN}'><item affiliation='outcast'/></query>`)
    assert.match(list, /affiliation="outcast"/)
    // He may not come back, until he may.
    await bob.send(`<presence xmlns='jabber:client' to='${room}/bob'><x xmlns='${MUC}'/></presence>`)
    await bob.wait(like('presence', 'type="error"', 'forbidden'))
    const mask = /jid="([^"]+)"/.exec(list)?.[1] ?? ''
    await asks(alice, 'set', room, `<query xmlns='${ADMIN}'><item jid='${mask}' affiliation='none'/></query>`)
    await enter(bob, room, 'bob')
    // And the other way: iris comes back and is made operator.
    await iris.join('#out')
    iris.say('#out', 'here again')
    await alice.wait(said(room, 'iris', 'here again'))
    await asks(alice, 'set', room, `<query xmlns='${ADMIN}'><item nick='iris' role='moderator'/></query>`)
    await iris.fence()
    iris.send('KICK #out bob :your turn')
    await bob.wait(shows(room, 'bob', 'type="unavailable"', 'code="307"', 'code="110"', 'your turn'))
    // Who is shut out before he is put out is banned.
    await enter(bob, room, 'bob')
    iris.send('MODE #out +b bob!*@*', 'KICK #out bob :for good')
    const banned = ['type="unavailable"', 'affiliation="outcast"', 'role="none"', 'code="301"', 'for good'] as const
    await bob.wait(shows(room, 'bob', ...banned, 'code="110"'))
    assert.doesNotMatch(await alice.wait(shows(room, 'bob', ...banned)), /code="(?:110|307)"/)
    await bob.send(`<presence xmlns='jabber:client' to='${room}/bob'><x xmlns='${MUC}'/></presence>`)
    await bob.wait(like('presence', `from="${room}/bob"`, 'type="error"', 'forbidden'))
  })

  it('carries what is said to one of them alone, both ways, and links to files', async () => {
    const room = roomOf('#aside')
    await enter(alice, room, 'alice')
    await iris.join('#aside')
    await alice.wait(shows(room, 'iris'))
    await alice.send(
      `<message xmlns='jabber:client' type='chat' to='${room}/iris' id='p1'><body>between us</body><x xmlns='${MUC}#user'/></message>`,
    )
    await iris.next(/:alice!\S+ PRIVMSG iris :between us$/)
    iris.say('alice', 'of course')
    await alice.wait(like('message', `from="${room}/iris"`, 'type="chat"', '<body>of course</body>', `${MUC}#user`))
    await alice.send(
      `<message xmlns='jabber:client' type='chat' to='${room}/nobody-there' id='p2'><body>anybody?</body></message>`,
    )
    await alice.wait(like('message', 'id="p2"', 'type="error"', 'item-not-found'))
    const url = (name: string) => `https://files.corp.example/${name}.png`
    const oob = (name: string) => `<x xmlns='jabber:x:oob'><url>${url(name)}</url></x>`
    await alice.send(groupchat(room, url('plan'), 'f1', oob('plan')))
    await iris.next(/:alice!\S+ PRIVMSG #aside :https:\/\/files\.corp\.example\/plan\.png$/)
    await alice.wait(like('message', `from="${room}/alice"`, 'id="f1"', 'jabber:x:oob', url('plan')))
    iris.say('#aside', url('answer'))
    await alice.wait(like('message', `from="${room}/iris"`, 'jabber:x:oob', `<url>${url('answer')}</url>`))
    // Her own line is echoed to her.
    await iris.next(/:iris!\S+ PRIVMSG #aside :https/)
    assert.deepEqual(iris.heard('#aside'), [
      ['alice', url('plan')],
      ['iris', url('answer')],
    ])
    assert.deepEqual(iris.heard('iris'), [['alice', 'between us']])
  })

  it('changes nicks both ways (303), refuses one that is taken, and gives the one he has elsewhere (210)', async () => {
    const room = roomOf('#nicks')
    await iris.join('#nicks')
    const carol = await place.person('carol')
    const coming = [irc(ircd, 'nora'), irc(ircd, 'root4')] as const
    await enter(carol, room, 'carol')
    await using nora = await coming[0]
    await using root = await coming[1]
    await nora.join('#nicks')
    await carol.wait(shows(room, 'nora'))
    nora.send('NICK nelly')
    await carol.wait(shows(room, 'nora', 'type="unavailable"', 'code="303"', 'nick="nelly"'))
    await carol.wait(shows(room, 'nelly'))
    await carol.send(`<presence xmlns='jabber:client' to='${room}/caroline'/>`)
    await carol.wait(shows(room, 'carol', 'type="unavailable"', 'code="303"', 'code="110"', 'nick="caroline"'))
    await carol.wait(shows(room, 'caroline', 'code="110"'))
    await iris.next(/:carol(ine)?!\S+ NICK :?caroline$/)
    await carol.send(`<presence xmlns='jabber:client' to='${room}/iris'/>`)
    await carol.wait(like('presence', `from="${room}/iris"`, 'type="error"', '<error type="cancel"><conflict'))
    // What the network itself calls somebody he did not ask for (210).
    await root.oper(ircd.oper)
    root.send('SANICK caroline guest4711')
    await carol.wait(shows(room, 'caroline', 'type="unavailable"', 'code="303"', 'code="110"', 'nick="guest4711"'))
    await carol.wait(shows(room, 'guest4711', 'code="110"', 'code="210"'))
    await carol.send(`<presence xmlns='jabber:client' to='${room}/caroline'/>`)
    await carol.wait(shows(room, 'guest4711', 'type="unavailable"', 'code="303"', 'code="110"', 'nick="caroline"'))
    assert.doesNotMatch(await carol.wait(shows(room, 'caroline', 'code="110"')), /code="210"/)
    assert.deepEqual(await iris.names('#nicks'), ['caroline', 'iris', 'nelly'])
    // A nick is one for the whole network: who enters elsewhere under another is told the one he has (210).
    const other = roomOf('#nicks2')
    await carol.send(`<presence xmlns='jabber:client' to='${other}/somebody'><x xmlns='${MUC}'/></presence>`)
    await carol.wait(like('presence', `from="${other}/caroline"`, 'code="210"', 'code="110"'))
    await carol.logout()
  })

  it('takes []\\ for {}| as the server does (CASEMAPPING rfc1459): rooms, occupants, private messages and ranks', async () => {
    const room = roomOf('#odd[a]\\b')
    const other = roomOf('#ODD{a}|B')
    await using odd = await irc(ircd, 'Odd[n]\\x')
    await odd.join('#odd[a]\\b')
    await enter(alice, room, 'alice')
    await alice.wait(shows(room, 'Odd[n]\\x'))
    await bob.send(`<presence xmlns='jabber:client' to='${other}/bob'><x xmlns='${MUC}'/></presence>`)
    await bob.wait(like('presence', '/bob"', 'code="110"'), 20)
    await alice.wait(shows(room, 'bob'))
    assert.deepEqual(await odd.names('#odd{a}|b'), ['Odd[n]\\x', 'alice', 'bob'])
    await bob.send(groupchat(other, 'by the other name', 'odd1'))
    await odd.next(/:bob!\S+ PRIVMSG \S+ :by the other name$/)
    await alice.wait(said(room, 'bob', 'by the other name'))
    // One person, by the room and by himself.
    await alice.send(
      `<message xmlns='jabber:client' type='chat' to='${other}/oDD{N}|X' id='odd2'><body>by the room</body><x xmlns='${MUC}#user'/></message>`,
    )
    await odd.next(/:alice!\S+ PRIVMSG Odd\[n\]\\x :by the room$/i)
    odd.say('alice', 'back by the room')
    await alice.wait(like('message', `from="${room}/Odd[n]\\x"`, '<body>back by the room</body>'))
    await bob.send(
      `<message xmlns='jabber:client' type='chat' to='${roomOf('odd{n}|X')}' id='odd3'><body>alone</body></message>`,
    )
    await odd.next(/:bob!\S+ PRIVMSG \S+ :alone$/)
    await bob.send(`<presence xmlns='jabber:client' to='${room}/oDD{n}|X'/>`)
    await bob.wait(like('presence', 'type="error"', '<conflict'))
    odd.send('MODE #odd{a}|b +o ALICE')
    await alice.wait(shows(room, 'alice', 'role="moderator"'))
    await asks(alice, 'set', other, `<query xmlns='${ADMIN}'><item nick='odd{N}|x' role='none'/></query>`)
    await odd.next(/:alice!\S+ KICK #odd\S+ Odd\[n\]\\x /i)
    await alice.wait(shows(room, 'Odd[n]\\x', 'type="unavailable"', 'code="307"'))
    // InspIRCd says rfc1459, and knows ~ and ^ apart all the same: these are two channels.
    await Promise.all([iris.join('#odd~'), odd.join('#odd^')])
    await enter(alice, roomOf('#odd~'), 'alice')
    await enter(bob, roomOf('#odd^'), 'bob')
    await alice.send(groupchat(roomOf('#odd^'), 'not in there', 'odd4'))
    await alice.wait(like('message', 'id="odd4"', 'type="error"', '<not-acceptable'))
    iris.say('#odd~', 'with the tilde')
    await alice.wait(said(roomOf('#odd~'), 'iris', 'with the tilde'))
    odd.say('#odd^', 'with the hat')
    await bob.wait(said(roomOf('#odd^'), odd.nick, 'with the hat'))
    assert.deepEqual(await iris.names('#odd~'), ['alice', 'iris'])
    assert.deepEqual(await odd.names('#odd^'), [odd.nick, 'bob'])
  })

  it('has the topic as its subject, both ways', async () => {
    const room = roomOf('#topic')
    await iris.join('#topic')
    await enter(alice, room, 'alice')
    iris.send('MODE #topic -t', 'TOPIC #topic :from IRC')
    await alice.wait(like('message', `from="${room}/iris"`, '<subject>from IRC</subject>'))
    await alice.send(
      `<message xmlns='jabber:client' type='groupchat' to='${room}'><subject>from XMPP</subject></message>`,
    )
    await iris.next(/:alice!\S+ TOPIC #topic :from XMPP$/)
    await alice.wait(like('message', `from="${room}/alice"`, '<subject>from XMPP</subject>'))
  })

  it('takes the key as the password, and lets nobody in without it', async () => {
    const room = roomOf('#locked')
    await iris.join('#locked')
    await iris.ask('MODE #locked +k sesame', / MODE /)
    await alice.send(`<presence xmlns='jabber:client' to='${room}/alice'><x xmlns='${MUC}'/></presence>`)
    await alice.wait(like('presence', 'type="error"', 'not-authorized'))
    await enter(alice, room, 'alice', '<password>sesame</password>')
    await bob.send(
      `<presence xmlns='jabber:client' to='${roomOf('#forbidden-one')}/bob'><x xmlns='${MUC}'/></presence>`,
    )
    await bob.wait(like('presence', 'type="error"', 'forbidden', 'may not be entered from here'))
  })

  it('shows its flags as a form, and sets them by it', async () => {
    const room = roomOf('#form')
    await enter(alice, room, 'alice')
    await iris.join('#form')
    const form = await asks(alice, 'get', room, `<query xmlns='${OWNER}'/>`)
    assert.match(form, /muc#roomconfig_moderatedroom/)
    assert.match(form, /muc#roomconfig_roomsecret/)
    const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`
    await asks(
      alice,
      'set',
      room,
      `<query xmlns='${OWNER}'><x xmlns='jabber:x:data' type='submit'>${field('FORM_TYPE', `${MUC}#roomconfig`)}${field('muc#roomconfig_moderatedroom', '1')}${field('muc#roomconfig_passwordprotectedroom', '1')}${field('muc#roomconfig_roomsecret', 'sesame')}${field('muc#roomconfig_maxusers', '20')}</x></query>`,
    )
    const mode = await iris.next(/ MODE #form \S*k/)
    assert.match(mode, /m/)
    assert.match(mode, /sesame/)
    await alice.wait(like('message', `from="${room}"`, 'code="104"'))
  })

  it('invites both ways', async () => {
    const room = roomOf('#invited')
    await enter(alice, room, 'alice')
    await alice.send(
      `<message xmlns='jabber:client' to='${room}'><x xmlns='${MUC}#user'><invite to='iris%${NETWORK}@${GATEWAY}'/></x></message>`,
    )
    await iris.next(/:alice!\S+ INVITE iris :?#invited$/)
    await enter(bob, roomOf('#elsewhere'), 'bob')
    await iris.join('#mine')
    iris.send('INVITE bob #mine')
    await bob.wait(like('message', roomOf('#mine'), 'invite'))
  })

  it('lists channels page by page', async () => {
    await Promise.all(['#page1', '#page2', '#page3'].map((channel) => iris.join(channel)))
    const ask = (set: string) =>
      asks(
        bob,
        'get',
        `${NETWORK}@${GATEWAY}`,
        `<query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='http://jabber.org/protocol/rsm'>${set}</set></query>`,
      )
    await enter(bob, roomOf('#page1'), 'bob')
    const first = await ask('<max>2</max>')
    assert.equal(first.match(/<item /g)?.length, 2)
    const last = /<last>([^<]+)<\/last>/.exec(first)?.[1] ?? ''
    const second = await ask(`<max>50</max><after>${last}</after>`)
    const all = `${first}${second}`
    for (const channel of ['#page1', '#page2', '#page3']) assert.ok(all.includes(roomOf(channel)), channel)
    assert.ok(!second.includes(`jid="${last}"`))
  })

  it('gives what was said to who asks for it: by MAM, and as much as he wants when he enters', async () => {
    const room = roomOf('#history')
    await enter(alice, room, 'alice')
    await iris.join('#history')
    for (const text of ['one', 'two', 'three']) iris.say('#history', text)
    const third = await alice.wait(said(room, 'iris', 'three'))
    await alice.send(
      `<iq xmlns='jabber:client' type='set' id='mam1' to='${room}'><query xmlns='urn:xmpp:mam:2' queryid='q'><set xmlns='http://jabber.org/protocol/rsm'><max>2</max><before/></set></query></iq>`,
    )
    const results = [await alice.wait(/urn:xmpp:mam:2.*<body>two/s), await alice.wait(/urn:xmpp:mam:2.*<body>three/s)]
    await alice.wait(like('iq', 'id="mam1"', 'fin'))
    // The archive and the room give one message one id.
    assert.ok(results[1]?.includes(`id="${idOf(third)}"`))
    await bob.send(
      `<presence xmlns='jabber:client' to='${room}/bob'><x xmlns='${MUC}'><history maxstanzas='1'/></x></presence>`,
    )
    await bob.wait(like('presence', `from="${room}/bob"`, 'code="110"'), 20)
    await bob.wait(said(room, 'iris', 'three'))
    await bob.wait(like('message', `from="${room}`, '<subject'))
    await bob.nothing(/<body>(one|two)<\/body>/)
  })

  it('takes over once what the network kept of a channel while nobody of ours was there', async () => {
    const room = roomOf('#kept')
    await iris.join('#kept')
    // InspIRCd plays back what was said to whoever comes in.
    iris.send('MODE #kept +H 50:1d')
    iris.say('#kept', 'first')
    await iris.fence()
    await enter(alice, room, 'alice')
    await alice.wait(said(room, 'iris', 'first'))
    await alice.send(groupchat(room, 'mine', 'k1'))
    await iris.next(/:alice!\S+ PRIVMSG #kept :mine$/)
    await alice.wait(said(room, 'alice', 'mine'))
    await using oper = await irc(ircd, 'root2')
    await oper.oper(ircd.oper)
    oper.send('KILL alice :for the test')
    await iris.next(/:alice!\S+ QUIT/)
    iris.say('#kept', 'missed')
    await iris.next(/:alice!\S+ JOIN :?#kept$/, 30)
    await alice.wait(said(room, 'iris', 'missed'))
    iris.say('#kept', 'live')
    await alice.wait(said(room, 'iris', 'live'))
    const fin = await asks(alice, 'set', room, `<query xmlns='urn:xmpp:mam:2'/>`)
    assert.match(fin, /<count>4<\/count>/)
    for (const text of ['first', 'mine', 'missed', 'live'])
      await alice.wait(new RegExp(`urn:xmpp:mam:2.*<body>${text}<`, 's'))
  })

  it('knows people over their nicks, and answers a self-ping itself', async () => {
    const room = roomOf('#ids')
    await enter(alice, room, 'alice')
    await iris.join('#ids')
    iris.say('#ids', 'first')
    iris.say('#ids', 'second')
    const occupant = (stanza: string) => /<occupant-id[^>]*\bid="([^"]+)"/.exec(stanza)?.[1]
    const [first, second] = [
      await alice.wait(said(room, 'iris', 'first')),
      await alice.wait(said(room, 'iris', 'second')),
    ]
    assert.ok(occupant(first))
    assert.equal(occupant(first), occupant(second))
    assert.notEqual(idOf(first), idOf(second))
    await asks(alice, 'get', `${room}/alice`, `<ping xmlns='urn:xmpp:ping'/>`)
    assert.match(await refusedOrNot(bob, 'get', `${room}/alice`, `<ping xmlns='urn:xmpp:ping'/>`), /not-acceptable/)
    assert.ok(!iris.lines.some((line) => /PING/.test(line) && /alice/.test(line)))
  })

  it('is one connection for all clients of a person, and forgets a client that cannot be reached', async () => {
    const room = roomOf('#clients')
    await iris.join('#clients')
    const phone = await place.person('alice', 'phone')
    await enter(alice, room, 'alice')
    await enter(phone, room, 'alice')
    assert.deepEqual(await iris.names('#clients'), ['alice', 'iris'])
    await phone.send(groupchat(room, 'from the phone', 'p1'))
    await Promise.all([
      alice.wait(said(room, 'alice', 'from the phone')),
      phone.wait(said(room, 'alice', 'from the phone')),
    ])
    await iris.next(/:alice!\S+ PRIVMSG #clients :from the phone$/)
    // A client that is gone without a word is noticed by the errors that come back.
    await phone.break()
    iris.say('#clients', 'who is there')
    await alice.wait(said(room, 'iris', 'who is there'))
    iris.say('#clients', 'still')
    await alice.wait(said(room, 'iris', 'still'))
    assert.deepEqual(await iris.names('#clients'), ['alice', 'iris'])
    await alice.send(
      `<presence xmlns='jabber:client' type='unavailable' to='${room}/alice'><status>off</status></presence>`,
    )
    await alice.wait(shows(room, 'alice', 'type="unavailable"', 'code="110"'))
    await iris.next(/:alice!\S+ PART #clients/)
  })

  it('carries emphasis, /me and long texts, cut between letters', async () => {
    const room = roomOf('#texts')
    await enter(alice, room, 'alice')
    await iris.join('#texts')
    iris.say('#texts', '\u0002bold\u0002 and \u000304,01red\u0003')
    await alice.wait(said(room, 'iris', '*bold* and red'))
    iris.say('#texts', '\u0001ACTION waves\u0001')
    await alice.wait(said(room, 'iris', '/me waves'))
    await alice.send(groupchat(room, '/me waves back', 'a1'))
    await iris.next(/PRIVMSG #texts :\u0001ACTION waves back\u0001$/)
    await alice.send(groupchat(room, '*strong* words', 'a2'))
    await iris.next(/PRIVMSG #texts :\u0002strong\u0002 words$/)
    const long = 'ä€😀'.repeat(150)
    await alice.send(groupchat(room, long, 'a3'))
    let heard = ''
    while (heard.length < long.length) heard += (await iris.next(/PRIVMSG #texts :[ä€😀]+$/u)).replace(/^.* :/, '')
    assert.equal(heard, long)
    await alice.send(groupchat(room, 'line one\nline two', 'a4'))
    await iris.next(/PRIVMSG #texts :line one$/)
    await iris.next(/PRIVMSG #texts :line two$/)
    iris.say('#texts', '\u0001VERSION\u0001')
    iris.send('PRIVMSG alice :\u0001VERSION\u0001')
    await iris.next(/NOTICE iris :\u0001VERSION Gatehouse/)
    iris.send('PRIVMSG alice :\u0001PING 12345 67\u0001')
    await iris.next(/NOTICE iris :\u0001PING 12345 67\u0001$/)
  })

  it('carries replies, reactions and typing as tags', async () => {
    const room = roomOf('#tags')
    await enter(alice, room, 'alice')
    await iris.join('#tags')
    iris.say('#tags', 'a question')
    const asked = await alice.wait(said(room, 'iris', 'a question'))
    const line = await iris.next(/:iris!\S+ PRIVMSG #tags :a question$/)
    const msgid = /msgid=([^; ]+)/.exec(line)?.[1] ?? ''
    assert.ok(msgid)
    await alice.send(
      groupchat(room, 'an answer', 'r1', `<reply xmlns='urn:xmpp:reply:0' to='${room}/iris' id='${idOf(asked)}'/>`),
    )
    const reply = await iris.next(/:alice!\S+ PRIVMSG #tags :an answer$/)
    assert.match(reply, new RegExp(`\\+draft/reply=${msgid}`))
    await alice.send(
      `<message xmlns='jabber:client' type='groupchat' to='${room}' id='r2'><reactions xmlns='urn:xmpp:reactions:0' id='${idOf(asked)}'><reaction>👍</reaction></reactions><body>For old clients: 👍</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'><body/></fallback></message>`,
    )
    const react = await iris.next(/:alice!\S+ TAGMSG :?#tags$/)
    assert.match(react, /\+draft\/react=👍/)
    await alice.send(
      `<message xmlns='jabber:client' type='groupchat' to='${room}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
    await iris.next(/\+typing=active.* TAGMSG :?#tags$/)
    // And the other way.
    iris.send(`@+draft/reply=${msgid} PRIVMSG #tags :my own answer`)
    const theirs = await alice.wait(like('message', `from="${room}/iris"`, 'my own answer', 'urn:xmpp:reply:0'))
    assert.ok(theirs.includes(`id="${idOf(asked)}"`))
    // XEP-0428: what is only for clients that know of no answers is marked as such.
    assert.match(theirs, /<body>&gt; a question\nmy own answer<\/body>/)
    assert.match(
      theirs,
      /<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body (?=[^>]*start="0")(?=[^>]*end="13")[^>]*>/,
    )
    iris.send(`@+draft/react=🎉;+draft/reply=${msgid} TAGMSG #tags`)
    await alice.wait(like('message', `from="${room}/iris"`, 'urn:xmpp:reactions:0', '🎉', idOf(asked)))
    iris.send('@+typing=active TAGMSG #tags')
    await alice.wait(like('message', `from="${room}/iris"`, '<composing'))
    assert.deepEqual(
      iris.heard('#tags').filter(([nick]) => nick === 'alice'),
      [['alice', 'an answer']],
    )
  })

  it('marks a correction as people there do', async () => {
    const room = roomOf('#corrected')
    await enter(alice, room, 'alice')
    await iris.join('#corrected')
    await alice.send(groupchat(room, 'teh word', 'c1'))
    await iris.next(/PRIVMSG #corrected :teh word$/)
    await alice.wait(said(room, 'alice', 'teh word'))
    await alice.send(groupchat(room, 'the word', 'c2', `<replace xmlns='urn:xmpp:message-correct:0' id='c1'/>`))
    await iris.next(/PRIVMSG #corrected :\* the word$/)
    await alice.wait(like('message', `from="${room}/alice"`, 'the word', 'urn:xmpp:message-correct:0'))
  })

  it('says that encryption ends here, and delivers nothing', async () => {
    const room = roomOf('#secret')
    await enter(alice, room, 'alice')
    await iris.join('#secret')
    await alice.send(
      groupchat(
        room,
        'I sent you an OMEMO encrypted message',
        'e1',
        `<encrypted xmlns='eu.siacs.conversations.axolotl'/>`,
      ),
    )
    await alice.wait(like('message', 'type="error"', 'id="e1"', 'not-acceptable'))
    await alice.send(groupchat(room, 'in the open', 'e2'))
    await iris.next(/PRIVMSG #secret :in the open$/)
    assert.deepEqual(
      iris.heard('#secret').map(([, text]) => text),
      ['in the open'],
    )
  })

  it('has a card of who is there, of what WHOIS says', async () => {
    const room = roomOf('#cards')
    await using carla = await irc(ircd, 'carla', { realname: 'Carla \u0002the\u0002 <First>' })
    await carla.join('#cards')
    await enter(alice, room, 'alice')
    for (const to of [`${room}/carla`, roomOf('carla')]) {
      const card = await asks(alice, 'get', to, "<vCard xmlns='vcard-temp'/>")
      assert.match(card, /<FN>Carla the &lt;First&gt;<\/FN><NICKNAME>carla<\/NICKNAME>/)
      assert.match(card, /Shown there as: carla!\S+@\S+[\s\S]*Server: \S+[\s\S]*Rooms: #cards/)
    }
    const ns = 'urn:ietf:params:xml:ns:vcard-4.0'
    assert.match(await asks(alice, 'get', roomOf('carla'), `<vcard xmlns='${ns}'/>`), /<fn><text>Carla the/)
  })

  it('finds people of the network by parts of what it shows of them', async () => {
    await using gerta = await irc(ircd, 'Gerta', { realname: 'Gerta the \u0002Gardener\u0002', user: 'gert' })
    await using gerd = await irc(ircd, 'gerd', { realname: 'Gerd Gardener', user: 'gerd' })
    await Promise.all([gerta.fence(), gerd.fence()])
    const to = `${NETWORK}@${GATEWAY}`
    const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`
    const search = (...fields: string[]) =>
      asks(
        alice,
        'set',
        to,
        `<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'>${fields.join('')}</x></query>`,
      )
    const found = (answer: string) => [...answer.matchAll(/<value>([^<]*)%irc/g)].map(([, nick]) => nick).sort()
    assert.match(await asks(alice, 'get', to, "<query xmlns='jabber:iq:search'/>"), /<nick \/>[\s\S]*var="x-name"/)
    assert.deepEqual(found(await search(field('nick', 'GER'))), ['gerd', 'gerta'])
    const named = await search(field('x-name', 'the gardener'))
    assert.deepEqual(found(named), [])
    const gardeners = await search(field('x-name', 'gardener'))
    assert.deepEqual(found(gardeners), ['gerd', 'gerta'])
    assert.match(gardeners, /<value>Gerta the Gardener<\/value>/)
    assert.deepEqual(found(await search(field('nick', 'ger'), field('x-host', 'gert@'))), ['gerta'])
    assert.deepEqual(found(await search(field('nick', 'nobody-of-that-name'))), [])
    const plain = await asks(alice, 'set', to, "<query xmlns='jabber:iq:search'><nick>gerd</nick></query>")
    assert.match(plain, new RegExp(`<item jid="gerd%${NETWORK}@${GATEWAY}"><first ?/?>`))
    assert.match(await refusedOrNot(alice, 'set', to, "<query xmlns='jabber:iq:search'/>"), /not-acceptable/)
  })

  it('shows who is away, both ways', async () => {
    const room = roomOf('#away')
    await enter(alice, room, 'alice')
    await iris.join('#away')
    await alice.wait(shows(room, 'iris'))
    iris.send('AWAY :at lunch')
    await alice.wait(shows(room, 'iris', '<show>away</show>', 'at lunch'))
    iris.send('AWAY')
    await alice.wait(like('presence', `from="${room}/iris"`, 'affiliation'))
    await alice.send(
      `<presence xmlns='jabber:client' to='${room}/alice'><show>away</show><status>gone fishing</status></presence>`,
    )
    await iris.next(/:alice!\S+ AWAY :gone fishing$/)
    // And so she is in the room, by her own connection.
    await alice.wait(shows(room, 'alice', '<show>away</show>', 'gone fishing'))
    await alice.send(`<presence xmlns='jabber:client' to='${room}/alice'/>`)
    await iris.next(/:alice!\S+ AWAY$/)
    await alice.wait(new RegExp(`^<presence(?![\\s\\S]*<show>)[^>]*from="${room}/alice"`))
  })
})
