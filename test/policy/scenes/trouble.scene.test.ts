// SPDX-License-Identifier: Apache-2.0
// What an operator sees in `gatehouse status` when policy runs and yet not everything is asked about, or not as the files say.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { gatehouse } from '../../../components/cli/gatehouse.ts'
import { status } from '../../../components/cli/network/ask.ts'
import { programOf } from '../../../deploy/command.ts'
import { AT } from '../cast.ts'
import { ALLOW_ALL, ask, HOST, type Stage, startStage } from '../stage.ts'

const COMPONENTS = join(import.meta.dirname, '../../../components')
const MAIN = join(import.meta.dirname, '../mains/main.ts')

const statusOf = (stage: Stage, language = 'en') => status({ name: 'policy', run: join(stage.folder, 'run') }, language)

async function page(stage: Stage, path: string): Promise<{ code: number; text: string }> {
  const { metrics } = await stage.policy.logged((line) => line.event === 'ready')
  const answer = await fetch(String(metrics).replace('/metrics', path))
  return { code: answer.status, text: await answer.text() }
}

test('a host without a helper, and one that is well', async () => {
  await using stage = await startStage({ main: MAIN, environment: { GATEHOUSE_TEST: 'coverage' } })
  const unheard = 'no helper has reported for it: is the module loaded there, and was the server restarted since?'
  await stage.policy.logged((line) => line.event === 'stream up')
  assert.deepEqual((await statusOf(stage)).ready, `${HOST}, rooms.${HOST}: ${unheard}`)
  assert.match(
    (await statusOf(stage, 'de')).ready ?? '',
    /^corp\.example, rooms\.corp\.example: kein Helfer hat sich dafür gemeldet: /,
  )
  await stage.screen(`<mark last='0' at='${AT}'/>`)
  assert.deepEqual((await statusOf(stage)).ready, `rooms.${HOST}: ${unheard}`)
  const { text } = await page(stage, '/metrics')
  assert.match(text, /^gatehouse_policy_host_covered\{host="corp\.example"\} 1$/m)
  assert.match(text, /^gatehouse_policy_host_covered\{host="rooms\.corp\.example"\} 0$/m)
  assert.equal((await page(stage, '/readyz')).code, 503)
  assert.equal((await page(stage, '/healthz')).code, 200)
  const source = `<source at='${AT}' node='n' software='Prosody' helper='1' hosts='${HOST} rooms.${HOST}'/>`
  await stage.screen(source, { done: 0 })
  assert.equal((await statusOf(stage)).ready, null)
})

test('`gatehouse check` names what is not asked about, and says that it cannot know while policy does not run', async () => {
  await using stage = await startStage({ main: MAIN, environment: { GATEHOUSE_TEST: 'coverage' } })
  const check = async (...argv: string[]) => {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const said = text(out)
    const folder = stage.folder
    const world = { components: COMPONENTS, environment: { LC_ALL: 'C' }, folder, software: '0', out, err }
    const exit = await gatehouse({ ...world, argv: ['--config', folder, 'check', ...argv] })
    out.end()
    assert.equal(exit, 0)
    return (await said).split('\n').filter((line) => /^policy: (?!good|gut)/.test(line))
  }
  await stage.policy.logged((line) => line.event === 'stream up')
  const unheard = 'no helper has reported for it: is the module loaded there, and was the server restarted since?'
  assert.deepEqual(await check(), [`policy: ${HOST}, rooms.${HOST}: ${unheard}`])
  await stage.screen(`<source at='${AT}' node='n' software='Prosody' helper='1' hosts='${HOST} rooms.${HOST}'/>`, {
    done: 0,
  })
  assert.deepEqual(await check(), [])
  await stage.screen(ask(1, 'x'), { from: 'new.example' })
  const [german] = await check('--language', 'de')
  assert.match(german ?? '', /^policy: new\.example: fragt und steht nicht unter hosts/)
  const rows = await stage.server.stop().then(() => stage.policy.logged(({ event }) => event === 'stream down'))
  assert.ok(rows)
  assert.deepEqual(await check(), ['policy: the stream to the server is not up, so it cannot be known which hosts ask'])
  await stage.policy.stop()
  assert.match(
    (await check()).join(),
    /^policy: does not run, so it cannot be known whether the server asks about everything/,
  )
})

