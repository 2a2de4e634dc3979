// SPDX-License-Identifier: Apache-2.0
// What is said in rooms of another network, both ways: replies, reactions, corrections, retractions, typing, links, private messages,
// invitations; what is refused, and what the rules made of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Asking } from '../../../components/kit/transport/rooms/house.ts'
import { calm, delivering, GATEWAY, room, type Stand, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const BERT = 'bert@corp.example/desk'
const R = room('#tea')
const idOf = (xml: string) => /<stanza-id [^>]*id='([^']+)'/.exec(xml)?.[1] ?? ''
const attr = (xml: string) => xml.replaceAll('"', "'")

async function both(at: Stand): Promise<void> {
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  await at.enter(BERT, '#tea', 'bert')
}

/** What the adapter was handed last. */
const handed = (at: Stand) =>
  JSON.parse((at.net.done.findLast((one) => one.includes(' in #tea: ')) ?? '').replace(/^.*? in #tea: /, '') || '{}')

test('XEP-0461: an answer goes out without the repeated words, and comes in with them', async () => {
  await using at = await stand()
  await both(at)
  const foreign = at.net.says('#tea', 'otto', 'Who wants tea?\nOr coffee?')
  const question = await at.heard(ANNA, /Who wants/)
  at.says(
    ANNA,
    '#tea',
    '&gt; Who wants tea?\nMe!',
    'a1',
    `<reply xmlns='urn:xmpp:reply:0' to='${R}/otto' id='${idOf(question)}'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='17'/></fallback>`,
  )
  assert.match(await at.heard(BERT, /Me!/), /<body>&gt; Who wants tea\?\nMe!<\/body><reply /)
  assert.deepEqual(handed(at), { body: 'Me!', replyTo: { id: foreign, nick: 'otto', quote: 'Who wants tea?' } })
  at.net.says('#tea', 'otto', 'Good', { replyTo: foreign as string })
  const answer = await at.heard(BERT, /Good/)
  assert.match(
    answer,
    new RegExp(
      `<body>&gt; Who wants tea\\?\nGood</body><reply xmlns='urn:xmpp:reply:0' to='${R}/otto' id='${idOf(question)}'/>`,
    ),
  )
  assert.match(answer, /<fallback [^>]*for='urn:xmpp:reply:0'><body start='0' end='17'\/>/)
})

test('XEP-0461: where the network has no ids, it is told whom and what an answer is for', async () => {
  await using at = await stand({ ids: false })
  await both(at)
  at.net.says('#tea', 'otto', 'Who wants tea?')
  const question = await at.heard(ANNA, /Who wants/)
  at.says(ANNA, '#tea', 'Me!', 'a1', `<reply xmlns='urn:xmpp:reply:0' to='${R}/otto' id='${idOf(question)}'/>`)
  await at.heard(BERT, /Me!/)
  assert.deepEqual(handed(at), { body: 'Me!', replyTo: { id: null, nick: 'otto', quote: 'Who wants tea?' } })
  // What is not known any more is named by nobody.
  at.says(ANNA, '#tea', 'And me!', 'a2', `<reply xmlns='urn:xmpp:reply:0' to='${R}/otto' id='unknown'/>`)
  await at.heard(BERT, /And me!/)
  assert.deepEqual(handed(at), { body: 'And me!' })
})

test('XEP-0444, 0308, 0424: reactions, corrections and retractions name the message both ways', async () => {
  await using at = await stand()
  await both(at)
  at.says(ANNA, '#tea', 'teh', 'first')
  const told = await at.heard(BERT, /teh/)
  at.says(ANNA, '#tea', 'the', 'second', `<replace xmlns='urn:xmpp:message-correct:0' id='first'/>`)
  assert.match(await at.heard(BERT, /the</), /<replace [^>]*id='first'/)
  const { corrects } = handed(at)
  assert.equal(corrects.before, 'teh')
  assert.match(corrects.id, /^[0-9a-f-]{36}$/)
  at.send(
    `<message type='groupchat' id='r' from='${BERT}' to='${R}'><reactions xmlns='urn:xmpp:reactions:0' id='${idOf(told)}'><reaction>👍</reaction></reactions></message>`,
  )
  await at.heard(ANNA, /👍/)
  assert.deepEqual(handed(at), { body: '', reaction: { to: corrects.id, emojis: ['👍'], quote: 'teh' } })
  at.net.says('#tea', 'otto', '', { reaction: { to: corrects.id, emojis: ['🎉', '👍'] } })
  assert.match(
    await at.heard(ANNA, /🎉/),
    new RegExp(`<reactions xmlns='urn:xmpp:reactions:0' id='${idOf(told)}'><reaction>🎉</reaction><reaction>👍`),
  )
  const others = at.net.says('#tea', 'otto', 'oops')
  const oops = idOf(await at.heard(ANNA, /oops/))
  at.net.says('#tea', 'otto', 'oh', { corrects: others as string })
  assert.match(await at.heard(ANNA, /oh</), new RegExp(`<replace xmlns='urn:xmpp:message-correct:0' id='${oops}'/>`))
  at.net.says('#tea', 'otto', '', { retracts: others as string })
  assert.match(
    await at.heard(ANNA, /<retract /),
    new RegExp(
      `<retract xmlns='urn:xmpp:message-retract:1' id='${oops}'></retract>|<retract xmlns='urn:xmpp:message-retract:1' id='${oops}'/>`,
    ),
  )
  at.net.says('#tea', 'otto', '', { retracts: corrects.id, moderated: { by: 'otto', reason: 'rude' } })
  const moderated = await at.heard(BERT, /<moderated/)
  assert.match(
    moderated,
    new RegExp(
      `from='${R}' type='groupchat'.*<retract [^>]*id='${idOf(told)}'><moderated [^>]*by='${R}/otto'/><reason>rude`,
    ),
  )
  // Ours takes back his own, and nobody else's.
  at.send(
    `<message type='groupchat' id='x' from='${BERT}' to='${R}'><retract xmlns='urn:xmpp:message-retract:1' id='${idOf(told)}'/></message>`,
  )
  assert.match(await at.heard(BERT, /type='error'/), /forbidden/)
  at.unread(BERT)
  at.send(
    `<message type='groupchat' id='y' from='${ANNA}' to='${R}'><retract xmlns='urn:xmpp:message-retract:1' id='${idOf(told)}'/></message>`,
  )
  await at.heard(BERT, /<retract /)
  assert.deepEqual(handed(at), { body: '', retracts: { id: corrects.id } })
  const entering = await at.enter('bert@corp.example/new', '#tea', 'bert')
  assert.equal(
    entering.some((xml) => xml.includes('>teh<')),
    false,
  )
  const moderate = `<moderate xmlns='urn:xmpp:message-moderate:1' id='${oops}'><retract xmlns='urn:xmpp:message-retract:1'/><reason>rude</reason></moderate>`
  assert.equal((await at.ask(ANNA, R, 'set', moderate)).attrs.type, 'result')
  assert.deepEqual(handed(at), { body: '', retracts: { id: others, reason: 'rude' } })
  at.says(ANNA, '#tea', 'what', 'q', `<replace xmlns='urn:xmpp:message-correct:0' id='unknown'/>`)
  assert.match(await at.heard(ANNA, /type='error'/), /item-not-found/)
})

test('encrypted messages are refused with an explanation in the language of the stanza, and go nowhere', async () => {
  await using at = await stand()
  await both(at)
  const forms = [
    `<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/>`,
    `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>`,
    `<encrypted xmlns='urn:xmpp:omemo:2'/>`,
    `<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>`,
    `<x xmlns='jabber:x:encrypted'>x</x>`,
  ]
  for (const form of forms) {
    at.send(
      `<message xml:lang='de' type='groupchat' id='e' from='${ANNA}' to='${R}'><body>[hidden]</body>${form}</message>`,
    )
    assert.match(await at.heard(ANNA, /type='error'/), /<not-acceptable .*Verschlüsselte Nachrichten/)
  }
  for (const before of ['', `<body xml:lang='en'>hello</body>`]) {
    at.send(`<message type='chat' id='e' from='${ANNA}' to='${R}/otto'>${before}<body>?OTR:AAM</body></message>`)
    assert.match(await at.heard(ANNA, /type='error'/), /not-acceptable/)
  }
  assert.deepEqual(at.net.done, [])
})

test('what one of ours says at another program of his network is his in the room, and can be taken back here', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  await at.enter(BERT, '#tea', 'bert')
  // While his own words are under way: they are not taken for each other.
  const [session] = at.net.sessions
  session?.hold()
  at.net.says('#tea', 'anna', 'from my phone', { elsewhere: true })
  at.says(ANNA, '#tea', 'from here', 'm1')
  await calm(at)
  session?.flow()
  const mine = await at.heard(ANNA, /from my phone/)
  assert.match(mine, new RegExp(`from='${room('#tea')}/anna'`))
  await at.heard(BERT, /from my phone/)
  assert.match(await at.heard(ANNA, /from here/), /id='m1'/)
  const id = /<stanza-id[^>]* id='([^']+)'/.exec(mine)?.[1]
  at.send(
    `<message type='groupchat' id='r1' from='${ANNA}' to='${room('#tea')}'><retract xmlns='urn:xmpp:message-retract:1' id='${id}'/></message>`,
  )
  await at.heard(BERT, /<retract/)
  assert.ok(at.asked.some(({ stanza }) => stanza.includes('from my phone')))
  assert.deepEqual(at.errors, [])
})

