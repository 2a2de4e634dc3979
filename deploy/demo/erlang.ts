// SPDX-License-Identifier: Apache-2.0
// Compiles Erlang sources for an ejabberd of our own; once for each state of the sources.
import { createHash } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { said } from './server.ts'

/** Not below /tmp, where anybody could have put files before us. */
const BEAMS = resolve(import.meta.dirname, '../../.test/beams')

/** The library of stanzas: p1_xmpp on Debian, xmpp elsewhere. */
const XMPP_HEADERS = '/usr/lib/erlang/lib/{p1_,}xmpp-*/include'

/**
 * The folders of .beam files of these folders of sources (every .erl below each, but for folders named test), made if they are not there yet.
 * Rejects with what the compiler says; a warning is no error here.
 */
export async function compiled(folders: readonly string[], ejabberd: string): Promise<string[]> {
  const beams: string[] = []
  for (const folder of folders) {
    const all = globSync('**/*.{erl,hrl}', { cwd: folder, exclude: ['**/test/**'] }).sort()
    const sources = all.filter((file) => file.endsWith('.erl'))
    if (sources.length === 0) continue
    const hash = createHash('sha256').update(ejabberd)
    for (const file of all) hash.update(`\0${basename(file)}\0`).update(await readFile(join(folder, file)))
    const place = join(BEAMS, hash.digest('hex').slice(0, 32))
    if (!existsSync(place)) await compile(folder, sources, ejabberd, place)
    beams.push(place)
  }
  return beams
}

/** Several may compile the same at once: whoever is first gives the folder its name. */
async function compile(folder: string, sources: readonly string[], ejabberd: string, place: string): Promise<void> {
  const half = `${place}.${process.pid}`
  await mkdir(half, { recursive: true })
  const own = new Set(sources.map((file) => resolve(folder, file, '../../include')))
  const includes = [...own, ...globSync(XMPP_HEADERS)].flatMap((one) => ['-I', one])
  await said('erlc', [
    ...['-o', half, '+debug_info', '-pa', join(ejabberd, 'ebin'), '-I', join(ejabberd, 'include'), ...includes],
    ...sources.map((file) => join(folder, file)),
  ])
  await rename(half, place).catch(async (fault: unknown) => {
    await rm(half, { recursive: true })
    if (!existsSync(place)) throw fault
  })
}
