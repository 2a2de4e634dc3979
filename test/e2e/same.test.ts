// SPDX-License-Identifier: Apache-2.0
// MAM, carbons, receipts, offline storage and the blocklist do the same with Gatehouse as without: one script is played on
// both, and what every client got must be equal, but for ids and times that the server makes up.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePorts } from '../../deploy/demo/ports.ts'
import { startServer } from '../../deploy/demo/site.ts'
import { type Listener, listen } from '../harness/listener.ts'
import { anybody, HOST, startWorld } from '../harness/world.ts'
import { onServers } from './servers.ts'

/** Since 13.0 Prosody drops what is sent to who blocks it, without a word, but for this option. */
const BOUNCING = ['bounce_blocked_messages = true']

type Address = { address: string; port: number }
type Script = (person: (user: string, resource?: string) => Promise<Listener>) => Promise<Record<string, Listener>>

onServers('the same with Gatehouse as without', null, (server) => {
  const opened = new AsyncDisposableStack()
  let without: Address
  let withIt: Address
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-plain-'))
    opened.defer(() => rm(folder, { recursive: true }))
    const [c2s = 0] = await freePorts(1)
    opened.use(
      await startServer(server, {
        ...{ folder, ports: { c2s }, hosts: [{ name: HOST }], archive: true },
        ...anybody(),
        prosody: { global: [...anybody().prosody.global, ...BOUNCING] },
      }),
    )
    without = { address: '127.0.0.1', port: c2s }
    const world = opened.use(await startWorld({ server, serverArchive: true, prosody: { global: BOUNCING } }))
    withIt = { address: world.address, port: world.ports.c2s }
  })
  after(() => opened.disposeAsync())

  same('MAM: both sides find what was said, in order, once', async (person) => {
    const [alice, bob] = [await person('mam-a'), await person('mam-b')]
    for (let i = 0; i < 5; i++) alice.client.send(chat('mam-b', `m${i}`, `said ${i}`))
    await bob.next(/id='m4'/)
    for (const one of [alice, bob]) {
      one.client.send("<iq type='set' id='q1'><query xmlns='urn:xmpp:mam:2' queryid='x'/></iq>")
      await one.next(/id='q1'/)
    }
    return { alice, bob }
  })

  same('carbons: the other resource gets what is sent and what is received', async (person) => {
    const [desk, phone, bob] = [await person('car-a'), await person('car-a', 'phone'), await person('car-b')]
    phone.client.send("<iq type='set' id='e1'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
    await phone.next(/id='e1'/)
    desk.client.send(chat('car-b', 'c1', 'from the desk'))
    await bob.next(/id='c1'/)
    bob.client.send(chat('car-a', 'c2', 'to the desk', '/desk'))
    await desk.next(/id='c2'/)
    await phone.next(/id='c2'/)
    return { desk, phone, bob }
  })

  same('receipts: asked for, and given', async (person) => {
    const [alice, bob] = [await person('rec-a'), await person('rec-b')]
    alice.client.send(
      `<message type='chat' to='rec-b@${HOST}/desk' id='r1'><body>please confirm</body><request xmlns='urn:xmpp:receipts'/></message>`,
    )
    await bob.next(/id='r1'/)
    bob.client.send(`<message to='${alice.jid}' id='r2'><received xmlns='urn:xmpp:receipts' id='r1'/></message>`)
    await alice.next(/id='r2'/)
    return { alice, bob }
  })

  same('offline storage: what was said meanwhile comes at the next login, in order', async (person) => {
    const alice = await person('off-a')
    const early = await person('off-b')
    await early.client.close()
    for (let i = 0; i < 5; i++) alice.client.send(chat('off-b', `o${i}`, `meanwhile ${i}`))
    await alice.fence()
    const late = await person('off-b')
    await late.next(/id='o4'/)
    return { alice, late }
  })

  same('the blocklist: who is blocked reaches nobody, and reads the same error', async (person) => {
    const [alice, bob] = [await person('blo-a'), await person('blo-b')]
    bob.client.send(`<iq type='set' id='b0'><block xmlns='urn:xmpp:blocking'><item jid='blo-a@${HOST}'/></block></iq>`)
    await bob.next(/id='b0'/)
    alice.client.send(chat('blo-b', 'b1', 'are you there'))
    await alice.next(/id='b1'/)
    return { alice, bob }
  })

  same(
    'what stands in a message stays: languages, several bodies, foreign elements, order of children',
    async (person) => {
      const [alice, bob] = [await person('raw-a'), await person('raw-b')]
      alice.client.send(
        `<message type='normal' xml:lang='de' to='raw-b@${HOST}' id='x1'><subject>Größe &amp; Maß</subject><body>Hallo &lt;du&gt;</body><body xml:lang='en'>hello</body><x xmlns='example:x' a='&quot;1&quot;'><y xmlns='example:y'/>tail</x><origin-id xmlns='urn:xmpp:sid:0' id='x1'/></message>`,
      )
      await bob.next(/id='x1'/)
      return { alice, bob }
    },
  )

  function same(title: string, script: Script): void {
    test(title, async () => {
      const [plain, screened] = [await play(without, script), await play(withIt, script)]
      assert.deepEqual(screened, plain)
      assert.ok(Object.values(plain).some((stanzas) => stanzas.length > 1))
    })
  }
})

async function play(server: Address, script: Script): Promise<Record<string, string[]>> {
  const everybody: Listener[] = []
  const cast = await script(async (user, resource = 'desk') => {
    const one = await listen({ ...server, domain: HOST, user, password: 'x', resource })
    everybody.push(one)
    // From here on the server knows that this client is there.
    await one.fence()
    return one
  })
  for (const one of Object.values(cast)) await one.fence()
  const got = Object.fromEntries(Object.entries(cast).map(([name, one]) => [name, inOrder(one.seen.map(plainly))]))
  await Promise.all(everybody.map((one) => one.client.close()))
  return got
}

/** Presence first: that of another resource is sent by itself, before or behind what this client has asked for. */
function inOrder(stanzas: readonly string[]): string[] {
  const isPresence = (stanza: string) => stanza.startsWith('<presence')
  return [...stanzas.filter(isPresence).sort(), ...stanzas.filter((stanza) => !isPresence(stanza))]
}

/** Without what the server makes up anew each time, and with attributes in one order. */
function plainly(stanza: string): string {
  return stanza
    .replace(/(<(?:stanza-id|result|archived)\b[^>]*?) id='[^']*'/g, "$1 id='made-up'")
    .replace(/ id='push\d+'/g, " id='made-up'")
    .replace(/(stamp)='[^']*'/g, "$1='made-up'")
    .replace(/<(first|last)[^>]*>[^<]*<\/\1>/g, '')
    .replace(/<([a-z-]+)((?: [a-z:A-Z]+='[^']*')+)/g, (_, name: string, attributes: string) => {
      const sorted = (attributes.match(/ [a-z:A-Z]+='[^']*'/g) ?? []).sort()
      return `<${name}${sorted.join('')}`
    })
}

function chat(to: string, id: string, body: string, resource = ''): string {
  return `<message type='chat' to='${to}@${HOST}${resource}' id='${id}'><body>${body}</body></message>`
}
