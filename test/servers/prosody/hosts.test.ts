// SPDX-License-Identifier: Apache-2.0
// Which hosts ask: said by mod_gatehouse when one comes or goes, while the connection stays up and nobody says a word. And what
// one owes that goes.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { it } from 'node:test'
import { gatehouse } from '../../../components/cli/gatehouse.ts'
import { startWorld } from '../../harness/world.ts'
import { gate, HOST, openGated, soon } from './gated.ts'

const COMPONENTS = join(import.meta.dirname, '../../../components')
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

for (const [how, fails] of [
  ['while the screen is away', true],
  ['while the screen is there and acknowledges nothing of it', false],
] as const)
  it(`tells what a host owes that left ${how}, so that done goes on for the others`, async () => {
    await using gated = await openGated({
      lines: ['gatehouse_try = 0.5', 'gatehouse_hold_max = 1'],
      settings: { hosts: [{ name: LAB, lines: gate() }], accounts: [{ jid: `dora@${LAB}`, password: 'secret' }] },
    })
    const first = await gated.asking({ silent: /<settle/ })
    const alice = await gated.login('alice')
    alice.say(`bob@${HOST}`, 'MUTE one')
    await alice.got(/id='MUTE-one'/)
    await soon(first.saw(/<settle n='1'/), 'the settlement')
    if (fails) await first.close()
    await gated.shell(`module:unload("gatehouse", "${HOST}")`)
    if (!fails) await first.close()
    const second = await gated.screen()
    const told = await soon(second.saw(/<settle n='1' try='0' outcome='bounced'/), 'the settlement again')
    assert.match(told, new RegExp(`^<iq type='set' from='${HOST}'`))
    const dora = await gated.login('dora', { host: LAB })
    // The screen has just come: until it has answered three times nothing is asked.
    for (let i = 0; !second.seen.some((iq) => iq.includes('<ask')); i++) {
      dora.say(`dora@${LAB}`, `word ${i}`)
      await dora.got(new RegExp(`id='word-${i}'`))
    }
    const asked = /<ask n='(\d+)'/.exec(second.seen.find((iq) => iq.includes('<ask')) ?? '')?.[1]
    const reached = { test: (iq: string) => Number(/ done='(\d+)'/.exec(iq)?.[1] ?? 0) >= Number(asked) }
    await soon(second.saw(reached as unknown as RegExp), 'done')
    await gated.shell(`module:load("gatehouse", "${HOST}")`)
    const bob = await gated.login('bob')
    alice.say(`bob@${HOST}`, 'back again')
    await bob.got(/back again/)
  })

it('`gatehouse status` names an idle host that the helper left, and nothing more when it is back', async () => {
  await using world = await startWorld({ hosts: [HOST, LAB], archive: false })
  const config = join(world.folder, 'config')
  const status = async () => {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const said = text(out)
    const rest = { components: COMPONENTS, environment: { LC_ALL: 'C' }, folder: config, software: '0', out, err }
    await gatehouse({ ...rest, argv: ['--config', config, '--json', 'status'] })
    out.end()
    const rows = (await said).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    const row = rows.find(({ component }) => component === 'policy')
    return `${row.state}: ${row.wrong}`
  }
  const until = async (pattern: RegExp) => {
    const signal = AbortSignal.timeout(20_000)
    for (;;) {
      const said = await status()
      if (pattern.test(said)) return said
      if (signal.aborted) assert.match(said, pattern)
    }
  }
  const well = /^(?:well|warned): (?!.*its helper)/
  await until(well)
  await world.prosody.shell(`module:unload("gatehouse", "${LAB}")`)
  assert.match(await until(/its helper/), new RegExp(`^not ready: ${LAB}: its helper has stopped`))
  await world.prosody.shell(`module:load("gatehouse", "${LAB}")`)
  await until(well)
})
