// SPDX-License-Identifier: Apache-2.0
// Who is locked out, on whichever server: DIRECTORY.md section 6.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { slixmppLack, startSlixmpp } from '../../harness/slixmpp.ts'
import {
  type DirectoryComponent,
  type DirectoryHouse,
  type DirectoryServer,
  enter,
  group,
  jid,
  openDirectory,
  part,
  person,
} from './directory-house.ts'

const LACK = slixmppLack()

export type LockedSession = {
  house(): DirectoryHouse
  /** Hands over a whole state in which these are locked out. */
  lock(...names: string[]): Promise<void>
}

/** `more`: of one server only, with the modules that it needs. */
export function lock(
  server: DirectoryServer,
  more: (on: LockedSession) => void = () => {},
  modules: readonly string[] = [],
): void {
  describe('login lock', { skip: server.skip }, () => {
    let house: DirectoryHouse
    let directory: DirectoryComponent
    let seq = 0
    before(async () => {
      house = await server.open({ modules })
      directory = await openDirectory(house)
    })
    after(async () => {
      await directory[Symbol.asyncDispose]()
      await house[Symbol.asyncDispose]()
    })

    const on = async (locked: readonly string[], how: 'disabled' | 'gone' = 'disabled') => {
      seq += 1
      const names = ['alice', 'bob', 'carol', 'dave', 'eve']
      const people = names.map((name) => person(name, locked.includes(name) ? { locked: how } : {})).join('')
      assert.match(
        await directory.whole(seq, [people + group({ id: 'g', name: 'G', members: names })]),
        /type='result'/,
      )
    }
    const refusal = /account-disabled|not-authorized/

    it('ends every session, one that waits to be resumed too, and its colleagues see it leave', async () => {
      await on([])
      const bob = await enter(house, 'bob')
      const first = await enter(house, 'alice', { resource: 'one' })
      const second = await enter(house, 'alice', { resource: 'two', management: 'resume' })
      await bob.sees(`${jid('alice')}/two`)
      const { managed } = second.client
      assert.ok(managed?.id)
      second.client.break()
      await on(['alice'])
      const { why } = await first.client.ended
      assert.match(why, /not-authorized/)
      await Promise.all([
        bob.lists('alice', null),
        bob.misses(`${jid('alice')}/one`),
        bob.misses(`${jid('alice')}/two`),
      ])
      await assert.rejects(enter(house, 'alice', { resource: 'two', management: 'resume', previous: managed }), refusal)
      await on([])
      // What was to be resumed is gone for good.
      const again = await enter(house, 'alice', { resource: 'two', management: 'resume', previous: managed })
      assert.equal(again.client.resumed, false)
      await bob.sees(`${jid('alice')}/two`)
      await again.leave()
      await bob.leave()
    })

    it('lets colleagues see who is locked out leave also when he leaves their groups in the same change', async () => {
      await on([])
      const bob = await enter(house, 'bob')
      const alice = await enter(house, 'alice')
      await bob.sees(alice.client.jid)
      seq += 1
      const change = part('g', ['alice']) + person('alice', { locked: 'gone' })
      assert.match(await directory.change(seq, change), /type='result'/)
      await alice.client.ended
      await Promise.all([bob.lists('alice', null), bob.misses(alice.client.jid)])
      await bob.leave()
    })

    it('refuses PLAIN, with the right password, and says why; with a wrong one it says nothing of it', async () => {
      await on(['alice'], 'gone')
      await assert.rejects(enter(house, 'alice'), refusal)
      const wrong = await enter(house, 'alice', { password: 'wrong' }).then(
        () => 'let in',
        (fault: Error) => fault.message,
      )
      assert.match(wrong, /not-authorized/)
      assert.doesNotMatch(wrong, /account-disabled/)
      await (await enter(house, 'bob')).leave()
    })

    it('refuses SCRAM, of a client that people use', { skip: LACK ?? false }, async () => {
      await on(['alice'])
      await using clients = startSlixmpp()
      const at = { address: '127.0.0.1', port: house.ports.c2s, password: 'secret' }
      await assert.rejects(clients.login({ jid: `${jid('alice')}/slixmpp`, ...at }), /failed_auth|disconnected/)
      const bob = await clients.login({ jid: `${jid('bob')}/slixmpp`, ...at })
      await bob.logout()
      await on([])
      await (await clients.login({ jid: `${jid('alice')}/slixmpp`, ...at })).logout()
    })

    it('holds while the component is away, over a restart and kill -9, until it is lifted', async () => {
      await on(['alice'])
      await directory.break()
      await assert.rejects(enter(house, 'alice'), refusal)
      for (const end of ['stop', 'kill'] as const) {
        if (end === 'stop') await house.server.stop()
        else await house.server.end()
        house = await server.open({ folder: house.folder, modules })
        await assert.rejects(enter(house, 'alice'), refusal)
        await (await enter(house, 'bob')).leave()
      }
      directory = await openDirectory(house)
      assert.equal((await directory.state()).seq, String(seq))
      await on([])
      await (await enter(house, 'alice')).leave()
    })

    more({
      house: () => house,
      lock: (...names) => on(names),
    })
  })
}
