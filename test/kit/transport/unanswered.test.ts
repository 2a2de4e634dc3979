// SPDX-License-Identifier: Apache-2.0
// What our people said and nobody answered before the process ended: its sender is told at the next start, and told once.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  answeredLine,
  lineOf,
  openUnansweredFile,
  readLeftOver,
  type Taken,
} from '../../../components/kit/transport/unanswered/file.ts'
import { MadeUpNet } from './made-up.ts'
import { calm, GATEWAY, NETWORK, room, type Stand, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const BERT = 'bert@corp.example/desk'
const OTTO = `otto%${NETWORK}@${GATEWAY}`
const FILE = 'transport.sqlite-unanswered'
const attr = (xml: string) => xml.replaceAll('"', "'")
const errorsTo = (at: Stand, client: string) => at.unread(client).filter((xml) => /^<message type='error'/.test(xml))
const idsOf = (errors: readonly string[]) => errors.map((xml) => / id='([^']*)'/.exec(xml)?.[1])

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-unanswered-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What is on disk now, as it would be after kill -9. */
function asKilled(t: TestContext, { folder }: Stand): string {
  const copy = folderOf(t)
  cpSync(folder, copy, { recursive: true })
  return copy
}

const taken = (n: number): Taken => {
  return { n, from: ANNA, to: room('#tea'), id: `m${n}`, type: 'groupchat', language: '', at: n }
}

test('killed while the network had not answered: each sender gets one error, with id and address of his, and once', async (t) => {
  const never = new Promise<boolean>(() => {})
  let folder = ''
  {
    await using at = await stand({ people: { message: () => never } })
    await at.enter(ANNA, '#tea', 'anna')
    at.transport.up()
    at.says(ANNA, '#tea', 'answered', 'm1')
    await at.heard(ANNA, /answered/)
    at.net.refusal = { what: 'say', reason: 'banned' }
    at.says(ANNA, '#tea', 'refused', 'm2')
    await at.heard(ANNA, /type='error' id='m2'/)
    at.net.sessions[0]?.hold()
    at.says(ANNA, '#tea', 'waits', 'm3')
    at.send(`<message type='chat' id='m5' xml:lang='de' from='${BERT}' to='${OTTO}'><body>waits</body></message>`)
    at.send(
      `<message type='chat' id='m6' from='${BERT}' to='${OTTO}'><displayed xmlns='urn:xmpp:chat-markers:0' id='x'/></message>`,
    )
    // What was answered is gathered for a moment.
    await new Promise((resolve) => setTimeout(resolve, 80))
    folder = asKilled(t, at)
  }
  assert.doesNotMatch(readFileSync(join(folder, FILE), 'utf8'), /waits/, 'none of the words')
  {
    await using at = await stand({ folder })
    assert.deepEqual(at.sent, [], 'not before there is a stream')
    at.transport.up()
    const [first, ...more] = errorsTo(at, ANNA)
    assert.match(
      attr(first ?? ''),
      new RegExp(
        `^<message type='error' id='m3' from='${room('#tea')}' to='${ANNA}'><error type='wait'><remote-server-timeout [^>]*/><text [^>]*xml:lang='en'>The gateway was restarted before the network had confirmed this message. What you sent may have been delivered all the same.</text></error></message>$`,
      ),
    )
    assert.deepEqual(idsOf(more), [])
    const [german, ...others] = errorsTo(at, BERT)
    assert.match(german ?? '', new RegExp(`id='m5' from='${OTTO}'.*xml:lang='de'>Das Gateway wurde neu gestartet`))
    assert.deepEqual(others, [])
    assert.equal(at.transport.counts.unanswered, 2)
    assert.match(at.errors.join(), /messages had no answer when the process ended.*"count":2/)
  }
  await using at = await stand({ folder })
  at.transport.up()
  assert.deepEqual(at.sent, [])
})

test('the stream went down before the error was out: it comes at the next start', async (t) => {
  await using at = await stand()
  await at.enter(ANNA, '#tea', 'anna')
  at.transport.up()
  at.transport.down()
  await at.enter(ANNA, '#tea', 'anna')
  at.net.refusal = { what: 'say', reason: 'banned' }
  at.says(ANNA, '#tea', 'refused', 'm1')
  await new Promise((resolve) => setTimeout(resolve, 80))
  await using again = await stand({ folder: asKilled(t, at) })
  again.transport.up()
  assert.deepEqual(idsOf(errorsTo(again, ANNA)), ['m1'])
  // Lost on the way again: as long as that can be known it is sent once more.
  again.transport.down()
  again.transport.up()
  assert.deepEqual(idsOf(errorsTo(again, ANNA)), ['m1'])
})

test('what stands in the room when the process is killed got its answer; an older one of the same id is another', async (t) => {
  let now = 1_766_000_000_000
  await using at = await stand({ now: () => now })
  await at.enter(ANNA, '#tea', 'anna')
  at.transport.up()
  at.says(ANNA, '#tea', 'first', 'm1')
  at.says(ANNA, '#tea', 'second', 'm2')
  await at.heard(ANNA, /second/)
  at.transport.writing()
  now += 60_000
  at.net.sessions[0]?.hold()
  at.says(ANNA, '#tea', 'third', 'm1')
  await new Promise((resolve) => setImmediate(resolve))
  await using again = await stand({ folder: asKilled(t, at) })
  again.transport.up()
  assert.deepEqual(idsOf(errorsTo(again, ANNA)), ['m1'])
})

