// SPDX-License-Identifier: Apache-2.0
// D2 of @xmpp/component 0.13.1: it reads and answers on, whether the server reads the answers or not. The flooder is this
// process, the component another, so that its memory is its own.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { type Peer, startComponentServer } from '../../harness/component-server.ts'
import { DOMAIN, SECRET } from './subject.ts'
import { type SubjectProcess, startSubject } from './subject-process.ts'

const REQUESTS = 200_000
const BARE_REQUESTS = process.env.GATEHOUSE_LONG === '1' ? REQUESTS : 50_000
const BATCH = 100
const TEXT = 'x'.repeat(1000)

type Flood = { written: number; done: Promise<void> }

/** Writes as fast as the component reads; never holds more than a batch itself. */
function flood(peer: Peer, requests: number): Flood {
  const state: Flood = { written: 0, done: Promise.resolve() }
  const run = async () => {
    while (state.written < requests) {
      let text = ''
      for (let i = 0; i < BATCH; i++)
        text += `<iq type='set' id='${state.written + i}' from='u@x.example/r' to='${DOMAIN}'><echo xmlns='urn:test'>${TEXT}</echo></iq>`
      state.written += BATCH
      if (!peer.socket.write(text)) await once(peer.socket, 'drain')
    }
  }
  state.done = run()
  return state
}

/** Counts answers in the bytes as they come; the harness's own reader would keep each of them. */
function countAnswers(peer: Peer, wanted: number): Promise<void> {
  let rest = ''
  let seen = 0
  return new Promise((resolve) => {
    peer.socket.on('data', (bytes: Buffer) => {
      const parts = (rest + bytes.toString('latin1')).split(`<iq type='result' `)
      rest = parts.at(-1)?.slice(-30) ?? ''
      seen += parts.length - 1
      if (seen >= wanted) resolve()
    })
    peer.socket.resume()
  })
}

/** Until neither side moves any more: the same figures twenty times, each an answer from the other process. */
async function standstill(subject: SubjectProcess, state: Flood): Promise<number> {
  let last = -1
  for (let same = 0; same < 20; ) {
    const { received = 0 } = (await subject.figures()).counts
    same = received + state.written === last ? same + 1 : 0
    last = received + state.written
  }
  return state.written
}

test('D2: 200,000 requests against a peer that does not read: reading stops, memory stays under 200 MB, all are answered in the end', async (t) => {
  await using server = await startComponentServer({ domain: DOMAIN, secret: SECRET })
  await using subject = startSubject('kit', server.port)
  const peer = await server.accepted()
  peer.socket.removeAllListeners('data')
  peer.socket.pause()
  const state = flood(peer, REQUESTS)
  const stoodAt = await standstill(subject, state)
  assert.ok(stoodAt < REQUESTS, 'the component went on reading')
  await Promise.all([countAnswers(peer, REQUESTS), state.done])
  const { rssMost, counts } = await subject.figures()
  t.diagnostic(`stood still at ${stoodAt}, most memory ${Math.round(rssMost / 1e6)} MB, pauses ${counts.pauses}`)
  assert.equal(counts.received, REQUESTS)
  assert.ok(rssMost < 200e6, `${Math.round(rssMost / 1e6)} MB`)
  assert.equal(counts.lostReplies, 0)
})

test('D2 on the bare library: it reads all without a single answer being read', async (t) => {
  await using server = await startComponentServer({ domain: DOMAIN, secret: SECRET })
  await using subject = startSubject('bare', server.port)
  const peer = await server.accepted()
  peer.socket.removeAllListeners('data')
  peer.socket.pause()
  const state = flood(peer, BARE_REQUESTS)
  await state.done
  await standstill(subject, state)
  const { rssMost, counts } = await subject.figures()
  t.diagnostic(`most memory ${Math.round(rssMost / 1e6)} MB after ${counts.received} requests`)
  assert.equal(counts.received, BARE_REQUESTS)
})
