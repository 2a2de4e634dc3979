// SPDX-License-Identifier: Apache-2.0
// What crosses beside messages passes the rules too: subjects, why somebody is absent.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer, Question } from '../../../components/kit/transport/asker/question.ts'
import type { Asking } from '../../../components/kit/transport/rooms/house.ts'
import { calm, room, type Stand, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const BERT = 'bert@corp.example/desk'
const R = room('#tea')

/** Refuses what holds the word. */
const refusing = (word: string, why: 'policy' | 'outage' = 'policy'): Asking => ({
  ask: async ({ stanza }): Promise<Answer> => {
    if (!stanza.includes(word)) return { action: 'deliver', stanza, replaced: false }
    if (why === 'outage') return { action: 'refuse', why }
    return { action: 'refuse', why, rule: 'r', condition: 'policy-violation', text: {} }
  },
  occupant() {},
})

const askedWith = ({ asked }: Stand, element: string): Question[] =>
  asked.filter(({ stanza }) => stanza.includes(`<${element}>`))
const shown = ({ sent }: Stand, words: string) => sent.filter((xml) => xml.includes(words))

describe('a subject', () => {
  it('of somebody who was called as one of ours is today is asked about, and is not hers', async () => {
    await using at = await stand({ asker: refusing('poison') })
    at.net.place('#tea').subject = { subject: 'poison', by: 'anna', at: 5 }
    at.net.accounts.set('anna', 'anna_')
    await at.enter(ANNA, '#tea', 'anna')
    await at.enter(BERT, '#tea', 'bert')
    await calm(at)
    assert.deepEqual(shown(at, 'poison'), [])
    assert.deepEqual(
      askedWith(at, 'subject').map(({ foreign }) => foreign),
      [{ nick: 'anna' }],
    )
  })

  it('that one of ours set at another program of hers is asked about; what she set here was already', async () => {
    await using at = await stand()
    await at.enter(ANNA, '#tea', 'anna')
    at.net.tellAll('#tea', { kind: 'subject', subject: 'elsewhere', by: 'anna', at: Date.now() })
    await at.heard(ANNA, /<subject>elsewhere/)
    at.send(`<message type='groupchat' from='${ANNA}' to='${R}'><subject>here  and now</subject></message>`)
    await at.heard(ANNA, /<subject>here {2}and now/)
    at.net.tellAll('#tea', { kind: 'subject', subject: 'here', by: 'anna', at: Date.now() })
    await at.heard(ANNA, /<subject>here</)
    const asked = askedWith(at, 'subject').map(({ stanza }) => /<subject>(.*)<\/subject>/.exec(stanza)?.[1])
    assert.deepEqual(asked, ['elsewhere', 'here'])
  })

  it('is nowhere to be read before it was answered for, and is told of as refused where that is wanted', async () => {
    const answer = Promise.withResolvers<Answer>()
    const asker: Asking = {
      ask: ({ stanza }) =>
        stanza.includes('poison') ? answer.promise : Promise.resolve({ action: 'deliver', stanza, replaced: false }),
      occupant() {},
    }
    await using at = await stand({ asker, settings: { noteRefused: true } })
    await at.enter(ANNA, '#tea', 'anna')
    at.net.comes('#tea', 'otto')
    at.net.tellAll('#tea', { kind: 'subject', subject: 'poison', by: 'otto', at: Date.now() })
    await calm(at)
    const info = await at.ask(ANNA, R, 'get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`)
    assert.doesNotMatch(String(info), /poison/)
    answer.resolve({ action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} })
    assert.match(await at.heard(ANNA, /refused/), /A message from otto was refused/)
    assert.deepEqual(shown(at, 'poison'), [])
    assert.equal(at.transport.counts.refusedIn, 1)
  })

  it('that nobody could be asked about is asked about again when the network tells it again', async () => {
    await using at = await stand({ asker: refusing('weather', 'outage') })
    at.net.place('#tea').subject = { subject: 'weather', by: 'otto', at: 5 }
    await at.enter(ANNA, '#tea', 'anna')
    await calm(at)
    at.net.tellAll('#tea', { kind: 'subject', subject: 'weather', by: 'otto', at: 5 })
    await calm(at)
    assert.equal(askedWith(at, 'subject').length, 2)
    assert.equal(at.transport.counts.withheld, 2)
  })
})

describe('why one of ours was put out', () => {
  const OUT = /type='unavailable'.*code='110'/
  const POISONED = '<a> poison'

  it('is asked about before he reads it himself, who is shown it from his own connection alone', async () => {
    await using at = await stand({ asker: refusing('poison'), settings: { most: { occupants: 1 } } })
    at.net.comes('#tea', 'otto', { account: 'ottos' })
    for (const [how, codes] of [
      ['kicked', /code='307'/],
      ['banned', /affiliation='outcast'.*code='301'/],
    ] as const)
      for (const reason of ['too <loud>', POISONED]) {
        await at.enter(ANNA, '#tea', 'anna')
        at.net.kicks('#tea', 'anna', 'otto', reason, how)
        const told = await at.heard(ANNA, OUT)
        assert.match(told, /<actor nick='otto'\/>/)
        assert.match(told, codes)
        assert.equal(told.includes('<reason>too &lt;loud&gt;</reason>'), reason !== POISONED)
        assert.equal(at.transport.roomsOf('anna@corp.example').length, 0)
      }
    await at.enter(ANNA, '#tea', 'anna')
    for (const reason of [POISONED, 'bye', '']) {
      await at.enter(BERT, '#tea', 'bert')
      const session = at.net.sessions.find((one) => one.nick === 'bert')
      session?.rooms.delete('#tea')
      session?.tell((events) => events.out('#tea', 'left', 'otto', reason))
      assert.equal(/<status>bye</.test(await at.heard(BERT, OUT)), reason === 'bye')
    }
    assert.deepEqual(shown(at, 'poison'), [])
    const asked = at.asked.filter(({ stanza }) => /type='unavailable'/.test(stanza))
    assert.deepEqual(
      asked.map(({ stanza, foreign }) => [/ to='([^']*)'/.exec(stanza)?.[1], foreign]),
      ['anna', 'anna', 'anna', 'anna', 'bert', 'bert'].map((who) => [
        `${who}@corp.example`,
        { nick: 'otto', account: 'ottos' },
      ]),
    )
  })

  it('waits for its answer in its place, and what cannot be asked about is left out', async () => {
    const answer = Promise.withResolvers<Answer>()
    const asker: Asking = {
      ask: ({ stanza }) =>
        stanza.includes('why') ? answer.promise : Promise.resolve({ action: 'deliver', stanza, replaced: false }),
      occupant() {},
    }
    await using at = await stand({ asker })
    await at.enter(ANNA, '#tea', 'anna')
    const session = at.net.sessions[0]
    session?.rooms.delete('#tea')
    session?.tell((events) => events.out('#tea', 'left', 'otto', 'why'))
    const again = at.enter(ANNA, '#tea', 'anna')
    await calm(at)
    assert.deepEqual(shown(at, `type='unavailable'`), [])
    answer.resolve({ action: 'refuse', why: 'outage' })
    const told = await again
    assert.match(told.at(-1) ?? '', /<subject>/)
    assert.match(told[0] ?? '', OUT)
    assert.deepEqual(shown(at, 'why'), [])
    assert.equal(at.transport.roomsOf('anna@corp.example')[0]?.state, 'in')
  })
})

describe('why somebody is away', () => {
  const OTHER = room('#milk')
  const comes = (at: Stand, name: string, more = {}) => at.net.comes(name, 'otto', more)
  const changes = (at: Stand, name: string, nick: string, away: string, more = {}) =>
    at.net.tellAll(name, {
      kind: 'changed',
      occupant: { nick, role: 'participant', affiliation: 'none', away, ...more },
    })
  const texts = (at: Stand) => askedWith(at, 'status').map(({ stanza }) => /<status>(.*)<\/status>/.exec(stanza)?.[1])

  it('is asked about once for each change, in however many rooms it is shown; what is refused leaves that he is away', async () => {
    await using at = await stand({ asker: refusing('poison') })
    for (const name of ['#tea', '#milk']) {
      comes(at, name)
      await at.enter(ANNA, name, 'anna')
    }
    for (const away of ['lunch &amp; more', 'poison']) {
      for (const name of ['#tea', '#milk']) changes(at, name, 'otto', away)
      for (const from of [R, OTHER]) {
        const told = await at.heard(ANNA, new RegExp(`from='${from}/otto'>.*<show>away`))
        assert.equal(/<status>/.test(told), away !== 'poison')
      }
      for (const name of ['#tea', '#milk'])
        at.net.tellAll(name, { kind: 'changed', occupant: { nick: 'otto', role: 'participant', affiliation: 'none' } })
    }
    await calm(at)
    assert.deepEqual(texts(at), ['lunch &amp;amp; more', 'poison'])
    assert.deepEqual(askedWith(at, 'status').map(({ foreign, server }) => [foreign, server])[0], [
      { nick: 'otto' },
      'a.example',
    ])
    assert.deepEqual(shown(at, 'poison'), [])
    assert.equal(at.transport.counts.refusedIn, 1)
  })

  it('is shown when it becomes known, and when it changes, while he stays away', async () => {
    await using at = await stand({ asker: refusing('poison') })
    comes(at, '#tea', { away: '' })
    await at.enter(ANNA, '#tea', 'anna')
    for (const away of ['lunch', 'poison', 'tea', 'tea']) changes(at, '#tea', 'otto', away)
    await calm(at)
    const told = at.unread(ANNA).filter((xml) => xml.includes('/otto'))
    assert.deepEqual(
      told.map((xml) => /<show>away<\/show>(?:<status>(.*?)<\/status>)?/.exec(xml)?.[1]),
      ['lunch', undefined, 'tea'],
    )
  })

  it('goes with him to another nick that he takes before it was answered for', async () => {
    const answer = Promise.withResolvers<void>()
    const asker: Asking = {
      ask: async ({ stanza }) => {
        if (stanza.includes('lunch')) await answer.promise
        return { action: 'deliver', stanza, replaced: false }
      },
      occupant() {},
    }
    await using at = await stand({ asker })
    comes(at, '#tea')
    await at.enter(ANNA, '#tea', 'anna')
    changes(at, '#tea', 'otto', 'lunch')
    at.net.renames('#tea', 'otto', 'otto2')
    await calm(at)
    answer.resolve()
    await at.heard(ANNA, /otto'.*<status>lunch</)
    assert.match(await at.heard(ANNA, /from='[^']*otto2'/), /<show>away<\/show><status>lunch</)
  })

  it('is not shown to those who enter before it was answered for, and shown to those who enter afterwards', async () => {
    const answer = Promise.withResolvers<void>()
    const asker: Asking = {
      ask: async ({ stanza }) => {
        if (stanza.includes('lunch')) await answer.promise
        return { action: 'deliver', stanza, replaced: false }
      },
      occupant() {},
    }
    await using at = await stand({ asker })
    comes(at, '#tea', { away: 'lunch' })
    const before = await at.enter(ANNA, '#tea', 'anna')
    assert.match(before.find((xml) => xml.includes('/otto')) ?? '', /<show>away<\/show><x/)
    answer.resolve()
    await at.heard(ANNA, /otto.*<status>lunch</)
    const after = await at.enter(BERT, '#tea', 'bert')
    assert.match(after.find((xml) => xml.includes('/otto')) ?? '', /<show>away<\/show><status>lunch/)
    assert.equal(askedWith(at, 'status').length, 1)
  })

  it('in the words of one of ours was asked about already; other words under her nick are asked about', async () => {
    await using at = await stand()
    await at.enter(BERT, '#tea', 'bert')
    await at.enter(ANNA, '#tea', 'anna')
    at.send(`<presence from='${ANNA}' to='${R}/anna'><show>away</show><status>mine</status></presence>`)
    await calm(at)
    changes(at, '#tea', 'anna', 'mine')
    await at.heard(BERT, /anna.*<status>mine</)
    changes(at, '#tea', 'anna', 'of another program')
    await calm(at)
    assert.deepEqual(texts(at), ['of another program'])
  })

  it('of a colleague is asked about for each room, because walls are', async () => {
    const isColleague = (_: string, account: string) => account === 'ottos'
    await using at = await stand({ people: { mayUse: () => null, isColleague } })
    for (const name of ['#tea', '#milk']) {
      comes(at, name, { account: 'ottos' })
      await at.enter(ANNA, name, 'anna')
      changes(at, name, 'otto', 'lunch', { account: 'ottos' })
      await at.heard(ANNA, /otto.*<status>lunch</)
    }
    assert.deepEqual(
      askedWith(at, 'status').map(({ stanza, foreign }) => [/ to='([^']*)'/.exec(stanza)?.[1], foreign.account]),
      [R, OTHER].map((to) => [to, 'ottos']),
    )
  })
})
