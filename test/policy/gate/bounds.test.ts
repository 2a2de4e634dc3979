// SPDX-License-Identifier: Apache-2.0
// Every wait and queue of the gate has a bound. The journal here is one whose disk the test holds; the real one is in the scenes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Entry, JournalFault } from '../../../components/kit/bus/journal.ts'
import { openMetrics } from '../../../components/kit/process/metrics.ts'
import { createCatalogue } from '../../../components/kit/text/catalogue.ts'
import { parseStanza } from '../../../components/kit/xml/parse.ts'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'
import type { Decide } from '../../../components/policy/domain/decide.ts'
import { createGate, type GateBounds } from '../../../components/policy/gate/gate.ts'
import { Tally } from '../../../components/policy/gate/tally.ts'
import { createWording } from '../../../components/policy/gate/wording.ts'
import { texts } from '../../../components/policy/policy.ts'
import { ask, HOST, screenOf } from '../stage.ts'

const BOUNDS: GateBounds = {
  asks: 3,
  bytes: 10_000,
  answerWithinMs: 60_000,
  laterWithinMs: 60_000,
  replacementBytes: 10_000,
  answerBytes: 10_000,
}

type Held = { entries: readonly Entry[]; kept(): void; failed(error: Error): void }

function open(bounds: Partial<GateBounds> = {}, decide: Decide = () => ({ action: 'allow', rule: 'otherwise' })) {
  const held: Held[] = []
  const faults: string[] = []
  const sent: string[] = []
  const tally = new Tally(openMetrics('policy'))
  const gate = createGate({
    hosts: new Set([HOST]),
    rooms: [],
    bounds: { ...BOUNDS, ...bounds },
    judge: () => ({ hash: 'h', decide, fault: () => null }),
    journal: {
      append: (entries) =>
        new Promise((resolve, reject) =>
          held.push({ entries, kept: () => resolve({ first: 1, last: entries.length }), failed: reject }),
        ),
    },
    send: (_, payload) => void sent.push(payload),
    wording: createWording(createCatalogue([texts]), ['en', 'de']),
    tally,
    coverage: { heard() {}, stranger: () => false },
    stranger() {},
    skipped() {},
    fault: (what, error) => void faults.push(`${what} ${error === null ? 'works' : 'fails'}`),
    now: () => 0,
  })
  const put = (children: string) => {
    const { element, slice } = parseStanza(`<iq>${screenOf(children)}</iq>`)
    const payload = element.getChildElements()[0]
    assert.ok(payload)
    return gate.answer({ from: HOST, payload, slice }).then(
      (answer) => (answer === '' ? 'allowed' : answer),
      (error: unknown) => {
        assert.ok(error instanceof StanzaError)
        return `${error.type} ${error.condition}`
      },
    )
  }
  return { gate, held, faults, sent, tally, put }
}

const BUSY = 'wait resource-constraint'

test('more questions than may be in work are answered with an error at once, and there is room again after an answer', async () => {
  const { put, held, gate, tally } = open()
  const first = put(ask(1, 'x') + ask(2, 'x'))
  assert.equal(await put(ask(3, 'x') + ask(4, 'x')), BUSY)
  const third = put(ask(5, 'x'))
  assert.equal(gate.inWork().asks, 3)
  for (const each of held) each.kept()
  assert.deepEqual([await first, await third], ['allowed', 'allowed'])
  assert.deepEqual(gate.inWork(), { asks: 0, bytes: 0 })
  assert.equal(held.length, 2, 'what was refused was never handed to the journal')
  assert.equal(tally.counts.over_bounds, 1)
})

test('so are more characters', async () => {
  const { put, held } = open()
  const first = put(ask(1, 'x'.repeat(6_000)))
  assert.equal(await put(ask(2, 'x'.repeat(6_000))), BUSY)
  held[0]?.kept()
  assert.equal(await first, 'allowed')
})

test('a disk that does not answer in time: an error, nothing allowed; what comes later changes nothing', async () => {
  const { put, held, faults, tally, gate } = open({ answerWithinMs: 20 })
  assert.equal(await put(ask(1, 'x')), BUSY)
  assert.deepEqual(faults, ['journal fails'])
  held[0]?.kept()
  assert.equal(gate.inWork().asks, 0)
  assert.equal(tally.counts.allow, 0)
  assert.equal(tally.counts.not_kept, 1)
})

test('a journal that fails is told of once, and once that it works again', async () => {
  const { put, held, faults } = open()
  const answers = [put(ask(1, 'x')), put(ask(2, 'x'))]
  for (const each of held) each.failed(new JournalFault('disk'))
  assert.deepEqual(await Promise.all(answers), [BUSY, BUSY])
  const third = put(ask(3, 'x'))
  held[2]?.kept()
  assert.equal(await third, 'allowed')
  assert.deepEqual(faults, ['journal fails', 'journal works'])
})

test('no answer before the journal has said that it is on disk', async () => {
  const { put, held } = open()
  let answered = false
  const answer = put(ask(1, 'x')).then((it) => {
    answered = true
    return it
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(held.length, 1)
  assert.equal(answered, false)
  held[0]?.kept()
  assert.equal(await answer, 'allowed')
})

test('done counts as said only when it is on disk', async () => {
  const { gate, held } = open()
  const put = () => {
    const { element, slice } = parseStanza(`<iq>${screenOf('', { done: 7 })}</iq>`)
    const [payload] = element.getChildElements()
    assert.ok(payload)
    return gate.answer({ from: HOST, payload, slice })
  }
  const first = put()
  held[0]?.failed(new JournalFault('disk'))
  await assert.rejects(first)
  const second = put()
  held[1]?.kept()
  await second
  await put()
  assert.deepEqual(
    held.map(({ entries }) => entries.map(({ kind }) => kind)),
    [['done'], ['done']],
    'again after the failure, and then no more',
  )
})

test('a slow verdict stays in work until it is decided and kept', async () => {
  const verdict = Promise.withResolvers<ReturnType<Decide> & object>()
  const { put, held, gate, sent } = open({}, () => verdict.promise as ReturnType<Decide>)
  assert.match(await put(ask(1, 'x')), /<verdict n='1' action='later'\/>/)
  assert.equal(gate.inWork().asks, 1)
  const stop = AbortSignal.timeout(60_000)
  let drained = false
  const drain = gate.drain(stop).then(() => {
    drained = true
  })
  verdict.resolve({ action: 'allow', rule: 'r' })
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([sent, drained], [[], false], 'not before it is on disk')
  held[0]?.kept()
  await drain
  assert.match(
    sent.join(),
    /^<verdicts xmlns='urn:gatehouse:screen:1' source='[0-9a-f]{32}'><verdict n='1' action='allow'\/><\/verdicts>$/,
  )
  assert.equal(await put(ask(2, 'x')), BUSY, 'after a drain nothing is taken')
})

test('the signal bounds a drain', async () => {
  const { put, gate, held } = open()
  const answer = put(ask(1, 'x'))
  const stop = new AbortController()
  const drain = gate.drain(stop.signal)
  stop.abort()
  await drain
  assert.equal(gate.inWork().asks, 1)
  held[0]?.kept()
  assert.equal(await answer, 'allowed')
})