test('typing and links go both ways; what says nothing is silent, what cannot be carried is an error', async () => {
  await using at = await stand()
  await both(at)
  at.send(
    `<message type='groupchat' from='${ANNA}' to='${R}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  at.send(
    `<message type='groupchat' from='${ANNA}' to='${R}'><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/></message>`,
  )
  at.send(
    `<message type='groupchat' id='j' from='${ANNA}' to='${R}'><propose xmlns='urn:xmpp:jingle-message:0' id='1'/></message>`,
  )
  assert.match(await at.heard(ANNA, /type='error'/), /id='j'.*feature-not-implemented/)
  assert.deepEqual(at.net.done, ['anna typing active #tea'])
  at.net.tellAll('#tea', { kind: 'typing', nick: 'otto', state: 'active' })
  assert.match(await at.heard(BERT, /composing/), new RegExp(`from='${R}/otto' type='groupchat'`))
  at.says(ANNA, '#tea', 'look', 'l', `<x xmlns='jabber:x:oob'><url>https://up.example/a.png</url></x>`)
  await at.heard(BERT, /look/)
  assert.equal(handed(at).body, 'look\nhttps://up.example/a.png')
  at.net.says('#tea', 'otto', 'https://up.example/b.png')
  assert.match(await at.heard(ANNA, /b\.png/), /<x xmlns='jabber:x:oob'><url>https:\/\/up\.example\/b\.png<\/url><\/x>/)
  at.says(ANNA, '#tea', '/me waves', 'm')
  await at.heard(BERT, /waves/)
  assert.equal(handed(at).body, '/me waves')
})

test('a file goes out as the link where it is, once, however many ways tell of it', async () => {
  await using at = await stand()
  await both(at)
  const link = 'https://up.example/my%20cat.png'
  const url = (target: string) => `<url-data xmlns='http://jabber.org/protocol/url-data' target='${target}'/>`
  const oob = (target: string) => `<x xmlns='jabber:x:oob'><url>${target}</url></x>`
  const sfs = (...sources: string[]) =>
    `<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'/><sources>${sources.map(url).join('')}</sources></file-sharing>`
  const sims = (version: number, ...sources: string[]) => {
    const each = sources.map((uri) => `<reference xmlns='urn:xmpp:reference:0' type='data' uri='${uri}'/>`).join('')
    const ns = `urn:xmpp:sims:${version}`
    return `<reference xmlns='urn:xmpp:reference:0' type='data'><media-sharing xmlns='${ns}'><file/><sources>${each}</sources></media-sharing></reference>`
  }
  const other = 'https://up.example/b.png'
  const cases: readonly (readonly [body: string, more: string, wanted: string])[] = [
    ['', oob(link), link],
    ['', sfs(link), link],
    ['', sims(1, link), link],
    ['', sims(2, 'xmpp:anna@corp.example?jingle', link), link],
    [link, oob(link) + sfs(link) + sims(1, link), link],
    ['see https://up.example/my cat.png', oob(link), 'see https://up.example/my cat.png'],
    ['look', oob(link) + sfs(link, other) + sims(1, other), `look\n${link}\n${other}`],
    // What only a client could give, and what is no link, is none for people there.
    ['look', sims(1, 'xmpp:anna@corp.example?jingle') + sfs('cid:x@y') + oob('not a link'), 'look'],
  ]
  for (const [at_, [body, more, wanted]] of cases.entries()) {
    at.says(ANNA, '#tea', body, `f${at_}`, more)
    await at.heard(ANNA, new RegExp(`id='f${at_}'`))
    assert.equal(handed(at).body, wanted)
  }
  at.says(ANNA, '#tea', '', 'none', sims(1, 'cid:x@y'))
  assert.match(await at.heard(ANNA, /id='none'/), /type='error'.*feature-not-implemented/)
})

test('a message that is nothing but a link to a file comes in as that file, in rooms and one to one, unless it is not wanted', async () => {
  for (const linksAsFiles of [true, false]) {
    await using at = await stand({ settings: { linksAsFiles } })
    await both(at)
    const marked = (link: string) => linksAsFiles && /\.png/.test(link)
    for (const link of [
      'https://up.example/b.png',
      'https://up.example/b.png?size=2',
      'https://up.example',
      'https://up.example/page.html',
      'http://up.example/b.PNG',
      'https://up.example/b.jpg and more',
    ]) {
      at.net.says('#tea', 'otto', link)
      const told = await at.heard(ANNA, /up\.example/)
      const wanted = marked(link) ? `<x xmlns='jabber:x:oob'><url>${link}</url></x>` : ''
      assert.equal(/<x xmlns='jabber:x:oob'>.*?<\/x>/.exec(told)?.[0] ?? '', wanted, link)
    }
    // One to one, by the room.
    at.send(`<message type='chat' from='${ANNA}' to='${R}/otto'><body>hi</body></message>`)
    await calm(at)
    at.net.sessions[0]?.tell((events) =>
      events.message({ id: null, nick: 'otto', body: 'https://a.example/c.png', at: null }),
    )
    assert.equal((await at.heard(ANNA, /c\.png/)).includes('jabber:x:oob'), linksAsFiles)
  }
})

test('what the network refuses is an error for its sender alone; what is hostile is kept out of the stream', async () => {
  await using at = await stand()
  await both(at)
  at.net.refusal = { what: 'say', reason: 'not-allowed' }
  at.says(ANNA, '#tea', 'no', 'n')
  assert.match(await at.heard(ANNA, /id='n'/), /type='error'.*forbidden/)
  at.net.says('#tea', 'otto', '</message><evil/>\u0000\u0007\ud800 & "x"')
  assert.match(await at.heard(BERT, /evil/), /<body>&lt;\/message&gt;&lt;evil\/&gt; &amp; "x"<\/body>/)
  at.says(
    ANNA,
    '#tea',
    'hi',
    'h',
    `<stanza-id xmlns='urn:xmpp:sid:0' by='${R}' id='forged'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/><p:x xmlns:p='urn:p'><p:y/></p:x>`,
  )
  const told = await at.heard(BERT, /hi</)
  assert.doesNotMatch(told, /forged|p:x/)
  assert.equal(
    at.sent.some((xml) => xml.includes('>no<')),
    false,
  )
})

test('private messages go to the person, and come back by the room in which they were begun', async () => {
  const direct: string[] = []
  await using at = await stand({ people: { sessionEvents: () => ({ message: ({ body }) => void direct.push(body) }) } })
  await both(at)
  const session = at.net.sessions[0]
  session?.tell((events) => events.message({ id: null, nick: 'otto', body: 'out of the blue', at: null }))
  at.send(`<message type='chat' id='p' from='${ANNA}' to='${R}/otto'><body>psst</body></message>`)
  await calm(at)
  assert.deepEqual(at.net.done, ['anna to otto: psst'])
  session?.tell((events) => events.message({ id: null, nick: 'Otto', body: 'what?', at: null }))
  assert.match(
    await at.heard(ANNA, /what\?/),
    new RegExp(`from='${R}/Otto' type='chat'.*<body>what\\?</body><x xmlns='http://jabber.org/protocol/muc#user'/>`),
  )
  assert.deepEqual(direct, ['out of the blue'])
  assert.match(at.asked.at(-1)?.stanza ?? '', /to='anna@corp.example' from='#tea%a.example@net.corp.example\/Otto'/)
  at.send(`<message type='chat' id='p2' from='${ANNA}' to='${R}/nobody'><body>psst</body></message>`)
  assert.match(await at.heard(ANNA, /id='p2'/), /item-not-found/)
  at.send(`<message type='groupchat' id='p3' from='${ANNA}' to='${R}/otto'><body>psst</body></message>`)
  assert.match(await at.heard(ANNA, /id='p3'/), /bad-request/)
})

test('a private message that was said long ago says when; one that the rules refuse is told of to its recipient alone', async () => {
  const asker: Asking = {
    ask: async ({ stanza }) =>
      stanza.includes('poison')
        ? { action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} }
        : { action: 'deliver', stanza, replaced: false },
    occupant() {},
  }
  await using at = await stand({ asker, settings: { noteRefused: true } })
  await both(at)
  at.send(`<message type='chat' id='p' from='${ANNA}' to='${R}/otto'><body>psst</body></message>`)
  await calm(at)
  at.unread(BERT)
  const says = (body: string, said: number | null) =>
    at.net.sessions[0]?.tell((events) => events.message({ id: null, nick: 'otto', body, at: said }))
  says('now', Date.now())
  assert.doesNotMatch(await at.heard(ANNA, />now</), /<delay/)
  says('long ago', Date.UTC(2026, 10, 22))
  assert.match(await at.heard(ANNA, /long ago/), /<delay xmlns='urn:xmpp:delay' stamp='2026-11-22T00:00:00.000Z'\/>/)
  says('poison', null)
  assert.match(
    await at.heard(ANNA, /refused/),
    new RegExp(`from='${R}' type='groupchat'.*A message from otto was refused`),
  )
  await calm(at)
  assert.deepEqual([at.unread(BERT), at.transport.counts.refusedIn], [[], 1])
})

