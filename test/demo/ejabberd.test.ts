// SPDX-License-Identifier: Apache-2.0
// An ejabberd of our own: started from a folder, on loopback alone, killed and started again on the same data.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type Ejabberd,
  ejabberdConfig,
  ejabberdVersion,
  openCluster,
  startEjabberd,
} from '../../deploy/demo/ejabberd.ts'
import { freePorts } from '../../deploy/demo/ports.ts'
import { serverLack } from '../e2e/servers.ts'
import { listen } from '../harness/listener.ts'
import { slixmppLack, startSlixmpp } from '../harness/slixmpp.ts'
import { openAllowScreen } from '../servers/prosody/allow-screen.ts'

const version = await ejabberdVersion()
const lack = serverLack('ejabberd') ?? slixmppLack()
const HOST = 'corp.example'
const COMPONENT = 'screen.example'

describe('an ejabberd of our own', { skip: lack ?? false }, () => {
  const opened = new AsyncDisposableStack()
  let server: Ejabberd
  let settings: Ejabberd['settings']
  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ejabberd-'))
    opened.defer(() => rmSync(folder, { recursive: true }))
    const [c2s = 0, component = 0, http = 0] = await freePorts(3)
    settings = {
      folder,
      ports: { c2s, component, http },
      hosts: [{ name: HOST }],
      components: [{ name: COMPONENT, secret: 'a "secret"' }],
      accounts: [
        { jid: `alice@${HOST}`, password: 'pass "word" \\ 1' },
        { jid: `bob@${HOST}`, password: 'b' },
      ],
    }
    server = await startEjabberd(settings)
    opened.defer(() => server.stop().then(() => {}))
  })
  after(() => opened.disposeAsync())

  const person = (user: string, password: string) =>
    listen({ address: '127.0.0.1', port: settings.ports.c2s ?? 0, domain: HOST, user, password, resource: 'r' })

  test('two people, by slixmpp and by bytes, and a component talk; the node is killed, and keeps its accounts', async () => {
    await using slixmpp = startSlixmpp()
    const alice = await slixmpp.login({
      jid: `alice@${HOST}/r`,
      address: '127.0.0.1',
      port: settings.ports.c2s ?? 0,
      password: 'pass "word" \\ 1',
    })
    const bob = await person('bob', 'b')
    await alice.send(`<message xmlns='jabber:client' type='chat' to='${bob.jid}' id='m1'><body>hello</body></message>`)
    assert.match(await bob.next(/id='m1'/), /from='alice@corp.example\/r'.*<body>hello</)
    await assert.rejects(person('bob', 'wrong'), /refused/)

    const screen = await openAllowScreen({
      port: settings.ports.component ?? 0,
      domain: COMPONENT,
      secret: 'a "secret"',
      keep: true,
    })
    await server.logged(/external component .*screen\.example/i)
    bob.client.send(`<iq type='set' to='${COMPONENT}' id='i1'><x xmlns='urn:test'/></iq>`)
    assert.match(await bob.next(/id='i1'/), /type='result'/)
    await screen.saw(/from='bob@corp.example\/r'/)

    server.kill('SIGKILL')
    assert.equal((await server.exited).signal, 'SIGKILL')
    await Promise.all([bob.client.ended, screen.ended])
    server = await startEjabberd(settings)
    await using again = await slixmppAgain(slixmpp)
    assert.equal(again.jid, `alice@${HOST}/r`)
  })

  const slixmppAgain = async (slixmpp: ReturnType<typeof startSlixmpp>) => {
    const alice = await slixmpp.login({
      jid: `alice@${HOST}/r`,
      address: '127.0.0.1',
      port: settings.ports.c2s ?? 0,
      password: 'pass "word" \\ 1',
    })
    return Object.assign(alice, { [Symbol.asyncDispose]: () => alice.logout() })
  }

  test('its console makes and removes accounts, and says when a command fails', async () => {
    await server.createAccount(`carol@${HOST}`, 'c')
    const carol = await person('carol', 'c')
    await carol.client.close()
    await server.removeAccount(`carol@${HOST}`)
    await assert.rejects(person('carol', 'c'), /refused/)
    await assert.rejects(server.shell('no_such_command'), /no_such_command/)
    assert.equal(await server.evaluate('ejabberd_option:hosts().'), '[<<"corp.example">>]')
    assert.match(await server.shell('status'), new RegExp(`${version?.replaceAll('.', '\\.')}.* is running`))
  })

  test('nothing listens but on loopback, and others of this machine read no secret', () => {
    const inodes = new Set(
      readdirSync(`/proc/${server.pid}/fd`).flatMap((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${server.pid}/fd/${fd}`))?.[1] ?? []
        } catch {
          // Closed since it was listed.
          return []
        }
      }),
    )
    const listening = ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/${server.pid}/net/${table}`, 'utf8')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((row) => row[3] === '0A' && inodes.has(row[9] ?? ''))
        .map((row) => row[1]?.split(':')[0]),
    )
    // c2s, component, http, and the node itself.
    assert.deepEqual(listening, Array(4).fill('0100007F'))
    const data = readdirSync(join(settings.folder, 'data')).map((name) => `data/${name}`)
    assert.ok(data.length > 1)
    for (const file of ['ejabberd.yml', 'accounts.erl', 'home/.erlang.cookie', ...data])
      assert.equal(statSync(join(settings.folder, file)).mode & 0o077, 0, file)
  })

  test('SIGTERM ends it in good order; it tells what its memory is until then', async () => {
    assert.ok((await server.residentBytes()) > 2 ** 20)
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
    assert.equal(server.linesWith(/ejabberd .* is stopped/).length, 1)
    const names = connect(server.epmdPort, '127.0.0.1')
    const [fault] = await once(names, 'error')
    assert.match(String(fault), /ECONNREFUSED/, 'nor is a name server of Erlang left')
  })

  test('a config that ejabberd refuses is said with its last words', async () => {
    await assert.rejects(startEjabberd({ ...settings, options: { hosts: [] } }), /did not start.*hosts/s)
  })

  test('options of the caller take the place of ours', () => {
    const config = ejabberdConfig({ ...settings, options: { loglevel: 'error' }, modules: { mod_ping: null } })
    assert.match(config, /^loglevel: "error"$/m)
    assert.doesNotMatch(config, /mod_ping/)
  })
})

