// SPDX-License-Identifier: Apache-2.0
// The rarer ways past mod_gatehouse: two screens on one server, components that write to other servers, wrapped IQs
// (XEP-0356); and its counts in Prosody's own statistics.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { describe, it } from 'node:test'
import { bodies, freePort, HOST, soon } from '../both/house.ts'
import { gate, openGated } from './gated.ts'

const OTHER = 'second.gatehouse.internal'
const LAB = 'lab.example'
const PATIENT = ['gatehouse_try = 15', 'gatehouse_hold_max = 20']

describe('two hosts with two screens', () => {
  it('both are asked, one after the other, each for its own people; each can refuse; inside a host only its own', async () => {
    await using gated = await openGated({
      lines: PATIENT,
      settings: {
        hosts: [{ name: LAB, lines: gate(PATIENT, OTHER) }],
        components: [{ name: OTHER, secret: 'gate' }],
        accounts: [{ jid: `dora@${LAB}`, password: 'secret' }],
      },
    })
    const corp = await gated.asking()
    const lab = await gated.screen(OTHER)
    await soon(gated.prosody.logged(/Screen second\S* answers; questions are asked/), 'the second screen')
    const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
    const dora = await gated.login('dora', { host: LAB })

    alice.say(`dora@${LAB}`, 'HOLD between')
    alice.say(`dora@${LAB}`, 'behind it')
    await soon(corp.saw(/<ask [^>]*>(?:(?!<\/ask>).)*behind it/), "the sender's screen")
    assert.ok(!lab.seen.some((iq) => iq.includes('HOLD between')), 'the second is asked when the first has allowed it')
    corp.release()
    assert.match(await soon(lab.saw(/HOLD between/), "the recipient's screen"), /<ask n='\d+' direction='received' at=/)
    await soon(lab.saw(/behind it/), 'the one behind')
    assert.deepEqual(bodies(dora), [])
    lab.release()
    await dora.got(/behind it/)
    assert.deepEqual(bodies(dora), ['HOLD between', 'behind it'])

    dora.say(`bob@${HOST}`, 'DENY by both')
    await dora.got(/id='DENY-by-both'.*policy-violation/)
    assert.ok(!corp.seen.some((iq) => iq.includes('DENY by both')), 'what the sender may not say goes no further')
    // One presence stanza is for all who get it: the host of who sends it is asked, and no other.
    dora.client.send(`<presence to='bob@${HOST}' type='subscribe'><status>may dora see him</status></presence>`)
    await bob.got(/may dora see him/)
    await soon(lab.saw(/may dora see him/), "the question of her host's screen")
    assert.ok(!corp.seen.some((iq) => iq.includes('may dora see him')))
    alice.say(`bob@${HOST}`, 'in the house')
    await bob.got(/in the house/)
    assert.ok(!lab.seen.some((iq) => iq.includes('in the house')))
    const sources = [corp, lab].map((one) => / source='([0-9a-f]{32})'/.exec(one.seen[0] ?? '')?.[1])
    assert.equal(new Set(sources).size, 2, 'a source each')
  })
})

describe('a privileged component', () => {
  it('is asked about by the host of whom it speaks for, and by that of the recipient', async () => {
    const [FREE, TELLER] = ['free.example', 'teller.corp.example']
    const grant = `privileged_entities = { ["${TELLER}"] = { message = "outgoing" } }`
    await using gated = await openGated({
      lines: [...PATIENT, grant],
      settings: {
        modules: ['privilege'],
        hosts: [
          { name: LAB, lines: gate(PATIENT, OTHER) },
          { name: FREE, lines: [grant] },
        ],
        components: [
          { name: OTHER, secret: 'gate' },
          { name: TELLER, secret: 'gate', lines: ['modules_enabled = { "privilege" }'] },
        ],
        accounts: [`dora@${LAB}`, `finn@${FREE}`].map((jid) => ({ jid, password: 'secret' })),
      },
    })
    const corp = await gated.asking()
    const lab = await gated.screen(OTHER)
    await soon(gated.prosody.logged(/Screen second\S* answers; questions are asked/), 'the second screen')
    const bob = await gated.login('bob')
    const dora = await gated.login('dora', { host: LAB })
    const teller = await gated.screen(TELLER)
    const speak = (from: string, to: string, body: string) =>
      teller.write(
        `<message from='${TELLER}' to='${from.replace(/.*@/, '')}'><privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${from}' to='${to}' type='chat' id='pr'><body>${body}</body></message></forwarded></privilege></message>`,
      )
    const asks = (one: typeof corp, words: string) => one.seen.filter((iq) => iq.includes('<ask') && iq.includes(words))
    speak(`finn@${FREE}`, `bob@${HOST}`, 'DENY for one of a host that asks nobody')
    speak(`finn@${FREE}`, `bob@${HOST}`, 'for one of a host that asks nobody')
    await bob.got(/for one of a host that asks nobody/)
    assert.deepEqual(bodies(bob), ['for one of a host that asks nobody'])
    const asked = asks(corp, 'for one of a host that asks nobody').at(-1) ?? ''
    assert.match(asked, /<ask [^>]*direction='received' via='component'/)
    speak(`alice@${HOST}`, `dora@${LAB}`, 'HOLD for alice abroad')
    speak(`alice@${HOST}`, `dora@${LAB}`, 'for alice abroad')
    await soon(corp.saw(/HOLD for alice abroad/), 'the question of the first')
    assert.deepEqual(asks(lab, 'for alice abroad'), [])
    corp.release()
    await soon(lab.saw(/HOLD for alice abroad/), 'the question of the second')
    lab.release()
    await dora.got(/>for alice abroad/)
    assert.deepEqual(bodies(dora), ['HOLD for alice abroad', 'for alice abroad'])
    assert.equal(asks(lab, '>for alice abroad').length, 1)
    speak(`alice@${HOST}`, `bob@${HOST}`, 'for alice at home')
    await bob.got(/for alice at home/)
    assert.equal(asks(corp, 'for alice at home').length, 1)
  })
})

