// SPDX-License-Identifier: Apache-2.0
// How a network is reached: by TLS that is verified or pinned, or not at all; with a word on who connects, and what is said after each login.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { irc } from '../harness/irc-person.ts'
import { slixmppLack } from '../harness/slixmpp.ts'
import { enter, GATEWAY, groupchat, like, openIrcPlace, roomOf } from './place.ts'

describe('reaching InspIRCd', { skip: serverLack() ?? inspircdLack() ?? slixmppLack() ?? false }, () => {
  it('by TLS only where it can be believed, as who the person is, with lines after login; idle people are let go; channels of odd names', async () => {
    await using ircd = await startInspircd({ tls: true, webirc: 'word' })
    const tls = `ircs://127.0.0.1:${ircd.tlsPort}`
    const common = { webirc: { name: 'gatehouse', password_file: 'webirc.word' }, flood: { lines: 100, every: '1 ms' } }
    const cert = new X509Certificate(readFileSync(join(dirname(ircd.caFile ?? ''), 'server.pem')))
    const pin = cert.fingerprint256
    await using place = await openIrcPlace({
      networks: [
        {
          name: 'pinned.example',
          servers: [tls],
          tls: { pins: [pin] },
          afterwards: ['PRIVMSG iris :from the operator'],
          ...common,
        },
        { name: 'verified.example', servers: [tls], tls: { ca_file: ircd.caFile } },
        { name: 'wrong.example', servers: [tls], tls: { pins: ['00'.repeat(32)] } },
        { name: 'unknown.example', servers: [tls] },
        { name: 'clear.example', servers: [`irc://127.0.0.1:${ircd.port}`] },
      ],
      settings: { limits: { idle_after: '2 s', networks: 9 } },
      files: { 'webirc.word': 'word\n' },
    })
    await using iris = await irc(ircd, 'iris')
    const alice = await place.person('alice')
    const chat = async (words: string, wanted: string) => {
      await alice.send(`<message xmlns='jabber:client' type='chat' to='${GATEWAY}'><body>${words}</body></message>`)
      return alice.wait(like('message', `from="${GATEWAY}"`, wanted), 20)
    }
    // Nothing that people read goes out by a way that no rule is asked about.
    await chat("settings --network pinned.example --afterwards 'MODE alice +i | PRIVMSG iris :hidden'", 'to services')
    // People in the channel would read it.
    await chat("settings --network pinned.example --afterwards 'CS TOPIC #c hidden'", 'to services')
    await chat("settings --network pinned.example --afterwards 'MODE alice +i' --name 'Alice A'", 'afterwards')
    await chat('connect pinned.example', 'state: up')
    await iris.next(/:alice!\S+ PRIVMSG iris :from the operator$/)
    const [mode] = await place.ask('raw', {
      line: 'MODE alice',
      network: 'pinned.example',
      person: 'alice@corp.example',
    })
    assert.match(String(mode?.line), / 221 alice :?\+\S*i/)
    const whois = await iris.ask('WHOIS alice', / 318 /)
    // As whom WEBIRC says that he comes: an address that nobody else has, by way of the gateway.
    const told = whois.join('\n')
    assert.match(told, / 311 iris alice alice fd00:[0-9a-f:]+ \* :Alice A$/m)
    assert.match(told, / 350 iris alice \* \* :is connected via the gatehouse WebIRC gateway$/m)
    assert.ok(
      whois.some((line) => / 671 /.test(line)),
      'over TLS',
    )
    // A name that means something else in an address, in a URL, in XML.
    const odd = roomOf('#c++\\26d\\2f\\27e\\27', 'pinned.example')
    await iris.join(`#c++&d/'e'`)
    await enter(alice, odd, 'alice')
    await alice.send(groupchat(odd, '&lt;&amp;&gt;', 'o1'))
    await iris.next(/:alice!\S+ PRIVMSG #c\+\+&d\/'e' :<&>$/)
    iris.say(`#c++&d/'e'`, 'odd')
    await alice.wait(like('message', `from="${odd}/iris"`, 'odd'))
    await chat('connect verified.example', 'nick: alice_')
    await chat('connect wrong.example', 'refused: protection')
    await chat('connect unknown.example', 'refused: protection')
    await chat('connect clear.example', 'refused: protection')
    assert.ok(!iris.lines.some((line) => /clear/.test(line)))
    // Who would enter a room there is told at once; the operator, what to do about it.
    await alice.send(
      `<presence xmlns='jabber:client' to='${roomOf('#c', 'unknown.example')}/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
    const refused = await alice.wait(like('presence', 'unknown.example', 'type="error"'), 50)
    assert.match(refused, /<not-allowed .*would not be protected.*tell an operator\. \(/)
    assert.doesNotMatch(refused, /Node\.js/)
    // Nothing was said for two seconds.
    await iris.next(/:alice!\S+ (QUIT|PART)/, 20)
    const url = (await place.transport.logged(({ event }) => event === 'ready')).metrics
    const page = await (await fetch(String(url))).text()
    assert.match(page, /^gatehouse_transport_irc_connects_total\{network="pinned\.example"\} 1$/m)
    assert.match(page, /^gatehouse_transport_irc_connections_up \d/m)
    assert.doesNotMatch(page, /alice/)
  })
})
