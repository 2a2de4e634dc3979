// SPDX-License-Identifier: Apache-2.0
// Which hosts ask, and what one owes that goes: test/servers/both/hosts.ts. And what `gatehouse status` says of it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { it } from 'node:test'
import { gatehouse } from '../../../components/cli/gatehouse.ts'
import { startWorld } from '../../harness/world.ts'
import { hosts } from '../both/hosts.ts'
import { HOST } from '../both/house.ts'
import { prosody } from '../both/prosody.ts'

const COMPONENTS = join(import.meta.dirname, '../../../components')
const LAB = 'lab.example'

hosts(prosody)

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
