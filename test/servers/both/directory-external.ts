// SPDX-License-Identifier: Apache-2.0
// SASL EXTERNAL with a certificate that names Alice (RFC 6120 section 13.7.1.4): it lets her in, and not while she is locked out.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { connect as secure } from 'node:tls'
import { makeAuthority } from '../../harness/certificates.ts'
import { type DirectoryHouse, jid, openDirectory, person } from './directory-house.ts'
import { HOST, soon } from './house.ts'

/** Files of the server: its certificate and key, and the authority by which it knows people. */
export type ServerFiles = { folder: string; cert: string; key: string; caFile: string }

type Login = { cert: string; key: string }

export function external(
  name: string,
  skip: string | false,
  open: (files: ServerFiles) => Promise<DirectoryHouse>,
): void {
  describe(`a certificate of somebody who is locked out, on ${name}`, { skip }, () => {
    it('is good for a login before and after, and refused in between, as one that is not hers', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gatehouse-external-'))
      try {
        const authority = await makeAuthority(folder)
        const server = await authority.sign('server', `/CN=${HOST}`, [`DNS:${HOST}`])
        const address = (who: string) => [`otherName:1.3.6.1.5.5.7.8.5;UTF8:${jid(who)}`]
        const alice = await authority.sign('alice', '/CN=Alice', address('alice'))
        const bob = await authority.sign('bob', '/CN=Bob', address('bob'))
        await using house = await open({ folder, ...server, caFile: authority.caFile })
        await using directory = await openDirectory(house)
        let seq = 0
        const state = async (locked: boolean) => {
          seq += 1
          const people = person('alice', locked ? { locked: 'disabled' } : {}) + person('bob')
          assert.match(await directory.whole(seq, [people]), /type='result'/)
        }
        const says = (who: Login, as = 'alice') => login(house, who, jid(as))
        await state(false)
        assert.match(await says(alice), /^<success/)
        const refused = await says(bob)
        assert.match(refused, /^<failure/)
        await state(true)
        assert.match(await says(alice), /^<failure.*account-disabled/)
        // Nobody learns of the lock by another certificate: it is refused as before.
        assert.equal(await says(bob), refused)
        assert.match(await says(bob, 'bob'), /^<success/)
        await state(false)
        assert.match(await says(alice), /^<success/)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })
  })
}

/** StartTLS with the certificate, then EXTERNAL; gives what the server says to that. */
async function login(house: DirectoryHouse, { cert, key }: Login, as: string): Promise<string> {
  const plain = connect(house.ports.c2s, '127.0.0.1')
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  plain.on('error', reject)
  const opening = `<?xml version='1.0'?><stream:stream to='${HOST}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
  let heard = ''
  plain.setEncoding('utf8')
  plain.on('data', (chunk: string) => {
    heard += chunk
    if (heard.includes('<proceed')) {
      plain.removeAllListeners('data')
      heard = ''
      protect()
    } else if (heard.includes('</stream:features>')) {
      heard = ''
      plain.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    }
  })
  plain.write(opening)
  const protect = () => {
    const socket = secure({
      socket: plain,
      servername: HOST,
      rejectUnauthorized: false,
      cert: readFileSync(cert),
      key: readFileSync(key),
    })
    socket.setEncoding('utf8')
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`the stream ended: ${heard}`)))
    socket.on('data', (chunk: string) => {
      heard += chunk
      if (heard.includes('</stream:features>')) {
        assert.match(heard, /<mechanism>EXTERNAL<\/mechanism>/)
        heard = ''
        const authzid = Buffer.from(as).toString('base64')
        socket.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${authzid}</auth>`)
      }
      const found = /<(success|failure)\b(?:[^>]*\/>|.*?<\/\1>)/.exec(heard)
      if (found !== null) resolve(found[0])
    })
    socket.write(opening)
  }
  try {
    return await soon(promise, `an answer to EXTERNAL in ${heard}`)
  } finally {
    plain.destroy()
  }
}
