// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on two nodes of one ejabberd: each is a source of its own and asks over the screen's one connection, wherever that is;
// one is killed, one is stopped and comes back with a newer helper. PROTOCOL.md sections 3, 4 and 13.
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { type EjabberdSettings, openCluster } from '../../../deploy/demo/ejabberd.ts'
import { bodies, HOST, SCREEN, soon } from '../both/house.ts'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { type Gated, noEjabberd, openGated } from './gated.ts'

const BOB = `bob@${HOST}`
const SOURCES = resolve(import.meta.dirname, '../../../deploy/servers/ejabberd/mod_gatehouse')
const SOURCE = / source='([0-9a-f]{32})'/
const LONG = process.env.GATEHOUSE_LONG === '1' ? {} : { skip: 'part of the long form (GATEHOUSE_LONG=1)' }
const fits = (test: (iq: string) => boolean) => ({ test }) as RegExp
const sourceOf = (iq: string) => SOURCE.exec(iq)?.[1] ?? assert.fail(iq)

type Node = { open(more?: Partial<EjabberdSettings>): Promise<Gated>; folder: string }

/** Plays on a cluster of two; every server that the body starts is gone at the end. */
async function onTwo(body: (one: Node, two: Node) => Promise<void>, options = {}): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const cluster = stack.use(await openCluster())
  let first: Gated | undefined
  const node = async (): Promise<Node> => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-cluster-'))
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    return {
      folder,
      open: async (more = {}) => {
        const joins = first === undefined ? {} : { joins: first.ejabberd.node }
        const settings = { ...more, cluster: { epmdPort: cluster.epmdPort, cookie: cluster.cookie, ...joins } }
        const gated = stack.use(await openGated({ folder, keepFolder: true, options, settings }))
        first ??= gated
        return gated
      },
    }
  }
  await body(await node(), await node())
}

/** Both nodes ask over a screen that is connected to the first. */
async function asking(one: Gated, two: Gated, more = {}): Promise<AllowScreen> {
  const [screen] = await Promise.all([
    one.asking(more),
    soon(two.ejabberd.logged(/questions are asked/), 'the other node'),
  ])
  return screen
}

type Told = { asked: number[]; done: number; ended: boolean }

/** What screens were told of each source: which numbers were asked about, up to which all had ended, whether it said its last word. */
function told(...screens: AllowScreen[]): Map<string, Told> {
  const sources = new Map<string, Told>()
  for (const iq of screens.flatMap(({ seen }) => seen)) {
    const source = SOURCE.exec(iq)?.[1]
    if (source === undefined) continue
    const of = sources.get(source) ?? { asked: [], done: 0, ended: false }
    sources.set(source, of)
    assert.ok(!of.ended || !iq.includes('<ask '), 'nothing behind the closing mark')
    for (const [, n, again] of iq.matchAll(/<ask n='(\d+)'( try='2')?/g)) if (!again) of.asked.push(Number(n))
    of.done = Math.max(of.done, Number(/<screen [^>]* done='(\d+)'/.exec(iq)?.[1] ?? 0))
    of.ended ||= /<mark [^>]*end='true'/.test(iq)
  }
  return sources
}

/** The helper as it is here, but for its version, as sources. */
async function newerHelper(version: string, folder: string): Promise<string> {
  const copy = join(folder, 'newer')
  await cp(SOURCES, copy, { recursive: true })
  const words = join(copy, 'src/gatehouse_words.erl')
  const text = await readFile(words, 'utf8')
  const newer = text.replace(/^version\(\) -> <<"[^"]+">>\.$/m, `version() -> <<"${version}">>.`)
  assert.notEqual(newer, text)
  await writeFile(words, newer)
  return copy
}

