// SPDX-License-Identifier: Apache-2.0
// From what a directory says to what is provisioned: identity, addresses, groups, the brake, and directories that fail.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MOST_MEMBERSHIPS } from '../../components/directory/domain/settle.ts'
import { plannedList } from '../../components/directory/domain/state.ts'
import { AWAY, HALF, madeUp } from './company.ts'
import { enginePlace, type Opened } from './engine-place.ts'

const groupsOf = async (opened: Opened, jid: string) =>
  (await opened.people()).find((one) => one.jid === jid)?.groups.map((id) => id.replace('corp:', ''))

describe('who somebody is', () => {
  test('a new name, another branch and another mail are changes of one person, who keeps his address', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('alice')
    corp.person('bob')
    await using opened = await place.open([corp])
    await opened.sync()
    corp.person('alice', { uid: 'alice', dn: 'cn=Alice Baker,ou=sales,dc=corp', name: 'Alice Baker', mail: ['a@b.c'] })
    await opened.sync()
    assert.deepEqual(await opened.jids(), ['alice@corp.example', 'bob@corp.example'])
    const { people } = opened.applied[1]?.plan.counts ?? {}
    assert.deepEqual([people?.added, people?.changed, people?.removed], [0, 1, 0])
    assert.deepEqual((await opened.people())[0]?.mail, ['a@b.c'])
    assert.deepEqual(opened.published, [1, 2])
  })

  test('another login name is another address: the plan shows both, the old one is kept for him for ever', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('1', { uid: 'alice' })
    corp.person('2', { uid: 'bob' })
    await using opened = await place.open([corp], { auto: false })
    await opened.sync()
    await opened.engine.apply(null, {})
    corp.person('1', { uid: 'alice.baker' })
    await opened.sync()
    const [row] = await opened.planned()
    assert.deepEqual(
      [row?.change, row?.jid, JSON.parse(row?.detail ?? '').old_jid],
      ['readdress', 'alice.baker@corp.example', 'alice@corp.example'],
    )
    await opened.engine.apply(null, {})
    const [alice] = await opened.people()
    assert.deepEqual([alice?.jid, alice?.oldJids], ['alice.baker@corp.example', ['alice@corp.example']])
    // A newcomer with the old login name gets no address, and nobody else is touched by that.
    corp.person('3', { uid: 'alice' })
    await opened.sync()
    assert.equal(opened.engine.plan, null)
    assert.deepEqual(opened.engine.company.people.get('corp:3')?.wrong, {
      wrong: 'taken',
      address: 'alice@corp.example',
      by: 'corp:1',
    })
    // He himself may have it back.
    corp.person('1', { uid: 'alice' })
    await opened.sync()
    await opened.engine.apply(null, {})
    const [back] = await opened.people()
    assert.deepEqual([back?.jid, back?.oldJids], ['alice@corp.example', ['alice.baker@corp.example']])
  })

  test('an address of somebody who left is never given to a second person, over restarts too', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('old', { uid: 'alice' })
    corp.person('bob')
    {
      await using opened = await place.open([corp])
      await opened.sync()
      corp.drop('old')
      await opened.sync()
      assert.deepEqual(await opened.jids(), ['bob@corp.example'])
    }
    await using opened = await place.open([corp])
    corp.person('new', { uid: 'alice' })
    await opened.sync()
    assert.deepEqual(await opened.jids(), ['bob@corp.example'])
    assert.equal(opened.engine.company.people.get('corp:new')?.wrong?.wrong, 'taken')
    const [found] = await opened.store.read('find', { name: 'alice@corp.example', names: ['corp'], limit: 5 })
    assert.equal(found?.id, 'corp:old')
  })

  test('two who want one address: neither gets it, both are named; who has it already keeps it', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('1', { uid: 'alice', dn: 'uid=alice,ou=a,dc=corp' })
    corp.person('2', { uid: 'ALICE', dn: 'uid=alice,ou=b,dc=corp' })
    corp.person('3', { uid: 'bob' })
    await using opened = await place.open([corp])
    await opened.sync()
    assert.deepEqual(await opened.jids(), ['bob@corp.example'])
    const wrong = (id: string) => opened.engine.company.people.get(id)?.wrong
    assert.deepEqual(wrong('corp:1'), { wrong: 'shared', address: 'alice@corp.example', by: 'corp:2' })
    assert.deepEqual(wrong('corp:2'), { wrong: 'shared', address: 'alice@corp.example', by: 'corp:1' })
    corp.drop('2')
    await opened.sync()
    assert.deepEqual(await opened.jids(), ['alice@corp.example', 'bob@corp.example'])
    corp.person('4', { uid: 'Bob', dn: 'uid=bob,ou=c,dc=corp' })
    await opened.sync()
    assert.deepEqual(await opened.jids(), ['alice@corp.example', 'bob@corp.example'])
    assert.equal(wrong('corp:3'), null)
    assert.equal(wrong('corp:4')?.wrong, 'taken')
  })

  test('the very plan that would hand an address on is refused by the store', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('1', { uid: 'alice' })
    await using opened = await place.open([corp])
    await opened.sync()
    await opened.store.write('planBegin', null)
    const body = JSON.stringify({
      kind: 'person',
      id: 'corp:2',
      jid: 'alice@corp.example',
      oldJids: [],
      name: 'x',
      mail: [],
      phone: [],
      groups: [],
      disabled: false,
      identities: {},
    })
    const row = {
      kind: 'person' as const,
      id: 'corp:2',
      jid: 'alice@corp.example',
      name: 'x',
      memberships: 0,
      shown: true,
      detail: '{}',
      body,
    }
    const gone = { ...row, id: 'corp:1', change: 'remove', body: '' }
    await opened.store.write('planAdd', [gone, { ...row, change: 'add' }].map(plannedList))
    await opened.store.write('planEnd', {
      hash: 'h',
      at: 1,
      counts: opened.applied[0]?.plan.counts ?? assert.fail(),
      held: [],
    })
    await assert.rejects(opened.store.write('apply', { hash: 'h', at: 1, by: '{}' }), /belongs to somebody else/)
    assert.deepEqual(await opened.jids(), ['alice@corp.example'], 'nothing of it was done')
  })

  test('what no address may hold is escaped; an entry without the attribute has none, and is named', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('1', { uid: "O'Hara, Kim", dn: 'uid=o,dc=corp' })
    corp.person('2', { uid: 'Jürgen Groß', dn: 'uid=j,dc=corp' })
    corp.person('3', { uid: 'x', template: {} })
    await using opened = await place.open([corp])
    await opened.sync()
    assert.deepEqual(await opened.jids(), ['jürgen\\20gross@corp.example', 'o\\27hara,\\20kim@corp.example'])
    assert.deepEqual(opened.engine.company.people.get('corp:3')?.wrong, { wrong: 'no-attribute', attribute: 'uid' })
  })
})

