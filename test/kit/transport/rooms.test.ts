// SPDX-License-Identifier: Apache-2.0
// XEP-0045 towards our people, on a network that does not exist.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { MadeUpSession } from './made-up.ts'
import { calm, GATEWAY, room, type Stand, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const ANNA_PHONE = 'anna@corp.example/phone'
const BERT = 'bert@corp.example/desk'
const R = room('#tea')

test('XEP-0045 §7.1: occupants, then itself with 110, then history, then the subject', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto', { role: 'moderator', affiliation: 'owner' })
  at.net.comes('#tea', 'olga', { role: 'visitor' })
  at.net.place('#tea').subject = { subject: 'Tea & more', by: 'otto', at: Date.UTC(2026, 10, 22) }
  await at.enter(BERT, '#tea', 'bert')
  at.net.says('#tea', 'otto', 'first <words>')
  await at.heard(BERT, /first/)
  const told = await at.enter(ANNA, '#tea', 'anna')
  const kinds = told.map((xml) =>
    xml.includes(`code='110'`)
      ? 'self'
      : xml.includes('<subject>')
        ? 'subject'
        : xml.startsWith('<message')
          ? 'history'
          : 'other',
  )
  assert.deepEqual(kinds, ['other', 'other', 'other', 'self', 'history', 'subject'])
  assert.match(told[0] ?? '', new RegExp(`from='${R}/otto'.*<item affiliation='owner' role='moderator'/>`))
  assert.match(told[1] ?? '', /olga.*role='visitor'/)
  assert.match(told[3] ?? '', new RegExp(`from='${R}/anna'`))
  assert.doesNotMatch(told[3] ?? '', /code='210'/)
  assert.match(told[4] ?? '', new RegExp(`first &lt;words&gt;.*<delay xmlns='urn:xmpp:delay' from='${R}' stamp=`))
  assert.match(
    told[5] ?? '',
    new RegExp(
      `from='${R}/otto' type='groupchat'><subject>Tea &amp; more</subject><delay [^>]*stamp='2026-11-22T00:00:00.000Z'`,
    ),
  )
  assert.match(await at.heard(BERT, /anna/), /role='participant'/)
})

test('one message is one for all: asked about once, one id, the same text; its sender has it too', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  await at.enter(BERT, '#tea', 'bert')
  at.net.says('#tea', 'otto', 'hello')
  const [one, other] = [await at.heard(ANNA, /hello/), await at.heard(BERT, /hello/)]
  assert.equal(one.replace(ANNA, BERT), other)
  assert.match(one, new RegExp(`<stanza-id xmlns='urn:xmpp:sid:0' by='${R}' id='[\\w-]{16}'/>`))
  assert.equal(at.asked.filter(({ stanza }) => stanza.includes('hello')).length, 1)
  at.says(ANNA, '#tea', 'mine', 'm-1', `<origin-id xmlns='urn:xmpp:sid:0' id='m-1'/>`)
  const [own, others] = [await at.heard(ANNA, /mine/), await at.heard(BERT, /mine/)]
  assert.match(own, new RegExp(`from='${R}/anna' type='groupchat' id='m-1'`))
  assert.match(own, /<origin-id [^>]*id='m-1'/)
  assert.equal(own.replace(ANNA, BERT), others)
  // Ours were asked about on their way here.
  assert.equal(
    at.asked.some(({ stanza }) => stanza.includes('mine')),
    false,
  )
  await calm(at)
  assert.equal(at.sent.filter((xml) => xml.includes('mine')).length, 2)
})

for (const ids of [true, false])
  for (const echo of [true, false])
    test(`what we say is told once, ${ids ? 'with' : 'without'} ids, ${echo ? 'with' : 'without'} an echo`, async () => {
      await using at = await stand({ ids, echo })
      await at.enter(ANNA, '#tea', 'anna')
      await at.enter(BERT, '#tea', 'bert')
      for (let n = 0; n < 5; n++) {
        at.says(ANNA, '#tea', `a${n}`)
        at.says(BERT, '#tea', `b${n}`)
        at.says(ANNA, '#tea', 'again')
        at.says(BERT, '#tea', 'again')
      }
      await calm(at)
      const bodies = (client: string) =>
        at
          .unread(client)
          .map((xml) => /<body>(.*)<\/body>/.exec(xml)?.[1])
          .filter((one) => one !== undefined)
      const [anna, bert] = [bodies(ANNA), bodies(BERT)]
      assert.deepEqual(anna, bert)
      assert.equal(anna.length, 20)
      assert.equal(new Set(anna).size, 11)
    })

