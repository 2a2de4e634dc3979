// SPDX-License-Identifier: Apache-2.0
// What slixmpp sees of the company's directory: search, cards, faces and rooms, from slapd through the component and the helper.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import sharp from 'sharp'
import { openSnapshotWriter } from '../../components/kit/bus/file-snapshot.ts'
import { writeItem } from '../../components/kit/facts/people.ts'
import { followPeople } from '../../components/policy/people.ts'
import { FIVE, openPlace, type Place } from '../directory/place.ts'
import { DIRECTORY, HOST, openHouse, ROOMS, SECRET } from '../directory/showing/stage.ts'
import { ldifReplace } from '../harness/ldif.ts'
import { SUFFIX, slapdLack } from '../harness/slapd.ts'
import { type SlixmppClient, slixmppLack, startSlixmpp } from '../harness/slixmpp.ts'
import { onServers } from './servers.ts'

onServers('the directory in a client', slapdLack() ?? slixmppLack(), (kind) => {
  it('search with pages, a card and a face with a push of its change, a room that follows the group, former accounts, commands of staff', async (t) => {
    await using house = await openHouse(kind, ['alice', 'bob', 'carol', 'dave', 'erin'])
    await using place = await openPlace({
      domain: DIRECTORY,
      hosts: [HOST],
      secret_file: 'directory.secret',
      rooms: { service: ROOMS, groups: ['traders'], bookmarks: 'autojoin' },
    })
    writeFileSync(join(place.folder, 'directory.secret'), `${SECRET}\n`, { mode: 0o600 })
    place.shared({
      server: { host: '127.0.0.1', port: house.ports.component, hosts: [HOST] },
      people: { operators: [{ user: userInfo().username }, { jid: `carol@${HOST}` }] },
    })
    await place.slapd.add(FIVE)
    await using slixmpp = startSlixmpp()
    const login = (name: string) =>
      slixmpp.login({
        jid: `${name}@${HOST}/slix`,
        address: '127.0.0.1',
        port: house.ports.c2s,
        password: 'secret',
        pep: true,
      })
    await using _directory = await place.start()
    await place.ask('sync', { now: true })
    const [alice, bob] = [await login('alice'), await login('bob')]
    await alice.wait(/presence.*from="bob@corp.example\/slix"/)

    const first = await alice.search(DIRECTORY, { 'x-any': 'mail.example' }, { max: 2 })
    for (const field of ['x-any', 'first', 'last', 'email', 'x-department'])
      assert.ok(first.fields.includes(field), field)
    assert.deepEqual([first.rows.map(({ jid }) => jid), first.count], [[`alice@${HOST}`, `bob@${HOST}`], 5])
    assert.ok(first.columns.includes('jid'))
    const second = await alice.search(DIRECTORY, { 'x-any': 'mail.example' }, { max: 2, after: `bob@${HOST}` })
    assert.deepEqual(
      second.rows.map(({ jid, 'x-name': name }) => [jid, name]),
      [
        [`carol@${HOST}`, 'Carol Clark'],
        [`dave@${HOST}`, 'Dave Dunn'],
      ],
    )

    // A photo comes to be in the directory: her colleague's client is told, and the card has the same picture.
    const photo = await sharp({ create: { width: 200, height: 300, channels: 3, background: '#3366cc' } })
      .jpeg()
      .toBuffer()
    await place.slapd.modify(ldifReplace(dn('alice'), { jpegPhoto: photo }))
    await place.ask('sync', { now: true })
    const told = await bob.wait(
      /message.*from="alice@corp.example".*urn:xmpp:avatar:metadata.*<info [^>]*width="96"/,
      20,
    )
    const sha1 = /<info [^>]*id="([0-9a-f]{40})"/.exec(told)?.[1]
    assert.deepEqual(await bob.card(`alice@${HOST}`), { name: 'Alice Arnold', photo: sha1 })

    const room = `traders@${ROOMS}`
    const enter = `<presence xmlns='jabber:client' to='${room}/bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
    await bob.send(enter)
    await bob.wait(/presence.*from="traders@rooms.corp.example\/bob".*code="110"|presence.*code="110".*traders@rooms/)
    await place.slapd.modify(`
dn: cn=traders,ou=groups,${SUFFIX}
changetype: modify
delete: member
member: ${dn('bob')}
`)
    await place.ask('sync', { now: true })
    await bob.wait(/presence.*type="unavailable".*code="321"|presence.*code="321"/, 20)
    await bob.send(enter)
    await bob.wait(/presence.*type="error".*registration-required/)

    t.diagnostic(await effect(place, alice, await login('erin')))
    await wall(place, alice, bob)
    await movesTo(place, alice)
    await staff(await login('carol'), alice)
  })
})

/** Erin comes to the traders and into another department: how long after the change was noticed that is so for everybody. */
async function effect(place: Place, alice: SlixmppClient, erin: SlixmppClient): Promise<string> {
  const people = Promise.withResolvers<void>()
  using _policy = followPeople(place.snapshot, {
    changed(known) {
      if (known.find(`erin@${HOST}`)?.groups.some(({ key }) => key === 'traders')) people.resolve()
    },
    fault: (error) => error && people.reject(error),
  })
  await place.slapd.modify(`
dn: cn=traders,ou=groups,${SUFFIX}
changetype: modify
add: member
member: ${dn('erin')}

dn: ${dn('erin')}
changetype: modify
replace: departmentNumber
departmentNumber: Sales
`)
  // Who has asked for the roster is told what changes in it.
  await alice.send(`<iq xmlns='jabber:client' type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>`)
  await alice.wait(/id="roster"/)
  const asked = place.ask('sync', { now: true })
  const noticed = performance.now()
  const took = async (what: string, seen: Promise<unknown>) => {
    await seen
    return `${what} ${Math.round(performance.now() - noticed)} ms`
  }
  const found = async () => {
    for (let rows: readonly unknown[] = []; rows.length === 0; )
      rows = (await alice.search(DIRECTORY, { 'x-department': 'Sales' })).rows
  }
  const entered = async () => {
    for (let said = 'error'; said.includes('error'); ) {
      await erin.send(
        `<presence xmlns='jabber:client' to='traders@${ROOMS}/erin'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
      )
      said = await erin.wait(/<presence [^>]*from="traders@rooms.corp.example\/erin"/)
    }
  }
  const all = await Promise.all([
    took('roster', alice.wait(/jabber:iq:roster.*jid="erin@corp.example"/, 20)),
    took('room', entered()),
    took('search', found()),
    took('policy', people.promise),
  ])
  await asked
  return `in effect after it was noticed: ${all.join(', ')} (wanted: 5 s)`
}

