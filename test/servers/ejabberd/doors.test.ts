// SPDX-License-Identifier: Apache-2.0
// What stands open beside the question on ejabberd: kinds that are switched off, modules that are loaded. And its counts, by a
// command of the server.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { freePort, HOST, soon } from '../both/house.ts'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { gate, noEjabberd, openGated } from './gated.ts'

const LAB = 'lab.example'

type Told = { host: string; off: string; modules: string[]; omitted: string }

/** What the screen was told so far by `host`, oldest first. */
function told(screen: AllowScreen): Told[] {
  return screen.seen.flatMap((iq) => {
    const from = /^<iq [^>]*from='([^']*)'/.exec(iq)?.[1] ?? ''
    return [...iq.matchAll(/<host ([^>]*)\/>/g)].map(([, said = '']) => {
      const of = (name: string) => new RegExp(`(?:^| )${name}='([^']*)'`).exec(said)?.[1] ?? ''
      return { host: from, off: of('off'), modules: of('modules').split(' '), omitted: of('omitted') }
    })
  })
}

async function next(screen: AllowScreen, host: string, fits: (one: Told) => boolean): Promise<Told> {
  const before = told(screen).length
  const test = () =>
    told(screen)
      .slice(before)
      .some((one) => one.host === host && fits(one))
  await soon(screen.saw({ test } as unknown as RegExp), `the next word of ${host}`)
  return told(screen).findLast((one) => one.host === host && fits(one)) ?? assert.fail()
}

describe('what stands open on ejabberd', { skip: noEjabberd }, () => {
  it('each host tells what is switched off and loaded, on it and by a listener; and again when that changes', async () => {
    const http = await freePort()
    await using gated = await openGated({
      options: { ask: ['message', 'join'] },
      settings: {
        ports: { http },
        listeners: { http: { request_handlers: { '/api': 'mod_http_api', '/admin': 'ejabberd_web_admin' } } },
        hosts: [{ name: LAB, modules: { ...gate(), mod_sic: {} } }],
      },
    })
    const first = await gated.asking()
    const by = (host: string) => told(first).filter((one) => one.host === host)
    for (const host of [HOST, LAB]) await soon(first.saw(new RegExp(`from='${host}'.*<host `)), host)
    assert.equal(by(HOST).at(-1)?.off, 'error file iq pep room status subscription vcard')
    assert.equal(by(LAB).at(-1)?.off, '')
    for (const name of ['gatehouse', 'roster', 'ejabberd_c2s', 'http_api', 'ejabberd_web_admin'])
      assert.ok(by(HOST).at(-1)?.modules.includes(name), name)

    const gone = next(first, LAB, ({ modules }) => !modules.includes('sic'))
    await gated.ejabberd.evaluate(`gen_mod:stop_module(<<"${LAB}">>, mod_sic).`)
    await gone
    const before = by(HOST).length
    const loaded = next(first, LAB, ({ modules }) => modules.includes('sic'))
    await gated.ejabberd.evaluate(`gen_mod:start_module(<<"${LAB}">>, mod_sic).`)
    await loaded
    assert.equal(by(HOST).length, before, 'nothing has changed for the other')

    const all = next(first, HOST, ({ off }) => off === '')
    await gated.configure({})
    await all

    await first.close()
    const second = await gated.screen()
    for (const host of [HOST, LAB]) await soon(second.saw(new RegExp(`from='${host}'.*<host `)), `${host} again`)
  })

  it('is at most 8 KiB, and says how many names had no room', async () => {
    await using gated = await openGated()
    const screen = await gated.asking()
    await soon(screen.saw(/<host /), 'the report')
    const many = next(screen, HOST, ({ omitted }) => omitted !== '')
    await gated.ejabberd.evaluate(
      `[One | _] = ets:tab2list(ejabberd_modules), [ets:insert(ejabberd_modules, setelement(2, One, {list_to_atom("zz_" ++ lists:duplicate(80, $x) ++ integer_to_list(N)), <<"${HOST}">>})) || N <- lists:seq(1, 150)].`,
    )
    const one = await many
    const [report = ''] = screen.seen.join('').match(/<host [^>]*omitted[^>]*>/) ?? []
    assert.ok(Buffer.byteLength(report) <= 8_192 && Buffer.byteLength(report) > 7_900, String(report.length))
    assert.equal(one.modules.filter((name) => name.startsWith('zz_')).length + Number(one.omitted), 150)
  })
})

describe('counts on ejabberd', { skip: noEjabberd }, () => {
  it('are told by a command of the server, for a host that asks', async () => {
    // The command may take seconds to start: what is held is to be held meanwhile.
    const options = { max_reports: 5, try: 60, hold_max: 65 }
    await using gated = await openGated({ options, settings: { hosts: [{ name: LAB }] } })
    const screen = await gated.asking()
    const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
    for (const body of ['one', 'two', 'DENY three']) alice.say(`bob@${HOST}`, body)
    alice.say(`bob@${HOST}`, 'HOLD four')
    alice.client.send(`<message to='bob@${HOST}'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`)
    await soon(screen.saw(/HOLD four/), 'the held question')
    await bob.got(/two/)
    await alice.got(/id='DENY-three'/)
    const counts = async () =>
      new Map(
        (await gated.ejabberd.shell('gatehouse_counts', HOST))
          .trim()
          .split('\n')
          .map((line) => line.split('\t') as [string, string]),
      )
    const now = await counts()
    assert.deepEqual(
      ['released', 'refused', 'in_flight', 'passing', 'breaker_open', 'spool_bytes'].map((name) => now.get(name)),
      ['2', '1', '1', '1', '0', '0'],
    )
    assert.ok(Number(now.get('in_flight_bytes')) > 100)
    assert.ok(Number(now.get('passing_bytes')) > 100)
    assert.ok(Number(now.get('screens')) >= 4)
    screen.release()
    await bob.got(/HOLD four/)
    await screen.close()
    await soon(gated.ejabberd.logged(/not connected; the outage rule applies/), 'the breaker')
    alice.say(`bob@${HOST}`, 'five')
    assert.match(await alice.got(/id='five'/), /resource-constraint/)
    const [bounced, open, flying] = await counts().then((after) =>
      ['bounced', 'breaker_open', 'in_flight'].map((name) => after.get(name)),
    )
    assert.deepEqual([bounced, open, flying], ['1', '1', '0'])
    for (const host of [LAB, 'nowhere.example'])
      await assert.rejects(gated.ejabberd.shell('gatehouse_counts', host), /does not load mod_gatehouse/)
    await gated.configure(null)
    await assert.rejects(gated.ejabberd.shell('gatehouse_counts', HOST), /unknown command/)
  })
})
