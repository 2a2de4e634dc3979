// SPDX-License-Identifier: Apache-2.0
// Walls between groups: one to one, in rooms, with exceptions that end, and while nobody knows who people are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outageRows } from '../../../components/policy/domain/outage-rules.ts'
import type { People } from '../../../components/policy/domain/person.ts'
import type { Report } from '../../../components/policy/domain/screen.ts'
import { closedWalls, type Standing, walledOff } from '../../../components/policy/domain/walls.ts'
import { Rooms } from '../../../components/policy/gate/standing.ts'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { AT, rules, SOURCE, screened, stanza } from '../cast.ts'
import { peopleOf } from '../people.ts'

const MUC = 'http://jabber.org/protocol/muc'
const ROOM = 'tea@rooms.corp.example'
/** At a domain that says nothing of rooms. */
const HALL = 'hall@talk.corp.example'
const [alice, bob, carol, dave] = ['alice@corp.example', 'bob@corp.example', 'carol@corp.example', 'dave@corp.example']
const people = peopleOf({
  [alice]: { groups: ['Traders'] },
  [bob]: { groups: ['Research'], old: ['robert@corp.example'] },
  [carol]: { groups: ['Traders'] },
  [dave]: { groups: ['Staff'] },
  'both@corp.example': { groups: ['Traders', 'Research'] },
})
const WALLS = `walls:
  - id: chinese
    a: research
    b: TRADERS
    except:
      - { jids: [carol@corp.example], until: 2026-12-31 }
      - { jids: [alice@corp.example, robert@corp.example], until: '2026-11-30T18:00Z' }
`
const { walls } = rules(`version: 1\notherwise: allow\n${WALLS}`)
const bare = rules(`version: 1\notherwise: allow\nwalls: [{ id: w, a: Research, b: Traders }]\n`).walls
const now = Date.parse('2026-11-22T10:00:00Z')
const stands = (who: Readonly<Record<string, string>> | null): Standing => ({
  inside: (room) => (who === null ? null : room === ROOM || room === HALL ? Object.values(who) : []),
  isRoom: (bare) => who !== null && (bare === ROOM || bare === HALL),
  called: (room, nick) => (room === ROOM || room === HALL ? (who?.[nick] ?? null) : null),
})
const message = (from: string, to: string, type = 'chat', inside = '<body>x</body>') =>
  stanza(`<message from='${from}/x' to='${to}' type='${type}'>${inside}</message>`)
const presence = (from: string, to: string, type: string | null, inside = '') =>
  stanza(`<presence from='${from}' to='${to}'${type === null ? '' : ` type='${type}'`}>${inside}</presence>`)
const iq = (from: string, to: string) =>
  stanza(`<iq from='${from}/x' to='${to}/y' type='set' id='i'><q xmlns='q'/></iq>`)
const join = (from: string, room = ROOM) => presence(from, `${room}/nick`, null, `<x xmlns='${MUC}'/>`)
const invite = (from: string, to: string) =>
  message(from, ROOM, 'normal', `<x xmlns='${MUC}#user'><invite to='${to}'/></x>`)
const nobody = stands({})

const cases: readonly [what: string, element: ReturnType<typeof stanza>, walled: boolean, standing?: Standing][] = [
  ['a message', message(alice, bob), true],
  ['a message the other way', message(bob, alice), true],
  ['a message to an address of before', message(alice, 'robert@corp.example/desk'), true],
  ['a message within a group', message(alice, carol), false],
  ['a message to somebody in neither', message(alice, dave), false],
  ['a message of somebody in neither', message(dave, bob), false],
  ['a message to oneself', message('both@corp.example', 'both@corp.example'), false],
  ['a message of one in both', message('both@corp.example', alice), true],
  ['a message from elsewhere', message('eve@partner.example', alice), false],
  ['an IQ', iq(alice, bob), true],
  ['a subscription', presence(alice, bob, 'subscribe'), true],
  ['the end of a subscription', presence(alice, bob, 'unsubscribe'), false],
  ['the end of a subscription by the other', presence(alice, bob, 'unsubscribed'), false],
  ['directed presence', presence(`${alice}/x`, bob, null, '<status>hi</status>'), true],
  ['an error', message(alice, bob, 'error'), false],
  ['an invitation', invite(alice, bob), true],
  ['an invitation while the other side stands in the room', invite(alice, carol), false, stands({ b: bob })],
  ['a direct invitation', message(alice, bob, 'normal', `<x xmlns='jabber:x:conference' jid='${ROOM}'/>`), true],
  ['a join to an empty room', join(alice), false],
  ['a join to the other side', join(alice), true, stands({ d: dave, b: bob })],
  ['a join to the own side', join(alice), false, stands({ d: dave, c: carol })],
  ['a join of somebody in neither', join(dave), false, stands({ b: bob, a: alice })],
  ['a message into a room with the other side', message(alice, ROOM, 'groupchat'), true, stands({ a: alice, b: bob })],
  ['a message into a room without', message(alice, ROOM, 'groupchat'), false, stands({ a: alice, d: dave })],
  ['a status into a room', presence(`${alice}/x`, ROOM, 'unavailable', '<status>x</status>'), true, stands({ b: bob })],
  ['a private message to the other side', message(alice, `${ROOM}/b`), true, stands({ b: bob, d: dave })],
  ['a private message to another', message(alice, `${ROOM}/d`), false, stands({ b: bob, d: dave })],
  ['a private message to nobody known', message(alice, `${ROOM}/z`), true, stands({ b: bob, d: dave })],
  ['a private message in a room that does not look like one', message(alice, `${HALL}/b`), true, stands({ b: bob })],
  ['a private message to another there', message(alice, `${HALL}/d`), false, stands({ b: bob, d: dave })],
  [
    'an IQ to an occupant',
    stanza(`<iq from='${alice}/x' to='${ROOM}/b' type='get' id='i'/>`),
    true,
    stands({ b: bob }),
  ],
  ['an IQ to a room', stanza(`<iq from='${alice}/x' to='${ROOM}' type='set' id='i'/>`), false, stands({ b: bob })],
]

