// SPDX-License-Identifier: Apache-2.0
// The same with another real client, @xmpp/client: allowed, refused with a text in its language, replaced, and resumption.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client, type XmppClient, xml } from '@xmpp/client'
import type { Element } from '@xmpp/xml'
import { recorded } from '../harness/recorded.ts'
import { HOST, SCREEN, startWorld, type World } from '../harness/world.ts'
import { openAllowScreen } from '../servers/prosody/allow-screen.ts'
import { REFUSED_TEXT, RULES } from './rules.ts'
import { onServers } from './servers.ts'

const NS_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

onServers('@xmpp/client', null, (server) => {
  test('allowed, refused, replaced', async () => {
    await using world = await startWorld({ server, rules: RULES, tls: false })
    await using alice = await person(world, 'alice')
    await using bob = await person(world, 'bob')
    await alice.send(chat('bob', 'j1', 'hello'))
    assert.equal((await bob.got('j1')).getChildText('body'), 'hello')
    await alice.send(chat('bob', 'j2', 'topsecret'))
    const error = (await alice.got('j2')).getChild('error')
    assert.equal(error?.attrs.type, 'modify')
    assert.ok(error?.getChild('policy-violation', NS_ERRORS))
    assert.equal(error?.getChildText('text', NS_ERRORS), REFUSED_TEXT)
    await alice.send(chat('bob', 'j3', 'the nightingale sings'))
    assert.equal((await bob.got('j3')).getChildText('body'), 'the *********** sings')
    assert.deepEqual(bob.ids(), ['j1', 'j3'])
    const nudge = () => alice.send(chat('nobody', 'nudge', 'nudge'))
    const records = await recorded(world, { peer: `bob@${HOST}` }, ['released', 'refused', 'released'], nudge)
    assert.deepEqual(
      records.map((row) => [row.stanza_id, row.from, row.verdict, row.text, row.replacement_text]),
      [
        ['j1', alice.jid, 'allow', 'hello', null],
        ['j2', alice.jid, 'refuse', 'topsecret', null],
        ['j3', alice.jid, 'replace', 'the nightingale sings', 'the *********** sings'],
      ],
    )
  })

  test('the connection breaks while ten messages are held: the client resumes, each arrives once and in order', async () => {
    await using world = await startWorld({ server, screen: 'own', tls: false })
    await using screen = await openAllowScreen({
      port: world.ports.component,
      domain: SCREEN,
      secret: world.secret,
      markers: true,
      keep: true,
    })
    await world.server.logged(/answers; questions are asked/)
    await using bob = await person(world, 'bob')
    await using alice = await person(world, 'alice')
    for (let i = 0; i < 10; i++) await alice.send(chat('bob', `k${i}`, 'LATER'))
    await screen.saw(/id='k9'/)
    const id = alice.client.streamManagement.id
    const back = alice.resumed()
    alice.client.socket?.destroy?.()
    await back
    assert.equal(alice.client.streamManagement.id, id, 'the session was resumed, not begun anew')
    screen.release()
    await bob.got('k9')
    assert.deepEqual(
      bob.ids(),
      Array.from({ length: 10 }, (_, i) => `k${i}`),
    )
  })
})

function chat(to: string, id: string, body: string): Element {
  return xml('message', { type: 'chat', to: `${to}@${HOST}`, id }, xml('body', {}, body))
}

type Person = AsyncDisposable & {
  jid: string
  client: XmppClient
  send(stanza: Element): Promise<void>
  /** Rejects when it does not come within 20 s. */
  got(id: string): Promise<Element>
  /** Of all messages so far, in order. */
  ids(): (string | undefined)[]
  /** Resolves when the server says that an earlier session goes on (XEP-0198). */
  resumed(): Promise<void>
}

async function person(world: World, username: string): Promise<Person> {
  const service = `xmpp://${world.address}:${world.ports.c2s}`
  const one = client({ service, domain: HOST, username, password: 'x', resource: 'desk' })
  const seen: Element[] = []
  const waiting = new Map<string, (stanza: Element) => void>()
  // A broken connection is an error event too; that it comes back is what is tested.
  one.on('error', () => {})
  one.on('stanza', (stanza) => {
    if (!stanza.is('message')) return
    seen.push(stanza)
    waiting.get(stanza.attrs.id ?? '')?.(stanza)
  })
  const end = async () => {
    // By itself it would log in again and again for as long as this process lives: it takes an end that it had to wait for
    // (2 s) for a break, and a login that failed as well.
    one.reconnect.stop()
    await one.stop().catch(() => {})
    one.socket?.destroy?.()
  }
  const jid = await one.start().catch(async (fault: unknown) => {
    await end()
    throw fault
  })
  await one.send(xml('presence', {}))
  return {
    jid: jid.toString(),
    client: one,
    send: (stanza) => one.send(stanza),
    ids: () => seen.map((stanza) => stanza.attrs.id),
    got(id) {
      const found = seen.find((stanza) => stanza.attrs.id === id)
      if (found !== undefined) return Promise.resolve(found)
      const { promise, resolve, reject } = Promise.withResolvers<Element>()
      waiting.set(id, resolve)
      const late = setTimeout(() => reject(new Error(`${username} got no ${id} within 20 s`)), 20_000)
      return promise.finally(() => clearTimeout(late))
    },
    resumed: () =>
      new Promise((resolve) => {
        one.on('nonza', (element) => {
          if (element.is('resumed', 'urn:xmpp:sm:3')) resolve()
        })
      }),
    [Symbol.asyncDispose]: end,
  }
}
