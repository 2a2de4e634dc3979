// SPDX-License-Identifier: Apache-2.0
// Search, cards, faces and rooms on each server, with its helper.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { pictureKind } from '../../../components/directory/domain/face.ts'
import { onServers } from '../../e2e/servers.ts'
import { type Colleague, enter } from '../../servers/both/directory-house.ts'
import {
  DIRECTORY,
  group,
  HOST,
  type House,
  openHouse,
  openStage,
  person,
  photoMark,
  ROOMS,
  type Stage,
} from './stage.ts'

const color = (background: string) =>
  sharp({ create: { width: 300, height: 400, channels: 3, background } })
    .jpeg()
    .toBuffer()

onServers('what people see', null, (kind) => {
  let house: House
  let stage: Stage
  let red: Buffer
  const people: Colleague[] = []
  const login = async (name: string, resource = 'r') => {
    const one = await enter(house as never, name, { resource })
    people.push(one)
    return one
  }
  before(async () => {
    red = await color('#cc0000')
    house = await openHouse(kind, ['alice', 'bob', 'carol', 'dave'])
    stage = await openStage(house)
    stage.photos.set('ad:alice', red)
    await stage.provision([alice(), person('bob', 'Bob Baker'), person('carol', 'Carol Clark')], [])
    await stage.settled()
  })
  after(async () => {
    for (const one of people) await one.leave()
    await stage?.[Symbol.asyncDispose]()
    await house?.[Symbol.asyncDispose]()
  })
  const alice = (more = {}) =>
    person('alice', 'Alice Ånström', {
      given: 'Alice',
      family: 'Ånström',
      department: 'Research',
      title: 'Physicist',
      manager: 'ad:bob',
      photo: photoMark(red),
      ...more,
    })
  const items = (node: string) =>
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}' max_items='1'/></pubsub>`

  test('search: the form, and who is found by name, department, mail and phone, page by page', async () => {
    const bob = await login('bob')
    const form = await bob.ask('get', `<query xmlns='jabber:iq:search'/>`, DIRECTORY)
    for (const field of ['x-any', 'first', 'last', 'email', 'x-department', 'x-phone'])
      assert.ok(form.includes(field), form)
    const find = (fields: string, more = '') =>
      bob.ask(
        'set',
        `<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'>${fields}</x>${more}</query>`,
        DIRECTORY,
      )
    const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`
    for (const [name, value] of [
      ['last', 'anstrom'],
      ['x-any', 'res'],
      ['email', 'alice@mail.example'],
    ] as const) {
      const found = await find(field(name, value))
      assert.match(found, /<value>alice@corp\.example<\/value>/, value)
      assert.doesNotMatch(found, /bob@corp\.example<\/value>/)
    }
    const set = (inside: string) => `<set xmlns='http://jabber.org/protocol/rsm'>${inside}</set>`
    const first = await find(field('x-phone', '1234'), set('<max>2</max>'))
    assert.match(first, /<count>3<\/count>/)
    assert.deepEqual(found(first), ['alice', 'bob'])
    assert.deepEqual(found(await find(field('x-phone', '1234'), set('<max>2</max><after>bob@corp.example</after>'))), [
      'carol',
    ])
    assert.match(await find(field('x-any', 'a')), /not-acceptable/)
    const info = await bob.ask('get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`, DIRECTORY)
    assert.match(info, /jabber:iq:search/)
    assert.match(info, /http:\/\/jabber\.org\/protocol\/rsm/)
  })
  const found = (answer: string) =>
    [...answer.matchAll(/<value>(\w+)@corp\.example<\/value>/g)].map(([, local]) => local)

  test('cards and a face stand at the account: vcard-temp, vCard4, avatar; the photo is small and the same', async () => {
    const client = await login('alice')
    const card = await client.ask('get', `<vCard xmlns='vcard-temp'/>`, `alice@${HOST}`)
    for (const part of ['Alice Ånström', 'alice@mail.example', '<BINVAL>']) assert.ok(card.includes(part), card)
    const card4 = await client.ask('get', items('urn:xmpp:vcard4'), `alice@${HOST}`)
    for (const part of ['Alice Ånström', 'Research', 'Manager: Bob Baker', 'tel:+49-30-1234'])
      assert.ok(card4.includes(part), card4)
    const metadata = await client.ask('get', items('urn:xmpp:avatar:metadata'), `alice@${HOST}`)
    const data = await client.ask('get', items('urn:xmpp:avatar:data'), `alice@${HOST}`)
    const base64 = /<data[^>]*>([^<]+)</.exec(data)?.[1] ?? ''
    const face = Buffer.from(base64, 'base64')
    assert.equal(pictureKind(face), 'png')
    assert.match(metadata, new RegExp(`bytes=['"]${face.byteLength}['"]`))
    assert.equal(/<BINVAL>([^<]+)</.exec(card)?.[1]?.replace(/\s/g, ''), base64)
  })

  test('a change of the directory is published, and nothing twice', async () => {
    const before = await stage.showing.counts()
    await stage.provision([alice({ title: 'Director' }), person('bob', 'Bob Baker'), person('carol', 'Carol Clark')])
    await stage.settled()
    const client = await login('alice', 'second')
    assert.match(await client.ask('get', items('urn:xmpp:vcard4'), `alice@${HOST}`), /Director/)
    assert.deepEqual((await stage.showing.counts()).faces, before.faces)
    await stage.showing.notice(-5)
    await stage.settled()
    await client.fence()
    assert.deepEqual(
      client.inbox.filter((stanza) => stanza.includes('pubsub#event')),
      [],
    )
  })

  test("somebody's own picture stays, and on his card too", async () => {
    const client = await login('carol')
    const own = (
      await sharp({ create: { width: 8, height: 8, channels: 3, background: '#00ff00' } })
        .png()
        .toBuffer()
    ).toString('base64')
    const sha1 = createHash('sha1').update(Buffer.from(own, 'base64')).digest('hex')
    const publish = (node: string, payload: string) =>
      client.ask(
        'set',
        `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${node}'><item id='${sha1}'>${payload}</item></publish></pubsub>`,
      )
    assert.match(
      await publish('urn:xmpp:avatar:data', `<data xmlns='urn:xmpp:avatar:data'>${own}</data>`),
      /type=['"]result/,
    )
    const info = `<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='9' id='${sha1}' type='image/png' width='8' height='8'/></metadata>`
    assert.match(await publish('urn:xmpp:avatar:metadata', info), /type=['"]result/)
    const blue = await color('#0000cc')
    stage.photos.set('ad:carol', blue)
    const carol = person('carol', 'Carol Clark', { photo: photoMark(blue), title: 'Chemist' })
    await stage.provision([alice({ title: 'Director' }), person('bob', 'Bob Baker'), carol])
    await stage.settled()
    assert.ok((await client.ask('get', items('urn:xmpp:avatar:metadata'), `carol@${HOST}`)).includes(sha1))
    assert.match(await client.ask('get', items('urn:xmpp:vcard4'), `carol@${HOST}`), /Chemist/)
  })

  test('a room for a group: members enter, others do not; who leaves is out; bookmarks come and go; without its group it is closed', async () => {
    const [alice2, bob] = [await login('alice', 'room'), await login('bob', 'room')]
    const team = (members: string[], teams = [group('ad:t', 'Team Süd', 'What we do'), group('ad:2', 'Team 2')]) =>
      stage.provision(
        ['alice', 'bob', 'carol'].map((name) =>
          person(name, name, { groups: members.includes(name) ? ['ad:2', 'ad:t'] : [] }),
        ),
        teams,
      )
    await team(['alice', 'bob'])
    const room = `team-sued@${ROOMS}`
    const join = (one: Colleague, nick: string) =>
      one.client.send(`<presence to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    await stage.until('both are members', async () => (await stage.store.read('roomMembersOf', room)).length === 2)
    await stage.settled()
    for (const [one, nick] of [
      // A name that the directory itself goes by keeps it out of nothing.
      [alice2, 'directory'],
      [bob, 'b'],
    ] as const) {
      join(one, nick)
      await one.sees(`${room}/${nick}`)
    }
    await alice2.sees(`${room}/b`)
    // Non-anonymous: everybody sees the address.
    assert.match(alice2.there.get(`${room}/b`) ?? '', /bob@corp\.example\/room/)
    await alice2.until('the subject', () =>
      alice2.inbox.some((stanza) => /<subject>What we do<\/subject>/.test(stanza)),
    )
    assert.match(
      await alice2.ask('get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`, room),
      /name=['"]Team Süd['"]/,
    )
    const marks = (one: Colleague) => one.ask('get', items('urn:xmpp:bookmarks:1').replace(" max_items='1'", ''))
    await stage.until(
      'bookmarks',
      async () => (await marks(bob)).includes(room) && (await marks(bob)).includes('team-2@'),
    )
    assert.match(await marks(bob), /autojoin=['"]true['"]/)
    // Nobody else reads them.
    const others = items('urn:xmpp:bookmarks:1')
    assert.match(await alice2.ask('get', others, `bob@${HOST}`), /type=['"]error/)
    // The group gets another name; Bob does not want the bookmark.
    const retract = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><retract node='urn:xmpp:bookmarks:1'><item id='${room}'/></retract></pubsub>`
    assert.match(await bob.ask('set', retract), /type=['"]result/)
    await team(['alice', 'bob'], [group('ad:t', 'Team Süden', 'What we did'), group('ad:2', 'Team 2')])
    await stage.until('renamed', async () => (await marks(alice2)).includes('Team Süden'))
    await stage.settled()
    assert.match(
      await alice2.ask('get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`, room),
      /name=['"]Team Süden['"]/,
    )
    await bob.until('the new subject', () => bob.inbox.some((stanza) => /<subject>What we did<\/subject>/.test(stanza)))
    assert.doesNotMatch(await marks(bob), new RegExp(room))
    await team(['alice', 'bob'])
    await stage.until(
      'renamed back',
      async () =>
        (await marks(alice2)).includes('name="Team Süd"') || (await marks(alice2)).includes("name='Team Süd'"),
    )
    const carol = await login('carol', 'room')
    join(carol, 'c')
    await carol.until('refused', () =>
      carol.inbox.some((stanza) => /registration-required|members-only|forbidden/.test(stanza)),
    )
    await team(['alice'])
    await bob.misses(`${room}/b`)
    assert.match(bob.inbox.filter((stanza) => stanza.includes(`${room}/b`)).at(-1) ?? '', /code=['"]321['"]/)
    await stage.until('no bookmark', async () => !(await marks(bob)).includes(room))
    await team([], [])
    await alice2.misses(`${room}/directory`)
    await stage.until('retired', async () =>
      (await stage.store.read('rooms', null)).every(({ state }) => state === 'retired'),
    )
    assert.match(
      await alice2.ask('get', `<query xmlns='http://jabber.org/protocol/disco#info'/>`, room),
      /Team Süd \(closed\)|forbidden|item-not-found/,
    )
    await team(['bob'])
    await stage.until('made again', async () => (await stage.store.read('roomMembersOf', room)).length === 1)
    join(bob, 'b')
    await bob.sees(`${room}/b`)
    assert.equal((await stage.store.read('rooms', null)).length, 2)
  })

  test('a wall parts people in search and in a room; an exception lets them together again', async () => {
    const carol = await login('carol', 'wall')
    const groups = [group('ad:t', 'Team Süd', 'What we do'), group('ad:a', 'Traders'), group('ad:b', 'Research')]
    const those = [
      person('alice', 'Alice', { groups: ['ad:a', 'ad:t'] }),
      person('bob', 'Bob', { groups: ['ad:a', 'ad:t'] }),
      person('carol', 'Carol', { groups: ['ad:b', 'ad:t'] }),
    ]
    const wall = (except: [string, string][]) => [{ kind: 'wall', id: 'w', a: ['ad:a'], b: ['ad:b'], except } as const]
    const room = `team-sued@${ROOMS}`
    const inRoom = async () => (await stage.store.read('roomMembersOf', room)).map((jid) => jid.split('@')[0]).sort()
    const looks = async () =>
      found(
        await carol.ask(
          'set',
          `<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='submit'><field var='x-any'><value>bob</value></field></x></query>`,
          DIRECTORY,
        ),
      )
    await stage.provision(those, groups)
    await stage.until('three', async () => (await inRoom()).length === 3)
    carol.client.send(`<presence to='${room}/w'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    await carol.sees(`${room}/w`)
    await stage.provision(those, groups, wall([]))
    await carol.misses(`${room}/w`)
    await stage.until('two', async () => (await inRoom()).join() === 'alice,bob')
    assert.deepEqual(await looks(), [])
    const pair = (one: string): [string, string] => [`${one}@${HOST}`, `carol@${HOST}`]
    await stage.provision(those, groups, wall([pair('alice')]))
    await stage.provision(those, groups, wall([pair('alice'), pair('bob')]))
    await stage.until('three again', async () => (await inRoom()).length === 3)
    assert.deepEqual(await looks(), ['bob'])
  })
})
