// SPDX-License-Identifier: Apache-2.0
// The process directory is killed again and again while it publishes cards and faces: what stands at accounts is whole, and nothing is
// published a second time but what was under way.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import sharp from 'sharp'
import { group, openPlace, person } from '../directory/place.ts'
import { DIRECTORY, HOST, openHouse, SECRET } from '../directory/showing/stage.ts'
import { BRANCHES, slapdLack } from '../harness/slapd.ts'
import { type Colleague, type DirectoryHouse, enter } from '../servers/both/directory-house.ts'
import { onServers } from './servers.ts'

const LONG =
  process.env.GATEHOUSE_LONG === '1' ? null : 'kills of the process directory: part of the long form (GATEHOUSE_LONG=1)'
const PEOPLE = 16
const AVATAR = 'urn:xmpp:avatar:metadata'

onServers('publishing that is killed', slapdLack() ?? LONG, (kind) => {
  it('goes on, and ends with everybody having card and face', async (t) => {
    const names = Array.from({ length: PEOPLE }, (_, at) => `p${at}`)
    await using house = await openHouse(kind, [...names, 'eve'])
    await using place = await openPlace({
      domain: DIRECTORY,
      hosts: [HOST],
      secret_file: 'directory.secret',
      publish_per_second: 40,
    })
    writeFileSync(join(place.folder, 'directory.secret'), `${SECRET}\n`, { mode: 0o600 })
    place.shared({ server: { host: '127.0.0.1', port: house.ports.component } })
    const photo = async (at: number) => {
      const background = { r: 40 + at * 8, g: 90, b: 255 - at * 8 }
      const bytes = await sharp({ create: { width: 120, height: 120, channels: 3, background } })
        .jpeg()
        .toBuffer()
      return `jpegPhoto:: ${bytes.toString('base64')}\n`
    }
    const entries = await Promise.all(names.map(async (name, at) => person(name, `Person ${name}`, await photo(at))))
    await place.slapd.add([BRANCHES, ...entries, person('eve', 'Eve'), group('all', [...names, 'eve'])].join('\n'))
    await using eve = await watcher(house)
    const told = () => eve.inbox.filter((stanza) => stanza.includes('pubsub#event') && stanza.includes(AVATAR))
    const from = (stanza: string) => /from=['"](p\d+)@/.exec(stanza)?.[1] ?? ''
    let kills = 0
    for (const wanted of [1, 5, 9, 13]) {
      await using directory = await place.start()
      await eve.until(`${wanted} faces`, () => new Set(told().map(from)).size >= wanted)
      directory.kill('SIGKILL')
      assert.equal((await directory.exited).signal, 'SIGKILL')
      kills += 1
    }
    await using _last = await place.start()
    await eve.until('all faces', () => new Set(told().map(from)).size === PEOPLE)
    const due = async () => (await place.ask('stats')).find(({ what }) => what === 'due')?.value
    while ((await due()) !== 0) await eve.fence()
    for (const name of names) {
      const card = await eve.ask('get', `<vCard xmlns='vcard-temp'/>`, `${name}@${HOST}`)
      assert.match(card, new RegExp(`Person ${name}<`))
      const sha1 = /<info [^>]*id=['"]([0-9a-f]{40})/.exec(
        told().findLast((stanza) => from(stanza) === name) ?? '',
      )?.[1]
      const items = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:data'><item id='${sha1}'/></items></pubsub>`
      const data = await eve.ask('get', items, `${name}@${HOST}`)
      assert.match(data, /<data[^>]*>[^<]{40,}</)
      // The same picture stands on the card.
      const onCard = /<BINVAL>([^<]+)</.exec(card)?.[1]?.replace(/\s/g, '')
      assert.equal(onCard, /<data[^>]*>([^<]+)</.exec(data)?.[1]?.replace(/\s/g, ''))
    }
    const pictures = new Map<string, Set<string>>()
    for (const stanza of told()) {
      const ids = pictures.get(from(stanza)) ?? new Set()
      pictures.set(from(stanza), ids.add(/<info [^>]*id=['"]([0-9a-f]{40})/.exec(stanza)?.[1] ?? ''))
    }
    t.diagnostic(`${kills} kills, ${told().length} pushes of ${PEOPLE} faces`)
    for (const [name, ids] of pictures) assert.equal(ids.size, 1, `${name} has one face`)
    await eve.leave()
  })
})

async function watcher(house: Awaited<ReturnType<typeof openHouse>>): Promise<Colleague & AsyncDisposable> {
  const eve = await enter(house as unknown as DirectoryHouse, 'eve', { notify: [AVATAR] })
  return Object.assign(eve, { [Symbol.asyncDispose]: async () => {} })
}
