// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on Prosody and the disk: what it syncs where a Lua library offers fsync, what it says where none does, and what
// holds on every server (test/servers/both/disk.ts).
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { disk } from '../both/disk.ts'
import { HOST, SCREEN, soon } from '../both/house.ts'
import { prosody } from '../both/prosody.ts'
import { type Gated, openGated } from './gated.ts'

const BOB = `bob@${HOST}`
const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../../..')
const folderOf = (gated: Gated) => join(gated.folder, 'data', 'gatehouse', SCREEN)

/** A folder in which the named Lua modules are such as cannot be loaded. */
async function hiding(
  names: readonly string[],
  body: (environment: Record<string, string>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-hiding-'))
  try {
    await mkdir(join(folder, 'posix'))
    for (const name of names) await writeFile(join(folder, `${name}.lua`), 'error("not here")')
    await body({ LUA_PATH: `${folder}/?.lua;${process.env.LUA_PATH ?? ''};;` })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Where deploy/setup.mjs has unpacked lua-luv, which the Prosodys of other tests are not to see; nothing where it is installed. */
function unpacked(): Record<string, string> {
  const [place] = globSync('.test/lua-luv/usr/lib/*', { cwd: ROOT }).map((found) => join(ROOT, found))
  return place === undefined ? {} : { LUA_CPATH: `${place}/lua/5.4/?.so;;`, LD_LIBRARY_PATH: place }
}

/** Whether the Lua of this machine's Prosody has the library. */
const has = (name: string, environment: Record<string, string>) =>
  run('lua5.4', ['-e', `require "${name}"`], { env: { ...process.env, ...environment } }).then(
    () => true,
    () => false,
  )

describe('what is kept and fsync', () => {
  for (const [mode, level] of [
    ['closed', 'info'],
    ['open', 'warn'],
  ] as const)
    it(`says where nothing offers fsync (${mode}: ${level}), and works all the same`, () =>
      hiding(['luv', 'posix/unistd'], async (environment) => {
        await using gated = await openGated({ lines: [`gatehouse_on_outage = "${mode}"`], settings: { environment } })
        assert.match(await gated.prosody.logged(/Nothing offers fsync/), new RegExp(`\\b${level}\\b.*not a power cut`))
        const screen = await gated.asking()
        const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
        alice.say(BOB, 'all the same')
        await bob.got(/all the same/)
        await soon(screen.saw(/all the same/), 'the question')
      }))

  for (const [library, module, others, added] of [
    ['lua-luv', 'luv', ['posix/unistd'], unpacked()],
    ['lua-posix', 'posix.unistd', ['luv'], {}],
  ] as const)
    it(`syncs by ${library}: the numbers before one is used, what is let through before it is delivered`, async (t) => {
      const there = await has(module, added)
      assert.ok(there || Object.keys(added).length === 0, `${library} was unpacked for this test, and cannot be loaded`)
      if (!there) return t.skip(`${library} does not serve the Lua 5.4 of this machine: nothing to sync by`)
      await hiding(others, async (environment) => {
        await using gated = await openGated({
          lines: ['gatehouse_on_outage = "open"'],
          settings: {
            environment: { ...environment, ...added },
            wrapper: [
              'strace',
              '-f',
              '-qq',
              '-s',
              '400',
              '-e',
              'trace=fsync,openat,rename,renameat,renameat2,sendto,write,writev',
            ],
          },
        })
        assert.match(
          await gated.prosody.logged(/synced to the disk/),
          new RegExp(`\\(${library}\\): it survives a power cut`),
        )
        const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
        alice.say(BOB, 'kept first')
        await bob.got(/kept first/)
        await gated.prosody.stop()
        const calls = (await readFile(gated.prosody.logFile, 'utf8')).split('\n')
        const folder = folderOf(gated)
        let from = 0
        const next = (what: string, pattern: RegExp) => {
          const at = calls.findIndex((line, i) => i >= from && pattern.test(line))
          assert.ok(at >= 0, `${what}, behind line ${from}`)
          from = at + 1
          return calls[at] ?? ''
        }
        const synced = (path: string) => {
          const descriptor = /= (\d+)$/.exec(
            next(`opening ${path}`, new RegExp(`open.*"${path}", O_RDONLY.* = \\d+$`)),
          )?.[1]
          next(`the sync of ${path}`, new RegExp(`fsync\\(${descriptor}\\) += 0`))
        }
        synced(`${folder}/source.new`)
        next('the renaming', /rename.*source\.new.* = 0/)
        synced(folder)
        next('the record', /write\(\d+, "(gatehouse-spool 1|[^"]*<ask n='1')/)
        synced(`${folder}/spool-[0-9a-f]{32}-${HOST}`)
        next('the delivery', /(sendto|write)\(.*<message.*kept first/)
      })
    })
})

disk(prosody)