test('who started it is killed: neither it nor its name server of Erlang nodes stays', {
  skip: lack ?? false,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ejabberd-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [c2s = 0] = await freePorts(1)
  const starts = `import { startEjabberd } from ${JSON.stringify(resolve(import.meta.dirname, '../../deploy/demo/ejabberd.ts'))}
    const { pid, epmdPort } = await startEjabberd(${JSON.stringify({ folder, ports: { c2s }, hosts: [{ name: HOST }] })})
    process.stdout.write(JSON.stringify({ pid, epmdPort }))`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', starts], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [told] = await once(child.stdout, 'data')
  const { pid, epmdPort } = JSON.parse(String(told))
  const people = connect(c2s, '127.0.0.1')
  await once(people, 'connect')
  child.kill('SIGKILL')
  // Its sockets are closed when it is gone.
  await once(people, 'close')
  while (existsSync(`/proc/${pid}`)) await turn()
  const [fault] = await once(connect(epmdPort, '127.0.0.1'), 'error')
  assert.match(String(fault), /ECONNREFUSED/)
})

test('two nodes are one server; one is killed, comes back and knows that', { skip: lack ?? false }, async () => {
  await using opened = new AsyncDisposableStack()
  const cluster = opened.use(await openCluster())
  const [first = 0, second = 0] = await freePorts(2)
  const node = async (c2s: number, joins?: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ejabberd-'))
    opened.defer(() => rmSync(folder, { recursive: true }))
    const settings: Ejabberd['settings'] = {
      folder,
      ports: { c2s },
      hosts: [{ name: HOST }],
      accounts: ['alice', 'bob'].map((user) => ({ jid: `${user}@${HOST}`, password: 'x' })),
      cluster: { ...cluster, ...(joins === undefined ? {} : { joins }) },
    }
    return { settings, server: opened.use(await startEjabberd(settings)) }
  }
  const one = await node(first)
  const two = await node(second, one.server.node)
  const login = (port: number, user: string) =>
    listen({ address: '127.0.0.1', port, domain: HOST, user, password: 'x', resource: 'r' })
  const talk = async () => {
    const [alice, bob] = [await login(first, 'alice'), await login(second, 'bob')]
    // Nodes tell each other of sessions without waiting for one another.
    const known = `ejabberd_sm:get_user_resources(<<"bob">>, <<"${HOST}">>).`
    for (let looks = 0; !(await one.server.evaluate(known)).includes('<<"r">>'); looks++) assert.ok(looks < 200, known)
    alice.client.send(`<message to='${bob.jid}' type='chat' id='c1'><body>from node to node</body></message>`)
    await bob.next(/id='c1'/)
    await Promise.all([alice.client.close(), bob.client.close()])
  }
  await talk()
  two.server.kill('SIGKILL')
  await two.server.exited
  opened.use(await startEjabberd(two.settings))
  await talk()
})
