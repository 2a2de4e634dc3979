// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse keeps on disk for the screen, looked at from outside.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Gated } from './gated.ts'
import { SCREEN } from './house.ts'

/** What the spools of the first host's screen hold. */
export async function spools(gated: Gated): Promise<string[]> {
  const folder = join(gated.folder, 'data', 'gatehouse', SCREEN)
  const names = await readdir(folder)
  return Promise.all(
    names.filter((name) => name.startsWith('spool-')).map((name) => readFile(join(folder, name), 'utf8')),
  )
}

/** Resolves when a spool holds the text: settlements are written a moment after the stanza went. */
export async function inSpool(gated: Gated, text: string): Promise<void> {
  const until = Date.now() + 10_000
  while (!(await spools(gated)).some((spool) => spool.includes(text))) {
    assert.ok(Date.now() < until, `not on the disk: ${text}`)
    await setTimeout(10)
  }
}
