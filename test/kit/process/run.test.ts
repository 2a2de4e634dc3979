// SPDX-License-Identifier: Apache-2.0
// The skeleton, seen from outside: a real process, its exit codes, signals, log and pages.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { runtimeLack } from '../../../components/kit/process/version.ts'
import { inWords } from '../../harness/in-words.ts'
import { openPlace, runCli, runProbe, startProbe } from './probe.ts'

describe('arguments', () => {
  it('--help prints the manual, --version the version', async () => {
    const help = await runProbe('--help')
    assert.equal(help.exit, 0)
    assert.match(help.out, /^probe: a process that only tests start\.\n/)
    assert.match(help.out, /usage: probe SETTINGSFILE/)
    assert.match((await runProbe('--version')).out, /^gatehouse-probe \d+\.\d+\.\d+\n$/)
  })

  it('--commands prints every command in the language asked for', async () => {
    const told = JSON.parse((await runProbe('--commands', '--language', 'de-AT')).out)
    assert.equal(told.version, 1)
    assert.deepEqual(told.commands[0], {
      name: 'probe count',
      help: 'Zählt bis zu einer Zahl.',
      rights: ['operator'],
      parameters: [{ name: 'to', help: 'Wo es endet.', type: 'number', required: true, positional: true }],
      columns: ['n', 'square'],
    })
  })

  it('no file, two files or an unknown option is exit code 2 with the usage', async () => {
    for (const args of [[], ['one', 'two'], ['--chekc', 'one']]) {
      const { exit, err } = await runProbe(...args)
      assert.equal(exit, 2)
      assert.match(err, /usage: probe/)
    }
    assert.match(
      (await runProbe('one', 'two', '--language', 'de')).err,
      /^verlangt wird eine einzige Datei.*\nAufruf: probe /,
    )
  })

  it('a runtime older than Node 24.15 is refused', () => {
    for (const old of ['v20.19.0', 'v22.12.0', 'v24.14.9', 'v23.11.0'])
      assert.match(inWords(runtimeLack(old) ?? undefined), /24\.15/)
    for (const good of ['v24.15.0', 'v24.21.0', 'v25.0.0', process.version]) assert.equal(runtimeLack(good), null)
  })
})

