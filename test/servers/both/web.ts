// SPDX-License-Identifier: Apache-2.0
// Clients that come by WebSocket (RFC 7395) and BOSH (XEP-0206), and what mod_gatehouse does with what they send.
import assert from 'node:assert/strict'
import type { Gated } from './gated.ts'
import { bodies, HOST, soon } from './house.ts'

const BOB = `bob@${HOST}`
const PLAIN = Buffer.from('\0alice\0secret').toString('base64')

/** A way to send and to wait for what comes. */
export type Web = { send(xml: string): void; got(pattern: RegExp): Promise<string>; close(): void }

function heard(): { tell(text: string): void; got(pattern: RegExp): Promise<string> } {
  let all = ''
  const waiting = new Set<() => void>()
  return {
    tell: (text) => {
      all += text
      for (const one of waiting) one()
    },
    got: (pattern) => {
      const { promise, resolve } = Promise.withResolvers<string>()
      const look = () => {
        const found = pattern.exec(all)?.[0]
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
      return soon(promise, `${pattern} in ${all.slice(-400)}`)
    },
  }
}

export async function openWebSocket(port: number): Promise<Web> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/xmpp-websocket`, 'xmpp')
  const ear = heard()
  socket.addEventListener('message', (event) => ear.tell(String(event.data)))
  await soon(new Promise((done) => socket.addEventListener('open', done)), 'the socket')
  const OPEN = `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='${HOST}' version='1.0'/>`
  socket.send(OPEN)
  await ear.got(/<mechanisms/)
  socket.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${PLAIN}</auth>`)
  await ear.got(/<success/)
  socket.send(OPEN)
  await ear.got(/<bind/)
  socket.send(
    "<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>web</resource></bind></iq>",
  )
  await ear.got(/<jid>/)
  return { send: (xml) => socket.send(xml), got: ear.got, close: () => socket.close() }
}

export async function openBosh(port: number): Promise<Web> {
  const ear = heard()
  let rid = 1_000
  let sid = ''
  const post = async (body: string, more = '') => {
    rid += 1
    const answer = await fetch(`http://127.0.0.1:${port}/http-bind`, {
      method: 'POST',
      body: `<body xmlns='http://jabber.org/protocol/httpbind' rid='${rid}'${sid && ` sid='${sid}'`}${more}>${body}</body>`,
    })
    const text = await answer.text()
    ear.tell(text)
    return text
  }
  const opened = await post(
    '',
    ` to='${HOST}' wait='1' hold='1' ver='1.6' xml:lang='en' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'`,
  )
  sid = /sid='([^']+)'/.exec(opened)?.[1] ?? ''
  assert.match(
    await post(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${PLAIN}</auth>`),
    /<success/,
  )
  await post('', ` to='${HOST}' xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'`)
  await post(
    "<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>web</resource></bind></iq>",
  )
  await ear.got(/<jid>/)
  let open = true
  const poll = async () => {
    while (open) await post('')
  }
  const polling = poll().catch((fault: unknown) => {
    if (open) throw fault
  })
  return {
    send: (xml) => void post(xml).catch(() => {}),
    got: ear.got,
    close: () => {
      open = false
      void polling
    },
  }
}

export async function plays(gated: Pick<Gated, 'asking' | 'login'>, open: () => Promise<Web>): Promise<void> {
  const screen = await gated.asking()
  const bob = await gated.login('bob')
  const alice = await open()
  const say = (body: string) =>
    `<message xmlns='jabber:client' to='${BOB}' type='chat' id='${body}'><body>${body}</body></message>`
  alice.send(say('HOLD-first') + (open.name === 'bosh' ? say('second') : ''))
  if (open.name !== 'bosh') alice.send(say('second'))
  await soon(screen.saw(/<body>second/), 'the second question')
  assert.match(await soon(screen.saw(/HOLD-first/), 'the question'), new RegExp(`from='alice@${HOST}/web'`))
  assert.deepEqual(bodies(bob), [])
  screen.release()
  await bob.got(/<body>second/)
  assert.deepEqual(bodies(bob), ['HOLD-first', 'second'])
  alice.send(say('DENY-third'))
  assert.match(await alice.got(/<message[^>]*id='DENY-third'.*?<\/message>/s), /policy-violation/)
  alice.close()
}