describe('two nodes of one ejabberd', { skip: noEjabberd }, () => {
  it('are two sources over one connection; each hears the answers to its own questions, late ones too', () =>
    onTwo(async (a, b) => {
      const [one, two] = [await a.open(), await b.open()]
      const screen = await asking(one, two)
      const [bob, alice, carol] = [await one.login('bob'), await two.login('alice'), await one.login('carol')]
      alice.say(BOB, 'from the other node')
      carol.say(BOB, 'from this node')
      await bob.got(/from the other node/)
      await bob.got(/from this node/)
      const far = await screen.saw(/from the other node/)
      const near = await screen.saw(/from this node/)
      assert.notEqual(sourceOf(far), sourceOf(near))
      assert.match(far, / id='gh-[0-9a-f]{32}'/)
      assert.match(near, / id='gh-[0-9a-f]{24}'/)
      for (const iq of [far, near]) assert.match(iq, /<ask n='1' /, 'each counts from 1')
      alice.say(BOB, 'DENY this')
      assert.match(await alice.got(/id='DENY-this'/), /no such word/)
      alice.say(BOB, 'LATER this')
      await soon(screen.saw(/LATER this/), 'the question')
      screen.release()
      await bob.got(/LATER this/)
      for (const [source, last] of [
        [sourceOf(far), 3],
        [sourceOf(near), 1],
      ] as const)
        await soon(screen.saw(fits((iq) => iq.includes(source) && iq.includes(` done='${last}'`))), 'done')
    }))

  it('take a session over from each other with what is held of it: nothing twice, nothing lost, in order', () =>
    onTwo(
      async (a, b) => {
        const [one, two] = [await a.open(), await b.open()]
        const screen = await asking(one, two)
        const [bob, alice] = [await one.login('bob'), await one.login('alice', { management: 'resume' })]
        for (let i = 0; i < 3; i++) alice.say(BOB, `HOLD number ${i}`)
        alice.say(BOB, 'behind them')
        await soon(screen.saw(/HOLD number 2/), 'the third question')
        alice.client.break()
        await alice.client.ended
        const managed = alice.client.managed ?? assert.fail('no XEP-0198')
        const again = await two.login('alice', { management: 'resume', previous: managed })
        assert.ok(again.client.resumed)
        assert.equal(again.client.managed?.unacknowledged.length, 0, 'nothing is left to send again')
        again.say(BOB, 'from the other node')
        await soon(screen.saw(/from the other node/), 'the question of the other node')
        assert.deepEqual(bodies(bob), [])
        screen.release()
        await bob.got(/from the other node/)
        const held = [0, 1, 2].map((i) => `HOLD number ${i}`)
        assert.deepEqual(bodies(bob), [...held, 'behind them', 'from the other node'])
        const first = sourceOf(await screen.saw(/HOLD number 2/))
        assert.notEqual(sourceOf(await screen.saw(/from the other node/)), first)
        await soon(
          screen.saw(fits((iq) => iq.includes(first) && iq.includes(" done='4'"))),
          'all of the first node done',
        )
      },
      { try: 15, hold_max: 20 },
    ))

  it(
    'go on when one is killed, with what it held for the screen; it comes back as another source that knows its predecessor',
    LONG,
    () =>
      onTwo(
        async (a, b) => {
          const [one, two] = [await a.open(), await b.open()]
          const screen = await asking(one, two)
          const [carol, alice, bob] = [await one.login('carol'), await two.login('alice'), await two.login('bob')]
          carol.say(BOB, 'before the kill')
          await bob.got(/before the kill/)
          const killed = sourceOf(await screen.saw(/before the kill/))
          alice.say(BOB, 'HOLD over the kill')
          const held = await soon(screen.saw(/HOLD over the kill/), 'the question')
          one.ejabberd.kill('SIGKILL')
          await one.ejabberd.exited
          const next = await two.screen()
          const again = await soon(next.saw(/HOLD over the kill/), 'the second try')
          assert.equal(sourceOf(again), sourceOf(held))
          assert.match(again, /<ask n='1' try='2'/)
          next.release()
          await bob.got(/HOLD over the kill/)
          assert.deepEqual(bodies(bob), ['before the kill', 'HOLD over the kill'])
          const back = await a.open()
          await soon(back.ejabberd.logged(/questions are asked/), 'the node that came back')
          const announced = await soon(next.saw(new RegExp(`predecessor='${killed}'`)), 'its predecessor')
          assert.notEqual(sourceOf(announced), killed)
          assert.match(announced, /predecessor-mark='[01]' predecessor-reserved='1000'/)
          const dora = await back.login('carol')
          dora.say(BOB, 'and back')
          await bob.got(/and back/)
          const [stays, came] = [sourceOf(held), sourceOf(announced)]
          for (const source of [stays, came])
            await soon(next.saw(fits((iq) => iq.includes(source) && iq.includes(" done='1'"))), 'all of it done')
          const all = told(screen, next)
          for (const source of [stays, came]) assert.deepEqual(all.get(source), { asked: [1], done: 1, ended: false })
          const { asked, ended } = all.get(killed) ?? assert.fail('nothing of it')
          assert.deepEqual({ asked, ended }, { asked: [1], ended: false }, 'it ends without a closing mark')
          assert.equal(all.size, 3, 'no source that nobody is')
        },
        { try: 10, hold_max: 20 },
      ),
  )

  it(
    'stop one for an upgrade: it says its last word over the connection of the other, and comes back newer than that',
    LONG,
    () =>
      onTwo(async (a, b) => {
        const [one, two] = [await a.open(), await b.open()]
        const screen = await asking(one, two)
        const [bob, alice] = [await one.login('bob'), await two.login('alice')]
        alice.say(BOB, 'before the upgrade')
        await bob.got(/before the upgrade/)
        bob.say(`alice@${HOST}`, 'from the one that stays')
        await alice.got(/from the one that stays/)
        const source = sourceOf(await screen.saw(/before the upgrade/))
        const stays = sourceOf(await screen.saw(/from the one that stays/))
        await two.ejabberd.stop()
        const last = await soon(
          screen.saw(fits((iq) => iq.includes(source) && /<mark [^>]*end='true'/.test(iq))),
          'the end',
        )
        assert.match(last, / done='1'.*<mark last='1' /)
        const back = await b.open({ withoutHelpers: true, sources: [await newerHelper('77.0.0', b.folder)] })
        const successor = await soon(
          screen.saw(new RegExp(`predecessor='${source}' predecessor-mark='1'`)),
          'the successor',
        )
        assert.match(successor, / helper='77\.0\.0'/)
        await soon(back.ejabberd.logged(/questions are asked/), 'the node that came back')
        const again = await back.login('alice')
        again.say(BOB, 'behind the upgrade')
        await bob.got(/behind the upgrade/)
        // Two versions side by side: verdicts find back to the node that asked, late ones too, and both hold what one is told.
        again.say(BOB, 'DENY behind it')
        assert.match(await again.got(/id='DENY-behind-it'/), /no such word/)
        again.say(BOB, 'LATER behind it')
        await soon(screen.saw(/LATER behind it/), 'the question')
        screen.release()
        await bob.got(/LATER behind it/)
        bob.say(`alice@${HOST}`, 'to the newer one')
        await again.got(/to the newer one/)
        const rules =
          "<outage-rules xmlns='urn:gatehouse:screen:1' id='c1' rooms=''><closed rule='no'><always/></closed></outage-rules>"
        screen.write(`<iq type='set' from='${SCREEN}' to='${HOST}' id='told'>${rules}</iq>`)
        assert.match(await soon(screen.saw(/^<iq [^>]*id='told'/), 'the answer'), /type='result'/)
        const came = sourceOf(successor)
        for (const [who, done] of [
          [stays, 2],
          [came, 3],
        ] as const)
          await soon(screen.saw(fits((iq) => iq.includes(who) && iq.includes(` done='${done}'`))), 'all of it done')
        const all = told(screen)
        assert.deepEqual(
          [source, stays, came].map((who) => all.get(who)),
          [
            { asked: [1], done: 1, ended: true },
            { asked: [1, 2], done: 2, ended: false },
            { asked: [1, 2, 3], done: 3, ended: false },
          ],
        )
        assert.equal(all.size, 3)
        assert.doesNotMatch(screen.seen.find((iq) => iq.includes(stays) && iq.includes('<source ')) ?? '', /77\.0\.0/)
      }),
  )

  it('both hold what the screen tells one of them before it has its answer', () =>
    onTwo(
      async (a, b) => {
        const [one, two] = [await a.open(), await b.open()]
        const screen = await asking(one, two)
        const table = `<outage-rules xmlns='urn:gatehouse:screen:1' id='c1' rooms=''><closed rule='no-bob'><to>${BOB}</to></closed></outage-rules>`
        screen.write(`<iq type='set' from='${SCREEN}' to='${HOST}' id='told'>${table}</iq>`)
        assert.match(await soon(screen.saw(/^<iq [^>]*id='told'/), 'the answer'), /type='result'/)
        for (const { folder } of [a, b])
          assert.match(await readFile(join(folder, 'data/gatehouse', SCREEN, 'outage'), 'utf8'), /no-bob/)
        await screen.close()
        await soon(two.ejabberd.logged(/not connected; the outage rule applies/), 'the outage')
        const alice = await two.login('alice')
        alice.say(BOB, 'closed there too')
        assert.match(await alice.got(/id='closed-there-too'/), /resource-constraint/)
      },
      { on_outage: 'open' },
    ))
})
