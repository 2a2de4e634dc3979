// SPDX-License-Identifier: Apache-2.0
// Several of our people in one room, each behind or ahead of the others, coming, going, cut off and back: whoever stays is told each message
// once, and everybody knows in the end who is there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { calm, room, type Stand, stand } from './stand.ts'

const ROUNDS = process.env.GATEHOUSE_LONG === '1' ? 2000 : 60
const PEOPLE = ['anna', 'bert', 'carl'] as const
const jidOf = (who: string) => `${who}@corp.example/desk`

const who = fc.constantFrom(...PEOPLE)
/** Anna stays: she enters first in her round and is neither cut nor put out. */
const notAnna = fc.constantFrom('bert', 'carl')
const step = fc.oneof(
  fc.record({ do: fc.constant('enter' as const), who: notAnna }),
  fc.record({ do: fc.constant('leave' as const), who: notAnna }),
  fc.record({ do: fc.constant('cut' as const), who: notAnna }),
  fc.record({ do: fc.constant('kick' as const), who: notAnna }),
  fc.record({ do: fc.constant('hold' as const), who }),
  fc.record({ do: fc.constant('flow' as const), who, count: fc.integer({ min: 1, max: 5 }) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('say' as const), who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('other says' as const), who: fc.nat(2) }) },
  fc.record({ do: fc.constant('other comes' as const), who: fc.nat(2) }),
  fc.record({ do: fc.constant('other goes' as const), who: fc.nat(2) }),
  fc.record({ do: fc.constant('other renames' as const), who: fc.nat(2) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** What anna says last is heard by nobody who drives: it is told when it is late. */
const DRIVER_PUT_OUT: Step[] = [
  { do: 'say', who: 'anna' },
  { do: 'hold', who: 'carl' },
  { do: 'say', who: 'anna' },
  { do: 'kick', who: 'carl' },
  { do: 'say', who: 'anna' },
]

for (const echo of [true, false])
  test(`whoever drives: told once, and the same people seen (${echo ? 'with' : 'without'} an echo)`, {
    timeout: 120_000,
  }, async (t) => {
    await using at = await stand({ echo })
    // The clock goes with the timers: what is late is found by it.
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
    let round = 0
    await fc.assert(
      fc.asyncProperty(who, fc.array(step, { maxLength: 40 }), async (first, steps) => {
        round++
        await play(at, `#r${round}`, first, steps, (ms) => t.mock.timers.tick(ms))
      }),
      { numRuns: ROUNDS, examples: [['carl', DRIVER_PUT_OUT]] },
    )
    t.mock.timers.reset()
  })

async function play(
  at: Stand,
  name: string,
  first: string,
  steps: readonly Step[],
  tick: (ms: number) => void,
): Promise<void> {
  const { net } = at
  const session = (owner: string) => net.sessions.findLast((one) => one.owner === `${owner}@corp.example`)
  const enter = (owner: string) =>
    at.send(
      `<presence from='${jidOf(owner)}' to='${room(name)}/${owner}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>`,
    )
  const settle = async () => {
    for (const one of net.sessions) {
      one.flow()
      one.connect()
    }
    await calm(at)
  }
  /** Behind it, whoever asked the store for something has his answer. */
  const fence = () => at.ask(jidOf('anna'), room(name), 'get', `<metadata xmlns='urn:xmpp:mam:2'/>`)
  await settle()
  for (const client of PEOPLE) at.unread(jidOf(client))
  for (const owner of new Set([first, 'anna'])) {
    enter(owner)
    await at.heard(jidOf(owner), /<subject>/)
  }
  const begun = new Map(PEOPLE.map((owner) => [owner as string, at.unread(jidOf(owner))]))
  let said = 0
  const wanted: string[] = []
  const renamed = ['x', 'y', 'z']
  for (const one of steps) {
    if (one.do === 'enter') enter(one.who)
    else if (one.do === 'leave')
      at.send(`<presence type='unavailable' from='${jidOf(one.who)}' to='${room(name)}/${one.who}'/>`)
    else if (one.do === 'cut') session(one.who)?.cut()
    else if (one.do === 'kick') net.kicks(name, one.who, 'anna', '')
    else if (one.do === 'hold') session(one.who)?.hold()
    else if (one.do === 'flow') session(one.who)?.flow(one.count)
    else if (one.do === 'say') {
      const body = `say ${said++}`
      if (one.who === 'anna') wanted.push(body)
      at.says(jidOf(one.who), name, body)
    } else if (one.do === 'other says') {
      if (!net.place(name).members.has(renamed[one.who] as string)) continue
      const body = `other ${said++}`
      wanted.push(body)
      net.says(name, renamed[one.who] as string, body)
    } else if (one.do === 'other comes') {
      if (!net.place(name).members.has(renamed[one.who] as string)) net.comes(name, renamed[one.who] as string)
    } else if (one.do === 'other goes') {
      if (net.place(name).members.has(renamed[one.who] as string)) net.goes(name, renamed[one.who] as string)
    } else {
      const from = renamed[one.who] as string
      const to = `${from[0]}${said++}`
      if (net.place(name).members.has(from)) net.renames(name, from, to)
      renamed[one.who] = to
    }
    if (said % 3 === 0) await fence()
  }
  await settle()
  for (let half = 0; half < 12; half++) {
    tick(500)
    await fence()
    await settle()
  }
  const members = [...net.place(name).members.values()].map(({ nick }) => nick).sort()
  for (const owner of PEOPLE) {
    const told = [...(begun.get(owner) ?? []), ...at.unread(jidOf(owner))]
    const isIn = at.transport.roomsOf(`${owner}@corp.example`).some((one) => one.room === name && one.clients > 0)
    if (isIn) assert.deepEqual(seenBy(told, name), members, `${owner} sees the others wrongly`)
    const bodies = told.flatMap((xml) => /<message[^>]*groupchat.*<body>(.*)<\/body>/.exec(xml)?.[1] ?? [])
    assert.equal(new Set(bodies).size, bodies.length, `${owner} was told something twice: ${bodies}`)
    if (owner === 'anna') assert.deepEqual([...bodies].filter((one) => wanted.includes(one)).sort(), [...wanted].sort())
  }
  // The room is left behind.
  for (const owner of PEOPLE)
    at.send(`<presence type='unavailable' from='${jidOf(owner)}' to='${room(name)}/${owner}'/>`)
  await settle()
  assert.deepEqual(at.errors, [])
}

/** Who is there for one who was told all this; an own entering begins anew. */
function seenBy(told: readonly string[], name: string): string[] {
  const nicks = new Set<string>()
  for (const xml of told) {
    const [, nick, type] =
      new RegExp(`^<presence to='[^']*' from='${room(name)}/([^']*)'( type='unavailable')?`).exec(xml) ?? []
    if (nick === undefined) continue
    if (type === undefined) nicks.add(nick)
    else nicks.delete(nick)
    if (type !== undefined && xml.includes(`code='110'`) && !xml.includes(`code='303'`)) nicks.clear()
  }
  return [...nicks].sort()
}

test('of several who enter at once one connection goes on telling who is there', async () => {
  await using at = await stand({})
  at.net.comesUp = false
  for (const who of ['anna', 'bert', 'carl'])
    at.send(
      `<presence from='${jidOf(who)}' to='${room('#at-once')}/${who}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  while (at.net.sessions.length < 3) await turn()
  await calm(at)
  const told: string[] = []
  for (const session of at.net.sessions)
    Object.assign(session, { attend: (name: string, what: string) => told.push(`${session.owner} ${name} ${what}`) })
  for (const session of at.net.sessions) session.connect()
  while (at.sent.filter((xml) => xml.includes('<subject')).length < 3) await turn()
  assert.deepEqual(told, ['bert@corp.example #at-once messages', 'carl@corp.example #at-once messages'])
})
