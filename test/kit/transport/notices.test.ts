// SPDX-License-Identifier: Apache-2.0
// What the servers of a network say reaches the person it is for, under the rules, and never as a flood.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, Question } from '../../../components/kit/transport/asker/question.ts'
import { openNotices } from '../../../components/kit/transport/people/notices.ts'
import { MadeUpNet } from './made-up.ts'
import { GATEWAY, NETWORK } from './stand.ts'

const ANNA = 'anna@corp.example'

function open({ only = null, isUp = true }: { only?: string | null; isUp?: boolean } = {}) {
  const asked: Question[] = []
  const sent: string[] = []
  const clock = { now: 1_000_000 }
  const notices = openNotices({
    domain: GATEWAY,
    network: new MadeUpNet({ only }),
    sessions: { of: () => ({ isUp }) as never },
    asker: {
      async ask(question): Promise<Answer> {
        asked.push(question)
        const { stanza } = question
        if (stanza.includes('poison'))
          return { action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} }
        return { action: 'deliver', stanza, replaced: false }
      },
    },
    send: (xml) => sent.push(xml) > 0,
    now: () => clock.now,
  })
  return { notices, asked, sent, clock, settled: () => new Promise((resolve) => setImmediate(resolve)) }
}

test('it comes from the address of the network, asked about as the words of whose they are', async () => {
  const { notices, asked, sent, settled } = open()
  notices.tell(ANNA, NETWORK, 'the server goes down & comes back')
  notices.tell(ANNA, NETWORK, 'otto: VERSION 1', 'otto')
  await settled()
  assert.match(
    sent[0] ?? '',
    new RegExp(
      `^<message from='${NETWORK}@${GATEWAY}' to='${ANNA}' type='headline' id='[\\w-]+'><body>the server goes down &amp; comes back</body><no-store`,
    ),
  )
  assert.deepEqual(
    asked.map(({ foreign, server, network }) => [foreign, server, network]),
    [
      [{ nick: NETWORK }, NETWORK, 'made-up'],
      [{ nick: 'otto' }, NETWORK, 'made-up'],
    ],
  )
  const only = open({ only: NETWORK })
  only.notices.tell(ANNA, NETWORK, 'here')
  await only.settled()
  assert.match(only.sent[0] ?? '', new RegExp(`^<message from='${GATEWAY}' to='${ANNA}'`))
})

test('what the rules refuse is not shown, nor is what is said on the way in', async () => {
  const { notices, sent, settled } = open()
  notices.tell(ANNA, NETWORK, 'poison')
  await settled()
  assert.deepEqual([sent, notices.counts.refused], [[], 1])
  const away = open({ isUp: false })
  away.notices.tell(ANNA, NETWORK, 'looking up your host')
  await away.settled()
  assert.deepEqual([away.sent, away.asked], [[], []])
})

test('a server that talks without end is heard a little at a time, and the same words once', async () => {
  const { notices, sent, clock, settled } = open()
  for (let n = 0; n < 100; n++) notices.tell(ANNA, NETWORK, `line ${n}`)
  for (let n = 0; n < 100; n++) notices.tell('bert@corp.example', NETWORK, 'the same')
  await settled()
  const to = (who: string) => sent.filter((xml) => xml.includes(`to='${who}'`)).length
  assert.deepEqual([to(ANNA), to('bert@corp.example'), notices.counts.left], [10, 1, 189])
  clock.now += 60_000
  for (let n = 100; n < 200; n++) notices.tell(ANNA, NETWORK, `line ${n}`)
  await settled()
  assert.equal(to(ANNA), 14)
  clock.now += 3_600_000
  notices.tell('bert@corp.example', NETWORK, 'the same')
  await settled()
  assert.equal(to('bert@corp.example'), 2)
})
