// SPDX-License-Identifier: Apache-2.0
// Who is together in rooms that people made, and who is put out of them, on whichever server: DIRECTORY.md section 8, Rooms.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { attribute } from '../../harness/stanza-splitter.ts'
import {
  type Colleague,
  type DirectoryComponent,
  type DirectoryHouse,
  type DirectoryServer,
  enter,
  group,
  jid,
  NS,
  openDirectory,
  person,
  ROOMS,
} from './directory-house.ts'

const MUC = 'http://jabber.org/protocol/muc'

/** `stores`: makes the server keep this room on the disk only. */
export function rooms(server: DirectoryServer, stores: (house: DirectoryHouse, room: string) => Promise<void>): void {
  describe('rooms that people made', { skip: server.skip }, () => {
    let house: DirectoryHouse
    let directory: DirectoryComponent
    let [alice, bob, eve]: (Colleague | undefined)[] = []
    before(async () => {
      house = await server.open()
      directory = await openDirectory(house)
      const content = [
        ...['alice', 'bob', 'carol', 'dave'].map((name) => person(name)),
        group({ id: 'a', name: 'A', members: ['alice', 'dave'] }),
        group({ id: 'b', name: 'B', members: ['bob', 'carol'] }),
        group({ id: 'c', name: 'C', members: ['dave'] }),
      ].join('')
      assert.match(await directory.whole(1, [content]), /type='result'/)
      alice = await enter(house, 'alice')
      bob = await enter(house, 'bob')
      eve = await enter(house, 'eve')
      // All three are in the tea room, carol is its member; the garden stays with nobody in it; the attic is eve's alone.
      await opens(alice, 'tea')
      await opens(alice, 'garden')
      await opens(eve, 'attic')
      await joins(bob, 'tea')
      await joins(eve, 'tea')
      await names(alice, 'tea', 'carol', 'member')
      await names(alice, 'garden', 'bob', 'admin')
      await names(alice, 'garden', 'dave', 'member')
      alice.client.send(`<presence type='unavailable' to='${at('garden')}/alice'/>`)
      await alice.misses(`${at('garden')}/alice`)
      await stores(house, 'garden')
    })
    after(async () => {
      for (const one of [alice, bob, eve]) await one?.leave()
      await directory[Symbol.asyncDispose]()
      await house[Symbol.asyncDispose]()
    })
    const at = (room: string) => `${room}@${ROOMS}`
    const joins = async (one: Colleague, room: string) => {
      const nick = one.client.jid.split('@')[0]
      one.client.send(`<presence to='${at(room)}/${nick}'><x xmlns='${MUC}'/></presence>`)
      await one.sees(`${at(room)}/${nick}`)
    }
    const opens = async (one: Colleague, room: string) => {
      await joins(one, room)
      const fields = { persistentroom: 1, membersonly: 0, publicroom: 0 }
      const form = Object.entries(fields).map(
        ([name, value]) => `<field var='muc#roomconfig_${name}'><value>${value}</value></field>`,
      )
      const type = `<field var='FORM_TYPE' type='hidden'><value>${MUC}#roomconfig</value></field>`
      const submitted = `<x xmlns='jabber:x:data' type='submit'>${type}${form.join('')}</x>`
      assert.match(await one.ask('set', `<query xmlns='${MUC}#owner'>${submitted}</query>`, at(room)), /type='result'/)
    }
    const names = async (one: Colleague, room: string, who: string, affiliation: string) => {
      const item = `<query xmlns='${MUC}#admin'><item jid='${jid(who)}' affiliation='${affiliation}'/></query>`
      assert.match(await one.ask('set', item, at(room)), /type='result'/)
    }
    const asks = (groups: readonly string[], more = '') =>
      directory.ask('get', `<rooms xmlns='${NS}'${more}>${groups.map((id) => `<of group='${id}'/>`).join('')}</rooms>`)
    /** All pages: room -> who, affiliation, there. */
    const held = async (groups: readonly string[]) => {
      const found: Record<string, string[]> = {}
      for (let after = ''; ; ) {
        const answer = await asks(groups, after === '' ? '' : ` after='${after}'`)
        assert.match(answer, /type='result'/)
        for (const [, head = '', inside = ''] of answer.matchAll(/<room ([^>]*)>(.*?)<\/room>/gs))
          found[attribute(`<room ${head}>`, 'jid') ?? ''] = [...inside.matchAll(/<who [^>]*>/g)].map(([who]) =>
            ['jid', 'affiliation', 'there'].flatMap((name) => attribute(who, name) ?? []).join(' '),
          )
        const next = attribute(/<rooms[^>]*>/.exec(answer)?.[0] ?? '', 'next')
        if (next === null) return found
        assert.ok(next > after)
        after = next
      }
    }
    const leaves = (room: string, who: string, reason = 'A wall was put up.') =>
      directory.ask(
        'set',
        `<leave xmlns='${NS}' room='${at(room)}' jid='${jid(who)}'><reason>${reason}</reason></leave>`,
      )

    it('are listed with those of the groups who are there or belong there, and with nobody else', async () => {
      assert.deepEqual(await held(['a', 'b']), {
        [at('garden')]: [`${jid('alice')} owner`, `${jid('bob')} admin`, `${jid('dave')} member`],
        [at('tea')]: [`${jid('alice')} owner true`, `${jid('carol')} member`, `${jid('bob')} none true`],
      })
      assert.deepEqual(await held(['b']), { [at('tea')]: [`${jid('carol')} member`, `${jid('bob')} none true`] })
      assert.deepEqual(await held(['c']), {}, 'one alone is with nobody')
      assert.deepEqual(await held(['unknown']), {})
      assert.doesNotMatch(await asks(['a', 'b'], ` after='${at('garden')}'`), /garden/)
    })

    it('lose who is put out: with the reason, from all that he has there, and nobody else goes', async () => {
      const [anna, bert, ewa] = [alice ?? assert.fail(), bob ?? assert.fail(), eve ?? assert.fail()]
      assert.match(await leaves('tea', 'bob', 'Wall &amp; rule'), /type='result'/)
      const out = (one: Colleague) => () =>
        one.inbox.some((stanza) => stanza.includes(`from='${at('tea')}/bob'`) && stanza.includes("type='unavailable'"))
      await bert.until('that he is out', out(bert))
      const said = bert.inbox.filter((stanza) => stanza.includes(`${at('tea')}/bob`) && stanza.includes('unavailable'))
      assert.match(said[0] ?? '', /<status code='307'\/>/)
      assert.match(said[0] ?? '', /<reason>Wall &amp; rule<\/reason>/)
      await anna.until('that bob is out', out(anna))
      assert.match(await leaves('tea', 'carol'), /type='result'/)
      assert.match(await leaves('garden', 'bob'), /type='result'/)
      assert.match(await leaves('garden', 'bob'), /type='result'/, 'who is out already')
      assert.deepEqual(await held(['a', 'b']), { [at('garden')]: [`${jid('alice')} owner`, `${jid('dave')} member`] })
      for (const one of [anna, ewa]) {
        one.client.send(`<message type='groupchat' to='${at('tea')}'><body>still ${one.client.jid}</body></message>`)
        for (const other of [anna, ewa])
          await other.until(`the word of ${one.client.jid}`, () =>
            other.inbox.some((stanza) => stanza.includes(`>still ${one.client.jid}<`)),
          )
      }
      assert.ok(!bert.inbox.some((stanza) => stanza.includes('>still ')))
    })

    it("are nobody else's to ask for; nobody is put out whom the component did not hand over", async () => {
      assert.match(await leaves('tea', 'eve'), /item-not-found/)
      assert.match(await leaves('nowhere', 'alice'), /item-not-found/)
      assert.match(await asks([]), /bad-request/)
      const payload = `<rooms xmlns='${NS}'><of group='a'/></rooms>`
      const anna = alice ?? assert.fail()
      assert.match(await anna.ask('get', payload, 'corp.example'), /forbidden/)
      await using stranger = await openDirectory(house, 'stranger.corp.example')
      assert.match(await stranger.ask('get', payload), /forbidden/)
      const leave = `<leave xmlns='${NS}' room='${at('tea')}' jid='${jid('alice')}'/>`
      assert.match(await anna.ask('set', leave, 'corp.example'), /forbidden/)
      assert.match(await stranger.ask('set', leave), /forbidden/)
      assert.ok(anna.there.has(`${at('tea')}/alice`))
    })
  })
}
