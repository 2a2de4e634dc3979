// SPDX-License-Identifier: Apache-2.0
// What keeps the gateway from its work stands in its status, with what to do; policy goes on without it.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { serverLack } from '../e2e/servers.ts'
import type { Component } from '../harness/component.ts'
import { slixmppLack } from '../harness/slixmpp.ts'
import { GATEWAY, openIrcPlace } from './place.ts'

const NETWORKS = [{ name: 'irc.gatehouse.test', servers: ['ircs://127.0.0.1:9'] }]

async function readiness(component: Component | null): Promise<{ code: number; text: string }> {
  const url = (await component?.logged(({ event }) => event === 'ready'))?.metrics
  const answer = await fetch(String(url).replace('/metrics', '/readyz'))
  return { code: answer.status, text: await answer.text() }
}

describe('the status of the gateway', { skip: serverLack() ?? slixmppLack() ?? false }, () => {
  it('names what the server says, what policy says, and not what follows from it; policy is well without it', async () => {
    await using place = await openIrcPlace({ networks: NETWORKS, rules: 'otherwise: allow\nrules: []' })
    const { world } = place
    await place.transport.logged(({ event }) => event === 'policy answers')
    await place.transport.stop()
    const policy = await readiness(world.policy)
    assert.equal(policy.code, 200, policy.text)
    assert.match(policy.text, new RegExp(`${GATEWAY}: asks nothing: the transport does not run`))

    const secret = join(world.folder, 'config', 'transport-irc.secret')
    writeFileSync(secret, 'another\n')
    const refused = await place.start()
    await refused.logged(({ event }) => event === 'stream down')
    const unready = await readiness(refused)
    assert.equal(unready.code, 503)
    assert.match(unready.text, /The XMPP server does not answer.*the secret differs from the one the server has/)
    assert.doesNotMatch(unready.text, /Policy/)
    await refused.stop()

    writeFileSync(secret, `${world.secret}\n`)
    const file = join(world.folder, 'config', 'policy.yaml')
    const lines = readFileSync(file, 'utf8')
    writeFileSync(file, lines.replace(`, ${GATEWAY}]`, ']').replace(/^networks:\n.*\n/mu, ''))
    await world.policy?.stop()
    await world.startPolicy()
    const stranger = await place.start()
    await stranger.logged(({ event }) => String(event).startsWith('policy takes no questions'))
    const warned = await readiness(stranger)
    assert.equal(warned.code, 200)
    assert.match(warned.text, /Policy takes no questions of irc\.corp\.example: name it in policy\.yaml/)
  })
})
