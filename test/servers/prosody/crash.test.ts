// SPDX-License-Identifier: Apache-2.0
// Prosody killed at the named points of mod_gatehouse: what was acknowledged is delivered or told, what was not is sent again.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { bodies, type Gated, HOST, openGated, soon } from './gated.ts'

const BOB = `bob@${HOST}`
const PLUGINS = join(import.meta.dirname, 'plugins')

const OUTAGE = { closed: [], open: ['gatehouse_on_outage = "open"'] }

function crashing(at: string, mode: 'closed' | 'open', folder?: string): Promise<Gated> {
  return openGated({
    lines: [...OUTAGE[mode], `gatehouse_crash_at = "${at}"`],
    settings: { modules: ['gatehouse_points'], pluginPaths: [PLUGINS] },
    keepFolder: folder === undefined,
    ...(folder === undefined ? {} : { folder }),
  })
}

/** Alice says CRASH at a server that dies of it; gives what her client would send again, and the folder. */
async function killed(at: string, mode: 'closed' | 'open', asking: boolean) {
  const first = await crashing(at, mode)
  const screen = asking ? await first.asking() : null
  const alice = await first.login('alice', { management: 'resume' })
  const bob = await first.login('bob')
  alice.say(BOB, 'CRASH here')
  alice.client.requestAcknowledgement()
  await soon(first.prosody.exited, 'the end of the server')
  await alice.client.ended
  const again = alice.client.managed?.unacknowledged.filter((stanza) => stanza.includes('CRASH here')) ?? []
  assert.deepEqual(bodies(bob), [])
  const source = screen?.seen.map((iq) => / source='([0-9a-f]{32})'/.exec(iq)?.[1]).find(Boolean)
  await first[Symbol.asyncDispose]()
  return { again, folder: first.folder, source }
}

describe('killed at a crash point', () => {
  it('after the answer, before the release: the client still has it; the successor tells how far numbers may have gone', async () => {
    const { again, folder, source } = await killed('answered', 'closed', true)
    assert.equal(again.length, 1, 'not acknowledged')
    await using second = await crashing('never', 'closed', folder)
    const screen = await second.asking()
    assert.match(
      await soon(screen.saw(/predecessor=/), 'the announcement'),
      new RegExp(`predecessor='${source}' predecessor-mark='0' predecessor-reserved='1000'`),
    )
    const [alice, bob] = [await second.login('alice'), await second.login('bob')]
    for (const stanza of again) alice.client.send(stanza)
    await bob.got(/CRASH here/)
    assert.deepEqual(bodies(bob), ['CRASH here'])
  })

  it('before the write to the spool: nothing is on disk, nothing was delivered, the client still has it', async () => {
    const { again, folder } = await killed('before_spool', 'open', false)
    assert.equal(again.length, 1)
    await using second = await crashing('never', 'open', folder)
    const screen = await second.asking()
    const alice = await second.login('alice')
    alice.say(BOB, 'fence')
    await soon(screen.saw(/fence/), 'the fence')
    assert.ok(!screen.seen.some((iq) => iq.includes('CRASH here')))
  })

  it('after the write to the spool: the question is told without a settlement, so it is never taken for delivered', async () => {
    const { again, folder } = await killed('after_spool', 'open', false)
    assert.equal(again.length, 1)
    await using second = await crashing('never', 'open', folder)
    const screen = await second.asking()
    const told = await soon(screen.saw(/CRASH here/), 'the replay')
    assert.match(told, /<ask n='1' at='[^']+' spooled='true'>/)
    assert.doesNotMatch(told, /<settle/)
  })
})