describe('groups', () => {
  test('through groups in groups, circles included; each once, whatever the way', async () => {
    using place = enginePlace()
    const corp = madeUp()
    for (const uid of ['a', 'b', 'c', 'd']) corp.person(uid)
    const nested = (name: string) => `cn=${name},ou=groups,dc=corp`
    corp.group('one', ['a', nested('two')])
    corp.group('two', ['b', 'a', nested('three')])
    corp.group('three', ['c', nested('one'), nested('three'), 'uid=stranger,ou=elsewhere,dc=corp'])
    corp.group('empty', [])
    await using opened = await place.open([corp])
    await opened.sync()
    for (const uid of ['a', 'b', 'c'])
      assert.deepEqual(await groupsOf(opened, `${uid}@corp.example`), ['one', 'three', 'two'])
    assert.deepEqual(await groupsOf(opened, 'd@corp.example'), [])
    assert.equal(opened.engine.company.groups.get('corp:three')?.strangers, 1)
    assert.equal((await opened.groups()).length, 4)
    // One edge less, and the circle is open.
    corp.group('three', ['c'])
    await opened.sync()
    assert.deepEqual(await groupsOf(opened, 'a@corp.example'), ['one', 'two'])
    assert.deepEqual(await groupsOf(opened, 'c@corp.example'), ['one', 'three', 'two'])
  })

  test('names of members are compared, not their texts: case, spaces, escapes; by memberUid, and by primary group', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('1', { uid: 'a', dn: 'cn=Meier\\, Anna,ou=Köln,dc=corp' })
    corp.person('2', { uid: 'b', primaryGroupToken: '513' })
    corp.person('3', { uid: 'c' })
    corp.group('dn', ['CN = "Meier, Anna" , OU=k\\C3\\B6ln,DC=Corp'])
    corp.group('uid', [], { memberUids: ['c', 'nobody'] })
    corp.group('primary', [], { primaryGroupToken: '513' })
    await using opened = await place.open([corp])
    await opened.sync()
    assert.deepEqual(await groupsOf(opened, 'a@corp.example'), ['dn'])
    assert.deepEqual(await groupsOf(opened, 'b@corp.example'), ['primary'])
    assert.deepEqual(await groupsOf(opened, 'c@corp.example'), ['uid'])
  })

  test('somebody who is renamed and moved at once stays in his groups, as soon as they name him anew', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('1', { uid: 'a' })
    corp.group('g', ['a'])
    await using opened = await place.open([corp])
    await opened.sync()
    corp.person('1', { uid: 'a', dn: 'cn=Anna Neu,ou=moved,dc=corp' })
    corp.group('g', ['cn=anna neu,ou=MOVED,dc=corp'])
    await opened.sync()
    assert.deepEqual(await groupsOf(opened, 'a@corp.example'), ['g'])
    assert.equal(opened.applied.at(-1)?.plan.counts.memberships.removed ?? 0, 0)
  })

  test('the same names in two directories are two groups and two people', async () => {
    using place = enginePlace()
    const one = madeUp('one')
    const two = madeUp('two')
    one.person('1', { uid: 'a' })
    two.person('1', { uid: 'b', dn: 'uid=a,ou=people,dc=corp' })
    one.group('g', ['a'])
    two.group('g', ['a'])
    await using opened = await place.open([one, two])
    await opened.sync()
    const people = await opened.people()
    assert.deepEqual(
      people.map(({ jid, groups }) => [jid, groups]),
      [
        ['a@corp.example', ['one:g']],
        ['b@corp.example', ['two:g']],
      ],
    )
  })

  test('memberships without end are an error, and what holds goes on to hold', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('a')
    await using opened = await place.open([corp], { brake: { removeShare: 1, removeFew: 1e9, touch: 1e9 } })
    await opened.sync()
    const people = 4_000
    for (let at = 0; at < people; at++) corp.person(`p${at}`)
    const all = Array.from({ length: people }, (_, at) => `p${at}`)
    corp.group('everybody', all)
    for (let at = 0; at * people < MOST_MEMBERSHIPS; at++) corp.group(`g${at}`, ['cn=everybody,ou=groups,dc=corp'])
    await assert.rejects(opened.sync(), /memberships/)
    assert.deepEqual(await opened.jids(), ['a@corp.example'])
  })
})

