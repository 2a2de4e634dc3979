// SPDX-License-Identifier: Apache-2.0
// RFC 1413, asked as a server asks.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { answer, openIdentd, plainAddress } from '../../../components/transport-irc/network/identd.ts'

const alice = { localPort: 6193, remotePort: 23, remoteAddress: '127.0.0.1' }
const userOf = (asked: typeof alice) =>
  asked.localPort === alice.localPort && asked.remotePort === 23 ? 'alice' : null

test('who is asked for by both ports is told, and nobody else', async () => {
  await using identd = await openIdentd({ host: '127.0.0.1', port: 0, userOf })
  const ask = async (line: string) => {
    const socket = net.connect(identd.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(line)
    return text(socket)
  }
  assert.equal(await ask('6193, 23\r\n'), '6193, 23 : USERID : UNIX : alice\r\n')
  assert.equal(await ask(' 6193 ,23\n'), '6193, 23 : USERID : UNIX : alice\r\n')
  assert.equal(await ask('6193, 24\r\n'), '6193, 24 : ERROR : NO-USER\r\n')
  assert.equal(await ask('0, 23\r\n'), '0, 23 : ERROR : INVALID-PORT\r\n')
  assert.equal(await ask('what?\r\n'), '0, 0 : ERROR : INVALID-PORT\r\n')
  const endless = net.connect(identd.port, '127.0.0.1')
  endless.on('error', () => undefined)
  const closed = once(endless, 'close')
  endless.write('1'.repeat(10_000))
  await closed
})

test('a name cannot end the line, and an address is compared as it is written', () => {
  assert.equal(
    answer('1, 2', '', () => 'al\r\nice:@!'),
    '1, 2 : USERID : UNIX : alice',
  )
  assert.equal(plainAddress('::ffff:127.0.0.1'), '127.0.0.1')
  assert.equal(plainAddress('::1'), '::1')
})
