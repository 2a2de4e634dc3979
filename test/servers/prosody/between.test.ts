// SPDX-License-Identifier: Apache-2.0
// Between Prosody and another server: test/servers/both/between.ts. And XEP-0198 on a stream between servers: what is held of another
// server's people is not acknowledged to it, what is released is.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ARCHIVE, between, IRC } from '../both/between.ts'
import { openFar, streamOf } from '../both/far.ts'
import { bodies, freePort, soon } from '../both/house.ts'
import { openProsody, prosody } from '../both/prosody.ts'
import { PATIENT } from '../both/sessions.ts'

const FAR = '127.0.0.14'

const open = async () => {
  const ports = { c2s: await freePort(), component: await freePort(), s2s: await freePort() }
  return openProsody(
    { options: { ...PATIENT, trusted: [ARCHIVE], transports: [IRC] }, components: [ARCHIVE, IRC] },
    { ports, global: ['modules_disabled = { "tls" }'] },
  )
}

between(prosody, { far: FAR, open })

it('acknowledges to another server nothing that is held or waits behind it, and everything after the release', async () => {
  await using other = await openFar(FAR)
  await using gated = await open()
  const screen = await gated.asking()
  const bob = await gated.login('bob')
  using stream = await streamOf(other, gated.ports.s2s ?? assert.fail())
  stream.write("<enable xmlns='urn:xmpp:sm:3'/>")
  await stream.got(/<enabled /)
  const handled = async () => {
    stream.write("<r xmlns='urn:xmpp:sm:3'/>")
    return Number((await stream.got(/<a [^>]*h=['"](\d+)['"]/))[1])
  }
  stream.say('free')
  await bob.got(/free/)
  assert.equal(await handled(), 1)
  stream.say('HOLD this')
  stream.say('behind it')
  await soon(screen.saw(/behind it/), 'the question behind')
  assert.equal(await handled(), 1, 'held is not handled')
  screen.release()
  await bob.got(/behind it/)
  assert.equal(await handled(), 3)
  assert.deepEqual(bodies(bob), ['free', 'HOLD this', 'behind it'])
})
