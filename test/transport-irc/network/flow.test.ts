// SPDX-License-Identifier: Apache-2.0
// What flows, and its bounds: lines out of bytes, lines into a socket, batches, netsplits, lines that nobody needs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Batches } from '../../../components/transport-irc/network/batches.ts'
import { Bucket } from '../../../components/transport-irc/network/bucket.ts'
import { Outbox } from '../../../components/transport-irc/network/outbox.ts'
import { isSkipped } from '../../../components/transport-irc/network/skipping.ts'
import { isSplit, Splits } from '../../../components/transport-irc/network/splits.ts'
import { Frames } from '../../../components/transport-irc/network/wire/frames.ts'
import { readLine } from '../../../components/transport-irc/network/wire/line.ts'
import { handClock } from './clock.ts'

const numRuns = process.env.GATEHOUSE_LONG === '1' ? 50_000 : 1_500

test('lines come out of bytes whole, wherever the bytes were cut, and what is too long is not held', () => {
  const piece = fc.oneof(fc.constantFrom('\n', '\r\n', '\r', '\0', 'abc', 'x'.repeat(30)), fc.string({ maxLength: 10 }))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(20), { maxLength: 40 }), (pieces, cuts) => {
      const all = Buffer.from(pieces.join(''))
      const lines: string[] = []
      let overlong = 0
      const frames = new Frames(
        25,
        (bytes, start, end) => lines.push(bytes.toString('utf8', start, end)),
        () => {
          overlong += 1
        },
      )
      let at = 0
      for (const cut of cuts) {
        if (at >= all.length) break
        frames.push(all.subarray(at, at + cut + 1))
        at += cut + 1
      }
      frames.push(all.subarray(at))
      const whole = all.toString('binary').split('\n').slice(0, -1)
      const fitting = whole.filter((line) => line.length <= 25).map((line) => line.replace(/\r+$/, ''))
      assert.deepEqual(
        lines.map((line) => Buffer.from(line).toString('binary')),
        fitting.filter((line) => line !== ''),
      )
      const tail = all.toString('binary').split('\n').at(-1) ?? ''
      assert.equal(overlong, whole.filter((line) => line.length > 25).length + (tail.length > 25 ? 1 : 0))
    }),
    { numRuns },
  )
})

test('a bucket gives what it said it would have by then, also where tokens are thirds', () => {
  const bucket = new Bucket(3, 3, 0)
  let now = 0
  for (const step of [0, 56, 72, 205, 394, 1, 1]) {
    now += step
    bucket.take(1, now)
  }
  assert.equal(bucket.take(1, now + bucket.take(1, now)), 0)
})

test('a bucket never gives more than it holds and gains', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat(500), { maxLength: 60 }),
      (burst, rate, steps) => {
        const bucket = new Bucket(burst, rate, 0)
        let now = 0
        let given = 0
        for (const step of steps) {
          now += step
          const wait = bucket.take(1, now)
          if (wait === 0) given += 1
          assert.ok(given <= burst + (now * rate) / 1000 + 1e-9)
        }
        const wait = bucket.take(1, now)
        if (wait > 0) assert.equal(bucket.take(1, now + wait), 0)
      },
    ),
    { numRuns },
  )
})

function outbox(flood: { burst: number; perSecond: number }, most = 100) {
  const clock = handClock()
  const written: { text: string; at: number }[] = []
  let takes = true
  const box = new Outbox({
    ...{ flood, most, clock, sizeOf: (text: string) => text.length, onPause: () => undefined },
    write(text) {
      written.push({ text, at: clock.now() })
      return takes
    },
  })
  return { box, clock, written, takes: (is: boolean) => (takes = is) }
}

test('lines go out in order, no faster than the server allows; answers to PING go first', () => {
  const { box, clock, written } = outbox({ burst: 3, perSecond: 2 })
  for (let n = 0; n < 8; n += 1) box.send(`line ${n}`)
  assert.equal(written.length, 3)
  box.send('PONG x', 'urgent')
  assert.equal(written.at(-1)?.text, 'PONG x')
  box.send('low', 'low')
  clock.passes(10_000)
  assert.deepEqual(
    written.map(({ text }) => text).filter((text) => text.startsWith('line')),
    [0, 1, 2, 3, 4, 5, 6, 7].map((n) => `line ${n}`),
  )
  assert.equal(written.at(-1)?.text, 'low')
  const times = written.filter(({ text }) => text.startsWith('line')).map(({ at }) => at)
  // Three at once; the PONG cost a token too; then one each half second.
  assert.deepEqual(times, [0, 0, 0, 1000, 1500, 2000, 2500, 3000])
})