for (const [what, element, walled, standing = nobody] of cases)
  test(`a wall and ${what}: ${walled ? 'refused' : 'passes'}`, () => {
    const found = walledOff({ ...screened(element), people }, bare, standing, now)
    assert.deepEqual(found && [found.wall.id, found.unknown], walled ? ['w', false] : null)
  })

test('exceptions pass until they end: one person everywhere, two between them', () => {
  const at = (element: ReturnType<typeof stanza>, when: string) =>
    walledOff({ ...screened(element), people }, walls, nobody, Date.parse(when)) !== null
  assert.deepEqual(
    ['2026-11-22T00:00Z', '2026-12-31T23:59:59Z', '2027-01-01T00:00Z'].map((when) => at(message(carol, bob), when)),
    [false, false, true],
  )
  assert.deepEqual(
    ['2026-11-30T17:59:59Z', '2026-11-30T18:00Z'].map((when) => at(message(bob, alice), when)),
    [false, true],
  )
  assert.equal(at(message(alice, 'both@corp.example'), '2026-11-22T00:00Z'), true)
})

test('what cannot be known is refused: who people are, and who stands in a room', () => {
  const check = (element: ReturnType<typeof stanza>, who: People | null, standing = nobody) =>
    walledOff({ ...screened(element), people: who }, bare, standing, now)
  for (const element of [
    message(dave, 'eve@partner.example'),
    join(dave),
    iq(dave, bob),
    message(dave, ROOM, 'groupchat'),
  ])
    assert.deepEqual(check(element, null)?.unknown, true)
  // To oneself, to the server, to nobody in particular, and what only ends something.
  for (const element of [
    message(dave, dave),
    stanza(`<iq from='${dave}/x' to='corp.example' type='set' id='i'/>`),
    stanza(`<presence from='${dave}/x'><status>x</status></presence>`),
    presence(dave, bob, 'unsubscribe'),
  ])
    assert.equal(check(element, null), null)
  const unknown = stands(null)
  for (const element of [join(alice), message(alice, ROOM, 'groupchat'), message(alice, `${ROOM}/b`)])
    assert.equal(check(element, people, unknown)?.unknown, true)
  assert.equal(check(join(dave), people, unknown), null)
})

