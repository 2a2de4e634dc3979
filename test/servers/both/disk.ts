// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse and the disk: what it does when the disk refuses settlements, and the word about files that nobody will tell.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Kind } from './gated.ts'
import { HOST, SCREEN, soon } from './house.ts'

const BOB = `bob@${HOST}`
const folderOf = (folder: string) => join(folder, 'data', 'gatehouse', SCREEN)

export function disk({ openGated, skip }: Kind): void {
  describe('settlements that the disk refuses', { skip }, () => {
    it('are kept in memory up to the bound, then the host takes nothing new; told from there, it asks again', async () => {
      await using gated = await openGated({ options: { try: 0.5, hold_max: 1, max_reports: 2 } })
      const first = await gated.asking({ silent: /<settle / })
      const source = / source='([0-9a-f]{32})'/.exec(first.seen[0] ?? '')?.[1]
      const inTheWay = join(folderOf(gated.folder), `spool-${source}-${HOST}`)
      await mkdir(inTheWay)
      const alice = await gated.login('alice')
      for (const i of [1, 2]) alice.say(BOB, `MUTE ${i}`)
      await alice.got(/id='MUTE-2'/)
      await soon(gated.server.logged(/kept in memory only/), 'the word about it')
      alice.say(BOB, 'one too many')
      assert.match(await alice.got(/id='one-too-many'/), /too many messages are waiting/)
      assert.ok(!first.seen.some((iq) => iq.includes('one too many')))
      await rmdir(inTheWay)
      await first.close()
      const second = await gated.screen()
      for (const n of [1, 2])
        await soon(second.saw(new RegExp(`<settle n='${n}' try='0' outcome='bounced'`)), `number ${n}`)
      await soon(second.saw(/<outage [^>]*count='1' outcome='bounced'/), 'the one that was bounced')
      const bob = await gated.login('bob')
      alice.say(BOB, 'room again')
      await bob.got(/room again/)
    })
  })

  describe('a file that nobody will tell', { skip }, () => {
    it('is named in the log with what to do: of a host that does not ask, or for another screen', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gatehouse-orphans-'))
      const run = 'ab'.repeat(16)
      const files = [
        join(folderOf(folder), `spool-${run}-gone.example`),
        join(folder, 'data', 'gatehouse', 'old.gatehouse.internal', `spool-${run}-${HOST}`),
      ]
      const mine = join(folderOf(folder), `spool-${run}-${HOST}`)
      for (const file of [...files, mine]) {
        await mkdir(join(file, '..'), { recursive: true })
        await writeFile(
          file,
          "gatehouse-spool 1\ns 1 74\n<settle n='1' try='0' outcome='unscreened' at='2026-11-22T10:23:50.519Z'/>\n",
        )
      }
      await using gated = await openGated({ folder })
      for (const file of files) {
        const line = await soon(gated.server.logged(new RegExp(`warn.*${file} was kept for screen`)), file)
        assert.match(line, /load (mod_)?gatehouse with that screen on that host again, or rename the file/)
      }
      assert.deepEqual(gated.server.linesWith(new RegExp(`${mine} was kept`)), [])
    })
  })
}
