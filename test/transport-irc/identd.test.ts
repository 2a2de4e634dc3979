// SPDX-License-Identifier: Apache-2.0
// RFC 1413: a server that asks who comes is told so before it lets anybody in, in clear and by TLS. Servers ask at port 113 and at no other.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import { inspircdLack, startInspircd } from '../harness/inspircd.ts'
import { irc } from '../harness/irc-person.ts'
import { NETWORK, openIrcPlace, plain } from './place.ts'

/** Loopback of our own: whatever else of this machine answers at port 113 does so elsewhere. */
const HERE = '127.0.0.113'

function portLack(): string | null {
  const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  return process.getuid?.() === 0 || first <= 113 ? null : 'port 113 may not be listened at'
}

describe('a server that asks for the user (RFC 1413)', {
  skip: serverLack() ?? inspircdLack() ?? portLack() ?? false,
}, () => {
  it('is told who of the people comes, and nobody else is', async () => {
    await using ircd = await startInspircd({ ident: true, tls: true })
    const common = { local_addresses: [HERE], user: '{local}' }
    await using place = await openIrcPlace({
      networks: [
        plain(ircd, common),
        {
          name: 'tls.example',
          servers: [`ircs://127.0.0.1:${ircd.tlsPort}`],
          tls: { ca_file: ircd.caFile },
          ...common,
        },
      ],
      settings: { identd: { port: 113, address: HERE } },
    })
    for (const [person, network] of [
      ['alice', NETWORK],
      ['bob', 'tls.example'],
    ] as const)
      await place.ask('connect', { network, person: `${person}@corp.example` })
    await using iris = await irc(ircd, 'iris')
    const whois = async (nick: string) => (await iris.ask(`WHOIS ${nick}`, / 318 /)).find((line) => / 311 /.test(line))
    // InspIRCd marks with ~ whom nobody vouches for, as it does the bare socket.
    assert.match((await whois('iris')) ?? '', / 311 iris iris ~/)
    assert.match((await whois('alice')) ?? '', / 311 iris alice alice 127\.0\.0\.113 /)
    assert.match((await whois('bob')) ?? '', / 311 iris bob bob 127\.0\.0\.113 /)
    const told: string[] = []
    for (const port of [ircd.port, ircd.tlsPort])
      for (const own of portsOf(port)) {
        const asking = net.connect({ port: 113, host: HERE, localAddress: '127.0.0.9' })
        asking.write(`${own}, ${port}\r\n`)
        told.push(await text(asking))
      }
    assert.equal(told.length, 2)
    for (const answer of told) assert.match(answer, / : ERROR : NO-USER\r\n$/)
  })
})

/** Ports from which this machine has a connection to that one, from the address above. */
function portsOf(port: number): number[] {
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(4, '0')
  const here = HERE.split('.')
    .reverse()
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .join('')
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, local = '', remote = ''] = line.trim().split(/\s+/)
      const [address, own = ''] = local.split(':')
      return address === here && remote.endsWith(`:${hex(port)}`) ? [Number.parseInt(own, 16)] : []
    })
}
