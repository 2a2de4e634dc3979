// SPDX-License-Identifier: Apache-2.0
// The chain of runs of mod_gatehouse: whoever is killed, and however often in a row, the screen hears of each run who was before
// it and how far that one's numbers may have gone. PROTOCOL.md section 3.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { AllowScreen } from './allow-screen.ts'
import { type Gated, HOST, openGated, soon } from './gated.ts'

const BOB = `bob@${HOST}`
const PLUGINS = join(import.meta.dirname, 'plugins')
const OPEN = 'gatehouse_on_outage = "open"'

function run(folder: string, at = 'never', lines: readonly string[] = [OPEN]): Promise<Gated> {
  return openGated({
    folder,
    keepFolder: true,
    lines: [...lines, `gatehouse_crash_at = "${at}"`],
    settings: { modules: ['gatehouse_points'], pluginPaths: [PLUGINS] },
  })
}

async function end(gated: Gated): Promise<void> {
  gated.prosody.kill('SIGKILL')
  await gated.prosody.exited
  await gated[Symbol.asyncDispose]()
}

type Announced = { source: string; before: string | null; mark: number; reserved: number }

/** Each announcement that the screen has seen, in order. */
function announced(screen: AllowScreen): Announced[] {
  return screen.seen.flatMap((iq) => {
    const source = /<screen [^>]*source='([0-9a-f]{32})'/.exec(iq)?.[1] ?? ''
    return [...iq.matchAll(/<source [^>]*>/g)].map(([element]) => ({
      source,
      before: / predecessor='([0-9a-f]{32})'/.exec(element)?.[1] ?? null,
      mark: Number(/predecessor-mark='(\d+)'/.exec(element)?.[1]),
      reserved: Number(/predecessor-reserved='(\d+)'/.exec(element)?.[1]),
    }))
  })
}

const sourceOf = (screen: AllowScreen) => announced(screen)[0]?.source ?? assert.fail('nothing was announced')
const saw = (screen: AllowScreen, source: string, before: string) =>
  soon(
    screen.saw(new RegExp(`<screen [^>]*source='${source}'.*<source [^>]* predecessor='${before}'`)),
    `${source} after ${before}`,
  )

/** Resolves with the announcement of the run now, once every earlier one has been said: it is said again behind them. */
async function settled(screen: AllowScreen, own: string): Promise<void> {
  const twice = { test: () => announced(screen).filter((one) => one.source === own).length >= 2 }
  await soon(screen.saw(twice as unknown as RegExp), 'the last word, which is about this run')
}

describe('the chain of runs', () => {
  let folder = ''
  const fresh = async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-runs-'))
  }
  const gone = () => rm(folder, { recursive: true, force: true })

  for (const at of ['first_before_reserve', 'first_in_reserve', 'first_after_reserve'])
    it(`loses no run when two in a row are killed as they write their numbers for the first time (${at})`, async () => {
      await fresh()
      try {
        const first = await run(folder)
        const asked = await first.asking()
        const alice = await first.login('alice')
        for (const i of [1, 2, 3]) alice.say(BOB, `said ${i}`)
        await soon(asked.saw(/said 3/), 'the third question')
        const oldest = sourceOf(asked)
        await end(first)
        for (let time = 0; time < 2; time++) {
          const killed = await run(folder, at)
          ;(await killed.login('alice')).say(BOB, 'of which it dies')
          await soon(killed.prosody.exited, 'the end of the server')
          await killed[Symbol.asyncDispose]()
        }
        const last = await run(folder)
        const screen = await last.asking()
        const own = sourceOf(screen)
        await soon(
          screen.saw(new RegExp(` predecessor='${oldest}' predecessor-mark='\\d+' predecessor-reserved='1000'`)),
          'the end of the oldest run',
        )
        if (at === 'first_after_reserve') await settled(screen, own)
        const by = new Map(announced(screen).map((one) => [one.source, one]))
        let steps = 0
        let one = by.get(own)
        while (one && one.before !== oldest) {
          assert.equal(one.reserved, 1000)
          one = by.get(one.before ?? '')
          steps += 1
        }
        assert.ok(one, 'the runs hang together from the last to the first')
        assert.equal(steps, at === 'first_after_reserve' ? 2 : 0)
        assert.equal(announced(screen).at(-1)?.source, own, 'the last word is about the run that speaks')
        await end(last)
      } finally {
        await gone()
      }
    })

  it('announces a run again whose announcement was sent and not acknowledged, and no more once it was', async () => {
    await fresh()
    try {
      const first = await run(folder)
      const oldest = sourceOf(await first.asking())
      await end(first)

      const second = await run(folder)
      const deaf = await second.screen(undefined, { silent: /./ })
      await soon(deaf.saw(/<source /), 'the announcement')
      const middle = sourceOf(deaf)
      assert.notEqual(middle, oldest)
      await end(second)

      const third = await run(folder)
      const screen = await third.asking()
      const own = sourceOf(screen)
      await saw(screen, own, middle)
      await saw(screen, middle, oldest)
      await settled(screen, own)
      ;(await third.login('alice')).say(BOB, 'behind it all')
      await soon(screen.saw(/<mark last='1'/), 'the mark, which is on disk before it is said')
      await end(third)

      const fourth = await run(folder)
      const last = await fourth.asking()
      await saw(last, sourceOf(last), own)
      ;(await fourth.login('alice')).say(BOB, 'and on')
      await soon(last.saw(/and on/), 'a question')
      await soon(last.saw(/<mark last='1'/), 'a mark')
      assert.deepEqual([...new Set(announced(last).map((one) => one.before))], [own])
      await end(fourth)
    } finally {
      await gone()
    }
  })
})
