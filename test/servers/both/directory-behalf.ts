// SPDX-License-Identifier: Apache-2.0
// What the component publishes for users, on whichever server: DIRECTORY.md section 8.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type DirectoryComponent,
  type DirectoryHouse,
  type DirectoryServer,
  enter,
  group,
  jid,
  join,
  NS,
  OTHER_HOST,
  openDirectory,
  person,
} from './directory-house.ts'

const NICK = 'http://jabber.org/protocol/nick'
const BOOKMARKS = 'urn:xmpp:bookmarks:1'
const nick = (text: string) => `<nick xmlns='${NICK}'>${text}</nick>`
const open = `<options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='pubsub#access_model'><value>whitelist</value></field><field var='pubsub#max_items'><value>100</value></field></x></options>`
const bookmark = (name: string) => `<conference xmlns='${BOOKMARKS}' name='${name}' autojoin='true'/>`

export function behalf(server: DirectoryServer): void {
  describe('on behalf of users', { skip: server.skip }, () => {
    let house: DirectoryHouse
    let directory: DirectoryComponent
    before(async () => {
      house = await server.open()
      directory = await openDirectory(house)
      const names = ['alice', 'bob', 'carol']
      const content = names.map((name) => person(name)).join('') + group({ id: 'g', name: 'G', members: names })
      assert.match(await directory.whole(1, [content]), /type='result'/)
    })
    after(async () => {
      await directory[Symbol.asyncDispose]()
      await house[Symbol.asyncDispose]()
    })
    const publish = (user: string, node: string, content: string, id = '') =>
      directory.ask(
        'set',
        `<publish xmlns='${NS}' jid='${jid(user)}' node='${node}'${id === '' ? '' : ` id='${id}'`}>${content}</publish>`,
      )
    const read = (user: string, node: string, more = '') =>
      directory.ask('get', `<read xmlns='${NS}' jid='${jid(user)}' node='${node}'${more}/>`)

    it('publishes what colleagues are told of, also of somebody who is not there and to who comes later', async () => {
      const bob = await enter(house, 'bob', { notify: [NICK] })
      assert.match(await publish('alice', NICK, nick('Al'), 'current'), /<publish [^>]*id='current'/)
      await bob.until('the nick', () => bob.inbox.some((stanza) => /^<message.*<nick[^>]*>Al<\/nick>/.test(stanza)))
      const carol = await enter(house, 'carol', { notify: [NICK] })
      await carol.until('the nick of who is not there', () =>
        carol.inbox.some((stanza) => /^<message [^>]*from='alice@.*<nick[^>]*>Al<\/nick>/.test(stanza)),
      )
      assert.match(
        await directory.ask('set', `<retract xmlns='${NS}' jid='${jid('alice')}' node='${NICK}' id='current'/>`),
        /type='result'/,
      )
      await bob.until('the retraction', () =>
        bob.inbox.some((stanza) => /^<message.*<retract id='current'/.test(stanza)),
      )
      await carol.leave()
      await bob.leave()
    })

    it('tells also who was there before he was shown somebody who is not', async () => {
      const dave = await enter(house, 'dave', { notify: [NICK] })
      assert.match(await publish('alice', NICK, nick('Al'), 'current'), /type='result'/)
      // What his coming is owed has been sent.
      await directory.settled()
      assert.match(await directory.change(2, person('dave') + join('g', ['dave'])), /type='result'/)
      const hears = (name: string) =>
        dave.until(`the nick ${name}`, () =>
          dave.inbox.some((stanza) => stanza.startsWith('<message') && stanza.includes(`>${name}</nick>`)),
        )
      await hears('Al')
      assert.match(await publish('alice', NICK, nick('Ally'), 'current'), /type='result'/)
      await hears('Ally')
      await dave.leave()
    })

    it('publishes items with options, reads them, the newest, and takes them back', async () => {
      for (const name of ['tea', 'cake', 'milk'])
        assert.match(await publish('alice', BOOKMARKS, open + bookmark(name), `${name}@rooms`), /type='result'/)
      const ids = (answer: string) => [...answer.matchAll(/<item [^>]*id='([^']*)'/g)].map(([, id]) => id)
      assert.deepEqual(ids(await read('alice', BOOKMARKS)), ['tea@rooms', 'cake@rooms', 'milk@rooms'])
      assert.deepEqual(ids(await read('alice', BOOKMARKS, " max='2'")), ['cake@rooms', 'milk@rooms'])
      const one = await read('alice', BOOKMARKS, " id='cake@rooms'")
      assert.deepEqual(ids(one), ['cake@rooms'])
      assert.match(one, /<conference [^>]*name='cake'/)
      // The options hold: nobody else reads them.
      const bob = await enter(house, 'bob')
      const ask = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${BOOKMARKS}'/></pubsub>`
      assert.match(await bob.ask('get', ask, jid('alice')), /type='error'/)
      await bob.leave()
      const retract = `<retract xmlns='${NS}' jid='${jid('alice')}' node='${BOOKMARKS}' id='cake@rooms'/>`
      assert.match(await directory.ask('set', retract), /type='result'/)
      assert.match(await directory.ask('set', retract), /item-not-found/)
      assert.deepEqual(ids(await read('alice', BOOKMARKS)), ['tea@rooms', 'milk@rooms'])
    })

    it('writes and reads a vCard, which others read too', async () => {
      const card = `<vCard xmlns='vcard-temp'><FN>Alice Ånström</FN><TITLE>Chief</TITLE></vCard>`
      const ask = (type: 'get' | 'set', inside = '') =>
        directory.ask(type, `<vcard xmlns='${NS}' jid='${jid('alice')}'>${inside}</vcard>`)
      assert.match(await ask('set', card), /type='result'/)
      assert.match(await ask('get'), /<FN>Alice Ånström<\/FN>/)
      const bob = await enter(house, 'bob')
      assert.match(await bob.ask('get', `<vCard xmlns='vcard-temp'/>`, jid('alice')), /<FN>Alice Ånström<\/FN>/)
      await bob.leave()
    })

    const bad: [string, 'get' | 'set', string, RegExp][] = [
      [
        'no such account',
        'set',
        `<publish xmlns='${NS}' jid='nobody@corp.example' node='n'>${nick('x')}</publish>`,
        /item-not-found/,
      ],
      [
        'another host',
        'set',
        `<publish xmlns='${NS}' jid='zoe@${OTHER_HOST}' node='n'>${nick('x')}</publish>`,
        /item-not-found/,
      ],
      ['no JID', 'set', `<publish xmlns='${NS}' node='n'>${nick('x')}</publish>`, /bad-request/],
      [
        'a full JID',
        'set',
        `<publish xmlns='${NS}' jid='alice@corp.example/x' node='n'>${nick('x')}</publish>`,
        /bad-request/,
      ],
      // By these answers the component finds out which addresses a server does not take.
      [
        'an address that its stringprep refuses',
        'get',
        `<read xmlns='${NS}' jid='דוד2@corp.example' node='n'/>`,
        /bad-request/,
      ],
      [
        'an address of nobody that it takes',
        'get',
        `<read xmlns='${NS}' jid='דוד@corp.example' node='n'/>`,
        /item-not-found/,
      ],
      ['no node', 'set', `<publish xmlns='${NS}' jid='alice@corp.example'>${nick('x')}</publish>`, /bad-request/],
      ['no payload', 'set', `<publish xmlns='${NS}' jid='alice@corp.example' node='n'/>`, /bad-request/],
      [
        'two payloads',
        'set',
        `<publish xmlns='${NS}' jid='alice@corp.example' node='n'>${nick('x')}${nick('y')}</publish>`,
        /bad-request/,
      ],
      [
        'a payload of 300 KiB',
        'set',
        `<publish xmlns='${NS}' jid='alice@corp.example' node='n'>${nick('x'.repeat(300 * 1024))}</publish>`,
        /resource-constraint/,
      ],
      [
        'a retraction without an id',
        'set',
        `<retract xmlns='${NS}' jid='alice@corp.example' node='n'/>`,
        /bad-request/,
      ],
      [
        'a node that is not there',
        'get',
        `<read xmlns='${NS}' jid='alice@corp.example' node='urn:none'/>`,
        /item-not-found/,
      ],
      ['too many items', 'get', `<read xmlns='${NS}' jid='alice@corp.example' node='n' max='1001'/>`, /bad-request/],
      ['a vCard that is none', 'set', `<vcard xmlns='${NS}' jid='alice@corp.example'/>`, /bad-request/],
      ['an unknown request', 'set', `<sing xmlns='${NS}'/>`, /feature-not-implemented/],
      [
        'a publish as get',
        'get',
        `<publish xmlns='${NS}' jid='alice@corp.example' node='n'>${nick('x')}</publish>`,
        /feature-not-implemented/,
      ],
    ]
    for (const [title, type, payload, condition] of bad) {
      it(`refuses ${title}`, async () => {
        const answer = await directory.ask(type, payload)
        assert.match(answer, /^<iq [^>]*type='error'/)
        assert.match(answer, condition)
      })
    }
  })
}