/** Alice has a room of her own, and Bob sits in it; policy puts a wall up between the traders and his group. */
async function wall(place: Place, alice: SlixmppClient, bob: SlixmppClient): Promise<void> {
  await place.slapd.modify(`
dn: cn=research,ou=groups,${SUFFIX}
changetype: modify
add: member
member: ${dn('bob')}
`)
  await place.ask('sync', { now: true })
  const room = `lunch@${ROOMS}`
  const enters = async (client: SlixmppClient, nick: string) => {
    await client.send(
      `<presence xmlns='jabber:client' to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
    await client.wait(new RegExp(`<presence [^>]*from="${room}/${nick}"`))
  }
  await enters(alice, 'alice')
  await alice.send(
    `<iq xmlns='jabber:client' type='set' id='open' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  await alice.wait(/id="open"/)
  await enters(bob, 'bob')
  await using walls = await openSnapshotWriter(join(place.folder, 'journals', 'policy-walls'))
  await walls.put({
    put: [writeItem({ kind: 'wall', id: 'w', a: 'traders', b: 'research', except: [] })],
    remove: [],
  })
  await bob.wait(/<presence [^>]*type="unavailable".*<reason>A rule of the company keeps you apart/, 20)
  await enters(alice, 'anna')
}

/** Dave gets another login name: his former account says where he is now. */
async function movesTo(place: Place, alice: SlixmppClient): Promise<void> {
  await place.slapd.modify(`
dn: ${dn('dave')}
changetype: modrdn
newrdn: uid=dave.dunn
deleteoldrdn: 1
`)
  await place.ask('sync', { now: true })
  for (let [said, tries] = ['', 0]; !said.includes('<new-jid>'); tries += 1) {
    assert.ok(tries < 200, `no word of where he is: ${said}`)
    await alice.send(
      `<iq xmlns='jabber:client' type='get' id='moved-${tries}' to='dave@${HOST}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:moved:1'/></pubsub></iq>`,
    )
    said = await alice.wait(new RegExp(`id="moved-${tries}"`))
    if (said.includes('<new-jid>')) assert.match(said, /<item id="current"[^>]*>.*<new-jid>dave.dunn@corp.example</)
  }
}

/** What staff are offered in their client, in their language; others nothing. */
async function staff(carol: SlixmppClient, alice: SlixmppClient): Promise<void> {
  assert.deepEqual(await alice.commands(DIRECTORY), {})
  const nodes = Object.keys(await carol.commands(DIRECTORY)).sort()
  assert.deepEqual(
    nodes,
    ['apply', 'errors', 'plan', 'stats', 'sync', 'who'].map((name) => `directory-${name}`),
  )
  const said = new Map<string, string[]>()
  const say = (what: string, ...texts: readonly string[]) =>
    said.set(what, [...(said.get(what) ?? []), texts.join(' ')])
  for (const lang of ['en', 'de']) {
    for (const node of nodes) {
      const form = await carol.command(DIRECTORY, node, { lang })
      // What a row begins with stands beside it: that is no text.
      const labels = Object.entries(form.labels).filter(([field]) => !/^row-\d+$/.test(field))
      for (const [field, label] of labels) say(`${node} ${field}`, label)
    }
    const who = async (name: string) => {
      const form = await carol.command(DIRECTORY, 'directory-who', { lang })
      const step = { action: 'next', session: form.session, values: { name }, lang }
      return carol.command(DIRECTORY, 'directory-who', step)
    }
    const dave = await who('dave.dunn')
    assert.deepEqual(
      dave.rows.filter(({ what }) => what === 'jid' || what === 'old_jids').map(({ provisioned }) => provisioned),
      [`dave.dunn@${HOST}`, `dave@${HOST}`],
    )
    say('why', ...dave.notes.flat())
    say('nobody', ...(await who('zz')).notes.flat())
  }
  assert.deepEqual(
    said.get('nobody')?.map((text) => text.slice(0, 22)),
    ['error Nobody is called', 'error Niemand heißt zz'],
  )
  assert.ok(said.size >= 8, `${said.size} texts`)
  for (const [what, [en, de]] of said) assert.ok(en !== de && de !== undefined, `${what}: ${en} and ${de}`)
}

const dn = (uid: string) => `uid=${uid},ou=people,${SUFFIX}`
