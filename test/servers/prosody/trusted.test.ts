// SPDX-License-Identifier: Apache-2.0
// A trusted component, such as the archive: what it and people of this server exchange is not asked about. Trust belongs to its stream:
// nobody else has it by its name.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, soon } from '../both/house.ts'
import { wrapped } from '../both/trusted.ts'
import { openGated } from './gated.ts'

const ARCHIVE = 'archive.gatehouse.internal'
const EVIL = 'evil.corp.example'
const command = (node: string, inside = '') =>
  `<command xmlns='http://jabber.org/protocol/commands' node='${node}'>${inside}</command>`

const open = (lines: readonly string[] = []) =>
  openGated({
    lines: [`gatehouse_trusted = { "${ARCHIVE}" }`],
    settings: {
      components: [
        { name: ARCHIVE, secret: 'gate' },
        { name: EVIL, secret: 'gate', lines },
      ],
    },
  })

describe('a trusted component', () => {
  it('is asked by people, and answers them, without a question; the same with another component is asked about', async () => {
    await using gated = await open()
    const screen = await gated.asking()
    const archive = await gated.screen(ARCHIVE, { silent: /./ })
    const evil = await gated.screen(EVIL, { silent: /./ })
    const alice = await gated.login('alice')
    const asked = (words: string) => screen.seen.filter((iq) => iq.includes('<ask') && iq.includes(words)).length

    alice.client.send(`<iq type='set' id='c1' to='${ARCHIVE}'>${command('search', '<x>for-the-archive</x>')}</iq>`)
    await soon(archive.saw(/for-the-archive/), 'the command at the archive')
    archive.write(
      `<iq type='result' id='c1' from='${ARCHIVE}' to='alice@${HOST}/r'>${command('search', '<x>from-the-archive</x>')}</iq>`,
    )
    await alice.got(/from-the-archive/)
    alice.client.send(`<iq type='set' id='c2' to='${EVIL}'>${command('search', '<x>for-the-other</x>')}</iq>`)
    await soon(evil.saw(/for-the-other/), 'the command at the other')
    evil.write(
      `<iq type='result' id='c2' from='${EVIL}' to='alice@${HOST}/r'>${command('search', '<x>from-the-other</x>')}</iq>`,
    )
    await alice.got(/from-the-other/)
    assert.deepEqual(
      ['for-the-archive', 'from-the-archive', 'for-the-other', 'from-the-other'].map(asked),
      [0, 0, 1, 1],
    )
    // Only commands and their like pass by: a message to it is asked about as any other.
    alice.client.send(`<message to='${ARCHIVE}'><body>a message to it</body></message>`)
    await soon(screen.saw(/<ask.*a message to it/s), 'the question')
  })

  it('is trusted by its stream: another that writes in its name is cut off, or asked about', async () => {
    {
      await using gated = await open()
      const screen = await gated.asking()
      const evil = await gated.screen(EVIL)
      const alice = await gated.login('alice')
      evil.write(`<message from='${ARCHIVE}' to='alice@${HOST}'><body>in another name</body></message>`)
      await soon(evil.ended, 'the end of its stream')
      alice.say(`alice@${HOST}`, 'fence')
      await alice.got(/<body>fence/)
      assert.ok(!alice.inbox.some((stanza) => stanza.includes('in another name')))
      assert.ok(!screen.seen.some((iq) => iq.includes('in another name')))
    }
    await using gated = await open(['validate_from_addresses = false'])
    const screen = await gated.asking()
    const evil = await gated.screen(EVIL)
    const alice = await gated.login('alice')
    evil.write(`<message from='${ARCHIVE}' to='alice@${HOST}'><body>DENY in another name</body></message>`)
    await soon(screen.saw(/<ask.*DENY in another name/s), 'the question')
    alice.say(`alice@${HOST}`, 'fence')
    await alice.got(/<body>fence/)
    assert.ok(!alice.inbox.some((stanza) => stanza.includes('DENY')))
  })

  it('that speaks for a person (XEP-0356) is asked about as that person: what it wrapped does not say by which stream it came', async () => {
    const grant = `privileged_entities = { ["${ARCHIVE}"] = { message = "outgoing" } }`
    await using gated = await openGated({
      lines: [`gatehouse_trusted = { "${ARCHIVE}" }`, grant],
      settings: {
        modules: ['privilege'],
        components: [{ name: ARCHIVE, secret: 'gate', lines: ['modules_enabled = { "privilege" }'] }],
      },
    })
    const screen = await gated.asking()
    const archive = await gated.screen(ARCHIVE)
    const bob = await gated.login('bob')
    const speak = (body: string) => archive.write(wrapped(ARCHIVE, 'urn:xmpp:privilege:2', body))
    speak('DENY for alice')
    speak('said for alice')
    await bob.got(/said for alice/)
    assert.deepEqual(bodies(bob), ['said for alice'])
    const question = await soon(screen.saw(/<ask.*said for alice/s), 'the question')
    assert.match(question, new RegExp(`<message xmlns='jabber:client'[^>]*from='alice@${HOST}'`))
  })
})