test('invitations: from the network both ways in one message, to it by the room or directly, to one of ours by himself', async () => {
  await using at = await stand()
  await both(at)
  at.net.sessions[0]?.tell((events) => events.invited('#cake', 'otto'))
  assert.match(
    await at.heard('anna@corp.example', /invite/),
    new RegExp(
      `from='${room('#cake')}'.*<invite from='otto%a.example@${GATEWAY}'/></x><x xmlns='jabber:x:conference' jid='${room('#cake')}'/>`,
    ),
  )
  const mediated = (to: string) =>
    at.send(
      `<message from='${ANNA}' to='${R}' id='i'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='${to}'><reason>tea &amp; cake</reason></invite></x></message>`,
    )
  mediated(`olga%a.example@${GATEWAY}`)
  at.send(
    `<message from='${ANNA}' to='paul%a.example@${GATEWAY}' id='d'><x xmlns='jabber:x:conference' jid='${R}'/></message>`,
  )
  await calm(at)
  assert.deepEqual(at.net.done, ['anna invites olga to #tea', 'anna invites paul to #tea'])
  mediated('dora@corp.example')
  assert.match(
    await at.heard('dora@corp.example', /invite/),
    new RegExp(`from='${R}'.*<invite from='${ANNA}'><reason>tea &amp; cake</reason>`),
  )
  mediated('eve@evil.example')
  assert.match(await at.heard(ANNA, /type='error'/), /forbidden/)
})