test('a full queue takes no more, a full socket is not written to, and a closed one forgets', () => {
  const { box, clock, written, takes } = outbox({ burst: 2, perSecond: 1 }, 5)
  takes(false)
  assert.equal(box.send('a'), true)
  for (let n = 0; n < 5; n += 1) assert.equal(box.send(`b${n}`), true)
  assert.equal(box.send('c'), false)
  clock.passes(60_000)
  assert.equal(written.length, 1)
  takes(true)
  box.resume()
  clock.passes(1_500)
  assert.equal(written.length, 4)
  box.close()
  clock.passes(60_000)
  assert.equal(written.length, 4)
  assert.equal(box.send('d'), false)
})

test('behind a full queue a PING is still answered; a server that asks and reads nothing gets an end of answers', () => {
  const { box, written, takes } = outbox({ burst: 2, perSecond: 1 }, 5)
  for (let n = 0; n < 7; n += 1) assert.equal(box.send(`line ${n}`), true)
  assert.equal(box.send('one more'), false)
  assert.equal(box.send('PONG :x', 'urgent'), true)
  assert.equal(written.at(-1)?.text, 'PONG :x')
  takes(false)
  box.pause()
  const taken = Array.from({ length: 1_000 }, (_, n) => box.send(`PONG :${n}`, 'urgent'))
  assert.equal(taken.filter((is) => is).length, 100)
  assert.equal(box.send('still full'), false)
})

test('a split names two servers and nothing else', () => {
  for (const reason of ['irc.one.example irc.two.example', '*.net *.split', 'a.b c.d'])
    assert.ok(isSplit(reason), reason)
  for (const reason of [
    '',
    'bye',
    'irc.one.example',
    'a.b a.b',
    'see example.org example.com/x',
    'a.b c.d e.f',
    'Quit: a.b c.d',
    'a..b c.d',
    '-a.b c.d',
  ])
    assert.ok(!isSplit(reason), reason)
})

