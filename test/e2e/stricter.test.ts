// SPDX-License-Identifier: Apache-2.0
// A rule with `on_outage: closed` on an open host, with real clients: while policy is away in whatever way, what it means is refused
// and all else is delivered, kept at the server, and recorded when policy is back.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { SCREEN } from '../harness/world.ts'
import { readJournal } from '../policy/stage.ts'
import { onServers } from './servers.ts'

const STRICT = (who: string) => `otherwise: allow
rules:
  - { id: chief, when: { from: chief@corp.example }, then: allow }
  - { id: no-plans, when: { to: ${who}@corp.example, words: [plan] }, then: refuse, on_outage: closed }
  - { id: no-secrets, when: { words: [topsecret] }, then: refuse }`

onServers('a rule that is stricter than an open host', slixmppLack(), (server) => {
  let stage: Stage
  before(async () => {
    stage = await openStage({ server, rules: STRICT('erin'), onOutage: 'open', helper: { try: 1, hold_max: 2 } })
    await holds()
  })
  after(() => stage[Symbol.asyncDispose]())

  const holds = () => stage.world.policy?.logged(({ event }) => event === 'a helper holds the rules for outages')
  const chat = (to: string, id: string, body: string) =>
    `<message xmlns='jabber:client' type='chat' to='${to}@corp.example' id='${id}'><body>${body}</body></message>`
  /** There as the server sees it: what is sent to the person before goes to their other resources alone (RFC 6121, 8.5.2.1.1). */
  const present = async (name: string, resource: string) => {
    const client = await stage.person(name, { resource })
    await client.wait(new RegExp(`<presence [^>]*from="${client.jid}"`))
    return client
  }
  const everybody = async (resource: string) => {
    const names = ['alice', 'bob', 'chief', 'erin', 'frank'] as const
    const people = await Promise.all(names.map(async (name) => [name, await present(name, resource)] as const))
    return Object.fromEntries(people) as Record<(typeof names)[number], (typeof people)[0][1]>
  }
  const REFUSED = [
    /type="error"/,
    /<error type="wait"><resource-constraint xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" ?\/>/,
    /Not delivered: the compliance service is not available at the moment\. Please try again later\./,
  ]

  /** What alice says to `closed` comes back, whatever it says; to bob it arrives, whatever it says; what the chief says arrives too. */
  async function tried(word: string, people: Awaited<ReturnType<typeof everybody>>, closed: 'erin' | 'frank') {
    const { alice, bob, chief } = people
    await alice.send(chat(closed, `${word}-1`, `${word}closed hello`))
    await alice.send(chat('bob', `${word}-2`, `${word}open topsecret plan`))
    await chief.send(chat(closed, `${word}-3`, `${word}chief plan`))
    const error = await alice.wait(new RegExp(`id="${word}-1"`))
    for (const part of REFUSED) assert.match(error, part)
    await bob.wait(new RegExp(`id="${word}-2"`))
    await people[closed].wait(new RegExp(`id="${word}-3"`))
    await people[closed].nothing(new RegExp(`${word}closed`))
  }

  /** Resolves when so many settlements wait on the disk of the server. */
  async function settled({ server }: Stage['world'], count: number): Promise<void> {
    const place = join(server.dataFolder, 'gatehouse', SCREEN)
    for (const until = Date.now() + 10_000; Date.now() < until; await setTimeout(20)) {
      const names = (await readdir(place)).filter((name) => name.startsWith('spool-'))
      const spools = await Promise.all(names.map((name) => readFile(join(place, name), 'utf8')))
      if (spools.join('').split("outcome='unscreened'").length > count) return
    }
    assert.fail('the server has settled nothing')
  }

  test('policy hangs, is killed, and the server is killed meanwhile: what the rule means is refused, all else arrives and is recorded', async () => {
    const { world } = stage
    const people = await everybody('desk')
    await people.alice.send(chat('erin', 'well', 'wellword hello'))
    await people.erin.wait(/id="well"/)

    world.policy?.kill('SIGSTOP')
    await tried('hanging', people, 'erin')
    world.policy?.kill('SIGCONT')
    await stage.recorded('hangingopen', 'unscreened')
    await stage.recorded('hangingchief', 'unscreened')

    world.policy?.kill('SIGKILL')
    await world.policy?.exited
    await world.server.logged(/not connected; the outage rule applies/)
    await tried('killed', people, 'erin')

    // What became of a stanza is written a moment after it went; until then a kill leaves it undecided.
    await settled(world, 2)
    world.server.kill('SIGKILL')
    await world.server.exited
    await world.startServer()
    await tried('restarted', await everybody('phone'), 'erin')

    await world.startPolicy()
    await stage.recorded('killedopen', 'unscreened')
    const [late] = await stage.recorded('restartedopen', 'unscreened')
    assert.equal(late?.rule, 'no-secrets', 'it is judged all the same, for the record')
    await stage.recorded('restartedchief', 'unscreened')
    await stage.recorded('killedclosed')
    const facts = await readJournal(world.journal)
    const bounced = facts.flatMap((fact) => (fact.kind === 'outage' || fact.kind === 'settle' ? [fact] : []))
    const byRule = bounced.filter(({ rule }) => rule === 'no-plans')
    assert.ok(
      byRule.some((fact) => fact.kind === 'settle' && fact.outcome === 'bounced'),
      'the one that was asked about',
    )
    assert.ok(
      byRule.some((fact) => fact.kind === 'outage' && fact.count >= 1),
      'those that were not',
    )
    assert.ok(bounced.every(({ outcome, rule }) => (outcome === 'bounced') === (rule === 'no-plans')))
  })

  test('other rules close for others, from the moment they are in force', async () => {
    const { world } = stage
    await world.server.logged(/answers; questions are asked/)
    await world.setRules(STRICT('frank'))
    // This process of policy has told nothing before: the helper held what it had been told.
    await holds()
    world.policy?.kill('SIGKILL')
    await world.policy?.exited
    await world.server.logged(/not connected; the outage rule applies/)
    const people = await everybody('tablet')
    await tried('reloaded', people, 'frank')
    await people.alice.send(chat('erin', 'erin-again', 'reloaded for erin'))
    await people.erin.wait(/id="erin-again"/)
    await world.startPolicy()
    await stage.recorded('reloadedopen', 'unscreened')
  })
})
