// SPDX-License-Identifier: Apache-2.0
// Many people who log in one after the other and stay, in a thread of their own: what they receive delays nobody who measures.
import { parentPort, workerData } from 'node:worker_threads'
import { RawClient } from '../harness/raw-client.ts'

const { port, domain, people } = workerData as { port: number; domain: string; people: readonly string[] }
for (const user of people) {
  const login = { address: '127.0.0.1', port, domain, user, password: 'secret', resource: 'r', presence: false }
  const client = await RawClient.login(login, { stanza: () => {} })
  client.send(`<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>`)
  client.send('<presence/>')
}
parentPort?.postMessage('in')