test('a transport that only the settings or only the host knows is warned of', async () => {
  await using stage = await startStage({
    main: MAIN,
    environment: { GATEHOUSE_TEST: 'coverage' },
    settings: 'networks: [{ network: irc, domain: irc.corp.example }]\n',
    hosts: ['irc.corp.example'],
  })
  // The transport says nothing of what is open: it is no host.
  const own = `<source at='${AT}' node='n' software='transport' helper='1' hosts='irc.corp.example'/>`
  await stage.screen(own, { from: 'irc.corp.example', source: 'f'.repeat(32), done: 0 })
  const source = `<source at='${AT}' node='n' software='Prosody' helper='1' hosts='${HOST} rooms.${HOST}'/>`
  await stage.screen(`${source}<host at='${AT}' transports='irc.corp.example sms.corp.example'/>`, { done: 0 })
  await stage.screen(`<host at='${AT}'/>`, { from: `rooms.${HOST}`, done: 0 })
  const { warnings = [] } = await statusOf(stage)
  assert.equal(warnings.length, 2)
  assert.match(
    warnings[0] ?? '',
    /^corp\.example: sms\.corp\.example is a transport .* not in networks of policy\.yaml/,
  )
  assert.match(warnings[1] ?? '', /^rooms\.corp\.example: irc\.corp\.example carries .* gatehouse_transports/)
  const german = (await statusOf(stage, 'de')).warnings ?? []
  assert.match(german.join(), /kennt es nicht als Transport/)
})

test('what stands open at the server is warned of in both languages, and makes policy neither unready nor is it recorded', async () => {
  await using stage = await startStage({ main: MAIN, environment: { GATEHOUSE_TEST: 'coverage' } })
  const source = `<source at='${AT}' node='n' software='Prosody' helper='1' hosts='${HOST} rooms.${HOST}'/>`
  await stage.screen(
    `${source}<host at='${AT}' off='iq status' modules='c2s motd proxy65 rest welcome' omitted='2' new='x'/>`,
    { done: 0 },
  )
  await stage.screen(`<host at='${AT}' modules='muc proxy65'/>`, { from: `rooms.${HOST}`, done: 0 })
  const warned = async (language = 'en') => (await statusOf(stage, language)).warnings
  assert.deepEqual(await warned(), [
    `${HOST}: not asked about and not recorded are iq, status: name them in gatehouse_ask (ejabberd: ask) of the host, or remove that option`,
    `${HOST}: mod_rest may speak for people inside the server, which is neither asked about nor recorded: unload it, or use an external component, which is asked about`,
    `${HOST}: mod_motd, mod_welcome may speak in the name of the host, which is recorded and not asked about: unload it, or see that only whom you trust can write there`,
    `${HOST}, rooms.${HOST}: mod_proxy65 may move files that nobody looks into, only the offer is asked about: unload it, or refuse the kind file-offer by a rule`,
    `${HOST}: 2 of the modules loaded there are too many to be told of: compare the modules in its config with PROTOCOL.md section 9`,
  ])
  const german = (await warned('de')) ?? []
  assert.match(german[0] ?? '', /^corp\.example: weder gefragt noch festgehalten wird bei iq, status: /)
  assert.equal(german.length, 5)
  assert.equal((await statusOf(stage)).ready, null)
  const { text } = await page(stage, '/metrics')
  assert.match(text, /^gatehouse_policy_open_doors\{host="corp\.example"\} 6$/m)
  assert.match(text, /^gatehouse_policy_open_doors\{host="rooms\.corp\.example"\} 1$/m)
  assert.equal((await page(stage, '/readyz')).code, 200)
  await stage.screen(`<host at='${AT}'/>`, { from: `rooms.${HOST}`, done: 0 })
  const long = `<host at='${AT}' modules='${'x'.repeat(8_193)}'/>`
  const answer = await stage.screen(`${long}${ask(1, 'asked all the same')}<mark last='1' at='${AT}'/>`, { done: 0 })
  assert.equal(answer.attrs.type, 'result')
  await stage.policy.logged(({ event }) => event === 'a report that cannot be read is left out')
  const left = (await warned()) ?? []
  assert.equal(left.length, 5, 'what cannot be read changes nothing')
  assert.match(left[3] ?? '', /^corp\.example: mod_proxy65 /)
  const facts = await stage.facts()
  assert.deepEqual([...new Set(facts.map(({ kind }) => kind))].sort(), ['ask', 'done', 'mark', 'rules', 'source'])
})

