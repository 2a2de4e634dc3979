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
    assert.deepEqual(askedWith(at, 'subject').map(({ foreign }) => foreign), [{ nick: 'anna' }])
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
