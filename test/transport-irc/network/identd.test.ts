// SPDX-License-Identifier: Apache-2.0
// RFC 1413, asked as a server asks.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { answer, isBetween, openIdentd, plainAddress } from '../../../components/transport-irc/network/identd.ts'

const alice = { localAddress: '127.0.0.1', localPort: 6193, remoteAddress: '127.0.0.2', remotePort: 23 }
const userOf = (asked: typeof alice) => (isBetween(asked, alice) ? 'alice' : null)

test('who is asked for by both ports, from the machine at the other end, is told, and nobody else', async () => {
  await using identd = await openIdentd({ host: '0.0.0.0', port: 0, userOf })
  const ask = async (line: string, from = '127.0.0.2', to = '127.0.0.1') => {
    const socket = net.connect({ port: identd.port, host: to, localAddress: from })
    await once(socket, 'connect')
    socket.write(line)
    return text(socket)
  }
  assert.equal(await ask('6193, 23\r\n'), '6193, 23 : USERID : UNIX : alice\r\n')
  assert.equal(await ask(' 6193 ,23\n'), '6193, 23 : USERID : UNIX : alice\r\n')
  // RFC 1413 §1: whoever else asks is asking about another connection.
  assert.equal(await ask('6193, 23\r\n', '127.0.0.3'), '6193, 23 : ERROR : NO-USER\r\n')
  assert.equal(await ask('6193, 23\r\n', '127.0.0.2', '127.0.0.4'), '6193, 23 : ERROR : NO-USER\r\n')
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
    answer('1, 2', { localAddress: '', remoteAddress: '' }, () => 'al\r\nice:@!'),
    '1, 2 : USERID : UNIX : alice',
  )
  assert.equal(plainAddress('::ffff:127.0.0.1'), '127.0.0.1')
  assert.equal(plainAddress('::1'), '::1')
})