test('a split without a batch is told once, and so is the coming back; what else happens is told after it', () => {
  const clock = handClock()
  const told: string[] = []
  const splits = new Splits<string, string>({
    clock,
    key: (nick) => nick.toLowerCase(),
    quietMs: 200,
    split: (channel, nicks, servers) => told.push(`${channel} -${nicks.join(',')} (${servers})`),
    join: (channel, members) => told.push(`${channel} +${members.join(',')}`),
  })
  for (let n = 0; n < 50; n += 1) splits.gone('#a', `Nick${n}`, 'a.b c.d')
  splits.gone('#b', 'Nick1', 'a.b c.d')
  assert.deepEqual(told, [])
  clock.passes(200)
  assert.deepEqual(told.length, 2)
  assert.match(told[0] ?? '', /^#a -Nick0,.*,Nick49 \(a\.b c\.d\)$/)
  assert.equal(splits.back('#a', 'stranger', 'stranger'), false)
  assert.equal(splits.back('#a', 'nick3', 'nick3'), true)
  assert.equal(splits.back('#a', 'nick4', 'nick4'), true)
  splits.tell()
  assert.equal(told.at(-1), '#a +nick3,nick4')
  splits.gone('#a', 'x', 'a.b c.d')
  splits.gone('#a', 'y', 'e.f g.h')
  assert.equal(told.at(-1), '#a -x (a.b c.d)')
  clock.passes(4_000_000)
  assert.equal(splits.back('#a', 'nick5', 'nick5'), false)
})

test('batches have their bounds: one more than may be open, or a line too many, is read as it comes', () => {
  const batches = new Batches({ open: 2, lines: 3, units: 10_000 })
  const line = (text: string) => readLine(text) as NonNullable<ReturnType<typeof readLine>>
  const one = batches.open(line('@label=L :s BATCH +a labeled-response'))
  const inner = batches.open(line('@batch=a :s BATCH +b netsplit x.y z.w'))
  assert.deepEqual([one?.label, inner?.label, inner?.parent, one?.lines, inner?.lines], ['L', 'L', one, null, []])
  assert.equal(batches.open(line(':s BATCH +c netsplit')), null)
  const quit = line('@batch=b :n QUIT :x.y z.w')
  assert.ok(inner !== null)
  assert.deepEqual(
    [1, 2, 3, 4].map(() => batches.keep(inner, quit)),
    [true, true, true, false],
  )
  assert.equal(batches.close(line(':s BATCH -b')), inner)
  assert.equal(batches.around(quit), null)
  assert.equal(batches.close(line(':s BATCH -nothing')), null)
  assert.equal(batches.open(line(':s BATCH +')), null)
  const large = batches.open(line(':s BATCH +d netsplit'))
  assert.ok(large !== null)
  const quits = ['x', 'y', 'z'].map((reason) => line(`@batch=d :n QUIT :${reason.repeat(4_000)}`))
  assert.deepEqual(
    quits.map((each) => batches.keep(large, each)),
    [true, true, false],
  )
  batches.close(line(':s BATCH -d'))
  const next = batches.open(line(':s BATCH +e netsplit'))
  assert.ok(next !== null && batches.keep(next, quits[0] as NonNullable<ReturnType<typeof readLine>>))
})

test('a batch that is open is not opened again, and one that has ended keeps nothing: no text is lost, no room either', () => {
  const batches = new Batches({ open: 3, lines: 100, units: 1_000 })
  const line = (text: string) => readLine(text) as NonNullable<ReturnType<typeof readLine>>
  const quit = line(`@batch=a :n QUIT :${'x'.repeat(400)}`)
  const first = batches.open(line(':s BATCH +a netsplit'))
  assert.ok(first !== null && batches.keep(first, quit))
  assert.equal(batches.open(line(':s BATCH +a netjoin')), null)
  assert.equal(batches.around(quit), first)
  const inner = batches.open(line('@batch=a :s BATCH +i draft/multiline #a'))
  assert.equal(batches.close(line(':s BATCH -a')), first)
  assert.equal(inner?.parent, first)
  assert.equal(batches.keep(first, quit), false)
  batches.close(line(':s BATCH -i'))
  for (let n = 0; n < 20; n += 1) {
    const again = batches.open(line(':s BATCH +a netsplit'))
    assert.ok(again !== null && batches.keep(again, quit) && batches.keep(again, quit), `round ${n}`)
    batches.open(line(':s BATCH +a netsplit'))
    batches.close(line(':s BATCH -a'))
  }
})

test('lines that nobody needs are known by their bytes; our own are never among them', () => {
  const own = Buffer.from('Alice')
  const skips = (text: string, watching = false, wantsNames = false) => {
    const padded = Buffer.from(`xx${text}yy`)
    return isSkipped(padded, 2, padded.length - 2, own, watching, wantsNames)
  }
  for (const text of [
    ':bob!b@c JOIN #a',
    '@time=1;account=x :bob!b@c QUIT :bye',
    ':alicex!a@b PART #a',
    ':bob AWAY',
    ':bob!b@c NICK :al',
  ])
    assert.ok(skips(text), text)
  for (const text of [
    ...[
      ':Alice!a@b JOIN #a',
      '@time=1 :alice!x@y QUIT',
      '@time=1;label=7 :alma!a@b NICK :alma',
      ':bob!b@c PRIVMSG #a :JOIN',
      ':bob!b@c MODE #a +o x',
      'PING :x',
      'JOIN',
      ':bob',
      '',
    ],
    ...[':bob!b@c KICK #a alice', ':s 366 me #a :end', ':bob!b@c JOINT #a', '@a', ':alice QUIT', ':ALICE@h NICK x'],
  ])
    assert.ok(!skips(text), text)
  assert.ok(!skips(':bob!b@c AWAY :x', true))
  assert.ok(skips(':bob!b@c JOIN #a', true))
  assert.ok(skips(':s 353 Alice = #a :x y'))
  assert.ok(!skips(':s 353 Alice = #a :x y', false, true))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      isSkipped(Buffer.from(bytes), 0, bytes.length, own, false, false)
    }),
    { numRuns },
  )
})
