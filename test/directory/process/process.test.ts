// SPDX-License-Identifier: Apache-2.0
// The directory as a process beside a real slapd: read, planned, carried out, kept, shown.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { status } from '../../../components/cli/network/ask.ts'
import { slapdLack } from '../../harness/slapd.ts'
import { FIVE, openPlace } from '../place.ts'
import { snapshotOf } from '../snapshot.ts'

describe('directory beside slapd', { skip: slapdLack() ?? false }, () => {
  test('reads, plans, shows the plan, carries it out, keeps it over a restart, and shows a person', async () => {
    await using place = await openPlace({
      apply: 'by_hand',
      rooms: { service: 'rooms.corp.example', groups: ['trade*'] },
    })
    await place.slapd.add(FIVE)
    // Nobody takes components there.
    writeFileSync(join(place.folder, 'directory.secret'), 'hush', { mode: 0o600 })
    place.settings({ secret_file: 'directory.secret' })
    place.shared({ server: { port: 1 } })
    const running = { name: 'directory', run: join(place.folder, 'run') }
    {
      await using directory = await place.start()
      await directory.logged(({ event }) => event === 'directory read')
      const [read] = await place.ask('sync', { now: true })
      assert.deepEqual([read?.directory, read?.people, read?.state], ['corp', 5, 'ok'])
      const plan = await place.ask('plan')
      assert.deepEqual(
        plan.map(({ what, change, name, jid, joined }) => [what, change, name, jid, joined]).sort(),
        [
          ['person', 'add', 'Alice Arnold', 'alice@corp.example', undefined],
          ['person', 'add', 'Bob Baker', 'bob@corp.example', undefined],
          ['person', 'add', 'Carol Clark', 'carol@corp.example', undefined],
          ['person', 'add', 'Dave Dunn', 'dave@corp.example', undefined],
          ['person', 'add', 'Erin Evans', 'erin@corp.example', undefined],
          ['group', 'add', 'traders', null, 3],
          ['group', 'add', 'research', null, 2],
          ['room', 'make', 'traders', null, undefined],
        ].sort(),
      )
      assert.equal(await snapshotOf(place.snapshot), null, 'a plan shows; nothing is done')
      const { warnings = [] } = await status(running, 'en')
      assert.match(
        warnings.join('\n'),
        /^There is no stream to the XMPP server.*\nA plan waits for a person: .* --yes-remove 0\.$/,
      )
      const [applied] = await place.ask('apply')
      assert.deepEqual(applied, { version: 1, people: 5, groups: 2, removed: 0 })
      assert.deepEqual(await place.ask('plan'), [])
      assert.doesNotMatch((await status(running, 'en')).warnings?.join() ?? '', /plan/)
    }
    const { people, groups } = (await snapshotOf(place.snapshot)) ?? { people: [], groups: [] }
    assert.deepEqual(
      people.map(({ jid, name, groups: ids }) => [
        jid,
        name,
        ids.map((id) => groups.find((one) => one.id === id)?.name),
      ]),
      [
        ['alice@corp.example', 'Alice Arnold', ['traders']],
        ['bob@corp.example', 'Bob Baker', ['traders']],
        ['carol@corp.example', 'Carol Clark', ['traders']],
        ['dave@corp.example', 'Dave Dunn', ['research']],
        ['erin@corp.example', 'Erin Evans', ['research']],
      ],
    )
    // What it was told holds while the directory is away, also for a process that begins.
    await place.slapd.kill()
    await using again = await place.start()
    await again.logged(({ event }) => String(event).startsWith('directory does not answer'))
    const who = await place.ask('who', { name: 'alice' })
    const shown = Object.fromEntries(who.map(({ what, directory, provisioned }) => [what, [directory, provisioned]]))
    assert.deepEqual(shown.jid, ['alice@corp.example', 'alice@corp.example'])
    assert.deepEqual(shown.department, ['Trading', 'Trading'])
    assert.deepEqual(shown['group traders'], ['member', true])
    assert.deepEqual(shown.disabled, [false, false])
    await assert.rejects(place.ask('who', { name: 'nobody-here' }), /ended with 5/)
    const stats = Object.fromEntries((await place.ask('stats')).map(({ what, value }) => [what, value]))
    assert.deepEqual([stats.provisioned_people, stats.version, stats['directory corp state']], [5, 1, 'away'])
  })
})
