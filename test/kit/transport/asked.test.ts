// SPDX-License-Identifier: Apache-2.0
// What crosses beside messages passes the rules too: subjects, why somebody is absent.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer, Question } from '../../../components/kit/transport/asker/question.ts'
import { NetworkFault } from '../../../components/kit/transport/network.ts'
import type { Asking } from '../../../components/kit/transport/rooms/house.ts'
import { openWords } from '../../../components/kit/transport/words.ts'
import { MadeUpNet } from './made-up.ts'
import { calm, GATEWAY, NETWORK, room, type Stand, stand } from './stand.ts'

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

const iq = (name: string, inside: string, type = 'set', to = R) => {
  const namespace = name.startsWith('jabber:') ? name : `http://jabber.org/protocol/${name}`
  return `<iq type='${type}' from='${ANNA}' to='${to}'><query xmlns='${namespace}'>${inside}</query></iq>`
}
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

describe('the words of a network', () => {
  const NET = `${NETWORK}@${GATEWAY}`
  const questions = (at: Stand) =>
    at.asked
      .filter(({ stanza }) => stanza.includes(`type='headline'`))
      .map(({ stanza, foreign, server }) => {
        const [, from, to, body] = /from='([^']*)' to='([^']*)'.*<body>(.*)<\/body>/.exec(stanza) ?? []
        return [from, to, body, foreign.nick, server]
      })

  it('that refuses what somebody does are asked about as said to him; else the error says only what it means', async () => {
    await using at = await stand({ asker: refusing('poison') })
    at.net.comes('#tea', 'otto')
    const milk = room('#milk')
    const does: readonly [string, string][] = [
      ['enter', `<presence from='${ANNA}' to='${milk}/anna'><x xmlns='http://jabber.org/protocol/muc'/></presence>`],
      ['say', `<message type='groupchat' from='${ANNA}' to='${R}'><body>hello</body></message>`],
      ['say', `<message type='chat' from='${ANNA}' to='${R}/otto'><body>hello</body></message>`],
      ['subject', `<message type='groupchat' from='${ANNA}' to='${R}'><subject>new</subject></message>`],
      ['rename', `<presence from='${ANNA}' to='${R}/annie'/>`],
      ['role', iq('muc#admin', `<item nick='otto' role='none'/>`)],
      ['configuration', iq('muc#owner', '', 'get')],
      ['list', iq('disco#items', '', 'get', NET)],
      ['search', iq('jabber:iq:search', '<nick>o</nick>', 'set', NET)],
    ]
    await at.enter(ANNA, '#tea', 'anna')
    for (const [what, stanza] of does)
      for (const words of ['poison', `for ${what} & more`]) {
        at.net.refusal = { what, reason: 'not-allowed', words }
        at.send(stanza.replace(/ /, ` id='${questions(at).length}' `))
        const error = await at.heard(ANNA, /type='error'/)
        assert.match(error, /<forbidden.*You may not do that there\./)
        assert.equal(error.includes(`The network said: for ${what} &amp; more`), words !== 'poison', error)
      }
    assert.deepEqual(shown(at, 'poison'), [])
    const asked = ['poison', ...new Set(does.map(([what]) => `for ${what} &amp; more`))]
    assert.deepEqual(
      questions(at).sort(),
      asked.map((words) => [NET, 'anna@corp.example', words, NETWORK, NETWORK]).sort(),
      'the same words once',
    )
  })

  it('that does not let somebody in are asked about too; what nobody could be asked about is asked about again', async () => {
    for (const why of ['policy', 'outage'] as const) {
      await using at = await stand({ asker: refusing('poison', why) })
      for (const words of ['poison', 'full today', 'poison']) {
        at.net.comesUp = false
        let told = ''
        void at.enter(ANNA, '#tea', 'anna').then(([first = '']) => {
          told = first
        })
        while (told === '') {
          at.net.sessions.at(-1)?.fails('banned', words, Date.now() + 60_000)
          await calm(at)
        }
        assert.match(told, /type='error'.*You are banned there\./)
        assert.equal(told.includes('full today'), words !== 'poison')
      }
      assert.deepEqual(shown(at, 'poison'), [])
      assert.equal(questions(at).length, why === 'policy' ? 2 : 3)
      assert.equal(at.transport.counts[why === 'policy' ? 'refusedIn' : 'withheld'], why === 'policy' ? 1 : 2)
    }
  })

  it('that ends a connection for good are asked about before who is put out of his rooms reads them', async () => {
    const answers = [Promise.withResolvers<Answer>(), Promise.withResolvers<Answer>()]
    const stanzas: string[] = []
    const asker: Asking = {
      ask: ({ stanza }) => {
        if (!stanza.includes('headline')) return Promise.resolve({ action: 'deliver', stanza, replaced: false })
        return (answers[stanzas.push(stanza) - 1] as (typeof answers)[0]).promise
      },
      occupant() {},
    }
    await using at = await stand({ asker })
    await at.enter(ANNA, '#tea', 'anna')
    await at.enter(BERT, '#tea', 'bert')
    for (const one of at.net.sessions) one.cut(null, `no more of ${one.nick}`)
    await calm(at)
    assert.deepEqual(shown(at, `code='110'/><status code='333'`), [])
    answers[0]?.resolve({ action: 'deliver', stanza: stanzas[0] ?? '', replaced: false })
    assert.match(await at.heard(ANNA, /code='333'/), /not connected.*The network said: no more of anna</)
    answers[1]?.resolve({ action: 'refuse', why: 'outage' })
    const bert = await at.heard(BERT, /code='333'/)
    assert.match(bert, /not connected/)
    assert.doesNotMatch(bert, /no more/)
    assert.deepEqual(at.transport.state().seats, 0)
  })

  it('hold for one person and a minute, and are not asked about where nobody is asked', async () => {
    const asked: string[] = []
    const clock = { now: 1 }
    const asker: Pick<Asking, 'ask' | 'passes'> = {
      async ask({ stanza }) {
        asked.push(stanza)
        return { action: 'deliver', stanza, replaced: false }
      },
    }
    const options = { domain: GATEWAY, network: new MadeUpNet(), refused() {}, now: () => clock.now }
    const words = openWords({ ...options, asker })
    const read = (who: string, text: string) => words.read(`${who}@corp.example`, NETWORK, text)
    assert.deepEqual(await Promise.all([read('anna', 'no'), read('anna', 'no'), read('bert', 'no')]), [
      'no',
      'no',
      'no',
    ])
    assert.equal(asked.length, 2)
    clock.now += 60_000
    for (const text of ['no', 'no', '', ' ']) await read('anna', text)
    assert.equal(asked.length, 3)
    for (let n = 0; n < 1_000; n++) await read('anna', `no ${n}`)
    await read('anna', 'no')
    assert.equal(asked.length, 1_004, 'more than a thousand are not remembered')
    const fault = new NetworkFault('other', 'said')
    const unasked = openWords({ ...options, asker: { ...asker, passes: true } })
    assert.deepEqual((await unasked.heard('anna@corp.example', NETWORK, fault)).message, 'said')
    assert.equal(
      await words
        .heard('anna@corp.example', NETWORK, NetworkFault.readable('other', 'ours'))
        .then((one) => one.message),
      'ours',
    )
    assert.equal(asked.length, 1_004)
  })

  it('are read whole or not at all, however long an answer is: in so many questions as it takes', async () => {
    const asker = refusing('poison')
    const asked: string[] = []
    const ask = (question: Question) => {
      asked.push(question.stanza)
      return asker.ask(question)
    }
    const words = openWords({ domain: GATEWAY, network: new MadeUpNet(), refused() {}, now: Date.now, asker: { ask } })
    const lines = Array.from({ length: 1_000 }, (_, n) =>
      n % 7 === 0 ? '' : `:irc.example 352 anna #tea u h s p${n} H :0 P`,
    )
    const read = (text: string) => words.read('anna@corp.example', NETWORK, text)
    assert.equal(await read(lines.join('\n')), lines.join('\n'))
    assert.equal(asked.length, 2)
    assert.equal(await read(lines.with(998, 'poison').join('\n')), null)
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
