// SPDX-License-Identifier: Apache-2.0
// Many people who log in one after the other and stay, in a thread of their own: what they receive delays nobody who measures. It says
// 'in' when the last is, and 'seen' when everybody has seen everybody.
import { parentPort, workerData } from 'node:worker_threads'
import { RawClient } from '../harness/raw-client.ts'
import { attribute } from '../harness/stanza-splitter.ts'

export type Crowd = { port: number; domain: string; people: readonly string[] }

const { port, domain, people } = workerData as Crowd
const places = new Map(people.map((user, at) => [`${user}@${domain}/r`, at]))
let missing = people.length * people.length
const clients: RawClient[] = []
for (const user of people) {
  const seen = new Uint8Array(people.length)
  const take = (stanza: string) => {
    if (!stanza.startsWith('<presence')) return
    const place = places.get(attribute(stanza, 'from') ?? '')
    if (place === undefined || seen[place] === 1) return
    seen[place] = 1
    missing -= 1
    if (missing === 0) parentPort?.postMessage('seen')
  }
  const login = { address: '127.0.0.1', port, domain, user, password: 'secret', resource: 'r', presence: false }
  const client = await RawClient.login(login, { stanza: take })
  client.send(`<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>`)
  client.send('<presence/>')
  clients.push(client)
}
parentPort?.postMessage('in')
parentPort?.once('message', () => {
  for (const client of clients) client.break()
})
