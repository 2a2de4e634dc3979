// SPDX-License-Identifier: Apache-2.0
// Any bytes: no crash, nothing broken handed out. What is handed out must be a whole stanza that a second, independent reading
// (one piece, from scratch) accepts as the same text.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openStream } from '../../../components/kit/stream/open-stream.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import { XmlReader } from '../../../components/kit/xml/reader.ts'
import { write } from '../../../components/kit/xml/writer.ts'
import { startComponentServer } from '../../harness/component-server.ts'
import { DOMAIN, SECRET } from './subject.ts'

const LONG = process.env.GATEHOUSE_LONG === '1'
const HEADER = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>`
const SEEDS = [
  `<message from='a@b' to='c'><body>h&amp;i 漢😀</body></message>`,
  `<iq type='set' id='1'><q xmlns='u' xmlns:p='v' p:a="1"><![CDATA[<x>]]></q></iq>`,
  `<iq type='result' id='2'/>`,
  `<presence/> \n`,
  `<iq><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/></forwarded></iq>`,
]
const SNIPPETS = [
  '<',
  '>',
  '</',
  '/>',
  '&',
  '&amp;',
  '&#0;',
  '&x;',
  '<!--',
  '-->',
  '<?',
  '?>',
  '<![CDATA[',
  ']]>',
  '<!DOCTYPE x [',
  "'",
  '"',
  '=',
  'xmlns=',
  'xmlns:p=',
  'p:',
  '\0',
  '\r',
  '\ufffe',
  '</stream:stream>',
  '<a>'.repeat(200),
]

/** A stream of good stanzas, then bent: pieces put in, taken out, doubled, or bytes changed. */
const bent: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.array(fc.constantFrom(...SEEDS), { minLength: 1, maxLength: 4 }),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.oneof(
          fc.constantFrom(...SNIPPETS).map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 4 }),
        ),
        fc.nat(6),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([seeds, bends]) => {
    let bytes = Buffer.from(HEADER + seeds.join(''))
    for (const [at, put, out] of bends) {
      const place = at % (bytes.length + 1)
      bytes = Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + out)])
    }
    return bytes
  })
const anything = fc.oneof(
  { weight: 4, arbitrary: bent },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
)

function outcome(bytes: Buffer, cuts: readonly number[]): string[] {
  const told: string[] = []
  let closed = false
  const tell = (what: string) => {
    assert.ok(!closed, 'something was told after the end')
    told.push(what)
  }
  const reader = new XmlReader(
    {
      start: () => tell('start'),
      stanza: ({ raw }) => tell(raw),
      end() {
        tell('end')
        closed = true
      },
      fault() {
        tell('fault')
        closed = true
      },
    },
    { stanzaBytes: 4000, depth: 50 },
  )
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const to of [...places, bytes.length]) {
    reader.write(bytes.subarray(from, to))
    from = to
  }
  return told
}

test('the reader: no exception, only whole stanzas, the same however the bytes are cut', () => {
  fc.assert(
    fc.property(anything, fc.array(fc.nat(), { maxLength: 5 }), (bytes, cuts) => {
      const whole = outcome(bytes, [])
      const cut = outcome(bytes, cuts)
      for (const raw of whole) {
        if (raw === 'start' || raw === 'end' || raw === 'fault') continue
        const inner = `<x xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>${raw}</x>`
        assert.equal(write(parse(write(parse(inner)))), write(parse(inner)))
      }
      // A cut may bring a fault forward (an unfinished comment is refused at once), never change what is handed out before it.
      const handed = (told: string[]) => told.filter((each) => each !== 'fault')
      assert.deepEqual(handed(cut), handed(whole).slice(0, handed(cut).length))
      if (!cut.includes('fault')) assert.deepEqual(cut, whole)
    }),
    { numRuns: LONG ? 100_000 : 5_000 },
  )
})

test('the stream: any bytes after the handshake, and it is up again and takes the next stanza', async () => {
  await using server = await startComponentServer({ domain: DOMAIN, secret: SECRET })
  let taken: string[] = []
  let arrived = Promise.withResolvers<void>()
  await using stream = openStream(
    {
      host: '127.0.0.1',
      port: server.port,
      domain: DOMAIN,
      secret: SECRET,
      backoff: { firstMs: 0, mostMs: 0 },
      limits: { stanzaBytes: 4000 },
      log: { info() {}, warn() {}, error() {} },
    },
    {
      take({ raw, element }) {
        parse(`<x xmlns:stream='http://etherx.jabber.org/streams'>${raw}</x>`)
        taken.push(raw)
        if (element.attrs.id === 'last') arrived.resolve()
        return undefined
      },
    },
  )
  let peer = await server.accepted()
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      taken = []
      arrived = Promise.withResolvers()
      const last = `<message id='last' from='a@b.example' to='${DOMAIN}'/>`
      peer.send(Buffer.from(bytes.toString('latin1').replace(HEADER, ''), 'latin1'))
      // The end of the stream, however broken: a poisoned stream closes by itself, a whole one by this.
      peer.end()
      await peer.closed
      peer = await server.accepted()
      peer.send(last)
      await arrived.promise
      assert.equal(taken.at(-1), last)
    }),
    { numRuns: LONG ? 100_000 : 200 },
  )
  assert.equal(stream.state, 'up')
})