describe('between servers', () => {
  it('a component that writes to another server is asked as sent, in order per sender, where its section loads the helper', async () => {
    const TELLER = '127.0.0.24'
    await using east = await openGated({
      host: '127.0.0.22',
      s2s: true,
      lines: PATIENT,
      settings: {
        address: '127.0.0.22',
        global: ['modules_disabled = { "tls" }', 's2s_interfaces = { "127.0.0.22", "127.0.0.24" }'],
        components: [{ name: TELLER, secret: 'gate', lines: gate(PATIENT) }],
      },
    })
    await using west = await openGated({
      host: '127.0.0.23',
      s2s: true,
      lines: ['gatehouse_ask = { "iq" }'],
      settings: { address: '127.0.0.23', global: ['modules_disabled = { "tls" }'] },
    })
    const screen = await east.asking()
    const bob = await west.login('bob')
    const teller = await east.screen(TELLER)
    for (const body of ['HOLD afar', 'behind'])
      teller.write(`<message from='eve@${TELLER}/x' to='bob@127.0.0.23' id='m'><body>${body}</body></message>`)
    teller.write(
      `<iq type='set' from='eve@${TELLER}/x' to='bob@127.0.0.23/r' id='no'><x xmlns='urn:x'>DENY that</x></iq>`,
    )
    assert.match(
      await soon(screen.saw(/HOLD afar/), 'the question'),
      new RegExp(`from='${TELLER}'.*<ask n='\\d+' via='component' at='[^']+'><forwarded[^>]*><message [^>]*from='eve@`),
    )
    await soon(screen.saw(/DENY that/), 'the last question')
    assert.deepEqual(bodies(bob), [])
    screen.release()
    await bob.got(/behind/)
    assert.deepEqual(bodies(bob), ['HOLD afar', 'behind'])
    assert.match(await soon(teller.saw(/id='no'/), 'the error'), /from='bob@127.0.0.23\/r'.*policy-violation/)
  })
})

describe('counts', () => {
  it('stand among the statistics of Prosody, by host', async () => {
    const port = await freePort()
    await using gated = await openGated({
      settings: {
        modules: ['http', 'http_openmetrics'],
        global: [`http_ports = { ${port} }`, 'statistics = "internal"', 'statistics_interval = "manual"'],
      },
      lines: [`http_host = "127.0.0.1"`, 'gatehouse_max_reports = 5'],
    })
    const screen = await gated.asking()
    const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
    for (const body of ['one', 'two', 'DENY three']) alice.say(`bob@${HOST}`, body)
    alice.say(`bob@${HOST}`, 'HOLD four')
    await soon(screen.saw(/HOLD four/), 'the held question')
    await bob.got(/two/)
    await alice.got(/id='DENY-three'/)
    const text = await page(port)
    const value = (name: string) =>
      Number(new RegExp(`^prosody_mod_gatehouse__${name}\\{host="${HOST}"\\} ([\\d.e+]+)$`, 'm').exec(text)?.[1])
    assert.equal(value('released_total'), 2)
    assert.equal(value('refused_total'), 1)
    assert.equal(value('in_flight'), 1)
    assert.ok(value('in_flight_bytes') > 100)
    assert.equal(value('breaker_open'), 0)
    assert.equal(value('spool_bytes'), 0)
    assert.ok(value('screens_total') >= 4)
    await screen.close()
    await soon(gated.prosody.logged(/not connected; the outage rule applies/), 'the breaker')
    alice.say(`bob@${HOST}`, 'five')
    await alice.got(/id='five'/)
    const later = await page(port)
    assert.match(later, new RegExp(`^prosody_mod_gatehouse__breaker_open\\{host="${HOST}"\\} 1`, 'm'))
    assert.match(later, new RegExp(`^prosody_mod_gatehouse__bounced_total\\{host="${HOST}"\\} 2`, 'm'))
  })
})

function page(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ port, host: '127.0.0.1', path: '/metrics', headers: { host: '127.0.0.1' } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () => resolve(text))
    })
    call.on('error', reject)
    call.end()
  })
}
