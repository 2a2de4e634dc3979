// SPDX-License-Identifier: Apache-2.0
// Rooms that people made: who is in them with others from whom a wall parts him is listed by the plan, and put out when it is carried out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directoryCommands } from '../../components/directory/commands.ts'
import type { WallItem } from '../../components/kit/facts/people.ts'
import type { Asked } from '../../components/kit/process/command.ts'
import { madeUp } from './company.ts'
import { enginePlace, type Opened } from './engine-place.ts'
import { type FakeHelper, startFakeHelper } from './fake-helper.ts'
import { connect, DOMAIN } from './helper-link.ts'

const HOST = 'corp.example'
const WALL: WallItem = { kind: 'wall', id: 'w', a: 'traders', b: 'research', except: [] }
const out = (room: string, uid: string) => `${room}@rooms ${uid}@${HOST} <reason>A wall &amp; more</reason>`

/** Two traders, two researchers, one of neither; what waits is carried out by hand. */
async function opened(place: ReturnType<typeof enginePlace>, walls: () => readonly WallItem[]) {
  const corp = madeUp()
  for (const uid of ['t1', 't2', 'r1', 'r2', 'n']) corp.person(uid)
  corp.group('Traders', ['t1', 't2'])
  corp.group('Research', ['r1', 'r2'])
  const one = await place.open([corp], { auto: false, walls })
  await one.sync()
  await one.engine.apply(null, {})
  return { corp, one }
}

function rooms(fake: FakeHelper, those: Record<string, string[]>): void {
  const full = (uid: string) => (uid.includes('@') ? uid : uid.replace(/\*?$/, (star) => `@${HOST}${star}`))
  for (const [room, people] of Object.entries(those)) fake.rooms.set(`${room}@rooms`, people.map(full))
}

async function leaving({ engine, store }: Opened, link: ReturnType<typeof connect>) {
  const commands = directoryCommands({
    engine,
    store,
    say: (id) => id,
    names: ['corp'],
    sync: async () => [],
    roomName: () => null,
    leaving: (walls) => link.helpers.leaving(walls),
    refused: () => [],
    patterns: [],
    stats: async () => ({}),
  })
  const plan = commands.find(({ name }) => name === 'directory plan') ?? assert.fail()
  const said = await Array.fromAsync(plan.run({}, { language: 'en' } as Asked))
  return said.flatMap((one) => (one.say === 'row' && one.row.what === 'room' ? [[one.row.room, one.row.jid]] : []))
}

test('a wall that goes up: listed first, and put out when it is carried out; owners stay, and rooms of one side', async () => {
  using place = enginePlace()
  let walls: WallItem[] = []
  const { one } = await opened(place, () => walls)
  await using _ = one
  await using fake = await startFakeHelper(DOMAIN, 's')
  rooms(fake, {
    // Of two owners the one from whom fewer are parted stays.
    board: ['r1*', 't1*', 't2', 'n'],
    desk: ['t1', 't2*', 'n'],
    tea: ['t1', 'r1*', 'r2', 't2', 'guest@elsewhere.example'],
  })
  // A room of a group is looked after elsewhere.
  rooms(fake, { group: ['t1', 'r1'] })
  const group = { group: 'corp:x', jid: 'group@rooms', state: 'made', name: 'X', subject: '', said: '' } as const
  await one.store.write('room', group)
  const put: number[] = []
  const told = { handed: () => {}, failed: () => {}, leftOut: () => {}, cutRoom: () => {} }
  await using link = connect(fake, one.engine, one.store, [HOST], {
    ...told,
    putOut: (_, count) => put.push(count),
  })
  await fake.has(HOST, 1)
  assert.deepEqual(await leaving(one, link), [])
  walls = [WALL]
  await one.engine.replan({})
  const expected = [
    ['board@rooms', `r1@${HOST}`],
    ['tea@rooms', `t1@${HOST}`],
    ['tea@rooms', `t2@${HOST}`],
  ]
  assert.deepEqual(await leaving(one, link), expected)
  assert.deepEqual(fake.putOut, [], 'a plan shows; nothing is done')
  await one.engine.apply(null, {})
  link.helpers.wake()
  await fake.hasPutOut(3)
  assert.deepEqual(fake.putOut, [out('board', 'r1'), out('tea', 't1'), out('tea', 't2')])
  assert.deepEqual(fake.rooms.get('tea@rooms'), [`r1@${HOST}*`, `r2@${HOST}`, 'guest@elsewhere.example'])
})

test('who comes to stand behind a wall that is there already, and what a process before has not done to the end', async () => {
  using place = enginePlace()
  const { corp, one } = await opened(place, () => [WALL])
  await using _ = one
  await using fake = await startFakeHelper(DOMAIN, 's')
  rooms(fake, { tea: ['t1*', 'n'] })
  {
    await using link = connect(fake, one.engine, one.store, [HOST])
    await fake.has(HOST, 1)
    corp.group('Research', ['r1', 'r2', 'n'])
    await one.sync()
    await one.engine.apply(null, {})
    link.helpers.wake()
    await fake.hasPutOut(1)
    assert.deepEqual(fake.putOut, [out('tea', 'n')])
    // What says nothing of walls makes nobody look.
    rooms(fake, { tea: ['t1*', 'r1'] })
    corp.person('t1', { name: 'Other' })
    await one.sync()
    await one.engine.apply(null, {})
    link.helpers.wake()
    await fake.has(HOST, 3)
    await link.helpers.has(HOST, 3, AbortSignal.timeout(10_000))
  }
  assert.equal(fake.putOut.length, 1)
  await using _link = connect(fake, one.engine, one.store, [HOST])
  await fake.hasPutOut(2)
  assert.equal(fake.putOut[1], out('tea', 'r1'))
})
