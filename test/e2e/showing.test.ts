// SPDX-License-Identifier: Apache-2.0
// What slixmpp sees of the company's directory: search, cards, faces and rooms, from slapd through the component and the helper.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import sharp from 'sharp'
import { FIVE, openPlace } from '../directory/place.ts'
import { DIRECTORY, HOST, openHouse, ROOMS, SECRET } from '../directory/showing/stage.ts'
import { ldifReplace } from '../harness/ldif.ts'
import { SUFFIX, slapdLack } from '../harness/slapd.ts'
import { slixmppLack, startSlixmpp } from '../harness/slixmpp.ts'
import { onServers } from './servers.ts'

onServers('the directory in a client', slapdLack() ?? slixmppLack(), (kind) => {
  it('search with pages, a card and a face with a push of its change, a room that follows the group', async () => {
    await using house = await openHouse(kind, ['alice', 'bob', 'carol', 'dave', 'erin'])
    await using place = await openPlace({
      domain: DIRECTORY,
      hosts: [HOST],
      secret_file: 'directory.secret',
      rooms: { service: ROOMS, groups: ['traders'], bookmarks: 'autojoin' },
    })
    writeFileSync(join(place.folder, 'directory.secret'), `${SECRET}\n`, { mode: 0o600 })
    place.shared({ server: { host: '127.0.0.1', port: house.ports.component } })
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
  })
})

const dn = (uid: string) => `uid=${uid},ou=people,${SUFFIX}`
