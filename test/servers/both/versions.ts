// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse keeps has a version: this one reads its own files and those before it (0: without a word on their version),
// on either server those of the other too, and of a later one's it says which file it is, and closes. test/golden/helper-N: as a
// run on Prosody that was killed left its folder.
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import type { Gated, GatedOptions, Kind } from './gated.ts'
import { bodies, HOST, SCREEN, soon } from './house.ts'

const GOLDEN = resolve(import.meta.dirname, '../../golden')
const VERSION = 1
const OPEN = { on_outage: 'open' }
const KILLED = 'f681bdb29c81bdc6f2ad223f0b4dea22'
const BEFORE = '246517ce2125bd3d20b9303cdd4c8187'
const SPOOL = `spool-${KILLED}-${HOST}`
const LAB = 'lab.example'

const place = (folder: string) => join(folder, 'data', 'gatehouse', SCREEN)

/** Runs the body on a folder with the golden files of a version in it. */
async function on(version: number, body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-versions-'))
  try {
    await mkdir(place(folder), { recursive: true })
    await cp(join(GOLDEN, `helper-${version}`), place(folder), { recursive: true })
    await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export function versions({ openGated, skip }: Kind): void {
  const start = (folder: string, settings: GatedOptions = {}): Promise<Gated> =>
    openGated({ folder, keepFolder: true, options: OPEN, ...settings })

  describe('what the helper keeps on disk', { skip }, () => {
    for (let version = 0; version <= VERSION; version++)
      it(`is read as version ${version} left it, and what is closed in an outage with it`, () =>
        on(version, async (folder) => {
          await using gated = await start(folder)
          const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
          if (version > 0) {
            alice.say('anybody@other.example', 'closed elsewhere')
            alice.say(`bob@${HOST}`, 'open here')
            assert.match(await alice.got(/id='closed-elsewhere'/), /<error type='wait'><resource-constraint/)
            await bob.got(/open here/)
          }
          const screen = await gated.asking()
          const told = await soon(screen.saw(/kept one/), 'the replay')
          assert.match(told, new RegExp(`<screen [^>]*source='${KILLED}'`))
          assert.match(
            told,
            new RegExp(
              `<source [^>]* predecessor='${BEFORE}' predecessor-mark='1' predecessor-reserved='1000'/>` +
                "<ask n='1' at='2026-11-22T10:23:50.519Z' spooled='true'>.*<body>kept one</body>.*</ask>" +
                '<ask n=\'2\' .*<body>kept &lt;two&gt; &amp; (&quot;|")more(&quot;|")</body>.*</ask>' +
                "<settle n='1' try='0' outcome='unscreened' .*<settle n='2' try='0' outcome='unscreened' ",
            ),
          )
          const next = new RegExp(` predecessor='${KILLED}' predecessor-mark='0' predecessor-reserved='1000'`)
          const announced = await soon(screen.saw(next), 'the announcement of the run that reads')
          if (version === 0) return
          assert.match(announced, /<source [^>]* outage-rules='58b2c9292821dd296141c0bd0cca3256'/)
          const alone = new RegExp(
            `<screen [^>]*source='${KILLED}'><source [^>]*predecessor='${BEFORE}'[^>]*></screen>`,
          )
          await soon(screen.saw(alone), 'what is kept of the announcement')
        }))

    it(`is written as version ${VERSION}, the newest of which there is a golden file`, () =>
      on(VERSION, async (folder) => {
        const newest = (await readdir(GOLDEN))
          .filter((name) => name.startsWith('helper-'))
          .sort()
          .at(-1)
        assert.equal(newest, `helper-${VERSION}`)
        await rm(place(folder), { recursive: true })
        await using gated = await start(folder)
        const alice = await gated.login('alice')
        const bob = await gated.login('bob')
        alice.say(`bob@${HOST}`, 'unscreened')
        await bob.got(/unscreened/)
        const names = (await readdir(place(folder))).sort()
        assert.deepEqual(
          names.map((name) => name.replace(/[0-9a-f]{32}/, KILLED)),
          ['source', SPOOL],
        )
        for (const name of names) {
          const [first] = (await readFile(join(place(folder), name), 'utf8')).split('\n')
          const [golden] = (
            await readFile(join(GOLDEN, `helper-${VERSION}`, name.startsWith('spool') ? SPOOL : name), 'utf8')
          ).split('\n')
          assert.equal(first, golden)
        }
      }))
  })

  describe('a file of a later helper', { skip }, () => {
    const later = async (file: string) => {
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replace(/^gatehouse-(\w+) \d+/, 'gatehouse-$1 7'))
      return readFile(file, 'utf8')
    }

    for (const [what, name, says] of [
      ['source', 'source', /version 7, written by a later helper; this one reads up to 1/],
      ['a damaged source', 'source', /it is none of ours, or damaged/],
    ] as const)
      it(`${what}: names it, closes the hosts of the screen, tells the screen nothing, leaves it as it is`, () =>
        on(VERSION, async (folder) => {
          const file = join(place(folder), name)
          if (what === name) await later(file)
          else await writeFile(file, 'gatehouse-source 1\nnobody knows\n')
          const before = await readFile(file, 'utf8')
          await using gated = await start(folder)
          const line = await gated.server.logged(/cannot be read/)
          assert.ok(line.includes(file), line)
          assert.match(line, says)
          const screen = await gated.screen()
          const alice = await gated.login('alice')
          const bob = await gated.login('bob')
          alice.say(`bob@${HOST}`, 'in open mode')
          assert.match(await alice.got(/id='in-open-mode'/), /<error type='wait'><resource-constraint/)
          assert.deepEqual(bodies(bob), [])
          assert.deepEqual(screen.seen, [])
          await gated.server.stop()
          assert.equal(await readFile(file, 'utf8'), before)
          assert.deepEqual(screen.seen, [])
        }))

    it('a spool: names it, closes its host alone, leaves it as it is', () =>
      on(VERSION, async (folder) => {
        const file = join(place(folder), SPOOL)
        const before = await later(file)
        await using gated = await start(folder, {
          hosts: [LAB],
          accounts: [`dora@${LAB}`, `emil@${LAB}`],
        })
        const line = await gated.server.logged(/cannot be read/)
        assert.ok(line.includes(file) && /nothing passes on corp\.example/.test(line), line)
        const screen = await gated.asking()
        const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
        const [dora, emil] = [await gated.login('dora', { host: LAB }), await gated.login('emil', { host: LAB })]
        alice.say(`bob@${HOST}`, 'shut out')
        assert.match(await alice.got(/id='shut-out'/), /<error type='wait'><resource-constraint/)
        dora.say(`emil@${LAB}`, 'next door')
        await emil.got(/next door/)
        await soon(screen.saw(/next door/), 'the question of the other host')
        assert.deepEqual(bodies(bob), [])
        await gated.server.stop()
        assert.equal(await readFile(file, 'utf8'), before)
        assert.ok(!screen.seen.some((iq) => iq.includes('kept one') || iq.includes('shut out')))
      }))
  })
}