test('what the rules refuse is not shown, what they change is shown changed, and what they could not be asked about is counted in a line', async () => {
  let policy: 'refuse' | 'outage' | 'change' | 'allow' = 'refuse'
  await using at = await stand({
    settings: { noteRefused: true },
    asker: {
      occupant() {},
      async ask({ stanza }) {
        if (policy === 'refuse')
          return { action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} }
        if (policy === 'outage') return { action: 'refuse', why: 'outage' }
        if (policy === 'change')
          return { action: 'deliver', stanza: stanza.replace('secret', '[removed]'), replaced: true }
        return await delivering.ask({ stanza, network: '', server: '', foreign: { nick: '' }, order: '' })
      },
    },
  })
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  at.net.says('#tea', 'otto', 'bad')
  assert.match(
    await at.heard(ANNA, /refused/),
    new RegExp(`from='${R}' type='groupchat'.*A message from otto was refused`),
  )
  at.net.goes('#tea', 'otto', 'bad words')
  assert.doesNotMatch(await at.heard(ANNA, /unavailable/), /bad words/)
  at.net.comes('#tea', 'otto')
  policy = 'change'
  at.net.says('#tea', 'otto', 'the secret')
  assert.match(await at.heard(ANNA, /removed/), /<body>the \[removed\]<\/body>/)
  policy = 'outage'
  at.net.says('#tea', 'otto', 'one')
  at.net.says('#tea', 'otto', 'two')
  await calm(at)
  policy = 'allow'
  at.net.says('#tea', 'otto', 'three')
  assert.match(await at.heard(ANNA, /withheld/), /2 messages of this room were withheld/)
  await at.heard(ANNA, /three/)
  assert.equal(
    at.sent.some((xml) => /<body>(bad|one|two|the secret)</.test(xml)),
    false,
  )
  assert.deepEqual([at.transport.counts.refusedIn, at.transport.counts.withheld], [1, 2])
})

