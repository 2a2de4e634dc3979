// SPDX-License-Identifier: Apache-2.0
// The chain of runs of mod_gatehouse: whoever is killed, and however often in a row, the screen hears of each run who was before
// it and how far that one's numbers may have gone. PROTOCOL.md section 3.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import type { Gated, Kind } from './gated.ts'
import { HOST, soon } from './house.ts'

const BOB = `bob@${HOST}`

type Run = () => Promise<Gated>

/** Plays on one folder; every server that the body starts is gone at the end. */
async function on(openGated: Kind['openGated'], body: (run: Run) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-runs-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  await body(async () =>
    stack.use(
      await openGated({
        folder,
        keepFolder: true,
        options: { on_outage: 'open' },
      }),
    ),
  )
}

async function kill(gated: Gated): Promise<void> {
  gated.server.kill('SIGKILL')
  await gated.server.exited
}

const ANNOUNCED =
  /<screen [^>]*source='([0-9a-f]{32})'.*<source [^>]* predecessor='([0-9a-f]{32})' predecessor-mark='(\d+)' predecessor-reserved='(\d+)'/

/** What the screen is told of who was before the run: waits for it. */
export async function announcedBefore(screen: AllowScreen, run: string): Promise<{ source: string; reserved: number }> {
  const said = { test: (iq: string) => ANNOUNCED.exec(iq)?.[1] === run } as RegExp
  const [, , source = '', , reserved] = ANNOUNCED.exec(await soon(screen.saw(said), `who was before ${run}`)) ?? []
  return { source, reserved: Number(reserved) }
}

export const sourceOf = (screen: AllowScreen) =>
  / source='([0-9a-f]{32})'/.exec(screen.seen[0] ?? '')?.[1] ?? assert.fail('nothing was said')

export function runs({ openGated, skip }: Kind): void {
  describe('the chain of runs', { skip }, () => {
    it('announces a run again whose announcement was sent and not acknowledged, and no more once it was', () =>
      on(openGated, async (run) => {
        const first = await run()
        const oldest = sourceOf(await first.asking())
        await kill(first)

        const second = await run()
        const deaf = await second.screen(undefined, { silent: /./ })
        await soon(deaf.saw(/<source /), 'the announcement')
        const middle = sourceOf(deaf)
        await kill(second)

        const third = await run()
        const screen = await third.asking()
        const own = sourceOf(screen)
        assert.equal((await announcedBefore(screen, own)).source, middle)
        assert.equal((await announcedBefore(screen, middle)).source, oldest)
        ;(await third.login('alice')).say(BOB, 'behind it all')
        await soon(screen.saw(/<mark last='1'/), 'the mark, which is on disk before it is said')
        await kill(third)

        const fourth = await run()
        const last = await fourth.asking()
        assert.equal((await announcedBefore(last, sourceOf(last))).source, own)
        ;(await fourth.login('alice')).say(BOB, 'and on')
        await soon(last.saw(/<mark last='1'/), 'a mark')
        assert.deepEqual([...new Set(last.seen.flatMap((iq) => ANNOUNCED.exec(iq)?.[2] ?? []))], [own])
      }))
  })
}