test('a second client of the same person uses his connection; the last one to go takes him out', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  const told = await at.enter(ANNA_PHONE, '#tea', 'someone')
  assert.equal(at.net.sessions.length, 1)
  assert.match(told.join(''), new RegExp(`from='${R}/anna'>.*code='110'/><status code='210'`))
  at.net.says('#tea', 'otto', 'both')
  await at.heard(ANNA, /both/)
  await at.heard(ANNA_PHONE, /both/)
  at.send(`<presence type='unavailable' from='${ANNA}' to='${R}/anna'/>`)
  assert.match(await at.heard(ANNA, /unavailable/), /code='110'/)
  await calm(at)
  assert.deepEqual(at.net.done, [])
  at.send(`<presence type='unavailable' from='${ANNA_PHONE}' to='${R}/anna'><status>bye</status></presence>`)
  await at.heard(ANNA_PHONE, /unavailable/)
  await calm(at)
  assert.deepEqual(at.net.done, ['anna leaves #tea: bye'])
  assert.deepEqual(at.occupants, [`anna@corp.example joined ${R} as anna`, `anna@corp.example left ${R} as anna`])
})

test('the rules know who is there by the name under which he is shown, as long as one of his clients is', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  at.send(`<presence from='${ANNA}' to='${R}/anke'/>`)
  await at.heard(ANNA, /303/)
  await calm(at)
  at.transport.down()
  assert.deepEqual(at.occupants, [
    `anna@corp.example joined ${R} as anna`,
    `anna@corp.example left ${R} as anna`,
    `anna@corp.example joined ${R} as anke`,
    `anna@corp.example left ${R} as anke`,
  ])
})

const REFUSALS = [
  ['password', 'auth', 'not-authorized'],
  ['banned', 'auth', 'forbidden'],
  // Never not-authorized: a client would ask for the room's password.
  ['access', 'auth', 'forbidden'],
  ['members-only', 'auth', 'registration-required'],
  ['full', 'wait', 'service-unavailable'],
  ['nick-taken', 'cancel', 'conflict'],
  ['no-such-room', 'cancel', 'item-not-found'],
  ['too-many', 'wait', 'resource-constraint'],
] as const

for (const [reason, type, condition] of REFUSALS)
  test(`XEP-0045 §7.2: ${reason} is ${condition}`, async () => {
    await using at = await stand()
    at.net.refusal = { what: 'enter', reason }
    const [error = ''] = await at.enter(ANNA, '#tea', 'anna')
    assert.match(error, new RegExp(`<error type='${type}'><${condition} .*The network said: no enter`))
    assert.equal(at.transport.state().rooms, 0)
  })

/** The next connection that is begun. */
async function connecting({ net }: Stand): Promise<MadeUpSession> {
  const before = net.sessions.length
  for (;;) {
    const session = net.sessions[before]
    if (session !== undefined) return session
    await delay(5)
  }
}