describe('a directory that fails', () => {
  for (const [what, fault] of [
    ['away', AWAY()],
    ['half', HALF()],
  ] as const) {
    test(`${what}: what it said last holds, also for a process that begins, and for a whole reading`, async () => {
      using place = enginePlace()
      const corp = madeUp()
      for (let at = 0; at < 20; at++) corp.person(`p${at}`)
      corp.group('g', ['p1', 'p2'])
      {
        await using opened = await place.open([corp])
        await opened.sync()
        corp.fault = fault
        corp.faultAfter = 7
        for (const how of ['poll', 'sweep', 'whole'] as const) assert.equal((await opened.sync(how)).length, 1)
        assert.deepEqual(opened.failed, ['corp'], 'told once')
        assert.equal((await opened.jids()).length, 20)
        assert.equal(opened.engine.plan, null)
      }
      await using again = await place.open([corp])
      await again.sync('whole')
      assert.deepEqual(
        [again.engine.company.people.size, again.engine.plan, (await again.jids()).length],
        [20, null, 20],
      )
      assert.deepEqual(again.published, [1], 'it says again what holds')
      corp.fault = null
      corp.person('p20')
      await again.sync('whole')
      assert.equal((await again.jids()).length, 21)
      assert.equal((await again.store.read('troubles', 10)).length, 2, 'one for each process')
    })
  }

  test('one of two away: the other one goes on, and nobody of the first is gone, even before it was ever read', async () => {
    using place = enginePlace()
    const one = madeUp('one')
    const two = madeUp('two')
    one.person('a')
    two.person('b')
    {
      await using opened = await place.open([one, two])
      await opened.sync()
    }
    one.fault = AWAY()
    two.person('c')
    await using opened = await place.open([one, two], { settings: 'other settings' })
    await opened.sync()
    assert.deepEqual(await opened.jids(), ['a@corp.example', 'b@corp.example', 'c@corp.example'])
  })

  test('what was wrong with an entry is told as it was read last, once, and no more when it is mended or gone', async () => {
    using place = enginePlace()
    const corp = madeUp()
    const problem = (uuid: string) =>
      ({
        dn: `uid=${uuid},ou=people,dc=corp`,
        id: `corp:${uuid}`,
        attribute: 'jpegPhoto',
        what: 'photo-broken',
        left: 'attribute',
      }) as const
    for (const uid of ['a', 'b', 'c']) corp.person(uid)
    corp.problems = [problem('a'), problem('b')]
    await using opened = await place.open([corp])
    await opened.sync()
    const wrong = async () => (await opened.store.read('problems', 100)).map(({ id }) => id)
    assert.deepEqual(await wrong(), ['corp:a', 'corp:b'])
    // Changed, and as broken as before; another one comes.
    corp.person('a', { name: 'Anna' })
    corp.person('c', { name: 'Carl' })
    corp.problems = [problem('a'), problem('b'), problem('c')]
    await opened.sync()
    assert.deepEqual(await wrong(), ['corp:b', 'corp:a', 'corp:c'])
    corp.person('a', { name: 'Anne' })
    corp.problems = []
    await opened.sync()
    assert.deepEqual(await wrong(), ['corp:b', 'corp:c'])
    corp.drop('b')
    await opened.sync()
    assert.deepEqual(await wrong(), ['corp:c'])
  })

  test('an entry that cannot be read leaves what held for it', async () => {
    using place = enginePlace()
    const corp = madeUp()
    for (const uid of ['a', 'b', 'c']) corp.person(uid)
    await using opened = await place.open([corp])
    await opened.sync()
    const a = corp.person('a')
    const b = corp.person('b')
    corp.drop('a')
    corp.drop('b')
    // One is known by its id, the other one by its name only.
    corp.problems = [
      { id: a.id, dn: a.dn, what: 'too-long', left: 'entry' },
      { dn: b.dn.toUpperCase(), what: 'no-id', left: 'entry' },
    ]
    await opened.sync('whole')
    assert.equal((await opened.jids()).length, 3)
    assert.equal((await opened.store.read('problems', 10)).length, 2)
  })
})

