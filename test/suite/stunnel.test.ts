// SPDX-License-Identifier: Apache-2.0
// deploy/stunnel: policy's stream goes to the server through a real stunnel on either side, with the configurations and the commands of
// that page; only addresses, ports and folders differ. Nobody without the other's certificate gets through, in either direction.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect as connectPlain, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { freePorts } from '../../deploy/demo/ports.ts'
import { startComponent } from '../harness/component.ts'
import { type ComponentServer, startComponentServer } from '../harness/component-server.ts'
import { ALLOW_ALL, ask, DOMAIN, HOST, screenOf } from '../policy/stage.ts'

const DEPLOY = resolve(import.meta.dirname, '../../deploy/stunnel')
const PAGE = readFileSync(join(DEPLOY, 'README.md'), 'utf8')
const SECRET = 'a-secret-that-nobody-reads'
const WAIT_MS = 20_000
const skip = spawnSync('stunnel', ['-version']).error === undefined ? false : 'stunnel is not installed'

/** `once` would reject at the error that comes before it. */
function closed(socket: Socket): Promise<void> {
  return new Promise((gone, late) => {
    const bound = setTimeout(() => late(new Error('the connection stays open')), WAIT_MS)
    socket.once('close', () => {
      clearTimeout(bound)
      gone()
    })
  })
}

