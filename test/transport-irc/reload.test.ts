// SPDX-License-Identifier: Apache-2.0
// Settings are read again on SIGHUP: what is new counts, connections stay as they are, and a bad file changes nothing.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { irc } from '../harness/irc-person.ts'
import { NETWORK, openIrcPlace, plain } from './place.ts'

describe('settings that are read again', { skip: serverLack() ?? inspircdLack() ?? false }, () => {
  it('are in force at once, and nobody is disconnected; a bad file keeps the old, and what needs a restart is told', async () => {
    await using ircd = await startInspircd()
    await using place = await openIrcPlace({ networks: [plain(ircd)], settings: { limits: { networks: 1 } } })
    await using iris = await irc(ircd, 'iris')
    await iris.join('#watch')
    const person = 'alice@corp.example'
    const connect = (network: string) => place.ask('connect', { network, person })
    const told = async (fits: (line: Record<string, unknown>) => boolean) => {
      place.transport.kill('SIGHUP')
      return place.transport.logged(fits)
    }
    await connect(NETWORK)
    await place.ask('raw', { line: 'JOIN #watch', network: NETWORK, person })
    const [before] = await place.ask('connections', { person })
    await assert.rejects(connect('second.example'), /ended with 2/, 'not listed')
    const second = { ...plain(ircd), name: 'second.example', nick: 'second-{local}' }
    place.settings({ networks: [plain(ircd), second], only: NETWORK, limits: { networks: 1 } })
    await told(({ event }) => event === 'reloaded')
    await assert.rejects(connect('second.example'), /ended with 1/, 'one network for a person')
    const both = { networks: [plain(ircd), second], limits: { networks: 2 } }
    place.settings({ ...both, history: { keep_for: '1 day' } })
    const waiting = await told(({ event }) => event === 'settings count after a restart')
    assert.deepEqual(waiting.settings, ['history'])
    await connect('second.example')
    // A file with a mistake, and one that is none at all.
    place.settings({ ...both, limits: { networks: 0 } })
    const refused = await told(({ event }) => event === 'reload refused')
    assert.match(JSON.stringify(refused), /transport-irc\.yaml.*limits\.networks|limits\.networks.*transport-irc\.yaml/)
    assert.deepEqual(
      (await place.ask('connections', { person })).map(({ network, state }) => [network, state]),
      [
        [NETWORK, 'up'],
        ['second.example', 'up'],
      ],
    )
    const [after] = await place.ask('connections', { person })
    assert.deepEqual([after?.since, after?.nick], [before?.since, 'alice'])
    // A network that is no more among them is left.
    place.settings({ networks: [plain(ircd)], limits: { networks: 2 } })
    place.transport.kill('SIGHUP')
    await iris.ask('WHOIS alice', / 318 /)
    await place.transport.logged(({ event, network }) => event === 'connection ended' && network === 'second.example')
    assert.deepEqual(
      (await place.ask('connections', { person })).map(({ network }) => network),
      [NETWORK],
    )
    await iris.fence()
    assert.ok(!iris.lines.some((line) => /^:alice!\S+ QUIT/.test(line)), 'she was there all the time')
  })

  it('let somebody in at once where the old ones did not believe the certificate of the network', async () => {
    await using ircd = await startInspircd({ tls: true })
    const network = (tls: object) => ({ name: NETWORK, servers: [`ircs://127.0.0.1:${ircd.tlsPort}`], tls })
    await using place = await openIrcPlace({ networks: [network({})] })
    await using iris = await irc(ircd, 'iris')
    iris.send('MONITOR + alice')
    const person = 'alice@corp.example'
    await assert.rejects(place.ask('connect', { network: NETWORK, person }), /ended with 1/)
    place.settings({ networks: [network({ ca_file: '/there/is/none.pem' })] })
    place.transport.kill('SIGHUP')
    const refused = await place.transport.logged(({ event }) => event === 'reload refused')
    assert.match(JSON.stringify(refused), /ca_file/)
    place.settings({ networks: [network({ ca_file: ircd.caFile })] })
    place.transport.kill('SIGHUP')
    await iris.next(/ 730 \S+ :?alice/)
    assert.deepEqual(
      (await place.ask('connections', { person })).map(({ state }) => state),
      ['up'],
    )
  })
})
