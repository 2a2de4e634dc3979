// SPDX-License-Identifier: Apache-2.0
// What the server helpers are handed: whole once, then what changed; refused, interrupted, forgotten, on several hosts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WallItem } from '../../components/kit/facts/people.ts'
import { madeUp } from './company.ts'
import { enginePlace, type Opened } from './engine-place.ts'
import { type Held, startFakeHelper } from './fake-helper.ts'
import { connect, DOMAIN, NO_EVENTS } from './helper-link.ts'

/** What a helper should hold, from what is provisioned. */
async function shouldHold(opened: Opened): Promise<unknown> {
  const people = new Map<string, unknown>()
  const members = new Map<string, string[]>()
  for await (const rows of opened.store.stream('whole', null, { batch: 100 }))
    for (const { kind, id, text } of rows) {
      if (kind === 'former') people.set(id, { name: text, locked: 'gone' })
      else if (kind === 'group') members.set(id, members.get(id) ?? [])
      else if (kind === 'person') {
        const { jid, name, disabled, groups } = JSON.parse(text)
        people.set(jid, { name, locked: disabled ? 'disabled' : undefined })
        for (const group of groups) members.set(group, [...(members.get(group) ?? []), jid].sort())
      }
    }
  return { people: [...people].sort(), members: [...members].sort() }
}

const holds = ({ people, groups }: Held) => ({
  people: [...people].sort(),
  members: [...groups].map(([id, { members }]) => [id, [...members].sort()]).sort(),
})