test('rooms: as helpers tell, of their own rooms only, known from an empty start on; allowed joins count for a minute', () => {
  let at = 0
  const rooms = new Rooms(() => at)
  const host = 'rooms.corp.example'
  const inside = () => {
    const all = rooms.inside(ROOM)
    return all && [...all].sort()
  }
  const source: Extract<Report, { report: 'source' }> = {
    report: 'source',
    at: AT,
    node: 'n',
    hosts: [host],
    software: 's',
    helper: 'h',
    outageRules: null,
    predecessor: null,
  }
  const occupant = (nick: string, jid: string, event: 'joined' | 'left', room = ROOM) =>
    ({ report: 'occupant', room, nick, jid, event, at: AT }) as const
  const heard = (from: string, reports: readonly (typeof source | ReturnType<typeof occupant>)[], said = {}) =>
    rooms.heard(from, { source: SOURCE, done: null, reports, ...said })
  heard(host, [occupant('b', bob, 'joined')])
  assert.equal(inside(), null)
  // A run that has asked before we heard of it: who came earlier is not known.
  heard(host, [source], { done: 7 })
  assert.equal(inside(), null)
  heard(host, [source], { done: 0 })
  assert.deepEqual(inside(), [bob])
  heard(host, [occupant('b', bob, 'joined'), occupant('B', `${bob}/phone`, 'joined'), occupant('d', dave, 'joined')])
  heard('corp.example', [occupant('x', 'x@corp.example', 'joined')])
  assert.deepEqual(inside(), [bob, bob, dave])
  assert.equal(heard(host, [occupant('b', bob, 'joined')]), null)
  heard(host, [occupant('b', bob, 'left')])
  assert.deepEqual([inside(), rooms.called(ROOM, 'B'), rooms.called(ROOM, 'b')], [[bob, dave], bob, null])
  rooms.expect(ROOM, 'al', alice)
  assert.deepEqual(inside(), [alice, bob, dave])
  heard(host, [occupant('al', alice, 'joined')])
  assert.deepEqual(inside(), [alice, bob, dave])
  rooms.expect(ROOM, 'c', carol)
  at = 60_000
  assert.deepEqual(inside(), [alice, bob, dave])
  // The same run announces itself again; another one begins with empty rooms.
  heard(host, [source])
  assert.equal(inside()?.length, 3)
  heard(host, [source], { source: 'other', done: 9 })
  // It may be a helper that was loaded again, and has not told yet of those who are there.
  assert.deepEqual(inside(), [alice, bob, dave])
  at += 60_000
  assert.deepEqual(inside(), [])
  // What a run tells before its announcement has come holds.
  heard(host, [occupant('d', dave, 'joined')], { source: 'third' })
  heard(host, [source], { source: 'third' })
  assert.deepEqual(inside(), [dave])
  heard(host, [occupant('d', dave, 'left')], { source: 'third' })
  // ejabberd tells of all room services of its host.
  const [own, other] = ['tea@muc.jabber.example', 'tea@chat.far.example']
  heard('jabber.example', [{ ...source, hosts: ['jabber.example'], software: 'ejabberd 23.01' }], { done: 0 })
  assert.deepEqual([rooms.inside(own), rooms.inside(other)], [[], null])
  heard('jabber.example', [occupant('b', bob, 'joined', own), occupant('b', bob, 'joined', other)])
  assert.deepEqual([rooms.inside(own), rooms.inside(other)], [[bob], [bob]])
  heard('jabber.example', [occupant('b', bob, 'joined', ROOM)])
  assert.deepEqual(inside(), [])
})

test('a wall with on_outage: closed closes what no rule before allows while policy is away; others leave it to the host', () => {
  const rows = (wall: string) => {
    const set = rules(`version: 1\notherwise: allow\nwalls: [{ id: w, a: A, b: B${wall} }]\nrules: []\n`)
    return outageRows([...closedWalls(set.walls), ...set.rules])
  }
  assert.deepEqual(rows(', on_outage: closed'), [{ do: 'closed', rule: 'w', when: { is: 'always' } }])
  assert.deepEqual(rows(''), [])
})

test('joins that are waited for take no memory beyond their minute', () => {
  let at = 0
  const rooms = new Rooms(() => at)
  for (let n = 0; n < 1_000; n++) {
    at += 1_000
    rooms.expect(ROOM, `nick${n}`, alice)
    rooms.expect(`room${n}@rooms.corp.example`, 'x', bob)
  }
  assert.ok(rooms.expected <= 122, String(rooms.expected))
})

test('the rule file: what is wrong with walls is told with its place', () => {
  const wrong = (wall: string) => {
    const read = readRules(Buffer.from(`version: 1\notherwise: allow\nwalls:\n  - ${wall}\n`))
    return read.ok ? 'good' : read.problems.map(({ line, wanted }) => `${line} ${JSON.stringify(wanted)}`).join('\n')
  }
  assert.equal(wrong('{ id: w, a: A, b: B }'), 'good')
  assert.match(wrong('{ id: w, a: A }'), /^4 .*walls\[1\]\.b/)
  assert.match(wrong('{ id: w, a: A, b: a }'), /policy-wall-of-one/)
  assert.match(wrong('{ id: W, a: A, b: B }'), /policy-wanted-id/)
  assert.match(wrong('{ id: w, a: A, b: B, between: x }'), /between.*policy-key/)
  assert.match(wrong('{ id: w, a: A, b: B, on_outage: open }'), /policy-wanted-closed/)
  assert.match(
    wrong('{ id: w, a: A, b: B, except: [{ jids: a@b.example }] }'),
    /except\[1\]\.until.*policy-wanted-until/,
  )
  for (const until of ['soon', '2026-02-31', '2026-12-31T10:00', '7'])
    assert.match(
      wrong(`{ id: w, a: A, b: B, except: [{ jids: a@b.example, until: '${until}' }] }`),
      /policy-wanted-until/,
    )
  assert.match(
    wrong("{ id: w, a: A, b: B, except: [{ jids: '*@b.example', until: 2026-12-31 }] }"),
    /policy-wanted-address/,
  )
  const twice = `version: 1\notherwise: allow\nwalls: [{ id: w, a: A, b: B }]\nrules: [{ id: w, when: always, then: refuse }]\n`
  const read = readRules(Buffer.from(twice))
  assert.ok(!read.ok && JSON.stringify(read.problems).includes('policy-id-twice'))
})
