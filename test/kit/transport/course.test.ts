// SPDX-License-Identifier: Apache-2.0
// Many see the same, each at his own pace: whoever drives, each message is told once, and in the order in which it was said.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ForeignMessage } from '../../../components/kit/transport/network.ts'
import { Course } from '../../../components/kit/transport/rooms/course.ts'

const ROUNDS = process.env.GATEHOUSE_LONG === '1' ? 20_000 : 1500

/** What happens: somebody says one of a few texts, a seat comes in or goes, a seat's connection hands over what it has. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('say' as const), who: fc.nat(1), text: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('comes' as const), seat: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('goes' as const), seat: fc.nat(3) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('hands' as const), seat: fc.nat(3), count: fc.integer({ min: 1, max: 4 }) }),
  },
)

type Line = { kind: 'message'; n: number; message: ForeignMessage } | { kind: 'came'; seat: string }

function play(ids: boolean, steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) {
  let now = 0
  const course = new Course({ now: () => now })
  const told: number[] = []
  const number = new Map<ForeignMessage, number>()
  const lines = new Map<string, Line[]>()
  const from = new Map<string, number>()
  /** Messages by number, with who was connected when it was said: those can be told. */
  const said: { n: number; seats: Set<string> }[] = []
  const incarnation = new Map<number, string>()
  let count = 0
  let comings = 0
  const keyOf = (message: ForeignMessage) => (message.id === null ? `${message.nick}\0${message.body}` : message.id)
  const tell = (messages: readonly ForeignMessage[]) => told.push(...messages.map((one) => number.get(one) as number))
  const hand = (seat: string, line: Line) => {
    if (line.kind === 'message') {
      // Each connection has objects of its own.
      const own = { ...line.message }
      number.set(own, line.n)
      if (course.saw(seat, own, keyOf(own))) tell([own])
    } else if (line.seat === seat) course.enter(seat, from.get(seat) ?? null)
    else if (course.driver === seat) {
      from.set(line.seat, course.place)
      course.joined(line.seat)
    }
  }
  for (const one of steps) {
    if (one.do === 'say') {
      const n = count++
      const message: ForeignMessage = {
        id: ids ? `id${n}` : null,
        nick: `nick${one.who}`,
        body: `text${one.text}`,
        at: null,
      }
      said.push({ n, seats: new Set(lines.keys()) })
      for (const line of lines.values()) line.push({ kind: 'message', n, message })
    } else if (one.do === 'comes') {
      if (incarnation.has(one.seat)) continue
      const seat = `seat${one.seat}.${comings++}`
      incarnation.set(one.seat, seat)
      lines.set(seat, [])
      for (const line of lines.values()) line.push({ kind: 'came', seat })
    } else if (one.do === 'goes') {
      const seat = incarnation.get(one.seat)
      if (seat === undefined) continue
      incarnation.delete(one.seat)
      lines.delete(seat)
      tell(course.leave(seat).tell)
    } else {
      const seat = incarnation.get(one.seat)
      const line = seat === undefined ? undefined : lines.get(seat)
      if (seat !== undefined && line !== undefined) for (const each of line.splice(0, one.count)) hand(seat, each)
    }
  }
  // In the end all that is still on its way arrives.
  for (const [seat, line] of [...lines]) for (const each of line.splice(0)) hand(seat, each)
  // What only a slower connection saw is told late.
  while (course.isAhead) {
    now += 2000
    tell(course.late().tell)
  }
  return { told, said, stayed: new Set(lines.keys()) }
}

test('with ids: nothing that somebody who stays saw is lost, nothing is told twice, whatever order connections are in', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { told, said, stayed } = play(true, steps)
      assert.equal(new Set(told).size, told.length, `told twice: ${told}`)
      for (const { n, seats } of said)
        if ([...seats].some((seat) => stayed.has(seat))) assert.ok(told.includes(n), `${n} was lost: ${told}`)
    }),
    { numRuns: ROUNDS },
  )
})

test('as long as one drives, the order is the one in which it was said', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 80 }), (ids, steps) => {
      const before = [{ do: 'comes', seat: 0 } as const, { do: 'hands', seat: 0, count: 1 } as const]
      const { told, said } = play(ids, [...before, ...steps.filter((one) => one.do !== 'goes')])
      assert.deepEqual(
        told,
        said.map(({ n }) => n),
      )
    }),
    { numRuns: ROUNDS },
  )
})

test('without ids: one who takes over when all have seen the same loses nothing and doubles nothing, though people repeat themselves', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ text: fc.nat(1), hands: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)), leaves: fc.boolean() }), {
        maxLength: 40,
      }),
      (steps) => {
        // Three are in from the start; the one who drives may leave, as long as another is there.
        const course = new Course({ now: () => 0 })
        const seats = ['a', 'b', 'c']
        const lines = new Map(seats.map((seat) => [seat, [] as ForeignMessage[]]))
        for (const seat of seats) course.enter(seat, 0)
        let told = 0
        let said = 0
        const hand = (seat: string, count: number) => {
          for (const message of lines.get(seat)?.splice(0, count) ?? [])
            if (course.saw(seat, message, message.body)) told++
        }
        for (const { text, hands, leaves } of steps) {
          said++
          for (const line of lines.values()) line.push({ id: null, nick: 'n', body: `${text}`, at: null })
          for (const [index, count] of hands.entries()) hand(seats[index] as string, count)
          const driver = course.driver
          if (!leaves || lines.size < 2 || driver === null) continue
          lines.delete(driver)
          told += course.leave(driver).tell.length
        }
        for (const seat of lines.keys()) hand(seat, Number.POSITIVE_INFINITY)
        assert.equal(told, said)
      },
    ),
    { numRuns: ROUNDS },
  )
})

test('what another has seen and the driver has not is told late, and not again when the driver sees it', () => {
  let now = 0
  const course = new Course({ now: () => now })
  const hello: ForeignMessage = { id: null, nick: 'n', body: 'hello', at: null }
  course.enter('a', null)
  course.enter('b', 0)
  course.saw('a', { ...hello, body: 'x' }, 'x')
  course.saw('b', { ...hello, body: 'x' }, 'x')
  now = 10
  assert.equal(course.saw('b', hello, 'hello'), false)
  now = 1000
  course.saw('a', { ...hello, body: 'y' }, 'y')
  course.saw('b', { ...hello, body: 'y' }, 'y')
  assert.deepEqual(course.late().tell, [])
  now = 2010
  assert.deepEqual(course.late(), { tell: [hello], driver: 'a', changed: false })
  assert.equal(course.saw('a', hello, 'hello'), false)
  assert.equal(course.doubles, 1)
  // And when the driver sees nothing at all any more, the other one drives.
  now = 5000
  course.saw('b', hello, 'hello')
  now = 7000
  assert.deepEqual(course.late(), { tell: [hello], driver: 'b', changed: true })
  assert.equal(course.saw('a', hello, 'hello'), false)
})