test('XEP-0045 §7.2: who would enter what is no room is told what the address of one is', async () => {
  await using at = await stand()
  for (const local of ['tea%a.example@', 'a.example@', '#tea@', '']) {
    at.send(
      `<presence from='${ANNA}' to='${local}${GATEWAY}/anna'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
    const error = await at.heard(ANNA, /type='error'/)
    assert.match(error, /<item-not-found .*ROOM%NETWORK@net\.corp\.example/, local)
  }
})

test('who waits for a network is told why it is not there: when it is tried again late, at once where somebody must change something', async () => {
  const start = Date.UTC(2026, 10, 23)
  await using at = await stand({ now: () => start })
  at.net.comesUp = false
  const enters = (from: string) => {
    at.send(`<presence from='${from}' to='${R}/x'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    return connecting(at)
  }
  const anna = await enters(ANNA)
  anna.fails('down', 'first', start + 9_000)
  await calm(at)
  assert.deepEqual(at.unread(ANNA), [])
  anna.fails('down', 'nobody listens', start + 11_000)
  assert.match(await at.heard(ANNA, /error/), /<remote-server-not-found .*nobody listens/)
  const bert = await enters(BERT)
  bert.fails('protection', 'not believed', start + 1_000)
  assert.match(await at.heard(BERT, /error/), /<not-allowed .*not believed/)
})

test('who waited as long as may be is told what the last try said', async () => {
  await using at = await stand({ settings: { enterWithinMs: 1_000 } })
  at.net.comesUp = false
  at.send(`<presence from='${ANNA}' to='${R}/x'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  const anna = await connecting(at)
  anna.fails('down', 'nobody listens', Date.now())
  assert.match(await at.heard(ANNA, /error/), /nobody listens/)
})

test('a password is given to the network, a wrong one is not-authorized', async () => {
  await using at = await stand()
  at.net.place('#tea').password = 'earl'
  assert.match((await at.enter(ANNA, '#tea', 'anna', '<password>grey</password>')).join(''), /not-authorized/)
  assert.match((await at.enter(ANNA, '#tea', 'anna', '<password>earl</password>')).join(''), /code='110'/)
})

test('a nick that somebody has is a conflict, one that cannot be is not-acceptable; who may not use the gateway is told', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(BERT, '#tea', 'bert')
  at.unread(BERT)
  const refused = await at.enter(ANNA, '#tea', 'otto')
  assert.equal(refused.length, 1)
  assert.match(
    refused.join(''),
    new RegExp(
      `^<presence type='error' from='${R}/otto' to='${ANNA}'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>`,
    ),
  )
  await calm(at)
  // Who has it stays as he is.
  assert.deepEqual(at.unread(BERT), [])
  assert.equal(at.net.place('#tea').members.get('otto')?.nick, 'otto')
  assert.match((await at.enter(ANNA, '#tea', '9')).join(''), /not-acceptable/)
  assert.match((await at.enter('eve@evil.example/x', '#tea', 'eve')).join(''), /forbidden.*not one of us/)
})

const codesOf = (xml: string) => [...xml.matchAll(/<status code='(\d+)'/g)].map(([, code]) => Number(code))

test('XEP-0045 §7.6: a nick is changed with 303 for all, with 110 for oneself; who was given another nick is told with 210', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  await at.enter(ANNA_PHONE, '#tea', 'anna')
  await at.enter(BERT, '#tea', 'bert')
  at.unread(ANNA)
  at.send(`<presence from='${ANNA}' to='${R}/annie'/>`)
  assert.match(
    await at.heard(ANNA, /annie/),
    new RegExp(`from='${R}/anna' type='unavailable'>.*nick='annie'.*<status code='303'/><status code='110'/>`),
  )
  const asked = await at.heard(ANNA, /annie/)
  assert.match(asked, new RegExp(`from='${R}/annie'>`))
  assert.deepEqual(codesOf(asked), [110])
  // The other client of hers did not ask for it.
  assert.deepEqual(codesOf(await at.heard(ANNA_PHONE, new RegExp(`from='${R}/annie'>`))), [110, 210])
  const others = await at.heard(BERT, /303/)
  assert.doesNotMatch(others, /code='110'/)
  assert.match(await at.heard(BERT, /annie'>/), /participant|moderator/)
  at.says(ANNA, '#tea', 'me')
  assert.match(await at.heard(BERT, /me</), new RegExp(`${R}/annie`))
})

test('XEP-0045 §7.6: whom the network calls otherwise hears 303 with the new nick, then 110 and 210 under it; he may ask for the old one again', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  await at.enter(BERT, '#tea', 'bert')
  at.unread(ANNA)
  at.unread(BERT)
  at.net.calls('anna', 'guest7')
  const gone = await at.heard(ANNA, /guest7/)
  assert.match(gone, new RegExp(`from='${R}/anna' type='unavailable'>.*nick='guest7'`))
  assert.deepEqual(codesOf(gone), [303, 110])
  const there = await at.heard(ANNA, new RegExp(`from='${R}/guest7'>`))
  assert.deepEqual(codesOf(there), [110, 210])
  assert.deepEqual(codesOf(await at.heard(BERT, /nick='guest7'/)), [303])
  assert.deepEqual(codesOf(await at.heard(BERT, new RegExp(`from='${R}/guest7'>`))), [])
  const ping = (nick: string) => at.ask(ANNA, `${R}/${nick}`, 'get', `<ping xmlns='urn:xmpp:ping'/>`)
  assert.equal((await ping('guest7')).attrs.type, 'result')
  // XEP-0410 §3.3: who changed his name meanwhile.
  assert.match(String(await ping('anna')), /item-not-found/)
  at.send(`<presence from='${ANNA}' to='${R}/anna'/>`)
  assert.match(await at.heard(ANNA, /303/), /nick='anna'/)
  assert.deepEqual(codesOf(await at.heard(ANNA, new RegExp(`from='${R}/anna'>`))), [110])
  // One that somebody has is refused, and she keeps hers.
  at.net.comes('#tea', 'otto')
  at.send(`<presence from='${ANNA}' to='${R}/otto'/>`)
  assert.match(await at.heard(ANNA, /type='error'/), /<error type='cancel'><conflict /)
  assert.equal((await ping('anna')).attrs.type, 'result')
})

test('kicks are 307 with who and why, bans 301; the kicked client is out, and only it hears 110', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto', { role: 'moderator' })
  await at.enter(BERT, '#tea', 'bert')
  await at.enter(ANNA, '#tea', 'anna')
  at.net.kicks('#tea', 'anna', 'otto', 'too loud')
  const own = await at.heard(ANNA, /unavailable/)
  assert.match(own, /<actor nick='otto'\/><reason>too loud<\/reason>.*code='110'\/><status code='307'/)
  const others = await at.heard(BERT, /unavailable/)
  assert.match(others, /role='none'.*too loud.*<status code='307'/)
  assert.doesNotMatch(others, /110/)
  at.says(ANNA, '#tea', 'hey')
  assert.match(await at.heard(ANNA, /error/), /not-acceptable/)
  // And the one who drives.
  at.net.kicks('#tea', 'bert', 'otto', 'you too', 'banned')
  assert.match(await at.heard(BERT, /unavailable/), /affiliation='outcast'.*code='110'\/><status code='301'/)
  await calm(at)
  assert.equal(at.transport.state().seats, 0)
})

test('many who leave at once are shown gone, and come back', async () => {
  await using at = await stand()
  for (let n = 0; n < 300; n++) at.net.comes('#tea', `n${n}`)
  await at.enter(ANNA, '#tea', 'anna')
  const nicks = Array.from({ length: 300 }, (_, n) => `n${n}`)
  at.net.tellAll('#tea', { kind: 'parted', nicks, reason: 'hub leaf' })
  await calm(at)
  const gone = at.unread(ANNA)
  assert.equal(gone.filter((xml) => xml.includes(`type='unavailable'`) && xml.includes('hub leaf')).length, 300)
  at.net.tellAll('#tea', {
    kind: 'rejoined',
    occupants: nicks.map((nick) => ({ nick, role: 'participant', affiliation: 'none' })),
  })
  await calm(at)
  assert.equal(at.unread(ANNA).length, 300)
})

test('the subject goes both ways, with who set it', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  await at.enter(BERT, '#tea', 'bert')
  at.send(`<message type='groupchat' from='${ANNA}' to='${R}'><subject>Now</subject></message>`)
  assert.match(await at.heard(BERT, /<subject>Now/), new RegExp(`from='${R}/anna'`))
  at.net.tellAll('#tea', { kind: 'subject', subject: 'Then', by: 'otto', at: 5 })
  assert.match(await at.heard(BERT, /<subject>Then/), new RegExp(`from='${R}/otto'`))
  assert.deepEqual(at.asked.map(({ stanza }) => /<subject>(.*)<\/subject>/.exec(stanza)?.[1]).filter(Boolean), ['Then'])
  at.net.refusal = { what: 'subject', reason: 'not-allowed' }
  at.send(`<message type='groupchat' from='${ANNA}' to='${R}' id='s'><subject>No</subject></message>`)
  assert.match(await at.heard(ANNA, /error/), /forbidden/)
})

test('XEP-0410: a ping to oneself is answered here, also under the nick that was asked for; who is out learns it', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  await at.enter(ANNA_PHONE, '#tea', 'phone')
  const ping = `<ping xmlns='urn:xmpp:ping'/>`
  assert.equal((await at.ask(ANNA, `${R}/anna`, 'get', ping)).attrs.type, 'result')
  assert.equal((await at.ask(ANNA_PHONE, `${R}/phone`, 'get', ping)).attrs.type, 'result')
  assert.match(String(await at.ask(BERT, `${R}/bert`, 'get', ping)), /not-acceptable/)
  assert.match(String(await at.ask(ANNA, `${R}/nobody`, 'get', ping)), /item-not-found/)
})

test('a client whose errors come back is removed, and is no ghost at the network', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  const error = (condition: string) =>
    `<message type='error' from='${ANNA}' to='${R}/otto'><error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  at.send(error('not-acceptable'))
  await calm(at)
  assert.equal(at.transport.state().clients, 1)
  at.send(error('service-unavailable'))
  await calm(at)
  assert.equal(at.transport.state().clients, 0)
  assert.match(at.net.done.join(), /anna leaves #tea/)
})

test('roles and affiliations go both ways', async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  const admin = (item: string) => `<query xmlns='http://jabber.org/protocol/muc#admin'>${item}</query>`
  assert.equal((await at.ask(ANNA, R, 'set', admin(`<item nick='otto' role='visitor'/>`))).attrs.type, 'result')
  assert.match(await at.heard(ANNA, /otto/), /role='visitor'|role='participant'/)
  assert.match(String(await at.ask(ANNA, R, 'get', admin(`<item role='visitor'/>`))), /nick="otto"|nick='otto'/)
  assert.equal(
    (
      await at.ask(
        ANNA,
        R,
        'set',
        admin(`<item jid='otto%a.example@net.corp.example' affiliation='outcast'><reason>no</reason></item>`),
      )
    ).attrs.type,
    'result',
  )
  assert.match(await at.heard(ANNA, /301/), /<actor nick='anna'\/><reason>no/)
  assert.match(
    String(await at.ask(ANNA, R, 'get', admin(`<item affiliation='outcast'/>`))),
    /otto%a.example@net.corp.example/,
  )
  at.net.refusal = { what: 'role', reason: 'not-allowed' }
  at.net.comes('#tea', 'paul')
  assert.match(String(await at.ask(ANNA, R, 'set', admin(`<item nick='paul' role='none'/>`))), /forbidden/)
  assert.match(String(await at.ask(ANNA, R, 'set', admin(`<item nick='paul'/>`))), /bad-request/)
  assert.match(String(await at.ask(BERT, R, 'set', admin(`<item nick='paul' role='none'/>`))), /not-acceptable/)
})

test('the configuration is shown as a form and taken as one; a change is told with 104', async () => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  const owner = (inside: string) => `<query xmlns='http://jabber.org/protocol/muc#owner'>${inside}</query>`
  assert.match(String(await at.ask(ANNA, R, 'get', owner(''))), /muc#roomconfig_moderatedroom/)
  const form = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var='muc#roomconfig_moderatedroom'><value>1</value></field></x>`
  assert.equal((await at.ask(ANNA, R, 'set', owner(form))).attrs.type, 'result')
  assert.equal(at.net.place('#tea').form.get('muc#roomconfig_moderatedroom'), '1')
  await at.heard(ANNA, /code='104'/)
  assert.match(String(await at.ask(ANNA, R, 'set', owner('<destroy/>'))), /feature-not-implemented/)
})