test('what is asked about holds its place: answers that come late do not change the order', async () => {
  const waiting: (() => void)[] = []
  await using at = await stand({
    asker: {
      occupant() {},
      ask: ({ stanza }) =>
        new Promise((resolve) => waiting.push(() => resolve({ action: 'deliver', stanza, replaced: false }))),
    },
  })
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  at.net.says('#tea', 'otto', 'slow')
  at.net.comes('#tea', 'olga')
  at.says(ANNA, '#tea', 'mine')
  at.net.says('#tea', 'olga', 'quick')
  await calm(at)
  waiting[1]?.()
  await calm(at)
  assert.deepEqual(at.unread(ANNA), [])
  waiting[0]?.()
  await calm(at)
  assert.deepEqual(
    at.unread(ANNA).map((xml) => /<body>(\w+)/.exec(xml)?.[1] ?? /\/(\w+)'>/.exec(xml)?.[1]),
    ['slow', 'olga', 'mine', 'quick'],
  )
})

test('only some may read it: it is told to those whose connection got it, and kept for nobody', async () => {
  await using at = await stand()
  await both(at)
  at.net.sessions[1]?.tell((events) =>
    events.room('#tea', {
      kind: 'message',
      message: { id: null, nick: 'otto', body: 'operators!', at: null, narrow: true },
    }),
  )
  await at.heard(BERT, /operators/)
  await calm(at)
  assert.equal(
    at.unread(ANNA).some((xml) => xml.includes('operators')),
    false,
  )
  const { length } = (await at.enter('anna@corp.example/new', '#tea', 'anna')).filter((xml) =>
    xml.includes('operators'),
  )
  assert.equal(length, 0)
})

test('service discovery: the room, who is in it, the list of rooms page by page', async () => {
  await using at = await stand()
  await both(at)
  for (let n = 0; n < 25; n++) at.net.comes(`#room${String(n).padStart(2, '0')}`, 'otto')
  const info = attr(String(await at.ask(ANNA, R, 'get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`)))
  for (const feature of [
    'http://jabber.org/protocol/muc',
    'urn:xmpp:mam:2',
    'urn:xmpp:sid:0',
    'urn:xmpp:occupant-id:0',
  ])
    assert.ok(info.includes(`<feature var='${feature}'/>`), feature)
  assert.match(info, /category='conference'.*muc#roominfo_occupants'[^>]*><value>3</)
  const items = async (to: string, set: string, from = ANNA) =>
    attr(String(await at.ask(from, to, 'get', `<query xmlns='http://jabber.org/protocol/disco#items'>${set}</query>`)))
  assert.match(await items(R, ''), new RegExp(`jid='${R}/anna'`))
  assert.doesNotMatch(await items(R, '', 'eve@corp.example/x'), /anna/)
  const page = await items(`a.example@${GATEWAY}`, `<set xmlns='http://jabber.org/protocol/rsm'><max>10</max></set>`)
  assert.equal([...page.matchAll(/<item /g)].length, 10)
  assert.match(page, /<count>26<\/count>/)
  const last = /<last>(.*)<\/last>/.exec(page)?.[1]
  const next = await items(
    `a.example@${GATEWAY}`,
    `<set xmlns='http://jabber.org/protocol/rsm'><max>10</max><after>${last}</after></set>`,
  )
  assert.match(next, /#room10/)
  const gateway = attr(
    String(await at.ask(ANNA, GATEWAY, 'get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`)),
  )
  assert.match(gateway, /category='gateway'.*type='made-up'|type='made-up'.*category='gateway'/)
})

test('beside a body what clients tell each other and servers changes nothing; what is for people there is read', async () => {
  await using at = await stand()
  await both(at)
  const beside = `<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/><active xmlns='http://jabber.org/protocol/chatstates'/>`
  at.says(ANNA, '#tea', 'plain', 'b1', `<origin-id xmlns='urn:xmpp:sid:0' id='b1'/>${beside}`)
  await at.heard(BERT, /plain/)
  assert.deepEqual(handed(at), { body: 'plain' })
  at.says(ANNA, '#tea', 'look', 'b2', `<x xmlns='jabber:x:oob'><url>https://files.example/a.png</url></x>${beside}`)
  await at.heard(BERT, /look/)
  assert.deepEqual(handed(at), { body: 'look\nhttps://files.example/a.png' })
  at.says(ANNA, '#tea', '?OTR:AAMC', 'b3', beside)
  assert.match(await at.heard(ANNA, /type='error'/), /not-acceptable/)
})
