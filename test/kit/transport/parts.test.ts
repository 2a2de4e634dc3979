// SPDX-License-Identifier: Apache-2.0
// What one of ours says and the network does not take as it is: texts that go in parts, of which some do not go; answers that come too late.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NetworkFault, type Sent } from '../../../components/kit/transport/network.ts'
import { calm, room, type Stand, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const BERT = 'bert@corp.example/desk'
const TEXT = ['one', 'two', 'three', 'four'].join('\n')

async function both(at: Stand): Promise<void> {
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  await at.enter(BERT, '#tea', 'bert')
}

/** Words of the room that this client was told, in order. */
const told = (at: Stand, client: string): string[] =>
  at.sent.flatMap((xml) =>
    xml.includes(` to='${client}'`) && / type='groupchat'/.test(xml) && xml.startsWith('<message')
      ? (/<body>([^<]*)<\/body>/.exec(xml)?.[1] ?? [])
      : [],
  )
const asked = (at: Stand, words: string) => at.asked.filter(({ stanza }) => stanza.includes(words)).length
const kept = async (at: Stand): Promise<string[]> => {
  const newcomer = 'carl@corp.example/desk'
  const all = await at.enter(newcomer, '#tea', 'carl')
  return all.flatMap((xml) => (xml.includes('urn:xmpp:delay') ? (/<body>([^<]*)<\/body>/.exec(xml)?.[1] ?? []) : []))
}

for (const speaker of [ANNA, BERT])
  for (const ids of [true, false])
    test(`a text in parts is told once and whole, behind what others say in between (${speaker.slice(0, 4)}, ids ${ids})`, async () => {
      await using at = await stand({ ids })
      await both(at)
      at.net.inLines = true
      at.says(speaker, '#tea', TEXT, 'long')
      at.net.says('#tea', 'otto', 'in between')
      await at.heard(ANNA, /four/)
      at.says(speaker, '#tea', 'next', 'short')
      await Promise.all([at.heard(BERT, /four/), at.heard(ANNA, /next/), at.heard(BERT, /next/)])
      for (const client of [ANNA, BERT]) assert.deepEqual(told(at, client), ['in between', TEXT, 'next'])
      assert.equal(asked(at, 'two'), 0)
      assert.deepEqual(await kept(at), ['in between', TEXT, 'next'])
    })

for (const speaker of [ANNA, BERT])
  test(`of a text that breaks off is told and kept what went, and its sender learns how much (${speaker.slice(0, 4)})`, async () => {
    await using at = await stand()
    await both(at)
    at.net.inLines = true
    at.net.breaks = { after: 2, answered: 2, reason: 'not-allowed', unsure: false }
    const [language, words] =
      speaker === ANNA
        ? ['en', 'You may not do that there. Only 2 of 4 lines were delivered.']
        : ['de', 'Das dürfen Sie dort nicht. Nur 2 von 4 Zeilen wurden zugestellt.']
    at.send(
      `<message xml:lang='${language}' type='groupchat' id='long' from='${speaker}' to='${room('#tea')}'><body>${TEXT}</body></message>`,
    )
    assert.match(await at.heard(speaker, /type='error'/), new RegExp(`id='long'.*<forbidden .*>${words}<`))
    at.says(speaker, '#tea', 'next', 'short')
    for (const client of [ANNA, BERT]) {
      await at.heard(client, /next/)
      assert.deepEqual(told(at, client), ['one\ntwo', 'next'])
    }
    assert.deepEqual(await kept(at), ['one\ntwo', 'next'])
    assert.equal(asked(at, 'two'), 0)
    const own = at.sent.find((xml) => xml.includes(` to='${speaker}'`) && xml.includes('<body>one\ntwo<'))
    assert.match(own ?? '', /id='long'/)
  })

test('of a text that breaks off unanswered counts what somebody else of ours has read of it', async () => {
  await using at = await stand()
  await both(at)
  at.net.inLines = true
  at.net.breaks = { after: 3, answered: 1, reason: 'down', unsure: true }
  at.says(BERT, '#tea', TEXT, 'long')
  assert.match(await at.heard(BERT, /type='error'/), /was lost. At least 3 of 4 lines were delivered./)
  for (const client of [ANNA, BERT]) assert.deepEqual(told(at, client), ['one\ntwo\nthree'])
  // And the rest, where it comes all the same.
  at.net.says('#tea', 'bert', 'four')
  for (const client of [ANNA, BERT]) {
    await at.heard(client, /four/)
    assert.deepEqual(told(at, client), ['one\ntwo\nthree', 'four'])
  }
  assert.equal(asked(at, 'four'), 0)
})

test('all of it was read by somebody else of ours: it is told whole, and no error', async () => {
  await using at = await stand()
  await both(at)
  at.net.inLines = true
  at.net.breaks = { after: 4, answered: 0, reason: 'down', unsure: true }
  at.says(BERT, '#tea', TEXT, 'long')
  assert.match(await at.heard(BERT, /four/), /id='long'/)
  at.says(BERT, '#tea', 'next', 'short')
  await at.heard(BERT, /next/)
  assert.ok(!at.unread(BERT).some((xml) => /type='error'/.test(xml)))
})

for (const speaker of [ANNA, BERT])
  test(`what was told as unanswered and is said after all is shown once, as his own, and asked about no more (${speaker.slice(0, 4)})`, async () => {
    await using at = await stand()
    await both(at)
    const session = at.net.sessions[speaker === ANNA ? 0 : 1]
    assert.ok(session)
    session.say = () => Promise.reject(new NetworkFault('timeout', '', { unsure: true }))
    at.says(speaker, '#tea', 'hello', 'slow')
    assert.match(await at.heard(speaker, /type='error'/), /in time. What you sent may have been delivered all the same/)
    at.net.says('#tea', 'otto', 'meanwhile')
    at.net.says('#tea', speaker.slice(0, 4), 'hello')
    for (const client of [ANNA, BERT]) {
      assert.match(
        await at.heard(client, /hello/),
        new RegExp(`from='${room('#tea')}/${speaker.slice(0, 4)}'.* id='slow'`),
      )
      assert.deepEqual(told(at, client), ['meanwhile', 'hello'])
    }
    // The same words once more are somebody's at another program.
    at.net.says('#tea', speaker.slice(0, 4), 'hello')
    for (const client of [ANNA, BERT]) await at.heard(client, /hello/)
    assert.equal(asked(at, 'hello'), 1)
  })

test('the same words tried again: the late ones and the new ones are shown, twice in all', async () => {
  await using at = await stand()
  await both(at)
  const session = at.net.sessions[0]
  assert.ok(session)
  const { say } = session
  session.say = () => Promise.reject(new NetworkFault('timeout', '', { unsure: true }))
  at.says(ANNA, '#tea', 'hello', 'first')
  await at.heard(ANNA, /type='error'/)
  session.say = say
  session.hold()
  at.says(ANNA, '#tea', 'hello', 'second')
  at.net.says('#tea', 'anna', 'hello')
  await calm(at)
  session.flow()
  await at.heard(BERT, /hello/)
  await at.heard(BERT, /hello/)
  await calm(at)
  for (const client of [ANNA, BERT]) assert.deepEqual(told(at, client), ['hello', 'hello'])
  assert.equal(asked(at, 'hello'), 0)
})

test('who is given another nick while he speaks is shown once, with what he said', async () => {
  await using at = await stand({ ids: false })
  await both(at)
  const session = at.net.sessions[0]
  assert.ok(session)
  session.hold()
  at.says(ANNA, '#tea', 'before', 'm1')
  await calm(at)
  at.net.inLines = true
  at.says(ANNA, '#tea', TEXT, 'm2')
  await session.rename('annika')
  at.net.says('#tea', 'annika', 'from my phone', { elsewhere: true })
  await calm(at)
  session.flow()
  await at.heard(BERT, /four/)
  await calm(at)
  assert.deepEqual(told(at, BERT).toSorted(), [TEXT, 'before', 'from my phone'].toSorted())
  assert.equal(asked(at, 'two') + asked(at, 'before'), 0)
})

test('a late one that comes beside a new one is taken for itself, and the new one for the new one', async () => {
  await using at = await stand({ ids: false })
  await both(at)
  const session = at.net.sessions[0]
  assert.ok(session)
  session.say = () => Promise.reject(new NetworkFault('timeout', '', { unsure: true }))
  at.says(ANNA, '#tea', 'are you there', 'first')
  await at.heard(ANNA, /type='error'/)
  const answer = Promise.withResolvers<Sent>()
  session.say = () => answer.promise
  at.says(ANNA, '#tea', 'I go now', 'second')
  await calm(at)
  at.net.says('#tea', 'anna', 'are you there')
  at.net.says('#tea', 'anna', 'I go now')
  answer.resolve({ ids: [null], at: null, confirmed: true, body: 'I go now' })
  await calm(at)
  for (const client of [ANNA, BERT]) assert.deepEqual(told(at, client), ['are you there', 'I go now'])
  assert.equal(at.asked.length, 0)
})

test('other words than those that were told as unanswered are others, also where they stand in them', async () => {
  await using at = await stand()
  await both(at)
  const session = at.net.sessions[1]
  assert.ok(session)
  session.say = () => Promise.reject(new NetworkFault('timeout', '', { unsure: true }))
  at.says(BERT, '#tea', 'that is ok with me', 'slow')
  await at.heard(BERT, /type='error'/)
  at.net.says('#tea', 'bert', 'ok')
  for (const client of [ANNA, BERT]) {
    await at.heard(client, /ok/)
    assert.deepEqual(told(at, client), ['ok'])
  }
  assert.equal(asked(at, '<body>ok<'), 1)
})

test('of a text that breaks off is told once what went, also where the one who drives sees it later', async () => {
  for (const ids of [true, false]) {
    await using at = await stand({ ids })
    await both(at)
    at.net.inLines = true
    at.net.breaks = { after: 2, answered: 2, reason: 'not-allowed', unsure: false }
    at.net.sessions[0]?.hold()
    at.says(BERT, '#tea', TEXT, 'long')
    await at.heard(BERT, /type='error'/)
    at.net.sessions[0]?.flow()
    at.says(BERT, '#tea', 'next', 'short')
    for (const client of [ANNA, BERT]) {
      await at.heard(client, /next/)
      assert.deepEqual(told(at, client), ['one\ntwo', 'next'])
    }
    assert.equal(asked(at, 'one'), 0)
  }
})
