// SPDX-License-Identifier: Apache-2.0
// What the README tells to do on ejabberd makes it work, on a server that runs already: its sources installed by ejabberdctl, its
// lines, its policy.yaml, its rule, its proof in the log, its way out. Only ports, the secret and the folders are ours.
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { suite, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { status } from '../../components/cli/network/ask.ts'
import { type Ejabberd, startEjabberd } from '../../deploy/demo/ejabberd.ts'
import { freePorts } from '../../deploy/demo/ports.ts'
import { startComponent } from '../harness/component.ts'
import { listen } from '../harness/listener.ts'
import { serverLack } from './servers.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const MODULES = '/var/lib/ejabberd/.ejabberd-modules'
const lack = serverLack('ejabberd')

/** The block of the README that holds these words, without its indentation. */
function block(words: string): string {
  const blocks = [...README.matchAll(/^( *)```\w*\n([\s\S]*?)^\1```/gm)].map(([, indent = '', text = '']) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
  const found = blocks.find((text) => text.includes(words))
  assert.ok(found !== undefined, `README.md has a block with ${words}`)
  return found
}

type Listener = { port: number; module: string; hosts: Record<string, { password: string }> }
type Config = { listen: Listener[]; modules: Record<string, unknown> }

suite('what the README tells to install on ejabberd', { skip: lack ?? false }, () => {
  test('is installed in the running server, asks, refuses, and is removed again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-installed-'))
    await using open = new AsyncDisposableStack()
    open.defer(() => rmSync(folder, { recursive: true }))
    const [c2s = 0, component = 0] = await freePorts(2)
    const modules = join(folder, 'modules')
    const server: Ejabberd = open.use(
      await startEjabberd({
        folder: join(folder, 'ejabberd'),
        ports: { c2s },
        hosts: [{ name: 'corp.example', modules: { mod_muc: { host: 'rooms.corp.example' } } }],
        accounts: [{ jid: 'ann@corp.example', password: 'x' }],
        withoutHelpers: true,
        environment: { CONTRIB_MODULES_PATH: modules },
      }),
    )
    const [policyYaml = ''] = block('# policy.yaml').split(/^# gatehouse\.yaml\n/m)
    assert.ok(README.includes('`hosts: [corp.example]`'))
    const rules = readFileSync(join(ROOT, 'config/policy-rules.yaml'), 'utf8')
    writeFileSync(join(folder, 'policy-rules.yaml'), rules.replace(/^rules: \[\]$/m, block('no-secrets').trimEnd()))
    writeFileSync(join(folder, 'policy.secret'), 'the secret\n', { mode: 0o640 })
    const hosts = policyYaml.replace(/^hosts: .*$/m, 'hosts: [corp.example]')
    writeFileSync(join(folder, 'policy.yaml'), `${hosts}\nmetrics: { port: 0 }\n`)
    writeFileSync(
      join(folder, 'gatehouse.yaml'),
      `server: { port: ${component} }\nfolders: { run: ${folder}/run, state: ${folder}, journals: ${folder}/journals }\n`,
    )

    const steps = block(`cp -r /usr/lib/gatehouse/deploy/servers/ejabberd`)
    const [, from = '', to = ''] = /^cp -r (\S+) (\S+)$/m.exec(steps) ?? []
    mkdirSync(to.replace(MODULES, modules), { recursive: true })
    cpSync(from.replace('/usr/lib/gatehouse', ROOT), join(to.replace(MODULES, modules), 'mod_gatehouse'), {
      recursive: true,
    })
    const [, install = ''] = /^ejabberdctl (.*)$/m.exec(steps) ?? []
    await server.shell(...install.split(' '))
    const before = readFileSync(server.configFile, 'utf8')
    const config = parse(before) as Config
    const added = parse(block('ejabberd_service').replace('what is in policy.secret', 'the secret')) as Config
    config.listen.push(...added.listen.map((one) => ({ ...one, port: component })))
    Object.assign(config.modules, added.modules)
    writeFileSync(server.configFile, stringify(config))
    await server.shell('reload_config')
    open.use(
      await startComponent({
        name: 'policy',
        file: join(folder, 'policy.yaml'),
        logFolder: folder,
        main: join(ROOT, 'test/policy/mains/main.ts'),
        environment: { GATEHOUSE_TEST: 'coverage' },
      }),
    )
    await server.logged(/Screen policy\.gatehouse\.internal answers; questions are asked/)
    assert.ok(README.includes('Screen policy.gatehouse.internal answers; questions are asked'))
    const stateOf = async () => (await status({ name: 'policy', run: join(folder, 'run') }, 'en')).ready
    assert.equal(await stateOf(), null)

    const login = { address: '127.0.0.1', port: c2s, domain: 'corp.example', user: 'ann', password: 'x', resource: 'r' }
    const ann = await listen(login)
    const say = (id: string, words: string) =>
      ann.client.send(`<message to='ann@corp.example/r' type='chat' id='${id}'><body>${words}</body></message>`)
    say('m1', 'about Nightingale')
    assert.match(await ann.next(/id='m1'/), /type='error'.*This word must not leave the company\./)
    say('m2', 'about birds')
    assert.match(await ann.next(/id='m2'/), /<body>about birds/)

    writeFileSync(server.configFile, before)
    await server.shell('reload_config')
    const [, remove = ''] = /`ejabberdctl (module_uninstall [^`]*)`/.exec(README) ?? []
    await server.shell(...remove.split(' '))
    say('m3', 'about Nightingale again')
    assert.match(await ann.next(/id='m3'/), /<body>about Nightingale again/)
    ann.client.break()
  })
})
