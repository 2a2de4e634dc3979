// SPDX-License-Identifier: Apache-2.0
// A message that the server let through unscreened lies in the helper's spool until it is told. When it has come it can be erased:
// then its words are in no file, of the archive, of the journal, or of the server's spool.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { filesWith } from '../harness/files-with.ts'
import { slixmppLack } from '../harness/slixmpp.ts'
import { openStage } from '../harness/stage.ts'
import { onServers } from './servers.ts'

onServers('erasure', slixmppLack(), (server) => {
  test('a word that was spooled, replayed, recorded and erased stands in no file of spool, journal, archive or -wal', async () => {
    await using stage = await openStage({ server, onOutage: 'open' })
    const { world } = stage
    const alice = await stage.person('alice')
    const bob = await stage.person('bob')
    const chat = (id: string, body: string) =>
      `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='${id}'><body>${body}</body></message>`
    await alice.send(chat('e0', 'stays'))
    await bob.wait(/id="e0"/)
    await world.policy?.stop()
    await alice.send(chat('e1', 'xyzzynightingale sings'))
    await bob.wait(/id="e1"/)
    const spooled = filesWith(world.folder, 'xyzzynightingale')
    assert.ok(spooled.length > 0 && spooled.every((path) => /\/gatehouse\/.*\/spool-/.test(path)), spooled.join())

    await world.startPolicy()
    const [record = assert.fail()] = await stage.recorded('xyzzynightingale', 'unscreened')
    const held = filesWith(world.folder, 'xyzzynightingale')
    assert.ok(
      held.some((path) => path.includes('/archive-months/')) && held.some((path) => path.startsWith('journals/')),
      held.join(),
    )
    const [erased] = await world.ask('archive erase', { id: record.id, reason: 'test' })
    assert.deepEqual([erased?.id, erased?.tries], [record.id, 1])
    // The officer's own query is on record as a look; it is the word that he typed, not that of the message.
    const left = filesWith(world.folder, 'xyzzynightingale sings')
    assert.deepEqual(left, [])
    assert.deepEqual(filesWith(join(world.folder, server), 'xyzzynightingale'), [], 'nor does the server keep it')
    assert.deepEqual(filesWith(join(world.folder, 'journals', 'policy'), 'xyzzynightingale'), [])
    assert.deepEqual(
      filesWith(join(world.folder, 'state'), 'xyzzynightingale').filter((path) => path.includes('archive-months')),
      [],
    )
    const [row] = await world.ask('archive show', { id: record.id, reason: 'test' })
    assert.deepEqual([row?.text, row?.settlement, row?.erased_reason], ['', 'unscreened', 'test'])
  })
})
