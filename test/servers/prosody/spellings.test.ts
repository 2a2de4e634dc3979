// SPDX-License-Identifier: Apache-2.0
// An address can be written in many ways that the server reads as one. mod_gatehouse shows the screen the one that the server is
// going to use, so that no spelling slips past a rule about Bob or about a room.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Listener, listen } from '../../harness/listener.ts'
import { HOST, ROOMS, startWorld, type World } from '../../harness/world.ts'
import { soon } from '../both/house.ts'
import { openGated } from './gated.ts'

const BOB = `bob@${HOST}`
const SPELLINGS = [
  ['as it is', BOB],
  ['with the dot of the root', `bob@${HOST}.`],
  ['in full width', `\uFF42\uFF4F\uFF42@${HOST}`],
  ['with a soft hyphen', 'bob@corp.ex\u00ADample'],
  ['in capitals', 'BOB@Corp.Example'],
  ['with a resource', `bob@${HOST}./r`],
] as const

describe('spellings of an address', () => {
  let world: World
  let alice: Listener
  let bob: Listener
  before(async () => {
    world = await startWorld({
      rooms: true,
      archive: false,
      rules: `otherwise: allow
rules:
  - id: wall
    when: { to: [${BOB}] }
    then: { refuse: { text: { en: 'wall' } } }
  - id: door
    when: { room: [tea@${ROOMS}] }
    then: { refuse: { text: { en: 'door' } } }`,
    })
    const login = { address: world.address, port: world.ports.c2s, domain: HOST, password: 'x', resource: 'r' }
    alice = await listen({ ...login, user: 'alice' })
    bob = await listen({ ...login, user: 'bob' })
  })
  after(() => world[Symbol.asyncDispose]())

  for (const [at, [how, to]] of SPELLINGS.entries()) {
    it(`a rule about Bob holds for his address ${how}`, async () => {
      alice.client.send(`<message to='${to}' type='chat' id='s${at}'><body>spelling ${at}</body></message>`)
      assert.match(await alice.next(new RegExp(`<message[^>]*id='s${at}'`)), /wall/)
      assert.ok(!bob.bodies().includes(`spelling ${at}`))
    })

    it(`a rule about a room holds for its address ${how}`, async () => {
      const room = to.replace(/^[^@]*@[^/]*/, (bare) =>
        bare
          .replace(/^[^@]*/, (node) => (node === 'bob' ? 'tea' : node === 'BOB' ? 'TEA' : '\uFF54\uFF45\uFF41'))
          .replace('@', '@rooms.'),
      )
      alice.client.send(`<message to='${room}' type='chat' id='r${at}'><body>into the room ${at}</body></message>`)
      assert.match(await alice.next(new RegExp(`<message[^>]*id='r${at}'`)), /door/)
    })
  }

  it('what is no address at all is answered by the server', async () => {
    alice.client.send("<message to='bob@\u0080/' type='chat' id='none'><body>to nobody</body></message>")
    assert.match(await alice.next(/<message[^>]*id='none'/), /jid-malformed/)
  })
})

it('the question carries the address that the server delivers to', async () => {
  await using gated = await openGated()
  const screen = await gated.asking()
  const alice = await gated.login('alice')
  const bob = await gated.login('bob')
  alice.say(`bob@${HOST}.`, 'dotted')
  await bob.got(/dotted/)
  assert.match(await soon(screen.saw(/dotted/), 'the question'), new RegExp(` to='${BOB}'`))
})
