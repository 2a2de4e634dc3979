// SPDX-License-Identifier: Apache-2.0
// What crosses a process has a version. The golden file holds what version 1 looked like when it was released: the socket's
// answers, --json, and --check --json. A change that programs would notice shows here, and needs another version.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openPlace, type Place, runCli, startProbe } from '../kit/process/probe.ts'

const GOLDEN = fileURLToPath(new URL('../golden/command-line-1.txt', import.meta.url))

describe('the command line, version 1', () => {
  it('speaks as in its golden file', async () => {
    using place = openPlace(
      'keep_for: 7 days\n',
      'server: { hosts: [corp.example] }\npeople: { operators: [{ user: root }, { jid: admin@corp.example }] }\n',
    )
    const parts: string[] = []
    const note = (title: string, said: string) => parts.push(`== ${title}\n${settled(said, place)}`)
    {
      await using _probe = await startProbe(place)
      note('GET /v1/commands', `${await read(place, '/v1/commands?language=de')}\n`)
      note('GET /v1/status', `${await read(place, '/v1/status')}\n`)
      note('rows', (await runCli(place, 'probe', 'count', '2', '--json')).out)
      note('a text, and a row with texts of others', (await runCli(place, 'probe', 'odd', 'a', '--json')).out)
      note('a refusal, on standard error', (await runCli(place, 'probe', 'count', '0', '--json')).err)
      note('status', (await runCli(place, 'status', '--json')).out)
    }
    note('check', (await runCli(place, 'check', '--json')).out)
    writeFileSync(place.file, 'keep_for: soon\n')
    note('check of a bad file', (await runCli(place, 'check', '--json')).out)
    const said = parts.join('')
    if (process.env.GATEHOUSE_WRITE_GOLDEN === '1') writeFileSync(GOLDEN, said)
    assert.equal(said, readFileSync(GOLDEN, 'utf8'))
  })
})

/** Without what differs from run to run. */
function settled(said: string, place: Place): string {
  return said.replaceAll(place.folder, 'FOLDER').replace(/"software":"[^"]+"/g, '"software":"VERSION"')
}

function read(place: Place, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ socketPath: place.socket, path, agent: new Agent({ keepAlive: false }) }, (response) =>
      resolve(text(response)),
    ).on('error', reject)
  })
}
