// SPDX-License-Identifier: Apache-2.0
// Rows of PROTOCOL.md section 9 on ejabberd: test/servers/both/rows.ts, and MQTT, the HTTP API, what a host says by itself, MUC/Sub.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'
import { freePort, HOST, soon } from '../both/house.ts'
import { rows, UPLOAD } from '../both/rows.ts'
import { ALICE, BOB, ROOMS, type Scene } from '../both/scene.ts'
import { announcement } from './announcement.ts'
import { openMqtt } from './mqtt.ts'

type On = Scene<Awaited<ReturnType<typeof open>>>

rows(ejabberd, { open, greeted, more })

async function open() {
  const http = await freePort()
  return openEjabberd(
    { accounts: [`dave@${HOST}`] },
    {
      modules: {
        mod_adhoc: {},
        mod_admin_extra: {},
        mod_announce: { access: 'local' },
        mod_register: {
          access_from: 'all',
          registration_watchers: [BOB],
          welcome_message: { subject: 'Hello', body: 'the house greets you' },
        },
        mod_http_api: {},
        mod_mam: { default: 'always' },
        mod_mqtt: { access_publish: { '#': 'all' }, access_subscribe: { '#': 'all' } },
        mod_muc: {
          host: ROOMS,
          access_create: 'all',
          default_room_options: { persistent: false, mam: true, allow_subscription: true },
        },
        mod_http_upload: { host: UPLOAD, put_url: `http://127.0.0.1:${http}/upload`, docroot: '@HOME@/upload' },
        mod_gatehouse_rewriter: {},
      },
      ports: { http },
      listeners: {
        http: { request_handlers: { '/upload': 'mod_http_upload', '/mqtt': 'mod_mqtt', '/api': 'mod_http_api' } },
      },
      options: { api_permissions: { all: { who: 'all', what: '*' } } },
      sources: [join(import.meta.dirname, 'plugins')],
    },
  )
}

async function greeted({ gated, alice }: On) {
  alice.client.send(announcement('motd', 'today', 'the word of the day', 'set-motd'))
  await alice.got(/<iq[^>]*id='motd'/)
  return gated.login('dave')
}

function more(on: On): void {
  const observed = (words: string) =>
    soon(on.screen.saw(new RegExp(`<observed (?:(?!</observed>).)*${words}`)), `${words}, observed`)

  it('MQTT: what an account publishes is told as observed, and never asked; bytes that are no text too', async () => {
    const http = on.gated.ports.http ?? assert.fail()
    const reader = await openMqtt(http, '/mqtt', BOB, ['house/hours'])
    const writer = await openMqtt(http, '/mqtt', ALICE)
    writer.publish('house/hours', 'DENY it closes at six')
    await reader.got('DENY it closes at six')
    const told = await observed('it closes at six')
    assert.match(told, new RegExp(`<message [^>]*from='${ALICE}/[^>]*>.*<subject>house/hours</subject>`))
    writer.publish('house/hours', Buffer.from([0, 1, 2, 255]))
    await observed(Buffer.from([0, 1, 2, 255]).toString('base64'))
    await on.fence(on.alice, 'behind the hours')
    assert.equal(on.asked('closes at six'), 0)
    reader.close()
    writer.close()
  })

  it('the HTTP API: what it says as a person is told as observed, and never asked', async () => {
    const words = 'DENY what alice never posted'
    const body = JSON.stringify({ type: 'chat', from: `${ALICE}/r`, to: BOB, subject: '', body: words })
    const api = `http://127.0.0.1:${on.gated.ports.http}/api/send_message`
    const answer = await fetch(api, { method: 'POST', body })
    assert.equal(answer.status, 200)
    await on.bob.got(/what alice never posted/)
    await observed(words)
    await on.fence(on.alice, 'behind what she never posted')
    assert.equal(on.asked(words), 0)
  })

  it('what a host says by itself is told as observed: a welcome, who registered, the message of the day', async () => {
    const { gated, alice, bob } = on
    const account = '<username>newcomer</username><password>secret</password>'
    const answer = await on.iq(
      alice,
      'reg',
      `type='set' to='${HOST}'`,
      `<query xmlns='jabber:iq:register'>${account}</query>`,
    )
    assert.match(answer, /type='result'/)
    await observed('the house greets you')
    await bob.got(new RegExp(`newcomer@${HOST} was registered`))
    await observed(`newcomer@${HOST} was registered`)
    alice.say(`${HOST}/announce/motd`, 'closed on Monday')
    await bob.got(/closed on Monday/)
    assert.match(await on.question('closed on Monday'), new RegExp(`to='${HOST}/announce/motd'`))
    const newcomer = await gated.login('newcomer')
    await newcomer.got(/closed on Monday/)
    await observed('closed on Monday')
    alice.say(`${HOST}/announce/motd/delete`, 'no more')
    await on.fence(alice, 'behind the day')
    for (const words of ['the house greets you', 'was registered']) assert.equal(on.asked(words), 0, words)
    assert.equal(on.asked('closed on Monday'), 1)
  })

  it('bookmarks in private XML, which the server publishes by PEP: told as observed, and never asked', async () => {
    const bookmarks =
      "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='x@y' name='DENY bookmark'/></storage></query>"
    assert.match(await on.iq(on.alice, 'marks', "type='set'", bookmarks), /type='result'/)
    await observed('DENY bookmark')
    assert.equal(on.asked('DENY bookmark'), 0)
  })

  it('MUC/Sub: the request is asked and can be refused; what is said comes without a question of its own', async () => {
    const { gated, screen, alice } = on
    await on.enter(alice, 'notes', 'Al')
    const carol = await gated.login('carol', { resource: 'subscriber' })
    const subscribe = (nick: string) =>
      `<subscribe xmlns='urn:xmpp:mucsub:0' nick='${nick}'><event node='urn:xmpp:mucsub:nodes:messages'/></subscribe>`
    const room = `type='set' to='notes@${ROOMS}'`
    assert.match(await on.iq(carol, 'sub1', room, subscribe('DENY')), /policy-violation/)
    assert.match(await on.iq(carol, 'sub2', room, subscribe('Ca')), /type='result'/)
    assert.equal(on.asked("nick='Ca'"), 1)
    alice.client.send(`<message to='notes@${ROOMS}' type='groupchat' id='n1'><body>for subscribers</body></message>`)
    assert.match(await carol.got(/for subscribers/), /pubsub#event/)
    await on.fence(carol, 'behind the notes')
    assert.equal(on.asked('for subscribers'), 1)
    assert.ok(!screen.seen.some((text) => /<occupant [^>]*nick='Ca'/.test(text)), 'not among the occupants')
  })
}
