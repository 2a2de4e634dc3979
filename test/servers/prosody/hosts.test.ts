// SPDX-License-Identifier: Apache-2.0
// Which hosts ask: said by mod_gatehouse when one comes or goes, while the connection stays up and nobody says a word.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { gate, HOST, openGated, soon } from './gated.ts'

const LAB = 'lab.example'

it('announces its hosts again when one is unloaded or loaded while all are idle, by one that stays; not when one is reloaded', async () => {
  await using gated = await openGated({ settings: { hosts: [{ name: LAB, lines: gate() }] } })
  const screen = await gated.asking()
  const said = () =>
    screen.seen.flatMap((iq) =>
      [...iq.matchAll(/^<iq type='set' from='([^']*)'.*<source [^>]* hosts='([^']*)'/g)].map(([, from, hosts]) => ({
        from,
        hosts,
      })),
    )
  assert.deepEqual(
    said().map(({ hosts }) => hosts),
    [`${HOST} ${LAB}`],
  )
  await gated.shell(`module:reload("gatehouse", "${LAB}")`)
  await gated.shell(`module:unload("gatehouse", "${LAB}")`)
  await soon(screen.saw(new RegExp(`<source [^>]* hosts='${HOST}'`)), 'the one that stays')
  await gated.shell(`module:load("gatehouse", "${LAB}")`)
  const both = { test: () => said().filter(({ hosts }) => hosts === `${HOST} ${LAB}`).length >= 2 }
  await soon(screen.saw(both as unknown as RegExp), 'both again')
  assert.deepEqual(
    said().map(({ hosts }) => hosts),
    [`${HOST} ${LAB}`, HOST, `${HOST} ${LAB}`],
  )
  assert.equal(said()[1]?.from, HOST)
  assert.equal(
    new Set(screen.seen.map((iq) => / source='([0-9a-f]{32})'/.exec(iq)?.[1])).size,
    1,
    'one source all the time',
  )
})
