// SPDX-License-Identifier: Apache-2.0
// How a state is handed over, on whichever server: DIRECTORY.md sections 2 to 4, 9 and 10.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join as path } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { attribute } from '../../harness/stanza-splitter.ts'
import {
  DIRECTORY,
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
import { HOST } from './house.ts'

const GOLDEN = path(import.meta.dirname, '../../golden/directory-1.xml')

export function transfer(server: DirectoryServer): void {
  describe('handing over', { skip: server.skip }, () => {
    let house: DirectoryHouse
    let directory: DirectoryComponent
    before(async () => {
      house = await server.open()
      directory = await openDirectory(house)
    })
    after(async () => {
      await directory[Symbol.asyncDispose]()
      await house[Symbol.asyncDispose]()
    })
    const held = async () => {
      const { id, seq } = await directory.state()
      return `${id} ${seq}`
    }
    const state = (attributes: string, inside = person('alice')) =>
      `<state xmlns='${NS}' ${attributes}>${inside}</state>`

    it('answers the golden file as it stands there', async () => {
      const lines = readFileSync(GOLDEN, 'utf8').split('\n')
      const requests = lines.flatMap((sent, at) =>
        attribute(sent, 'from') === DIRECTORY ? [{ sent, answer: lines[at + 1] ?? '' }] : [],
      )
      assert.ok(requests.length >= 10)
      for (const { sent, answer } of requests) {
        const payload = sent.slice(sent.indexOf('>') + 1, -'</iq>'.length)
        const got = await directory.ask(attribute(sent, 'type') === 'get' ? 'get' : 'set', payload)
        assert.deepEqual(facts(got), facts(answer), sent)
      }
    })

    it('takes it from nobody but the component', async () => {
      const before = await held()
      const payloads: ['get' | 'set', string][] = [
        ['get', `<state xmlns='${NS}'/>`],
        ['set', state("id='evil' seq='9' part='1' last='true'", person('bob', { locked: 'gone' }))],
        ['set', `<publish xmlns='${NS}' jid='${jid('bob')}' node='n'><x xmlns='urn:x'/></publish>`],
        ['get', `<read xmlns='${NS}' jid='${jid('bob')}' node='n'/>`],
        ['set', `<vcard xmlns='${NS}' jid='${jid('bob')}'><vCard xmlns='vcard-temp'/></vcard>`],
        ['set', `<sing xmlns='${NS}'/>`],
      ]
      const eve = await enter(house, 'eve')
      const stranger = await openDirectory(house, `stranger.${HOST}`)
      for (const [type, payload] of payloads) {
        for (const answer of [await eve.ask(type, payload, HOST), await stranger.ask(type, payload)]) {
          assert.match(answer, /^<iq [^>]*type='error'/, payload)
          assert.match(answer, /<forbidden/, payload)
        }
      }
      await stranger[Symbol.asyncDispose]()
      await eve.leave()
      assert.equal(await held(), before)
    })

    it('has no effect before its last part', async () => {
      assert.match(await directory.whole(1, [person('alice')]), /type='result'/)
      const lockBob = person('bob', { locked: 'disabled' })
      assert.match(await directory.ask('set', state("id='next' seq='2' part='1'", lockBob)), /^<iq [^>]*type='result'/)
      await (await enter(house, 'bob')).leave()
      assert.match(await held(), / 1$/)
      // The end of the component's stream drops it.
      await directory.break()
      directory = await openDirectory(house)
      assert.match(await directory.ask('set', state("id='next' seq='2' part='2' last='true'")), /<conflict/)
      await (await enter(house, 'bob')).leave()
      assert.match(await held(), / 1$/)
      assert.match(await directory.change(2, lockBob), /type='result'/)
      await assert.rejects(enter(house, 'bob'), /account-disabled|not-authorized/)
    })

    const refusals: [string, string, string, RegExp][] = [
      ['a wrong base', "id='b5a3e6f0-test' seq='9' base='8' part='1' last='true'", person('eve'), /cancel.*<conflict/],
      ['the base of another snapshot', "id='other' seq='9' base='5' part='1' last='true'", person('eve'), /<conflict/],
      ['a part that does not follow', "id='b5a3e6f0-test' seq='9' part='2' last='true'", person('eve'), /<conflict/],
      ['no id', "seq='9' part='1' last='true'", person('eve'), /<bad-request/],
      ['an id with a slash', "id='../x' seq='9' part='1' last='true'", person('eve'), /<bad-request/],
      ['no seq', "id='x' part='1' last='true'", person('eve'), /<bad-request/],
      ['a seq below zero', "id='x' seq='-1' part='1' last='true'", person('eve'), /<bad-request/],
      ['a seq over 2^53', "id='x' seq='9007199254740993' part='1' last='true'", person('eve'), /<bad-request/],
      ['part 0', "id='x' seq='9' part='0' last='true'", person('eve'), /<bad-request/],
      ['last, but not true', "id='x' seq='9' part='1' last='yes'", person('eve'), /<bad-request/],
      ['a part of nothing', "id='x' seq='9' part='1'", '', /<bad-request/],
      ['1,001 children', "id='x' seq='9' part='1' last='true'", person('eve').repeat(1001), /<bad-request/],
      ['an unknown element', "id='x' seq='9' part='1' last='true'", `${person('eve')}<sing/>`, /child 2, sing/],
      ['a person without a JID', "id='x' seq='9' part='1' last='true'", '<person/>', /child 1, person/],
      ['a full JID', "id='x' seq='9' part='1' last='true'", `<person jid='eve@corp.example/x'/>`, /<bad-request/],
      ['a domain for a person', "id='x' seq='9' part='1' last='true'", `<person jid='corp.example'/>`, /<bad-request/],
      [
        'a JID that is not prepared',
        "id='x' seq='9' part='1' last='true'",
        `<person jid='Eve@corp.example'/>`,
        /<bad-request/,
      ],
      [
        'a lock of another kind',
        "id='x' seq='9' part='1' last='true'",
        `<person jid='eve@corp.example' locked='perhaps'/>`,
        /<bad-request/,
      ],
      [
        'a name of 1,024 bytes',
        "id='x' seq='9' part='1' last='true'",
        person('eve', { name: 'x'.repeat(1024) }),
        /<bad-request/,
      ],
      [
        'a name with a line break',
        "id='x' seq='9' part='1' last='true'",
        `<person jid='eve@corp.example' name='a&#10;person&#9;b'/>`,
        /<bad-request/,
      ],
      ['a group without a name', "id='x' seq='9' part='1' last='true'", "<group id='g'/>", /<bad-request/],
      ['a group id with a space', "id='x' seq='9' part='1' last='true'", "<group id='g h' name='x'/>", /<bad-request/],
      [
        'an order that is no number',
        "id='x' seq='9' part='1' last='true'",
        "<group id='g' name='x' order='first'/>",
        /<bad-request/,
      ],
      [
        'a group shown to groups, of none',
        "id='x' seq='9' part='1' last='true'",
        "<group id='g' name='x' shown='groups'/>",
        /<bad-request/,
      ],
      [
        'joining a group that is not there',
        "id='x' seq='9' part='1' last='true'",
        join('none', ['eve']),
        /<bad-request/,
      ],
      [
        'joining by half a JID',
        "id='x' seq='9' part='1' last='true'",
        `${group({ id: 'g' })}<join group='g'>eve@corp.example eve@</join>`,
        /<bad-request/,
      ],
      [
        'a wall with one side',
        "id='x' seq='9' part='1' last='true'",
        "<wall id='w'><a group='g'/></wall>",
        /<bad-request/,
      ],
      ['a cap that is no number', "id='x' seq='9' part='1' last='true'", "<policy cap='many'/>", /<bad-request/],
      [
        'an exception of nobody',
        "id='x' seq='9' part='1' last='true'",
        "<wall id='w'><a group='g'/><b group='h'/><except a='x'/></wall>",
        /<bad-request/,
      ],
    ]
    it('keeps what is held when it refuses', async () => {
      assert.match(await directory.whole(5, [person('alice')]), /type='result'/)
      const before = await held()
      for (const [title, attributes, inside, wanted] of refusals) {
        const answer = await directory.ask('set', state(attributes, inside))
        assert.match(answer, /^<iq [^>]*type='error'/, title)
        assert.match(answer, wanted, title)
        assert.equal(await held(), before, title)
      }
      assert.match(await directory.change(6, person('bob')), /people='2'/)
    })

    it('drops a transfer when another begins', async () => {
      await directory.ask('set', state("id='one' seq='1' part='1'", person('carol')))
      assert.match(await directory.whole(7, [person('alice')]), /people='1'/)
      assert.match(await directory.ask('set', state("id='one' seq='1' part='2' last='true'")), /<conflict/)
    })

    it('is for the host it is sent to', async () => {
      const before = await held()
      const there = await directory.state(OTHER_HOST)
      assert.match(
        await directory.whole(3, [person(`zoe@${OTHER_HOST}`)], { to: OTHER_HOST, id: 'there' }),
        /people='1'/,
      )
      assert.equal(await held(), before)
      assert.deepEqual([there.id, (await directory.state(OTHER_HOST)).id], ['', 'there'])
    })

    it('is the old state or the new one after kill -9 at any moment', async () => {
      const names = Array.from({ length: 300 }, (_, n) => `p${n}`)
      const content = (mark: string) =>
        names.map((name) => person(name, { name: `${name} ${mark}` })).join('') + group({ id: 'g', members: names })
      assert.match(await directory.whole(10, [content('ten')]), /type='result'/)
      const rounds = process.env.GATEHOUSE_LONG === '1' ? 12 : 3
      for (let round = 0; round < rounds; round += 1) {
        const seq = Number((await directory.state()).seq)
        // Killed while the parts of a whole state or a change come, each time somewhere else.
        const whole = round % 2 === 0
        const base = whole ? '' : ` base='${seq}'`
        const asked = whole ? content(`${seq + 1}`) : person('p1', { name: `p1 ${seq + 1}` })
        const id = `b5a3e6f0-test`
        const first = directory.ask(
          'set',
          `<state xmlns='${NS}' id='${id}' seq='${seq + 1}'${base} part='1'>${asked}</state>`,
        )
        const second = directory.ask(
          'set',
          `<state xmlns='${NS}' id='${id}' seq='${seq + 1}'${base} part='2' last='true'>${person('p2', { name: 'last' })}</state>`,
        )
        first.catch(() => {})
        second.catch(() => {})
        if (round % 3 === 1) await first
        if (round % 3 === 2) await second
        await house.server.end()
        await directory.break()
        house = await server.open({ folder: house.folder })
        directory = await openDirectory(house)
        const after = await directory.state()
        assert.ok([`${seq}`, `${seq + 1}`].includes(after.seq), JSON.stringify(after))
        assert.equal(after.people, '300')
        assert.equal(after.damaged, '')
        if (round % 3 === 2) assert.equal(after.seq, `${seq + 1}`, 'what was answered is kept')
        assert.match(await directory.change(Number(after.seq) + 1, person('p3', { name: 'on' })), /type='result'/)
      }
    })
  })
}

/** What of an answer must be as in the golden file: not the order of attributes, the server's name, or the words of an error. */
function facts(answer: string): unknown {
  const type = attribute(answer, 'type')
  if (type === 'error')
    return [type, /<error [^>]*type='(\w+)'/.exec(answer)?.[1], /<([a-z-]+) [^>]*xmpp-stanzas/.exec(answer)?.[1]]
  const from = answer.indexOf('>') + 1
  const texts = [...answer.slice(from).matchAll(/>([^<]+)</g)].map(([, text]) => text)
  // A server may keep a vCard in another form, and give it back with empty fields.
  if (answer.includes('<vCard')) return [type, texts]
  const elements = [...answer.slice(from).matchAll(/<([\w-]+)((?: [\w:]+='[^']*')*)\/?>/g)].map(
    ([, name, attributes = '']) => [
      name,
      ...[...attributes.matchAll(/ ([\w:]+)='([^']*)'/g)]
        .filter(([, key]) => !['waiting', 'server', 'helper', 'features'].includes(key ?? ''))
        .map(([, key, value]) => `${key}=${value}`)
        .sort(),
    ],
  )
  return [type, elements, texts]
}