test('what the network kept of it all the same is shown once, as his own', async (t) => {
  const net = new MadeUpNet()
  let folder = ''
  {
    await using at = await stand({ net })
    await at.enter(ANNA, '#tea', 'anna')
    net.sessions[0]?.hold()
    at.says(ANNA, '#tea', 'did it get there', 'm1')
    await new Promise((resolve) => setImmediate(resolve))
    folder = asKilled(t, at)
  }
  net.kept.set('#tea', [{ id: 'net-1', nick: 'anna', body: 'did it get there', at: Date.now() }])
  await using at = await stand({ net, folder })
  at.transport.up()
  assert.deepEqual(idsOf(errorsTo(at, ANNA)), ['m1'])
  for (const nick of [ANNA, BERT]) await at.enter(nick, '#tea', nick.slice(0, 4))
  await calm(at)
  const shown = at.sent.filter((xml) => xml.includes('did it get there'))
  assert.deepEqual(
    shown.map((xml) => / to='([^']*)'/.exec(xml)?.[1]),
    [ANNA, BERT],
  )
  assert.ok(shown.every((xml) => xml.includes(`from='${room('#tea')}/anna'`)))
})

test('who has no answer by the end of an orderly drain is told at the next start', async (t) => {
  const folder = folderOf(t)
  {
    await using at = await stand({ folder })
    await at.enter(ANNA, '#tea', 'anna')
    at.transport.up()
    // This one answers nothing, not even when it is ended.
    at.net.sessions[0]?.hold()
    for (const n of [1, 2, 3]) at.says(ANNA, '#tea', `n${n}`, `m${n}`)
  }
  await using at = await stand({ folder })
  at.transport.up()
  assert.deepEqual(idsOf(errorsTo(at, ANNA)), ['m1', 'm2', 'm3'])
})

test('a full disk: all goes on and is counted; as soon as there is room, what has no answer is noted', async (t) => {
  await using at = await stand()
  const { folder } = at
  // Every write to it fails as on a full disk.
  symlinkSync('/dev/full', join(folder, `${FILE}.new`))
  await at.enter(ANNA, '#tea', 'anna')
  at.transport.up()
  at.says(ANNA, '#tea', 'on a full disk', 'm1')
  await at.heard(ANNA, /on a full disk/)
  at.net.sessions[0]?.hold()
  at.says(ANNA, '#tea', 'waits', 'm2')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(at.transport.counts.unnoted, 1)
  assert.match(at.errors.join(), /what has no answer yet could not be noted .*ENOSPC/)
  rmSync(join(folder, `${FILE}.new`))
  at.says(ANNA, '#tea', 'waits too', 'm3')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(at.transport.counts.unnoted, 1)
  await using again = await stand({ folder: asKilled(t, at) })
  again.transport.up()
  assert.deepEqual(idsOf(errorsTo(again, ANNA)), ['m2', 'm3'])
})

test('version 1: who got no answer, in the language that he wrote in; what a newer program wrote is not thrown away', async (t) => {
  const folder = folderOf(t)
  const golden = readFileSync(new URL('../../golden/transport-unanswered-1.jsonl', import.meta.url), 'utf8')
  writeFileSync(join(folder, FILE), golden)
  {
    await using at = await stand({ folder })
    at.transport.up()
    assert.deepEqual(
      at.sent.map((xml) => / from='([^']*)' to='([^']*)'.* xml:lang='(\w+)'/.exec(xml)?.slice(1)),
      [
        [room('#tea'), ANNA, 'en'],
        [OTTO, 'bert@corp.example/d&amp;k', 'de'],
        [`${room('#tea')}/otto`, ANNA, 'en'],
      ],
    )
    assert.deepEqual(idsOf(at.sent), ['m-8', undefined, 'm-10'])
  }
  assert.deepEqual(readLeftOver(join(folder, FILE)).left, [], 'told once')
  writeFileSync(join(folder, FILE), '{"unanswered":2}\n{"new":1}\n')
  await assert.rejects(stand({ folder }), /has version 2, and this program knows 1: use the newer program/)
  assert.match(readFileSync(join(folder, FILE), 'utf8'), /new/)
})

test('a power cut may take pieces of it: the rest is told, and that some is lost', (t) => {
  const path = join(folderOf(t), 'file')
  const [one, two, three] = [1, 2, 3].map((n) => lineOf(taken(n)))
  writeFileSync(path, `{"unanswered":1}\n${one}\0\0\0${two}${three}{"n":4,"from":"an`)
  assert.deepEqual(readLeftOver(path), { left: [taken(1), taken(3)], last: 3, torn: 1 })
  writeFileSync(path, `\0\0\0{"unanswered":1}\n${one}`)
  assert.deepEqual(readLeftOver(path), { left: [], last: 0, torn: 1 })
})

test('it takes a bounded place, also while it never stops', (t) => {
  const path = join(folderOf(t), 'file')
  const open = new Map<number, Taken>()
  const file = openUnansweredFile(path, () => open.values())
  let largest = 0
  for (let n = 1; n <= 20_000; n++) {
    open.set(n, taken(n))
    file.add(lineOf(taken(n)))
    if (n <= 100) continue
    open.delete(n - 100)
    file.add(answeredLine([n - 100]))
    if (n % 100 === 0) largest = Math.max(largest, statSync(path).size)
  }
  file.close()
  assert.ok(largest < 1.1 * 1024 * 1024, `${largest} bytes`)
  assert.deepEqual(
    readLeftOver(path).left.map(({ n }) => n),
    [...open.keys()],
  )
})
