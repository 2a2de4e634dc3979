// SPDX-License-Identifier: Apache-2.0
// The chain of runs of mod_gatehouse: whoever is killed, and however often in a row, the screen hears of each run who was before
// it and how far that one's numbers may have gone. PROTOCOL.md section 3.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { prosody } from '../both/prosody.ts'
import { announcedBefore as before, runs, sourceOf } from '../both/runs.ts'
import { type Gated, HOST, openGated, soon } from './gated.ts'

const BOB = `bob@${HOST}`
const PLUGINS = join(import.meta.dirname, 'plugins')

type Run = (at?: string) => Promise<Gated>

/** Plays on one folder; every server that the body starts is gone at the end. */
async function on(body: (run: Run) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-runs-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  await body(async (at = 'never') =>
    stack.use(
      await openGated({
        folder,
        keepFolder: true,
        lines: ['gatehouse_on_outage = "open"', `gatehouse_crash_at = "${at}"`],
        settings: { modules: ['gatehouse_points'], pluginPaths: [PLUGINS] },
      }),
    ),
  )
}

async function kill(gated: Gated): Promise<void> {
  gated.prosody.kill('SIGKILL')
  await gated.prosody.exited
}

runs(prosody)

describe('the chain of runs, killed as they write', () => {
  for (const at of ['first_before_reserve', 'first_in_reserve', 'first_after_reserve'])
    it(`loses no run when two in a row are killed as they write their numbers for the first time (${at})`, () =>
      on(async (run) => {
        const first = await run()
        const asked = await first.asking()
        const alice = await first.login('alice')
        for (const i of [1, 2, 3]) alice.say(BOB, `said ${i}`)
        await soon(asked.saw(/said 3/), 'the third question')
        await kill(first)
        for (let time = 0; time < 2; time++) {
          const killed = await run(at)
          ;(await killed.login('alice')).say(BOB, 'of which it dies')
          await soon(killed.prosody.exited, 'the end of the server')
        }
        const screen = await (await run()).asking()
        let one = sourceOf(screen)
        // Those that died before their numbers were on disk gave none, and were announced to nobody: they never were.
        for (let between = at === 'first_after_reserve' ? 3 : 1; between > 0; between--) {
          const earlier = await before(screen, one)
          assert.equal(earlier.reserved, 1000)
          one = earlier.source
        }
        assert.equal(one, sourceOf(asked))
      }))
})
