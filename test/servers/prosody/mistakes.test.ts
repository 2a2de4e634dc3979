// SPDX-License-Identifier: Apache-2.0
// A mistake in the settings, the folder or the installation of mod_gatehouse closes the host and says so; it never opens it.
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { bodies, HOST, type Person, soon } from '../both/house.ts'
import { type Gated, gate, openGated } from './gated.ts'

const REFUSED = /id='m1'[^>]*type='error'|type='error'[^>]*id='m1'/
const MODULE = resolve(import.meta.dirname, '../../../deploy/servers/prosody/mod_gatehouse')
const PLUGINS = join(import.meta.dirname, 'plugins')

/** Alice writes to Bob, gets an error, and Bob nothing: what came behind has reached him. */
async function bounced(gated: Gated, host = HOST, statesPass = true): Promise<Person> {
  const alice = await gated.login('alice', { host })
  const bob = await gated.login('bob', { host })
  alice.client.send(`<message to='bob@${host}' type='chat' id='m1'><body>hello</body></message>`)
  assert.match(await alice.got(REFUSED), /resource-constraint/)
  alice.client.send(
    `<message to='bob@${host}/r' id='behind'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  await (statesPass ? bob : alice).got(/id='behind'/)
  assert.deepEqual(bodies(bob), [])
  return alice
}

describe('mistakes in the settings of mod_gatehouse', () => {
  it('lets nothing pass where no screen is named', async () => {
    await using gated = await openGated({
      settings: { hosts: [{ name: 'bare.example', lines: UNNAMED }], accounts: people('bare.example') },
    })
    await bounced(gated, 'bare.example')
    await soon(gated.prosody.logged(/gatehouse_screen is not set/), 'the error in the log')
  })

  it('takes an unknown outage rule for closed', async () => {
    await using gated = await openGated({ lines: ['gatehouse_on_outage = "opne"'] })
    await bounced(gated)
    await soon(gated.prosody.logged(/gatehouse_on_outage is "opne"/), 'the error in the log')
    await soon(gated.prosody.logged(/has not connected yet; the outage rule applies/), 'the warning')
  })

  it('says of a screen that was there and went that it is not connected, and not that it has not been yet', async () => {
    const never = { name: 'never.example', lines: gate([], 'never.invalid') }
    const later = { name: 'later.example', lines: ['gatehouse_screen = "later.invalid"'] }
    await using gated = await openGated({ settings: { hosts: [never, later] } })
    const screen = await gated.asking()
    // From now on this is said of each screen that has never been there.
    await soon(gated.prosody.logged(/Screen never\.invalid has not connected yet/), 'the warning')
    await screen.close()
    await soon(gated.prosody.logged(/not connected; the outage rule applies/), 'the outage')
    // It is looked for as often as the other one, until that one has been missed for as long.
    await gated.shell('module:load("gatehouse", "later.example")')
    await soon(gated.prosody.logged(/Screen later\.invalid has not connected yet/), 'the warning of the other one')
    const said = gated.prosody.linesWith(/has not connected yet/).map((line) => /Screen \S+/.exec(line)?.[0])
    assert.deepEqual(said, ['Screen never.invalid', 'Screen later.invalid'])
  })

  it('asks about every kind where one is misspelt', async () => {
    await using gated = await openGated({ lines: ['gatehouse_ask = { "mesage" }'] })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    alice.client.send(`<message to='bob@${HOST}' type='chat' id='m1'><body>hello</body></message>`)
    await soon(screen.saw(/<body>hello<\/body>/), 'the question')
    await soon(gated.prosody.logged(/there is no kind "mesage"/), 'the error in the log')
  })

  it('closes a host on a value of a wrong kind, also where the outage rule is open, and tells the screen; other hosts ask', async () => {
    const wrong = MISTAKES.map((line, at) => ({ host: `wrong${at}.example`, line, option: line.split(' ')[0] ?? '' }))
    await using gated = await openGated({
      settings: {
        hosts: wrong.map(({ host, line }) => ({ name: host, lines: gate(['gatehouse_on_outage = "open"', line]) })),
        accounts: wrong.flatMap(({ host }) => people(host)),
      },
    })
    const screen = await gated.asking()
    for (const { host, line, option } of wrong) {
      await soon(gated.prosody.logged(new RegExp(`${option} is .*nothing passes on ${host}`)), 'the word in the log')
      await bounced(gated, host)
      if (option === 'gatehouse_screen') continue
      const told = new RegExp(`^<iq type='set' from='${host}'.*<outage [^>]*count='1' outcome='bounced'`)
      await soon(screen.saw(told), `${line} in the record`)
    }
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.say(`bob@${HOST}`, 'asked')
    await bob.got(/asked/)
    await soon(screen.saw(/<ask [^?]*asked/), 'the question')
  })

  it('opens again when the mistake is mended and the module reloaded', async () => {
    await using gated = await openGated({ lines: ['gatehouse_try = "2 s"'] })
    const screen = await gated.asking()
    const alice = await bounced(gated)
    const config = (await readFile(gated.prosody.configFile, 'utf8')).replace(
      'gatehouse_try = "2 s"',
      'gatehouse_try = 2',
    )
    await writeFile(gated.prosody.configFile, config)
    await gated.shell('config:reload()')
    await gated.shell(`module:reload("gatehouse", "${HOST}")`)
    const bob = await gated.login('bob', { resource: 'second' })
    alice.say(`bob@${HOST}/second`, 'mended')
    await bob.got(/mended/)
    await soon(screen.saw(/<ask [^?]*mended/), 'the question')
  })
})

describe('a folder or an installation with which the helper cannot work', () => {
  for (const mode of ['closed', 'open'])
    it(`closes the host where its folder cannot be made (${mode})`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gatehouse-folder-'))
      await mkdir(join(folder, 'data'))
      await writeFile(join(folder, 'data', 'gatehouse'), '')
      await using gated = await openGated({ folder, lines: [`gatehouse_on_outage = "${mode}"`] })
      await bounced(gated)
      assert.match(
        await soon(gated.prosody.logged(/cannot be made/), 'the word in the log'),
        /nothing passes on corp\.example/,
      )
    })

  it('closes the host where the module cannot be loaded, for its own people and for components', async () => {
    const plugins = await mkdtemp(join(tmpdir(), 'gatehouse-half-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(plugins, { recursive: true, force: true }))
    await cp(MODULE, join(plugins, 'mod_gatehouse'), { recursive: true })
    await rm(join(plugins, 'mod_gatehouse', 'words.lib.lua'))
    await using gated = await openGated({
      settings: {
        global: [`plugin_paths = { ${JSON.stringify(plugins)} }`],
        components: [{ name: 'teller.corp.example', secret: 'gate', lines: gate() }],
      },
    })
    const alice = await bounced(gated, HOST, false)
    assert.match(
      await soon(gated.prosody.logged(/gatehouse cannot be loaded/), 'the word in the log'),
      /Install it anew/,
    )
    const teller = await gated.screen('teller.corp.example')
    teller.write(
      `<message from='eve@teller.corp.example' to='alice@${HOST}/r' id='t1'><body>from outside</body></message>`,
    )
    teller.write(`<iq type='get' from='eve@teller.corp.example' to='alice@${HOST}/r' id='t2'><x xmlns='urn:x'/></iq>`)
    assert.match(await soon(teller.saw(/<iq[^>]*id='t2'/), 'the error'), /resource-constraint/)
    teller.write(`<iq type='get' from='eve@teller.corp.example' to='far@far.example' id='t3'><x xmlns='urn:x'/></iq>`)
    assert.match(await soon(teller.saw(/<iq[^>]*id='t3'/), 'the error'), /resource-constraint/)
    alice.client.send(`<iq type='get' id='own'><query xmlns='jabber:iq:roster'/></iq>`)
    await alice.got(/<iq[^>]*id='own'[^>]*type='result'|<iq[^>]*type='result'[^>]*id='own'/)
    assert.deepEqual(bodies(alice), [])
  })

  it('goes on with time-outs when its timer stumbles over one screen or host', async () => {
    await using gated = await openGated({
      lines: ['gatehouse_try = 0.5', 'gatehouse_hold_max = 1'],
      settings: { modules: ['gatehouse_stumble'], pluginPaths: [PLUGINS] },
    })
    await gated.asking()
    await soon(gated.prosody.logged(/In the timer, for screen/), 'the word in the log')
    const alice = await gated.login('alice')
    alice.say(`bob@${HOST}`, 'MUTE it')
    assert.match(await alice.got(/id='MUTE-it'/), /resource-constraint/)
  })
})

const UNNAMED = ['modules_enabled = { "gatehouse" }']
const people = (host: string) => ['alice', 'bob'].map((user) => ({ jid: `${user}@${host}`, password: 'secret' }))
const MISTAKES = [
  'gatehouse_screen = 5',
  'gatehouse_try = "2 s"',
  'gatehouse_hold_max = { }',
  'gatehouse_max_questions = 0',
  'gatehouse_max_bytes = "32 MB"',
  'gatehouse_max_stanza = true',
  'gatehouse_max_reports = 1/0',
  'gatehouse_spool_max_bytes = 0/0',
  'gatehouse_texts = "nein"',
  'gatehouse_texts = { outage = "weg" }',
  'gatehouse_texts = { de = { outage = 1 } }',
  'gatehouse_ask = { message = true }',
  'gatehouse_trusted = 7',
  'gatehouse_transports = 7',
  'c2s_stanza_size_limit = "256k"',
]