describe('what a helper is handed', () => {
  test('all of it once, then only what changed, and after every change it holds what is provisioned', async () => {
    using place = enginePlace()
    const corp = madeUp()
    for (const uid of ['a', 'b', 'c', 'd', 'e', 'f']) corp.person(uid)
    corp.group('g', ['a', 'b'])
    corp.group('h', ['b', 'c', 'cn=g,ou=groups,dc=corp'])
    await using opened = await place.open([corp])
    await opened.sync()
    await using fake = await startFakeHelper(DOMAIN, 's')
    await using link = connect(fake, opened.engine, opened.store, ['corp.example', 'branch.example'])
    for (const host of ['corp.example', 'branch.example'])
      assert.deepEqual(holds(await fake.has(host, 1)), await shouldHold(opened))
    assert.equal(fake.held('corp.example').policy.presence, '500')
    const changes: (() => void)[] = [
      () => corp.group('g', ['a', 'd']),
      () => corp.person('a', { uid: 'a', name: 'Anna' }),
      () => corp.person('b', { disabled: true }),
      () => corp.person('c', { uid: 'cc', dn: 'uid=c,ou=people,dc=corp' }),
      () => corp.drop('d'),
      () => corp.drop('g'),
      () => corp.group('new', ['e', 'f']),
      () => corp.person('b'),
    ]
    for (const [at, change] of changes.entries()) {
      change()
      await opened.sync()
      link.helpers.wake()
      const held = await fake.has('corp.example', at + 2)
      assert.deepEqual(holds(held), await shouldHold(opened), `after change ${at}`)
      assert.equal(held.seq, opened.engine.seq)
    }
    const ours = fake.taken.filter(({ host }) => host === 'corp.example')
    assert.deepEqual(
      ours.map(({ base }) => base),
      [null, 1, 2, 3, 4, 5, 6, 7, 8],
    )
    assert.equal(fake.held('corp.example').people.get('c@corp.example')?.locked, 'gone', 'the former address is locked')
    await fake.has('branch.example', changes.length + 1)
  })

  test('one that refuses, forgets or is cut off in the middle gets the whole, and never two transfers at once', async () => {
    using place = enginePlace()
    const corp = madeUp()
    for (let at = 0; at < 4_000; at++) corp.person(`p${at}`)
    corp.group(
      'all',
      Array.from({ length: 4_000 }, (_, at) => `p${at}`),
    )
    await using opened = await place.open([corp], { brake: { removeShare: 1, removeFew: 1e9, touch: 1e9 } })
    await opened.sync()
    await using fake = await startFakeHelper(DOMAIN, 's')
    let cut = false
    fake.onPart = (_, part) => {
      if (part !== 3 || cut) return
      cut = true
      fake.drop()
    }
    const failed: string[] = []
    const told = { ...NO_EVENTS, failed: (_: string, error: { condition: string }) => failed.push(error.condition) }
    await using link = connect(fake, opened.engine, opened.store, ['corp.example'], told)
    const held = await fake.has('corp.example', 1)
    assert.ok(cut, 'it was cut off in part 3')
    assert.equal(held.groups.get('corp:all')?.members.size, 4_000)
    assert.ok((fake.taken[0]?.parts ?? 0) > 3)
    fake.refuseNext('conflict')
    corp.person('p1', { name: 'One' })
    await opened.sync()
    link.helpers.wake()
    await fake.has('corp.example', 2)
    assert.equal(fake.taken.at(-1)?.base, null)
    corp.person('p1', { name: 'Two' })
    await opened.sync()
    link.helpers.wake()
    await fake.has('corp.example', 3)
    assert.equal(fake.taken.at(-1)?.base, 2)
    // It lost its disk: asked again after the stream came back, it has nothing.
    fake.forget('corp.example')
    fake.drop()
    assert.deepEqual(holds(await fake.has('corp.example', 3)), await shouldHold(opened))
    assert.equal(fake.taken.at(-1)?.base, null)
    assert.equal(link.helpers.views()[0]?.trouble, null)
    fake.refuseNext('resource-constraint', 'wait')
    corp.person('p1', { name: 'Three' })
    await opened.sync()
    link.helpers.wake()
    await fake.has('corp.example', 4)
    assert.ok(failed.includes('resource-constraint'))
  })

  test('who was away for several versions gets them one after the other', async () => {
    using place = enginePlace()
    const corp = madeUp()
    for (let at = 0; at < 30; at++) corp.person(`p${at}`)
    await using opened = await place.open([corp])
    await opened.sync()
    await using fake = await startFakeHelper(DOMAIN, 's')
    {
      await using _link = connect(fake, opened.engine, opened.store, ['corp.example'])
      await fake.has('corp.example', 1)
    }
    for (let at = 0; at < 3; at++) {
      corp.person('p1', { name: `Version ${at}` })
      await opened.sync()
    }
    await using _link = connect(fake, opened.engine, opened.store, ['corp.example'])
    assert.deepEqual(holds(await fake.has('corp.example', 4)), await shouldHold(opened))
    assert.deepEqual(
      fake.taken.map(({ base }) => base),
      [null, 1, 2, 3],
    )
  })

  test('whose address changed says so on each former account, and takes it back when he returns (XEP-0283)', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('1', { uid: 'alice' })
    corp.person('2', { uid: 'bob' })
    await using opened = await place.open([corp])
    await opened.sync()
    for (const uid of ['alice.b', 'alice.c']) {
      corp.person('1', { uid })
      await opened.sync()
    }
    await using fake = await startFakeHelper(DOMAIN, 's')
    await using link = connect(fake, opened.engine, opened.store, ['corp.example'])
    await fake.hasPublished(2)
    const said = () => fake.published.map(({ what, jid, node, text }) => [what, jid, node, text])
    assert.deepEqual(said(), [
      ['publish', 'alice.b@corp.example', 'urn:xmpp:moved:1', 'alice.c@corp.example'],
      ['publish', 'alice@corp.example', 'urn:xmpp:moved:1', 'alice.c@corp.example'],
    ])
    corp.person('1', { uid: 'alice' })
    await opened.sync()
    link.helpers.wake()
    await fake.hasPublished(5)
    assert.deepEqual(said().slice(2), [
      ['publish', 'alice.b@corp.example', 'urn:xmpp:moved:1', 'alice@corp.example'],
      ['publish', 'alice.c@corp.example', 'urn:xmpp:moved:1', 'alice@corp.example'],
      ['retract', 'alice@corp.example', 'urn:xmpp:moved:1', ''],
    ])
    // Said once: somebody who comes anew is told nothing more.
    const before = await opened.store.read('moved', 'corp.example')
    assert.deepEqual(
      before.filter(({ old }) => old !== 'alice@corp.example'),
      [],
    )
  })

  test('walls: up, with exceptions that end by themselves, and down; who is parted stands in the plan', async () => {
    using place = enginePlace()
    const corp = madeUp()
    for (const uid of ['a', 'b', 'c', 'd', 'legal']) corp.person(uid)
    corp.group('Traders', ['a', 'b'])
    corp.group('Research', ['c', 'd'])
    corp.group('everybody', ['a', 'b', 'c', 'd', 'legal'])
    let walls: WallItem[] | null = null
    await using opened = await place.open([corp], { walls: () => walls, auto: false })
    const until = new Date(opened.time.now + 60_000).toISOString()
    await opened.sync()
    await opened.engine.apply(null, {})
    await using fake = await startFakeHelper(DOMAIN, 's')
    await using link = connect(fake, opened.engine, opened.store, ['corp.example'])
    await fake.has('corp.example', 1)
    walls = [
      {
        kind: 'wall',
        id: 'chinese',
        a: 'traders',
        b: 'RESEARCH',
        except: [
          { jids: ['a@corp.example', 'C@corp.example'], until },
          { jids: ['d@corp.example'], until },
        ],
      },
    ]
    await opened.engine.replan({})
    const parted = (await opened.planned()).filter(({ change }) => change === 'walled-off')
    assert.deepEqual(
      parted.map(({ jid, detail }) => [jid, JSON.parse(detail).other]),
      [['b@corp.example', 'c@corp.example']],
    )
    const next = async () => {
      const applied = await opened.engine.apply(null, {})
      link.helpers.wake()
      return (await fake.has('corp.example', applied?.seq ?? 0)).walls.get('chinese')
    }
    const wall = await next()
    const names = (name: string) => wall?.getChildElements().filter((one) => one.getName() === name) ?? []
    assert.deepEqual(
      names('a').map(({ attrs }) => attrs.group),
      ['corp:Traders'],
    )
    assert.deepEqual(
      names('b').map(({ attrs }) => attrs.group),
      ['corp:Research'],
    )
    assert.deepEqual(
      names('except').map(({ attrs }) => `${attrs.a} ${attrs.b}`),
      ['a@corp.example c@corp.example', 'a@corp.example d@corp.example', 'b@corp.example d@corp.example'],
    )
    // The exceptions end, and nobody says so.
    opened.time.now += 60_001
    await opened.sync()
    assert.equal((await next())?.getChildElements().length, 2)
    // Policy is away: what is provisioned stays.
    walls = null
    await opened.sync()
    assert.equal(opened.engine.plan, null)
    walls = []
    await opened.engine.replan({})
    assert.equal(await next(), undefined)
  })

  test('an address that the server does not take keeps nothing from it of anybody else, whatever is said of it', async () => {
    using place = enginePlace()
    const corp = madeUp()
    // Letters from right to left with a digit at the end: RFC 3454 section 6 forbids that.
    corp.person('1', { uid: 'דוד2' })
    for (const uid of ['a', 'b', 'ü', 'gone']) corp.person(uid)
    corp.group('g', ['דוד2', 'a', 'ü'])
    corp.group('h', ['b'])
    const until = '2999-01-01T00:00:00.000Z'
    const walls: WallItem[] = [
      { kind: 'wall', id: 'w', a: 'g', b: 'h', except: [{ jids: ['דוד2@corp.example', 'b@corp.example'], until }] },
    ]
    await using opened = await place.open([corp], { walls: () => walls })
    await opened.sync()
    await using fake = await startFakeHelper(DOMAIN, 's')
    fake.isAddress = (jid) => !/\d@/.test(jid)
    const left: string[] = []
    const told = { ...NO_EVENTS, leftOut: (_: string, jids: readonly string[]) => left.push(...jids) }
    await using link = connect(fake, opened.engine, opened.store, ['corp.example'], told)
    const names = (held: Held) => [...held.people.keys()].map((jid) => jid.split('@')[0]).sort()
    const held = await fake.has('corp.example', 1)
    assert.deepEqual(names(held), ['a', 'b', 'gone', 'ü'])
    assert.deepEqual([...(held.groups.get('corp:g')?.members ?? [])].sort(), ['a@corp.example', 'ü@corp.example'])
    assert.deepEqual(left, ['דוד2@corp.example'])
    assert.deepEqual(link.helpers.views()[0]?.refused, left)
    // Somebody leaves, and is locked out; he is changed, and leaves too.
    const steps: (() => void)[] = [
      () => corp.drop('gone'),
      () => corp.person('1', { uid: 'דוד2', name: 'David' }),
      () => corp.group('h', ['b', 'דוד2']),
      () => corp.person('1', { uid: 'דוד3', dn: 'uid=דוד2,ou=people,dc=corp' }),
      () => corp.drop('1'),
    ]
    for (const [at, step] of steps.entries()) {
      step()
      await opened.sync()
      link.helpers.wake()
      await fake.has('corp.example', at + 2)
    }
    assert.equal(fake.held('corp.example').people.get('gone@corp.example')?.locked, 'gone')
    assert.deepEqual(names(fake.held('corp.example')), ['a', 'b', 'gone', 'ü'])
    assert.deepEqual(left, ['דוד2@corp.example', 'דוד3@corp.example'])
  })

  test('names that no element may hold come through as what can be said of them', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('1', { uid: 'a', name: `<b> & "quotes" 'n' ]]> \u0007 🗡 ${'ü'.repeat(2_000)}` })
    corp.person('2', { uid: "o'hara" })
    corp.group('g', ['uid=a,ou=people,dc=corp'], { name: '\u0001\u0002' })
    await using opened = await place.open([corp])
    await opened.sync()
    await using fake = await startFakeHelper(DOMAIN, 's')
    await using _link = connect(fake, opened.engine, opened.store, ['corp.example'])
    const { people, groups } = await fake.has('corp.example', 1)
    const name = people.get('a@corp.example')?.name ?? ''
    assert.ok(name.startsWith(`<b> & "quotes" 'n' ]]>   🗡 ü`))
    assert.ok(Buffer.byteLength(name) <= 1_023 && Buffer.byteLength(name) > 1_000)
    assert.ok(people.has('o\\27hara@corp.example'))
    assert.equal(groups.get('corp:g')?.name, '-')
  })
})