test('a host that asks and is not in the settings is named, with what to do', async () => {
  await using stage = await startStage()
  for (let n = 1; n <= 3; n += 1) await stage.screen(ask(n, 'x'), { from: 'New.example' })
  const advice =
    'asks and is not in hosts of policy.yaml, so nothing of it is recorded: add it there and restart policy, or unload the module'
  const line = await stage.policy.logged(({ event }) => event === 'a host that is not in the settings asks')
  assert.deepEqual([line.host, line.advice, line.level], ['new.example', advice, 'warn'])
  assert.equal((await statusOf(stage)).ready, `new.example: ${advice}`)
  assert.match((await page(stage, '/metrics')).text, /^gatehouse_policy_stranger_hosts 1$/m)
})

test('a rule file that is refused is named by line and not quoted, with the age of the rules that stay', async () => {
  await using stage = await startStage()
  const loaded = await stage.policy.logged(({ event }) => event === 'rules in force')
  writeFileSync(stage.rulesFile, 'version: 1\notherwise: perhaps\nrules: []\n')
  stage.policy.kill('SIGHUP')
  await stage.policy.logged(({ event }) => event === 'rules refused')
  const { ready: unready, healthy, warnings } = await statusOf(stage)
  const ready = warnings?.join()
  const german = (await statusOf(stage, 'de')).warnings?.join() ?? ''
  assert.match(
    german,
    /^die Regeldatei wurde nicht angenommen \(\S+rules\.yaml:2; `gatehouse policy rules` sagt, warum\); /,
  )
  assert.deepEqual([healthy, unready], [null, null], 'the old rules stay, and nothing stops')
  const { code, text: body } = await page(stage, '/readyz')
  assert.equal(code, 200)
  assert.match(body, /^ok\nwarning: the rule file is refused \(/)
  assert.match((await page(stage, '/metrics')).text, /^gatehouse_policy_rules_refused_state 1$/m)
  const out = new PassThrough()
  const shown = text(out)
  const world = { components: COMPONENTS, environment: { LC_ALL: 'C' }, folder: stage.folder, software: '0', out }
  await gatehouse({ ...world, err: new PassThrough(), argv: ['--config', stage.folder, 'status', '--json'] })
  out.end()
  const rows = (await shown).trimEnd().split('\n')
  const row = rows.map((one) => JSON.parse(one)).find(({ component }) => component === 'policy')
  assert.equal(row.state, 'warned')
  assert.match(row.wrong, /^the rule file is refused \(/)
  assert.match(ready ?? '', /^the rule file is refused \(\S+rules\.yaml:2; `gatehouse policy rules` says why\); /)
  assert.match(ready ?? '', /; the rules of 20\S+Z are in force$/)
  // The status and the page answer any user of the machine, and the parser quotes the line that it cannot read.
  writeFileSync(stage.rulesFile, 'version: 1\notherwise: allow\nrules: [{ when: { words: [takeover of Initech }\n')
  stage.policy.kill('SIGHUP')
  await stage.policy.logged(({ event, line }) => event === 'rules refused' && line === 3)
  for (const said of [JSON.stringify(await statusOf(stage)), (await page(stage, '/readyz')).text]) {
    assert.match(said, /rules\.yaml:3/)
    assert.doesNotMatch(said, /Initech|takeover/)
  }
  assert.ok(loaded)
  writeFileSync(stage.rulesFile, `${ALLOW_ALL}# again\n`)
  stage.policy.kill('SIGHUP')
  await stage.policy.logged(({ event, hash }) => event === 'rules in force' && hash !== loaded.hash)
  assert.deepEqual((await statusOf(stage)).warnings, [])
})

test('why the stream is not up', async () => {
  await using stage = await startStage()
  await stage.server.stop()
  await stage.policy.logged(({ event, reason }) => event === 'stream down' && /ECONNREFUSED/.test(String(reason)))
  assert.match(
    (await statusOf(stage)).ready ?? '',
    /^the stream to the server is down \(connect ECONNREFUSED .*restarted/,
  )
})

test('a second policy on the same journal ends with words that name the first one, and no stack', async () => {
  await using stage = await startStage()
  const main = programOf('policy')
  const second = spawnSync(process.execPath, [main, join(stage.folder, 'policy.yaml')], { encoding: 'utf8' })
  const words = `another process (pid ${stage.policy.pid}) writes the journal in ${stage.folder}/journal`
  assert.deepEqual([second.status, second.stderr], [1, `${words}\n`])
  const lines = second.stdout.trimEnd().split('\n')
  const logged = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')
  assert.deepEqual(
    logged.map(({ event, why }) => [event, why]),
    [['journal cannot be opened', words]],
  )
  assert.doesNotMatch(second.stdout, /"stack"/)
})
