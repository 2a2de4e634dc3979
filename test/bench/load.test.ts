// SPDX-License-Identifier: Apache-2.0
// The load generator counts what a server does wrong. The server here is a small one that does wrong on purpose.
import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { attribute, splitter } from '../harness/stanza-splitter.ts'
import { type Load, openLoad } from './load.ts'

/** What happens to the message with this number of each pair. */
const FATES: Readonly<Record<number, 'lost' | 'doubled' | 'refused' | 'late'>> = {
  3: 'lost',
  5: 'doubled',
  7: 'refused',
  9: 'late',
}

let server: Server
let load: Load
before(async () => {
  server = createServer((socket) => serve(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  load = await openLoad({ address: '127.0.0.1', port: address.port, domain: 'corp.example', pairs: 2 })
})
after(async () => {
  await load.close()
  await new Promise((resolve) => server.close(resolve))
})

test('open loop: what is due is sent, and each kind of fault is counted', async () => {
  const report = await load.run({ mode: 'open', rate: 200, seconds: 0.5, bodies: [100], drainMs: 300, keep: true })
  assert.equal(report.sent, 102)
  assert.equal(report.lost, 2)
  assert.equal(report.doubled, 2)
  assert.equal(report.errors, 2)
  assert.equal(report.disordered, 2)
  assert.equal(report.delivered, report.sent - report.lost - report.errors)
  assert.equal(report.latenciesMs?.length, report.delivered)
  assert.match(report.errorTexts[0] ?? '', /policy-violation/)
})

test('closed loop: a lost message keeps its place in the window, the rest goes on', async () => {
  const report = await load.run({ mode: 'closed', window: 4, seconds: 0.3, bodies: [10, 1000], drainMs: 300 })
  assert.deepEqual([report.lost, report.doubled, report.errors], [2, 2, 2])
  assert.ok(report.delivered > 100)
})

/** Sessions by user name. */
const sessions = new Map<string, Socket>()
const late = new Map<string, string>()

function serve(socket: Socket): void {
  let user = ''
  socket.setEncoding('utf8')
  const cut = splitter({
    opened: () => void socket.write('<stream:stream><stream:features></stream:features>'),
    take: (stanza) => {
      if (stanza.startsWith('<auth')) {
        const proof = Buffer.from(stanza.replace(/<[^>]*>/g, ''), 'base64').toString()
        user = proof.split('\0')[1] ?? ''
        socket.write('<success/>')
      } else if (stanza.startsWith('<iq')) {
        sessions.set(user, socket)
        socket.write(`<iq type='result' id='${attribute(stanza, 'id')}'></iq>`)
      } else if (stanza.startsWith('<message')) route(socket, stanza)
    },
    closed: () => void socket.end('</stream:stream>'),
  })
  socket.on('data', (text: string) => cut(text))
}

function route(sender: Socket, stanza: string): void {
  const to = (attribute(stanza, 'to') ?? '').split('@')[0] ?? ''
  const id = attribute(stanza, 'id') ?? ''
  const receiver = sessions.get(to)
  const fate = FATES[Number(id.split('n').at(-1))]
  if (fate === 'lost') return
  if (fate === 'late') {
    late.set(to, stanza)
    return
  }
  if (fate === 'refused') {
    sender.write(`<message type='error' id='${id}'><error type='modify'><policy-violation/></error></message>`)
    return
  }
  receiver?.write(fate === 'doubled' ? stanza + stanza : stanza)
  receiver?.write(late.get(to) ?? '')
  late.delete(to)
}
