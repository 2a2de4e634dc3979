// SPDX-License-Identifier: Apache-2.0
// What the README tells to write makes it work: its Prosody lines, its policy.yaml, its proof in the log, and a status that
// knows where the module is missing. Only ports, the secret and the place of the checkout are ours.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { suite, test } from 'node:test'
import { status } from '../../components/cli/network/ask.ts'
import { freePorts } from '../../deploy/demo/ports.ts'
import { type Prosody, type ProsodyComponent, startProsody } from '../../deploy/demo/prosody.ts'
import { startComponent } from '../harness/component.ts'
import { listen } from '../harness/listener.ts'
import { serverLack } from './servers.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const lack = serverLack()

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(README)?.[1]
  assert.ok(found !== undefined, `README.md has a ${language} block`)
  return found.replaceAll(/^ {3}/gm, '')
}

/** The README's lines as sections: the global one, and one for each VirtualHost and Component. */
function sections(): { global: string[]; parts: (ProsodyComponent & { lines: string[]; isHost: boolean })[] } {
  const global: string[] = []
  const parts: (ProsodyComponent & { lines: string[]; isHost: boolean })[] = []
  for (const line of block('lua').replaceAll('/usr/lib/gatehouse', ROOT).split('\n')) {
    const head = /^(VirtualHost|Component) "([^"]+)"(?: "([^"]+)")?$/.exec(line)
    const [, kind, name, module] = head ?? []
    if (name !== undefined)
      parts.push({ name, lines: [], isHost: kind === 'VirtualHost', ...(module ? { module } : {}) })
    else if (line.trim() !== '') (parts.at(-1)?.lines ?? global).push(line.trim())
  }
  return { global, parts }
}

suite('what the README tells to install', { skip: lack ?? false }, () => {
  test('is asked about on every host, and a host without the module is named', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-installed-'))
    await using open = new AsyncDisposableStack()
    open.defer(() => rmSync(folder, { recursive: true }))
    const [c2s = 0, component = 0] = await freePorts(2)
    const { global, parts } = sections()
    const own = (line: string) => line.replace('what is in policy.secret', 'the secret')
    const server = (without: string): Promise<Prosody> => {
      const lines = (part: { name: string; lines: readonly string[] }) =>
        part.lines.filter((line) => part.name !== without || !line.startsWith('modules_enabled')).map(own)
      const section = (part: (typeof parts)[number]) => ({ ...part, lines: lines(part) })
      return startProsody({
        folder: join(folder, 'prosody'),
        ports: { c2s, component },
        global,
        // A host lists what lies one label below it: the parent of the screen would, were the screen not hidden.
        hosts: [...parts.filter(({ isHost }) => isHost).map(section), { name: 'gatehouse.internal' }],
        components: [
          ...parts.filter(({ isHost }) => !isHost).map(section),
          { name: 'shown.gatehouse.internal', secret: 'another' },
        ],
        accounts: [{ jid: 'ann@corp.example', password: 'x' }],
      })
    }
    const [policyYaml = ''] = block('yaml').split(/^# gatehouse\.yaml\n/m)
    cpSync(join(ROOT, 'config/policy-rules.yaml'), join(folder, 'policy-rules.yaml'))
    writeFileSync(join(folder, 'policy.secret'), 'the secret\n', { mode: 0o640 })
    writeFileSync(join(folder, 'policy.yaml'), `${policyYaml}\nmetrics: { port: 0 }\n`)
    writeFileSync(
      join(folder, 'gatehouse.yaml'),
      `server: { port: ${component} }\nfolders: { run: ${folder}/run, state: ${folder}, journals: ${folder}/journals }\n`,
    )

    const first = open.use(await server(''))
    open.use(
      await startComponent({
        name: 'policy',
        file: join(folder, 'policy.yaml'),
        logFolder: folder,
        main: join(ROOT, 'test/policy/mains/main.ts'),
        environment: { GATEHOUSE_TEST: 'coverage' },
      }),
    )
    const stateOf = async () => (await status({ name: 'policy', run: join(folder, 'run') }, 'en')).ready
    const proof = await first.logged(/Screen policy\.gatehouse\.internal answers; questions are asked/)
    assert.match(proof, /gatehouse/)
    assert.ok(README.includes('Screen policy.gatehouse.internal answers; questions are asked'))
    assert.equal(await stateOf(), null)

    const login = { address: '127.0.0.1', port: c2s, domain: 'corp.example', user: 'ann', password: 'x', resource: 'r' }
    const ann = await listen(login)
    const items = async (host: string) => {
      ann.client.send(
        `<iq type='get' id='items-${host}' to='${host}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
      )
      const listed = await ann.next(new RegExp(`<iq[^>]*id='items-${host}'`))
      return [...listed.matchAll(/<item [^>]*jid='([^']*)'/g)].map(([, jid]) => jid)
    }
    assert.deepEqual(await items('corp.example'), ['rooms.corp.example'])
    assert.deepEqual(await items('gatehouse.internal'), ['shown.gatehouse.internal'], 'the screen is not listed')
    ann.client.break()

    await first.stop()
    const second = open.use(await server('rooms.corp.example'))
    await second.logged(/Screen policy\.gatehouse\.internal answers; questions are asked/)
    assert.match(
      (await stateOf()) ?? '',
      /^rooms\.corp\.example: no helper has reported for it: is the module loaded there/,
    )
  })
})