test('what holds is confirmed by every reading in which all directories answered and nothing waits', async () => {
  using place = enginePlace()
  const one = madeUp('one')
  const two = madeUp('two')
  for (const uid of ['a', 'b', 'c']) one.person(uid)
  let confirmed = 0
  await using opened = await place.open([one, two], {
    confirm: async () => {
      confirmed += 1
    },
  })
  await opened.sync()
  assert.equal(confirmed, 0, 'a new version was published')
  await opened.sync()
  assert.equal(confirmed, 1)
  two.fault = AWAY()
  await opened.sync()
  assert.equal(confirmed, 1)
  two.fault = null
  for (const uid of ['a', 'b', 'c']) one.drop(uid)
  await opened.sync()
  assert.equal(opened.engine.plan?.held.length, 1)
  assert.equal(confirmed, 1)
})

describe('what is no more', () => {
  test('is found by a sweep, which is made only when something was written, and not forgotten between two', async () => {
    using place = enginePlace()
    const corp = madeUp()
    for (const uid of ['a', 'b', 'c', 'd']) corp.person(uid)
    await using opened = await place.open([corp], { sweepEveryMs: 60_000 })
    await opened.sync()
    await opened.sync('poll')
    assert.equal(corp.readings.sweeps, 0)
    corp.drop('d')
    await opened.sync('poll')
    assert.equal((await opened.jids()).length, 4, 'the sweep is not due yet')
    opened.time.now += 60_001
    await opened.sync('poll')
    assert.equal((await opened.jids()).length, 3)
    const before = corp.readings.sweeps
    opened.time.now += 60_001
    await opened.sync('poll')
    assert.equal(corp.readings.sweeps, before, 'nothing was written')
  })

  test('is looked for after a pause when something changed: who waits for that goes first', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('a')
    const pauses: { ms: number; sweeps: number; published: number }[] = []
    await using opened = await place.open([corp], {
      pause: async (ms) =>
        void pauses.push({ ms, sweeps: corp.readings.sweeps, published: opened.published.at(-1) ?? 0 }),
    })
    await opened.sync()
    corp.person('b')
    corp.person('c')
    const { sweeps } = corp.readings
    await opened.sync()
    assert.deepEqual(pauses, [{ ms: 3 * 0.02, sweeps, published: 2 }])
    assert.equal(corp.readings.sweeps, sweeps + 1)
  })

  test('a branch that moved is read anew', async () => {
    using place = enginePlace()
    const corp = madeUp()
    corp.person('a')
    corp.group('g', ['a'])
    await using opened = await place.open([corp])
    await opened.sync()
    const readings = corp.readings.whole
    // The entry keeps its time of change, as below a branch that got another name.
    const a = corp.person('a')
    await opened.sync()
    ;(a as { dn: string }).dn = 'uid=a,ou=renamed,dc=corp'
    corp.group('g', ['uid=a,ou=renamed,dc=corp'])
    await opened.sync()
    assert.equal(corp.readings.whole, readings + 1)
    assert.deepEqual(await groupsOf(opened, 'a@corp.example'), ['g'])
  })

  test('who is disabled is locked, and who expires is when it is time, without a word of the directory', async () => {
    using place = enginePlace()
    const corp = madeUp()
    for (const uid of ['a', 'b', 'c']) corp.person(uid)
    await using opened = await place.open([corp])
    corp.person('b', { expiresAt: opened.time.now + 1_000 })
    await opened.sync()
    corp.person('a', { disabled: true })
    await opened.sync()
    const locked = async () => (await opened.people()).filter(({ disabled }) => disabled).map(({ jid }) => jid)
    assert.deepEqual(await locked(), ['a@corp.example'])
    assert.equal(opened.applied.at(-1)?.plan.counts.people.locked, 1)
    opened.time.now += 1_001
    await opened.sync('poll')
    assert.deepEqual(await locked(), ['a@corp.example', 'b@corp.example'])
  })
})

