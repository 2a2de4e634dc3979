// SPDX-License-Identifier: Apache-2.0
// A process that keeps messages, makes them outlive it, says so, and is then killed: the store has not committed the last of them.
import { openHistory } from '../../../../components/kit/transport/history/history.ts'

const [path = '', count = '', trimTo = '100000'] = process.argv.slice(2)
const history = await openHistory({
  path,
  keepMs: Number.MAX_SAFE_INTEGER,
  mostPerRoom: Number(trimTo),
  now: Date.now,
  failed: (what, error) => console.error(what, error),
})
const before = await history.recent('a.example #tea', 100_000)
for (let n = before.length; n < before.length + Number(count); n++) {
  const message = {
    id: `id${n}`,
    at: n,
    nick: 'otto',
    owner: null,
    mid: `id${n}`,
    body: `n${n}`,
    payload: '',
    foreign: [],
  }
  history.keep('a.example #tea', message)
}
const client = ['anna@corp.example/desk', '#tea%a.example@net.corp.example'] as const
history.keepSeat({
  owner: 'anna@corp.example',
  network: 'a.example',
  key: 'a.example #tea',
  room: '#tea',
  nick: 'anna',
  password: null,
  clients: [client],
})
history.ahead()
process.kill(process.pid, 'SIGKILL')
