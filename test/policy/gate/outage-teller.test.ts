// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'
import { OutageTeller } from '../../../components/policy/gate/outage-teller.ts'

const AT = '2026-11-22T10:00:00.123Z'
const written = (children: string) => ({ attributes: '', children, reduced: { by: 'nothing' } as const })
const announcement = (source: string, outageRules: string | null = null) => {
  const said = { at: AT, node: 'n', hosts: ['A.example', 'b.example'], software: 's', helper: 'h', predecessor: null }
  return { source, done: 0, reports: [{ report: 'source' as const, ...said, outageRules }] }
}

function open() {
  const asked: { host: string; payload: string; answer(error?: StanzaError): void }[] = []
  const waiting: (() => void)[] = []
  const said: string[] = []
  const teller = new OutageTeller({
    request: (host, payload) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      asked.push({ host, payload, answer: (error) => (error ? reject(error) : resolve()) })
      waiting.splice(0).forEach((each) => void each())
      return promise
    },
    told: (host, { id }) => said.push(`${host} holds ${id.length}`),
    lacking: (host, lack) => said.push(`${host} ${lack}`),
    again: { afterMs: 1 },
  })
  const next = async () => {
    while (asked.length === 0) await new Promise<void>((done) => waiting.push(done))
    return asked.shift() ?? assert.fail()
  }
  return { teller, next, asked, said }
}

const busy = new StanzaError('wait', 'resource-constraint')
const unknown = new StanzaError('cancel', 'service-unavailable')

test('what fails is told again until it holds, and said once', async () => {
  const { teller, next, said } = open()
  teller.inForce(written('<a/>'))
  teller.heard('a.example', announcement('1'))
  for (let round = 0; round < 3; round++) (await next()).answer(busy)
  const last = await next()
  assert.deepEqual(teller.lacking(), [
    { host: 'a.example', lack: 'failed' },
    { host: 'b.example', lack: 'failed' },
  ])
  last.answer()
  await new Promise(setImmediate)
  assert.deepEqual(said, ['a.example failed', 'a.example holds 32'])
  assert.deepEqual(teller.lacking(), [])
})

test('one request at a time for a helper: what has changed meanwhile is told behind it', async () => {
  const { teller, next, asked } = open()
  teller.inForce(written('<a/>'))
  teller.heard('a.example', announcement('1'))
  const first = await next()
  teller.inForce(written('<b/>'))
  teller.inForce(written('<c/>'))
  teller.heard('a.example', announcement('1'))
  assert.equal(asked.length, 0)
  first.answer()
  const second = await next()
  assert.match(second.payload, /<c\/>/)
  second.answer(unknown)
  await new Promise(setImmediate)
  assert.equal(asked.length, 0, 'one that does not know it is not asked again')
  assert.equal(teller.lacking().length, 2)
  teller.heard('a.example', announcement('2'))
  assert.match((await next()).payload, /<c\/>/)
})

test('what is left of an earlier run, and one that has ended or is cut off, is told nothing', async () => {
  const { teller, next, asked } = open()
  teller.inForce(written('<a/>'))
  teller.heard('a.example', { ...announcement('0'), done: null })
  assert.equal(asked.length, 0)
  teller.heard('a.example', announcement('1'))
  const first = await next()
  teller.down()
  first.answer(busy)
  await new Promise(setImmediate)
  assert.deepEqual(teller.lacking(), [])
  teller.heard('a.example', announcement('1'))
  const second = await next()
  const end = { report: 'mark', last: 0, end: true, at: AT } as const
  teller.heard('a.example', { source: '1', done: 0, reports: [end] })
  second.answer(busy)
  await new Promise(setImmediate)
  assert.deepEqual(teller.lacking(), [])
  teller.inForce(written('<b/>'))
  assert.equal(asked.length, 0)
})
