// SPDX-License-Identifier: Apache-2.0
// vcard-temp where the server lets the directory answer for it, and what is left to do for a process that was ended in the middle.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { VCARD_TEMP } from '../../../components/kit/xep/vcard-temp.ts'
import { onServers } from '../../e2e/servers.ts'
import { enter } from '../../servers/both/directory-house.ts'
import { group, HOST, openHouse, openStage, person, SETTINGS } from './stage.ts'

onServers('cards by delegation, and what is left to publish', null, (kind) => {
  it('are as the directory has them now, to each asker what he may see; nobody changes his own', async () => {
    await using house = await openHouse(kind, ['alice', 'bob', 'carol', 'dave'], true)
    await using stage = await openStage(house, {
      settings: { search: { ...SETTINGS.search, walledOff: 'name', hidden: ['Board'] } },
    })
    await stage.privileges.until(() => stage.privileges.delegated(HOST).has(VCARD_TEMP), AbortSignal.timeout(10_000))
    const groups = [group('ad:b', 'Board'), group('ad:x', 'X'), group('ad:y', 'Y')]
    const those = (title: string) => [
      person('alice', 'Alice', { title, manager: 'ad:bob', groups: ['ad:x'] }),
      person('bob', 'Bob', { groups: ['ad:b'] }),
      person('carol', 'Carol', { groups: ['ad:y'] }),
      person('dave', 'Dave'),
    ]
    await stage.provision(those('Physicist'), groups, [{ kind: 'wall', id: 'w', a: ['ad:x'], b: ['ad:y'], except: [] }])
    const [dave, alice, bob, carol] = [
      await enter(house as never, 'dave'),
      await enter(house as never, 'alice'),
      await enter(house as never, 'bob'),
      await enter(house as never, 'carol'),
    ]
    const ask = (one: typeof bob, of?: string) =>
      one.ask('get', `<vCard xmlns='vcard-temp'/>`, of === undefined ? undefined : `${of}@${HOST}`)
    assert.match(await ask(bob, 'alice'), /<TITLE>Physicist<\/TITLE>.*<DESC>Manager: Bob<\/DESC>/)
    await stage.provision(those('Director'), groups, [{ kind: 'wall', id: 'w', a: ['ad:x'], b: ['ad:y'], except: [] }])
    assert.match(await ask(alice), /Director/)
    // A colleague sees the card, and not the manager, whom he is not to see.
    const card = await ask(dave, 'alice')
    assert.match(card, /Director/)
    assert.doesNotMatch(card, /Bob/)
    // Behind a wall: the name alone. Of a hidden group: nobody.
    const behind = await ask(carol, 'alice')
    assert.match(behind, /<FN>Alice<\/FN>/)
    assert.doesNotMatch(behind, /Director|mail\.example|1234/)
    assert.match(await ask(alice, 'bob'), /item-not-found/)
    assert.match(await bob.ask('set', `<vCard xmlns='vcard-temp'><FN>King</FN></vCard>`), /not-allowed/)
    assert.match(await ask(bob), /<FN>Bob<\/FN>/)
    await stage.settled()
    assert.ok((await stage.store.read('postingCounts', null)).posted > 0)
    for (const one of [dave, alice, bob, carol]) await one.leave()
  })

  it('publishing goes on where a process was ended, and does again what it has not noted', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `p${n}`)
    await using house = await openHouse(kind, names)
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-store-'))
    try {
      const first = await openStage(house, { folder, settings: { perSecond: 20, rooms: null } })
      await first.provision(names.map((name) => person(name, `Person ${name}`)))
      await first.until('some are done', async () => (await first.store.read('postingCounts', null)).due < 28)
      const left = (await first.store.read('postingCounts', null)).due
      await first.kill()
      assert.ok(left > 0 && left < 30, `${left} are left`)
      await using second = await openStage(house, { folder, settings: { rooms: null } })
      assert.ok((await second.store.read('postingCounts', null)).due <= left)
      await second.settled()
      const client = await enter(house as never, 'p29')
      assert.match(await client.ask('get', `<vCard xmlns='vcard-temp'/>`), /Person p29/)
      await client.leave()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