describe('the example of a tunnel', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-stunnel-'))
  const tunnels: ChildProcess[] = []
  const opened = new AsyncDisposableStack()
  const seen: Buffer[] = []
  let server: ComponentServer
  let [toServer, toComponent, tls] = [0, 0, 0]
  let wire: Server

  before(async () => {
    opened.defer(() => rmSync(folder, { recursive: true, force: true }))
    server = opened.use(await startComponentServer({ domain: DOMAIN, secret: SECRET }))
    toServer = server.port
    ;[toComponent = 0, tls = 0] = await freePorts(2)
    for (const side of ['server', 'component', 'stranger']) makeKey(side)
    // What goes over the network between the two machines is seen here.
    wire = createServer((socket) => {
      const on = connectPlain(tls, '127.0.0.1')
      socket.on('data', (bytes) => seen.push(bytes))
      on.on('data', (bytes) => seen.push(bytes))
      for (const [one, other] of [
        [socket, on],
        [on, socket],
      ] as const) {
        one.on('error', () => other.destroy())
        one.pipe(other)
      }
    }).listen(0, '127.0.0.1')
    await once(wire, 'listening')
    opened.defer(() => void wire.close())
    await tunnel('server', { 'accept = 5348': `accept = 127.0.0.1:${tls}`, '127.0.0.1:5347': `127.0.0.1:${toServer}` })
  })
  after(async () => {
    for (const child of tunnels) child.kill('SIGKILL')
    await opened.disposeAsync()
  })

  /** As the page says, in a folder of the test. */
  function makeKey(side: string): void {
    const line = PAGE.split('\n').find((one) => /^ +openssl req .*gatehouse-server\.crt$/.test(one)) ?? ''
    const [command = '', ...args] = line.trim().replaceAll('gatehouse-server', `gatehouse-${side}`).split(' ')
    execFileSync(command, args, { cwd: folder, stdio: 'pipe' })
    assert.ok(side === 'stranger' || PAGE.includes(`-keyout gatehouse-${side}.key -out gatehouse-${side}.crt`))
  }

  /** Starts one side; every place of the configuration that is replaced must be there. Resolves when it listens. */
  async function tunnel(side: 'server' | 'component', places: Readonly<Record<string, string>>, name: string = side) {
    let text = readFileSync(join(DEPLOY, `gatehouse-${side}.conf`), 'utf8').replaceAll('/etc/stunnel', folder)
    for (const [from, to] of Object.entries(places)) {
      assert.ok(text.includes(from), `${from} in gatehouse-${side}.conf`)
      text = text.replaceAll(from, to)
    }
    if (process.getuid?.() !== 0) text = text.replaceAll(/^set[ug]id.*$/gm, '')
    const file = join(folder, `${name}.conf`)
    writeFileSync(file, text)
    const child = spawn('stunnel', [file], { stdio: ['ignore', 'ignore', 'pipe'] })
    tunnels.push(child)
    const log = { said: '' }
    const said = (words: RegExp) =>
      new Promise<void>((found, reject) => {
        const look = () => {
          if (!words.test(log.said)) return
          clearTimeout(bound)
          child.stderr.off('data', look)
          found()
        }
        const bound = setTimeout(() => reject(new Error(`no ${words} in:\n${log.said}`)), WAIT_MS)
        child.stderr.on('data', look)
        look()
      })
    child.stderr.on('data', (part: Buffer) => {
      log.said += part.toString()
    })
    await said(/Configuration successful/)
    return { said }
  }

  const addresses = () => ({
    '127.0.0.1:5347': `127.0.0.1:${toComponent}`,
    'xmpp.corp.example:5348': `127.0.0.1:${(wire.address() as AddressInfo).port}`,
  })

  it("carries policy's stream, and only TLS is on the network", async () => {
    await tunnel('component', addresses())
    mkdirSync(join(folder, 'policy'))
    const settings = join(folder, 'policy', 'policy.yaml')
    writeFileSync(join(folder, 'policy', 'secret'), SECRET, { mode: 0o600 })
    writeFileSync(join(folder, 'policy', 'policy-rules.yaml'), ALLOW_ALL)
    writeFileSync(
      join(folder, 'policy', 'gatehouse.yaml'),
      `server: { port: ${toComponent} }\nfolders: { run: run, state: state, journals: journals }\n`,
    )
    writeFileSync(settings, `secret_file: secret\nhosts: [${HOST}]\nmetrics: { port: 0 }\n`)
    await using policy = await startComponent({ name: 'policy', file: settings, logFolder: folder })
    const peer = await server.accepted()
    const answer = await peer.ask('set', screenOf(ask(1, 'nightingale')), { from: HOST, to: DOMAIN })
    assert.equal(answer.attrs.type, 'result')
    assert.match(peer.wrote, /jabber:component:accept/)
    const bytes = Buffer.concat(seen)
    // RFC 8446 §5.1: a record of the handshake.
    assert.equal(bytes[0], 0x16)
    assert.ok(bytes.length > 1_000)
    for (const word of ['jabber', 'stream', 'nightingale', HOST]) assert.equal(bytes.indexOf(word), -1, word)
    await policy.stop()
  })

  it('lets nobody in whose certificate it does not know', async () => {
    const before = server.connections
    const file = (name: string) => readFileSync(join(folder, `gatehouse-${name}`))
    for (const own of [{}, { key: file('stranger.key'), cert: file('stranger.crt') }]) {
      const socket = connect({ port: tls, host: '127.0.0.1', ...own, rejectUnauthorized: false })
      const faults: Error[] = []
      socket.on('error', (fault) => faults.push(fault))
      socket.on('secureConnect', () => socket.write("<stream:stream xmlns='jabber:component:accept'>"))
      await closed(socket)
      assert.match(faults.join(), /alert|ECONNRESET/i)
    }
    assert.equal(server.connections, before)
  })

  it('speaks to no server whose certificate it does not know', async () => {
    const [port = 0] = await freePorts(1)
    const { said } = await tunnel(
      'component',
      {
        ...addresses(),
        '127.0.0.1:5347': `127.0.0.1:${port}`,
        'gatehouse-server.crt': 'gatehouse-stranger.crt',
      },
      'other',
    )
    const before = server.connections
    const socket = connectPlain(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write("<stream:stream xmlns='jabber:component:accept'>")
    await closed(socket)
    await said(/certificate verify failed/i)
    assert.equal(server.connections, before)
  })
})