describe('the brake', () => {
  const crowd = (count: number) => {
    const corp = madeUp()
    for (let at = 0; at < count; at++) corp.person(`p${at}`)
    return corp
  }

  test('more than a tenth leave: nothing is done until the number is said; then all of it', async () => {
    using place = enginePlace()
    const corp = crowd(100)
    {
      await using opened = await place.open([corp])
      await opened.sync()
      for (let at = 0; at < 11; at++) corp.drop(`p${at}`)
      await opened.sync()
      assert.deepEqual(opened.held.at(-1)?.held, [{ why: 'people', removed: 11, there: 100 }])
      assert.equal((await opened.jids()).length, 100)
      // Whatever else changes waits with it.
      corp.person('p50', { name: 'Other' })
      await opened.sync()
      assert.equal(
        (await opened.people()).some(({ name }) => name === 'Other'),
        false,
      )
      assert.equal(await opened.engine.apply(10, {}), null, 'another number')
    }
    // It waits over a restart, and while the directory is away.
    corp.fault = AWAY()
    await using opened = await place.open([corp])
    await opened.sync()
    assert.equal(opened.engine.plan?.held.length, 1)
    assert.equal((await opened.jids()).length, 100)
    const applied = await opened.engine.apply(11, { who: { uid: 0, user: 'root' } })
    assert.equal(applied?.seq, 2)
    assert.equal((await opened.jids()).length, 89)
    assert.deepEqual(opened.applied.at(-1)?.by, { who: { uid: 0, user: 'root' } })
  })

  test('a word to a plan that removes nobody is none to the plan that has taken its place', async () => {
    using place = enginePlace()
    const corp = crowd(100)
    await using opened = await place.open([corp], { auto: false })
    await opened.sync()
    assert.equal((await opened.engine.apply(null, {}))?.seq, 1)
    for (let at = 0; at < 11; at++) corp.drop(`p${at}`)
    // Somebody has looked at what is to be done, and says go; the directory is read before his word is heard.
    const [, applied] = await Promise.all([opened.sync(), opened.engine.apply(null, {})])
    assert.equal(applied, null)
    assert.equal((await opened.jids()).length, 100)
    assert.equal(opened.engine.plan?.held.length, 1)
  })

  test('a tenth goes by itself; so do a few; who comes back lets the plan go', async () => {
    using place = enginePlace()
    const corp = crowd(100)
    await using opened = await place.open([corp])
    await opened.sync()
    for (let at = 0; at < 10; at++) corp.drop(`p${at}`)
    await opened.sync()
    assert.equal((await opened.jids()).length, 90)
    for (let at = 10; at < 40; at++) corp.drop(`p${at}`)
    await opened.sync()
    assert.equal(opened.engine.plan?.held.length, 1)
    for (let at = 10; at < 40; at++) corp.person(`p${at}`)
    await opened.sync()
    assert.equal(opened.engine.plan, null)
    assert.equal((await opened.jids()).length, 90)
  })

  test('many locked out at once, a group emptied by a lost right, and too much of anything', async () => {
    using place = enginePlace()
    const corp = crowd(60)
    corp.group(
      'g',
      Array.from({ length: 60 }, (_, at) => `p${at}`),
    )
    await using opened = await place.open([corp], { brake: { removeShare: 0.1, removeFew: 5, touch: 61 } })
    await opened.sync()
    assert.equal((await opened.jids()).length, 60)
    for (let at = 0; at < 7; at++) corp.person(`p${at}`, { disabled: true })
    await opened.sync()
    assert.deepEqual(opened.engine.plan?.held, [{ why: 'people', removed: 7, there: 60 }])
    for (let at = 0; at < 7; at++) corp.person(`p${at}`)
    corp.group('g', ['p1'])
    await opened.sync()
    assert.deepEqual(opened.engine.plan?.held, [{ why: 'memberships', removed: 59, there: 60 }])
    corp.group(
      'g',
      Array.from({ length: 60 }, (_, at) => `p${at}`),
    )
    for (let at = 0; at < 62; at++) corp.person(`n${at}`)
    await opened.sync()
    assert.deepEqual(opened.engine.plan?.held, [{ why: 'touch', touched: 62, most: 61 }])
  })

  test('the last of a small company do not go by themselves', async () => {
    using place = enginePlace()
    const corp = crowd(2)
    await using opened = await place.open([corp])
    await opened.sync()
    corp.drop('p0')
    corp.drop('p1')
    await opened.sync()
    assert.deepEqual(opened.engine.plan?.held, [{ why: 'people', removed: 2, there: 2 }])
  })

  test('what cannot be put on record is not done, and is tried again', async () => {
    using place = enginePlace()
    const corp = crowd(3)
    let full = true
    await using opened = await place.open([corp], {
      record: async () => {
        if (full) throw new Error('the journal is full')
      },
    })
    await assert.rejects(opened.sync(), /journal is full/)
    assert.deepEqual(await opened.jids(), [])
    full = false
    await opened.sync()
    assert.equal((await opened.jids()).length, 3)
  })

  test('what could not be published is published the next time', async () => {
    using place = enginePlace()
    const corp = crowd(3)
    const published: number[] = []
    let fails = true
    await using opened = await place.open([corp], {
      publish: async (seq) => {
        if (fails) throw new Error('the disk is full')
        published.push(seq)
      },
    })
    await assert.rejects(opened.sync(), /disk is full/)
    assert.equal((await opened.jids()).length, 3)
    fails = false
    await opened.sync()
    assert.deepEqual(published, [1])
  })
})

describe('stopped on its way', () => {
  for (const point of ['read', 'planned', 'recorded', 'applied', 'published'] as const) {
    test(`at ${point}: the next one goes on, and what is provisioned is what the directory says`, async () => {
      using place = enginePlace()
      const corp = madeUp()
      for (const uid of ['a', 'b', 'c']) corp.person(uid)
      corp.group('g', ['a'])
      {
        await using opened = await place.open([corp])
        await opened.sync()
      }
      corp.drop('c')
      corp.person('b', { name: 'Other' })
      corp.group('g', ['a', 'b'])
      let armed = false
      const crash = (at: string) => {
        if (armed && at === point) throw new Error('stopped here')
      }
      {
        await using opened = await place.open([corp], { crash })
        armed = true
        await assert.rejects(opened.sync(), /stopped here/)
      }
      await using again = await place.open([corp])
      await again.sync()
      assert.deepEqual(await again.jids(), ['a@corp.example', 'b@corp.example'])
      assert.deepEqual(await groupsOf(again, 'b@corp.example'), ['g'])
      // What changed is one version, and who is no more the next.
      assert.equal(again.engine.seq, 3)
      assert.deepEqual(again.published.at(-1), 3)
      assert.equal(again.engine.plan, null)
    })
  }
})
