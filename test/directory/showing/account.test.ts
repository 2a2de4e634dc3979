// SPDX-License-Identifier: Apache-2.0
// What stands at an account after its owner has had a hand in it: his picture, his bookmarks. The server is played; the store is real.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_CARD } from '../../../components/directory/domain/card.ts'
import type { Face } from '../../../components/directory/domain/face.ts'
import type { ForUser } from '../../../components/directory/showing/for-user.ts'
import { openPosting } from '../../../components/directory/showing/posting.ts'
import { AVATAR_METADATA, readAvatarId, writeAvatarMetadata } from '../../../components/kit/xep/avatar.ts'
import { BOOKMARKS } from '../../../components/kit/xep/bookmarks.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import { madeUp } from '../company.ts'
import { enginePlace } from '../engine-place.ts'

const ALICE = 'alice@corp.example'
const face = (digit: string): Face => ({ sha1: digit.repeat(40), bytes: new Uint8Array(9), width: 8, height: 8 })

/** The accounts of a server, as its helper reads and writes them. */
function playedServer() {
  const nodes = new Map<string, Map<string, string>>()
  const cards: string[] = []
  const at = (jid: string, node: string) => {
    const key = `${jid} ${node}`
    const items = nodes.get(key) ?? new Map<string, string>()
    nodes.set(key, items)
    return items
  }
  let requests = 0
  const user: ForUser = {
    async publish({ jid, node, id }, payload) {
      requests += 1
      at(jid, node).delete(id)
      at(jid, node).set(id, payload)
    },
    async retract({ jid, node, id }) {
      requests += 1
      at(jid, node).delete(id)
    },
    async read(jid, node, id) {
      requests += 1
      const [last] = [...at(jid, node)].filter(([one]) => id === undefined || one === id).slice(-1)
      return last === undefined ? null : { id: last[0], payload: parse(last[1]) }
    },
    card: async () => null,
    async setCard(_, card) {
      requests += 1
      cards.push(card)
    },
  }
  return { user, at, cards, requests: () => requests }
}

async function openAccounts(ownWins: boolean) {
  const place = enginePlace()
  const corp = madeUp()
  corp.person('alice', { photo: { hash: 'photo', bytes: 9 }, managerDn: 'uid=boss,ou=people,dc=corp' })
  corp.person('boss')
  corp.group('team', ['alice'])
  const opened = await place.open([corp])
  await opened.sync()
  const server = playedServer()
  const stop = new AbortController()
  const room = { jid: 'team@rooms.corp.example', name: 'Team' }
  const posting = openPosting({
    store: opened.store,
    user: server.user,
    cards: {
      table: DEFAULT_CARD,
      readableBy: 'contacts',
      managerLine: (name) => `under ${name}`,
      isHidden: (groups) => groups.includes('corp:board'),
    },
    avatars: { ownWins, faceOf: async () => face('a') },
    isDelegated: () => false,
    roomsOf: (groups) => (groups.includes('corp:team') ? [room] : []),
    autojoin: true,
    isUp: () => true,
    settings: 'same',
    now: Date.now,
    signal: stop.signal,
    log: { info() {}, warn() {}, error() {} },
    events: { done() {}, failed: (condition) => assert.fail(condition) },
  })
  const running = posting.run()
  const settled = async () => {
    while ((await opened.store.read('nextDue', [])) !== null) await new Promise((done) => setImmediate(done))
  }
  await posting.notice(1)
  await settled()
  const follow = async () => {
    await opened.sync()
    await posting.notice(opened.engine.seq)
    await settled()
  }
  return {
    ...server,
    corp,
    follow,
    posting,
    settled,
    room,
    shown: () => readAvatarId(parse([...server.at(ALICE, AVATAR_METADATA).values()].at(-1) ?? '<none/>')),
    /** She chooses a picture of her own. */
    chooses: (one: Face) =>
      server.user.publish(
        { jid: ALICE, node: AVATAR_METADATA, id: one.sha1 },
        writeAvatarMetadata({ id: one.sha1, type: 'image/png', bytes: 9, width: 8, height: 8 }),
      ),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await opened[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

test("the company's picture is put back where one's own loses, without a change of the directory; once, and on the card too", async () => {
  await using account = await openAccounts(false)
  assert.equal(account.shown(), 'a'.repeat(40))
  await account.chooses(face('b'))
  await account.posting.noticePictures()
  await account.settled()
  assert.equal(account.shown(), 'a'.repeat(40))
  assert.equal(account.cards.filter((card) => card.includes('Alice')).length, 2)
  const before = account.requests()
  await account.posting.noticePictures()
  await account.settled()
  assert.equal(account.requests() - before, 1, 'it is looked at, and nothing is written')
})

test('a bookmark that its owner has taken away does not come back with a new name of the room', async () => {
  await using account = await openAccounts(true)
  const marks = account.at(ALICE, BOOKMARKS)
  assert.match(marks.get(account.room.jid) ?? '', /name='Team'/)
  account.room.name = 'The team'
  await account.posting.noticeGroups(['corp:team'])
  await account.settled()
  assert.match(marks.get(account.room.jid) ?? '', /name='The team'/)
  marks.delete(account.room.jid)
  account.room.name = 'Our team'
  await account.posting.noticeGroups(['corp:team'])
  await account.settled()
  assert.equal(marks.has(account.room.jid), false)
})

test('a manager of whom nobody is to know is on no card, and is there again when he may be known', async () => {
  await using account = await openAccounts(true)
  const card = () => account.cards.findLast((one) => one.includes('Alice')) ?? ''
  assert.match(card(), /under Boss/)
  account.corp.group('board', ['boss'])
  await account.follow()
  assert.doesNotMatch(card(), /Boss/)
  account.corp.group('board', ['alice'])
  await account.follow()
  assert.match(card(), /under Boss/)
})
