// SPDX-License-Identifier: Apache-2.0
// The process ends while lines of ours wait behind the bucket of a connection: each of them was said, or its sender gets an error.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startComponent } from '../../harness/component.ts'
import { type Peer, startComponentServer } from '../../harness/component-server.ts'
import { startFakeIrcd } from '../../harness/fake-ircd.ts'
import { GATEWAY, groupchat, NETWORK, plain, roomOf } from '../place.ts'

const ALICE = 'alice@corp.example/desk'
const ROOM = roomOf('#talk')
const EVE = `eve%${NETWORK}@${GATEWAY}`
const LINES = 40
const secret = 'a secret that nobody guesses'

test('lines that wait behind the bucket: after kill -9 the next start tells who said them, after SIGTERM the same process', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ended-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await using server = await startComponentServer({ domain: GATEWAY, secret })
  await using ircd = await startFakeIrcd()
  writeFileSync(join(folder, 'secret'), `${secret}\n`, { mode: 0o600 })
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    JSON.stringify({
      server: { host: '127.0.0.1', port: server.port, hosts: ['corp.example'] },
      folders: { state: join(folder, 'state'), run: join(folder, 'run'), journals: join(folder, 'journals') },
    }),
  )
  const file = join(folder, 'transport-irc.yaml')
  writeFileSync(
    file,
    JSON.stringify({
      ...{ shared: 'gatehouse.yaml', secret_file: 'secret', domain: GATEWAY, hosts: ['corp.example'] },
      // All of who comes goes at once, and some of what he says.
      networks: [plain(ircd, { flood: { lines: 20, every: '1 min' } })],
      ...{ policy: { ask: false }, metrics: { port: 0 } },
    }),
  )
  const start = async () => {
    const transport = await startComponent({ name: 'transport-irc', file, logFolder: folder })
    return { transport, peer: await server.accepted() }
  }
  const heard = () => new Set([...ircd.channels.values()].flatMap(({ history }) => history.map((kept) => kept.text)))

  const first = await start()
  await using _first = first.transport
  await enter(first.peer)
  say(first.peer, 'k')
  first.peer.send(`<message type='chat' id='one-to-one' from='${ALICE}' to='${EVE}'><body>psst</body></message>`)
  const shown = await until(first.peer, /^<message [^>]*id='k-0'/)
  // What the stream still brings is asked for before the end, and what is read is taken.
  await first.peer.fence()
  first.transport.kill('SIGKILL')
  await first.transport.exited
  const echoed = idsOf([...shown, ...raw(first.peer)].filter((xml) => /type='groupchat'/.test(xml)))
  const next = await start()
  await using _next = next.transport
  await next.peer.fence()
  const told = errorsOf(raw(next.peer))
  for (let n = 0; n < LINES; n++) {
    const fates = [echoed.includes(`k-${n}`), told.has(`k-${n}`)]
    assert.ok(fates.includes(true), `k-${n} is lost`)
    if (!heard().has(`k ${n}`)) assert.ok(told.has(`k-${n}`), `k-${n} was not said, and nobody was told`)
  }
  assert.ok(told.size > LINES / 2, `${told.size} errors`)
  assert.match(
    told.get(`k-${LINES - 1}`) ?? '',
    new RegExp(`from='${ROOM}'.*<remote-server-timeout.*was restarted before`),
  )
  assert.match(told.get('one-to-one') ?? '', new RegExp(`from='${EVE}'`))

  await enter(next.peer)
  say(next.peer, 't')
  const before = await until(next.peer, /^<message [^>]*id='t-0'/)
  next.transport.kill('SIGTERM')
  const { code } = await next.transport.exited
  assert.equal(code, 0)
  const all = [...before, ...raw(next.peer)]
  const refused = errorsOf(all)
  const placed = idsOf(all.filter((xml) => /type='groupchat'/.test(xml)))
  for (let n = 0; n < LINES; n++) {
    const fates = [placed.includes(`t-${n}`), refused.has(`t-${n}`)].filter(Boolean).length
    // Who was told that he is out already is not shown what is said a moment later.
    assert.equal(fates, fates === 0 && heard().has(`t ${n}`) ? 0 : 1, `t-${n}`)
  }
  assert.ok(refused.size > LINES / 2, `${refused.size} errors`)
  const last = await start()
  await using _last = last.transport
  await last.peer.fence()
  assert.deepEqual([...errorsOf(raw(last.peer)).keys()], [], 'told once')
})

async function enter(peer: Peer): Promise<void> {
  peer.send(`<presence from='${ALICE}' to='${ROOM}/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await until(peer, /<subject/)
}

function say(peer: Peer, name: string): void {
  for (let n = 0; n < LINES; n++)
    peer.send(groupchat(ROOM, `${name} ${n}`, `${name}-${n}`).replace(`xmlns='jabber:client'`, `from='${ALICE}'`))
}

/** What comes, up to the first that fits. */
async function until(peer: Peer, like: RegExp): Promise<string[]> {
  const all: string[] = []
  while (!like.test(all.at(-1) ?? '')) all.push(attr((await peer.next()).raw))
  return all
}

function raw(peer: Peer): string[] {
  return peer.unread.map((stanza) => attr(stanza.raw))
}

function attr(xml: string): string {
  return xml.replaceAll('"', "'")
}

function idsOf(stanzas: readonly string[]): (string | undefined)[] {
  return stanzas.map((xml) => /^<message[^>]* id='([^']*)'/.exec(xml)?.[1])
}

function errorsOf(stanzas: readonly string[]): Map<string, string> {
  const errors = stanzas.filter((xml) => /^<message[^>]* type='error'/.test(xml))
  const told = new Map(errors.map((xml) => [idsOf([xml])[0] ?? '', xml]))
  assert.equal(told.size, errors.length, 'each once')
  return told
}