describe('a life', () => {
  it('says its version and the settings in force, then ready; SIGTERM drains and exits 0', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    const [first] = probe.log.lines
    assert.equal(first?.event, 'starting')
    assert.equal((first?.settings as { secret_file: string } | undefined)?.secret_file, 'set')
    assert.deepEqual(
      first?.version,
      JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version,
    )
    assert.equal(probe.log.count('ready'), 1)
    probe.kill('SIGTERM')
    assert.equal((await probe.ended()).exit, 0)
    assert.equal(readFileSync(join(place.config, 'mark'), 'utf8'), 'drained')
    // Others of the machine may ask on the socket, and read nothing that the process writes.
    const modes = [join(place.config, 'mark'), place.run].map((path) => (statSync(path).mode & 0o777).toString(8))
    assert.deepEqual(modes, ['640', '755'])
    assert.equal(existsSync(place.socket), false)
    assert.doesNotMatch(probe.log.raw.join('\n'), /hush/)
    for (const line of probe.log.lines) {
      assert.equal(line.component, 'probe')
      assert.match(String(line.at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    }
  })

  it('its log and its pages are in English, whatever language the texts are in', async () => {
    using place = openPlace('behave: be ill\n', 'language: de\n')
    await using probe = await startProbe(place)
    probe.kill('SIGHUP')
    await probe.log.next('reloaded')
    probe.kill('SIGHUP')
    assert.equal((await probe.log.next('reload refused')).wanted, 'a rule is wanted')
    assert.equal(await (await fetch(new URL('/healthz', probe.metrics()))).text(), 'planted illness\n')
  })

  it('SIGHUP reads again; what is bad keeps the old state and says why', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    probe.kill('SIGHUP')
    await probe.log.next('reloaded')
    probe.kill('SIGHUP')
    const refused = await probe.log.next('reload refused')
    assert.deepEqual([refused.file, refused.line, refused.wanted], ['rules.yaml', 3, 'a rule is wanted'])
    assert.equal((await runCli(place, 'probe', 'whoami')).exit, 0)
  })

  it('a drain that does not end is ended at its bound, with exit code 1', async () => {
    using place = openPlace('behave: drain for ever\n', 'stop_within: 100 ms\n')
    await using probe = await startProbe(place)
    probe.kill('SIGTERM')
    assert.equal((await probe.ended()).exit, 1)
    assert.match(JSON.stringify(await probe.log.next('drain failed')), /not drained within 100 ms/)
  })

  it('what is left open at the end is named, and the process ends with 1', async () => {
    using place = openPlace('behave: stay open\n')
    await using probe = await startProbe(place)
    probe.kill('SIGTERM')
    assert.equal((await probe.ended()).exit, 1)
    assert.match(String((await probe.log.next('still open at the end')).what), /Timeout/)
  })

  for (const behave of ['throw at start', 'throw later']) {
    it(`a fault (${behave}) is logged once and the exit code is 1`, async () => {
      using place = openPlace(`behave: ${behave}\n`)
      await using probe = await startProbe(place)
      assert.equal((await probe.ended()).exit, 1)
      assert.equal(probe.log.count('fault'), 1)
      assert.match(JSON.stringify(await probe.log.next('fault')), /planted/)
    })
  }

  it('a port that is taken is a fault, exit code 1', async () => {
    using place = openPlace()
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    writeFileSync(place.file, `metrics: { port: ${port} }\n`)
    await using probe = await startProbe(place)
    assert.equal((await probe.ended()).exit, 1)
    assert.match(JSON.stringify(await probe.log.next('fault')), /EADDRINUSE/)
    // What had started was drained all the same.
    assert.equal(readFileSync(join(place.config, 'mark'), 'utf8'), 'drained')
    taken.close()
  })

  it('a second process at the same socket is refused; after kill -9 the socket is taken over', async () => {
    using place = openPlace()
    await using first = await startProbe(place)
    await using second = await startProbe(place)
    assert.equal((await second.ended()).exit, 1)
    assert.match(JSON.stringify(await second.log.next('fault')), /another process answers/)
    assert.equal((await runCli(place, 'probe', 'whoami')).exit, 0)
    first.kill('SIGKILL')
    await first.ended()
    assert.equal(existsSync(place.socket), true)
    await using third = await startProbe(place)
    assert.equal((await runCli(place, 'probe', 'whoami')).exit, 0)
    assert.equal(third.log.count('fault'), 0)
  })

  it('a log nobody reads does not keep the process from ending', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    probe.stopReading()
    const { err } = await runCli(place, 'probe', 'flood')
    assert.equal(err, '')
    probe.kill('SIGTERM')
    assert.equal(await probe.exited(), 'SIGKILL')
  })
})

describe('the page', () => {
  it('shows metrics by our names, health and readiness', async () => {
    using place = openPlace()
    await using probe = await startProbe(place)
    await runCli(place, 'probe', 'count', '3')
    const at = (path: string, init?: RequestInit) => fetch(new URL(path, probe.metrics()), init)
    const page = await (await at('/metrics')).text()
    assert.match(page, /^gatehouse_probe_rows_total\{kind="odd"\} 2$/m)
    assert.match(page, /^gatehouse_probe_rows_total\{kind="even"\} 1$/m)
    assert.match(page, /^gatehouse_probe_secret_bytes 9$/m)
    for (const line of page.split('\n')) assert.match(line, /^(#.*|gatehouse_probe_.*|)$/)
    for (const path of ['/healthz', '/readyz'])
      assert.deepEqual([(await at(path)).status, await (await at(path)).text()], [200, 'ok\n'])
    assert.equal((await at('/')).status, 404)
    assert.equal((await at('/metrics', { method: 'POST' })).status, 405)
    assert.equal(probe.metrics().hostname, '127.0.0.1')
  })

  it('answers 503 with what is wrong', async () => {
    using place = openPlace('behave: be ill\n')
    await using probe = await startProbe(place)
    const answer = await fetch(new URL('/healthz', probe.metrics()))
    assert.deepEqual([answer.status, await answer.text()], [503, 'planted illness\n'])
    const status = await runCli(place, 'status')
    assert.equal(status.exit, 1)
    assert.match(status.out, /probe +not well +\S+ +planted illness/)
  })
})
