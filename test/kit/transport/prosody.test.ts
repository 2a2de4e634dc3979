// SPDX-License-Identifier: Apache-2.0
// The rooms of a transport on a real Prosody, as slixmpp's clients see them; the network behind is made up.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { startProsody } from '../../../deploy/demo/prosody.ts'
import { serverLack } from '../../e2e/servers.ts'
import { slixmppLack, startSlixmpp } from '../../harness/slixmpp.ts'
import { serve } from './serve.ts'
import { GATEWAY, room } from './stand.ts'

const HOST = 'corp.example'
const lack = serverLack('prosody') ?? slixmppLack()
const enter = (nick: string, inside = '') =>
  `<presence xmlns='jabber:client' to='${room('#tea')}/${nick}'><x xmlns='http://jabber.org/protocol/muc'>${inside}</x></presence>`
const say = (body: string, id: string) =>
  `<message xmlns='jabber:client' type='groupchat' id='${id}' to='${room('#tea')}'><body>${body}</body></message>`

test('on Prosody, with slixmpp: in a room of another network, talked with, asked for its history, cut off without a ghost', {
  skip: lack ?? false,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-transport-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const [c2s = 0, component = 0] = await freePorts(2)
  const prosody = await startProsody({
    folder: join(folder, 'prosody'),
    ports: { c2s, component },
    hosts: [{ name: HOST }],
    components: [{ name: GATEWAY, secret: 'test' }],
    accounts: ['anna', 'bert'].map((name) => ({ jid: `${name}@${HOST}`, password: 'x' })),
  })
  t.after(() => prosody.stop())
  const at = await serve(component, 'test', folder)
  t.after(() => at[Symbol.asyncDispose]())
  const slixmpp = startSlixmpp()
  t.after(() => slixmpp[Symbol.asyncDispose]())
  const login = (name: string) => slixmpp.login({ jid: `${name}@${HOST}/desk`, address: '127.0.0.1', port: c2s })
  const [anna, bert] = [await login('anna'), await login('bert')]

  at.net.comes('#tea', 'otto')
  at.net.place('#tea').subject = { subject: 'Tea time', by: 'otto', at: Date.UTC(2026, 10, 22) }
  await anna.send(enter('anna'))
  await anna.wait(/otto.*role=.participant/)
  await anna.wait(/code=.110/)
  await anna.wait(/Tea time/)
  await bert.send(enter('bert'))
  await bert.wait(/Tea time/)
  await anna.wait(/#tea%a.example@net.corp.example\/bert/)

  at.net.says('#tea', 'otto', 'Hello from elsewhere')
  const ids = [await anna.wait(/Hello from/), await bert.wait(/Hello from/)].map(
    (xml) => /<stanza-id[^>]*?\bid=["']([^"']+)/.exec(xml)?.[1],
  )
  assert.ok(ids[0] !== undefined && ids[0] === ids[1])
  await anna.send(say('Hello back', 'mine'))
  await bert.wait(/Hello back/)
  await anna.wait(/id=["']mine["']/)

  await bert.send(
    `<iq xmlns='jabber:client' type='set' id='mam' to='${room('#tea')}'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>`,
  )
  await bert.wait(/<result.*Hello from elsewhere/)
  await bert.wait(/<result.*Hello back/)
  assert.match(await bert.wait(/<fin/), /complete=["']true["']/)
  await bert.send(
    `<iq xmlns='jabber:client' type='get' id='ping' to='${room('#tea')}/bert'><ping xmlns='urn:xmpp:ping'/></iq>`,
  )
  await bert.wait(/id=["']ping["'].*type=["']result|type=["']result["'].*id=["']ping/)

  // Prosody says for a client that is gone that it is unavailable.
  await bert.break()
  await anna.wait(/#tea%a.example@net.corp.example\/bert.*unavailable|unavailable.*\/bert/, 15)
  assert.equal(at.net.place('#tea').members.has('bert'), false)

  // The server is killed, and comes back: nobody is in by mistake, nothing that was said meanwhile is lost.
  at.net.says('#tea', 'otto', 'before it went')
  await anna.wait(/before it went/)
  prosody.kill('SIGKILL')
  await at.down()
  at.net.says('#tea', 'otto', 'while it was away')
  const again = await startProsody(prosody.settings)
  t.after(() => again.stop())
  await at.up()
  const anna2 = await login('anna')
  await anna2.send(enter('anna', `<history maxstanzas='2'/>`))
  await anna2.wait(/before it went/)
  await anna2.wait(/while it was away/)
  await anna2.wait(/Tea time/)
  assert.deepEqual([...at.net.place('#tea').members.keys()].sort(), ['anna', 'otto'])
})
