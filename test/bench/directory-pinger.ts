// SPDX-License-Identifier: Apache-2.0
// Somebody who pings the server every 10 ms, in a thread of their own: what others receive delays no answer that is measured.
import { parentPort, workerData } from 'node:worker_threads'
import { type Login, RawClient } from '../harness/raw-client.ts'

const EVERY_MS = 10

/** `at`: of all threads alike, in ms. */
export type Ping = { at: number; ms: number }

const login = workerData as Login
let answered = () => {}
let over = false
const client = await RawClient.login({ ...login, presence: false }, { stanza: () => answered() })
parentPort?.once('message', () => {
  over = true
})
parentPort?.postMessage('in')
const ended = client.ended.then(({ why }) => Promise.reject(new Error(`the pinger's connection ended: ${why}`)))
ended.catch(() => {})
const pings: Ping[] = []
while (!over) {
  const { promise, resolve } = Promise.withResolvers<void>()
  answered = resolve
  const at = performance.now()
  client.send(`<iq type='get' id='p' to='${login.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  await Promise.race([promise, ended])
  pings.push({ at: performance.timeOrigin + at, ms: performance.now() - at })
  await new Promise((done) => setTimeout(done, EVERY_MS))
}
await client.close()
parentPort?.postMessage(pings)
