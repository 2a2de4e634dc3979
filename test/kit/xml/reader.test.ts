// SPDX-License-Identifier: Apache-2.0
// RFC 6120 §11: what of XML a stream may use; and the promise that evidence is byte for byte.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Element } from '../../../components/kit/xml/element.ts'
import type { XmlCondition, XmlFault } from '../../../components/kit/xml/fault.ts'
import { type ReadStanza, type XmlLimits, XmlReader } from '../../../components/kit/xml/reader.ts'

const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='p.example' id='1'>`
const INNER = `<message\r\n xmlns='jabber:client' id='é😀' a="x&#10;y"><body>h&amp;llo 漢字 &#x41;]] <![CDATA[<&]]></body><x:y xmlns:x='u'/></message\t>`
const STANZA = `<iq type='set' id='x1'>\n<ask><forwarded xmlns='urn:xmpp:forward:0'>${INNER}</forwarded></ask></iq >`

type Heard = { events: string[]; stanzas: ReadStanza[]; fault: XmlFault | null }

function read(pieces: readonly (string | Buffer)[], limits?: Partial<XmlLimits>): Heard {
  const heard: Heard = { events: [], stanzas: [], fault: null }
  const reader = new XmlReader(
    {
      start: (root) => heard.events.push(`start ${root.attrs.id}`),
      stanza(stanza) {
        heard.events.push(`stanza ${stanza.raw}`)
        heard.stanzas.push(stanza)
      },
      end: () => heard.events.push('end'),
      fault(fault) {
        heard.events.push(`fault ${fault.condition}`)
        heard.fault = fault
      },
    },
    limits,
  )
  for (const piece of pieces) reader.write(Buffer.from(piece))
  return heard
}

function splitAt(bytes: Buffer, at: number): Buffer[] {
  return [bytes.subarray(0, at), bytes.subarray(at)]
}

const only = ({ stanzas }: Heard): Element => {
  assert.equal(stanzas.length, 1)
  return (stanzas[0] as ReadStanza).element
}

test('a stream split in two at every byte is read the same', () => {
  const bytes = Buffer.from(`${HEADER}${STANZA} \r\n${STANZA}</stream:stream>`)
  const whole = read([bytes]).events
  assert.deepEqual(whole, ['start 1', `stanza ${STANZA}`, `stanza ${STANZA}`, 'end'])
  for (let at = 1; at < bytes.length; at++) assert.deepEqual(read(splitAt(bytes, at)).events, whole, `split at ${at}`)
})

test('a stream that arrives in pieces of 1 to 9 bytes is read the same, slices too', () => {
  const bytes = Buffer.from(HEADER + STANZA + STANZA)
  for (let size = 1; size < 10; size++) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )
    const { stanzas, fault } = read(pieces)
    assert.equal(fault, null)
    assert.equal(stanzas.length, 2)
    for (const { element, raw, slice } of stanzas) {
      const inner = element.getChild('ask')?.getChild('forwarded')?.getChildElements()[0]
      assert.ok(inner !== undefined)
      assert.equal(slice(inner), INNER)
      assert.equal(slice(element), null)
      assert.equal(raw, STANZA)
      assert.equal(inner.getChildText('body'), 'h&llo 漢字 A]] <&')
      assert.equal(inner.attrs.a, 'x\ny')
    }
  }
})

test('256 forwarded messages in one stanza are each sliced as they stood', () => {
  const messages = Array.from(
    { length: 256 },
    (_, i) => `<message xmlns='jabber:client' id='${i}'><body>${'é'.repeat(i)}</body></message>`,
  )
  const asks = messages.map((message) => `<ask><forwarded xmlns='urn:xmpp:forward:0'>${message}</forwarded></ask>`)
  const { stanzas } = read([`${HEADER}<iq><screen>${asks.join('')}</screen></iq>`])
  const found = stanzas[0]?.element.getChild('screen')?.getChildElements() ?? []
  assert.deepEqual(
    found.map((ask) => stanzas[0]?.slice(ask.getChild('forwarded')?.getChildElements()[0] as Element)),
    messages,
  )
})

const REFUSED: readonly (readonly [what: string, xml: string, condition: XmlCondition])[] = [
  ['a tag that is closed by another', '<iq><a></b></iq>', 'not-well-formed'],
  ['a tag closed twice', '<iq/></iq>', 'not-well-formed'],
  ['a stanza closed by the end of the stream', '<iq></stream:stream>', 'not-well-formed'],
  ['the stream closed by the end of a stanza', '</iq>', 'not-well-formed'],
  ['a raw &', '<iq>a & b</iq>', 'not-well-formed'],
  ['a raw & in an attribute', `<iq a='a & b'/>`, 'not-well-formed'],
  ['a raw < in an attribute', `<iq a='<'/>`, 'not-well-formed'],
  ['an undefined entity', '<iq>&nbsp;</iq>', 'not-well-formed'],
  ['a character reference to NUL', '<iq>&#0;</iq>', 'not-well-formed'],
  ['a character reference to a surrogate', '<iq>&#xD800;</iq>', 'not-well-formed'],
  ['a control character', '<iq>\x01</iq>', 'not-well-formed'],
  ['U+FFFE', '<iq>\ufffe</iq>', 'not-well-formed'],
  ['an unquoted attribute', '<iq a=b/>', 'not-well-formed'],
  ['an attribute without value', '<iq a/>', 'not-well-formed'],
  ['the same attribute twice', `<iq a='1' a='2'/>`, 'not-well-formed'],
  ['the same attribute twice by namespace', `<iq xmlns:p='u' xmlns:q='u' p:a='1' q:a='2'/>`, 'not-well-formed'],
  ['an unbound prefix', '<p:iq/>', 'not-well-formed'],
  ['an unbound prefix of an attribute', `<iq p:a='1'/>`, 'not-well-formed'],
  [']]> in text', '<iq>]]></iq>', 'not-well-formed'],
  ['a DOCTYPE', `<!DOCTYPE iq [<!ENTITY x 'y'>]><iq>&x;</iq>`, 'restricted-xml'],
  ['a comment', '<iq><!-- x --></iq>', 'restricted-xml'],
  ['a processing instruction', '<iq><?php x?></iq>', 'restricted-xml'],
  ['a second XML declaration', `<?xml version='1.0'?><iq/>`, 'restricted-xml'],
  ['text between stanzas', '<iq/>x<iq/>', 'bad-format'],
  ['CDATA between stanzas', '<![CDATA[x]]><iq/>', 'bad-format'],
]

for (const [what, xml, condition] of REFUSED)
  test(`${what} is refused and nothing after it is handed out, however it is split`, () => {
    const bytes = Buffer.from(`${HEADER}<iq id='before'/>${xml}<iq id='after'/>`)
    const begins = Buffer.byteLength(`${HEADER}<iq id='before'/>`)
    for (let at = begins; at <= bytes.length; at++) {
      const { events, stanzas, fault } = read(splitAt(bytes, at))
      assert.equal(fault?.condition, condition, `split at ${at}`)
      assert.deepEqual(stanzas[0]?.raw, `<iq id='before'/>`)
      assert.ok(stanzas.length === 1 || ((what.includes('between') || what.includes('twice')) && stanzas.length === 2))
      assert.ok(!events.includes(`stanza <iq id='after'/>`))
      assert.equal(events.at(-1), `fault ${condition}`)
    }
  })

for (const [what, xml] of [
  ['a tag that is closed by another', '<iq><secret></b></iq>'],
  ['an end tag without a start', '<iq><a></secret></a></iq>'],
  ['an unbound prefix', '<secret:iq/>'],
  ['an unbound prefix of an attribute', `<iq secret:a='1'/>`],
  ['the same attribute twice', `<iq secret='1' secret='2'/>`],
  ['the same attribute twice by namespace', `<iq xmlns:p='secret' xmlns:q='secret' p:secret='1' q:secret='2'/>`],
  ['a malformed name', `<a:secret:b/>`],
  ['a prefix that is taken', `<iq xmlns:xml='secret'/>`],
  ['a namespace that is taken', `<iq xmlns='http://www.w3.org/2000/xmlns/' secret='1'/>`],
  ['an undefined entity', '<iq>&secret;</iq>'],
  ['an attribute without quotes', '<iq a=secret/>'],
  ['a comment', '<iq><!-- secret --></iq>'],
  ['a DOCTYPE', '<!DOCTYPE secret>'],
  ['a processing instruction', '<iq><?secret?></iq>'],
  ['text between stanzas', '<iq/>secret<iq/>'],
  ['a declaration of another encoding', `<?xml version='1.0' encoding='secret'?>`],
] as const)
  test(`what is said of ${what} tells the rule and the place, not a word of the text`, () => {
    const { fault } = read([what.includes('declaration') ? xml : `<s>${xml}`])
    assert.match(fault?.message ?? '', /^[A-Za-z0-9 .,&'<>/[\]\\^$+-]+ \(line 1, column \d+\)$/)
    assert.doesNotMatch(fault?.message ?? '', /secret/)
  })

// saxes tells of these only at their end, which may never come: without an end they would swallow what follows.
for (const [what, xml] of [
  ['a raw &', '<iq>a & b'],
  ['a raw & in an attribute', `<iq a='x & y`],
  ['a comment', '<iq><!-- x'],
  ['a processing instruction', '<iq><?php x'],
  ['a DOCTYPE', '<!DOCTYPE iq ['],
] as const)
  test(`${what} without an end is refused at once`, () => {
    assert.notEqual(read([HEADER + xml]).fault, null)
  })

test('a DOCTYPE before the stream begins is refused', () => {
  for (const xml of [`<!DOCTYPE x><x>`, `<!DOCTYPE x SYSTEM 'y' [`])
    assert.equal(read([xml]).fault?.condition, 'restricted-xml')
})

test('only XML 1.0 in UTF-8 is read', () => {
  assert.equal(read([`<?xml version='1.1'?><s>`]).fault?.condition, 'not-well-formed')
  assert.equal(read([`<?xml version='1.0' encoding='ISO-8859-1'?><s>`]).fault?.condition, 'unsupported-encoding')
  assert.deepEqual(read([`<?xml version='1.0' encoding='utf-8'?><s id='2'>`]).events, ['start 2'])
})

for (const [what, bytes] of [
  ['a lone continuation byte', [0x80]],
  ['an overlong form', [0xc0, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a character above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['a broken off character', [0xe6, 0xbc, 0x3c]],
  ['0xFF', [0xff]],
] as const)
  test(`bytes that are not UTF-8 (${what}) end the stream, never repaired; what stood before is handed out`, () => {
    const all = Buffer.concat([Buffer.from(`${HEADER}<iq>漢</iq><iq>`), Buffer.from(bytes), Buffer.from('</iq><iq/>')])
    for (let at = 1; at < all.length; at++)
      assert.deepEqual(read(splitAt(all, at)).events, ['start 1', 'stanza <iq>漢</iq>', 'fault unsupported-encoding'])
  })

test('the place of a fault is told, and never the text', () => {
  const { fault } = read([`${HEADER}\n<iq>secret</b>`])
  assert.equal(fault?.place.line, 2)
  assert.equal(fault?.place.column, 14)
  assert.doesNotMatch(fault?.message ?? '', /secret/)
})

test('elements nested deeper than the limit are refused, 20,000 levels without delay', () => {
  const nested = (levels: number) => `${'<a>'.repeat(levels)}${'</a>'.repeat(levels)}`
  assert.equal(read([HEADER + nested(10)], { depth: 10 }).stanzas.length, 1)
  assert.equal(read([HEADER + nested(11)], { depth: 10 }).fault?.condition, 'policy-violation')
  const deep = read([HEADER + nested(20_000)])
  assert.equal(deep.fault?.condition, 'policy-violation')
  assert.deepEqual(deep.stanzas, [])
})

test('a stanza over the size limit is refused: bytes are counted, not characters', () => {
  const stanza = (letters: number) => `<iq>${'漢'.repeat(letters)}</iq>`
  const fits = stanza(100)
  const limits = { stanzaBytes: Buffer.byteLength(fits) }
  for (const size of [1, 7, 1000]) {
    const pieces = (text: string) => {
      const bytes = Buffer.from(HEADER + text)
      return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
    }
    assert.equal(read(pieces(fits + fits), limits).stanzas.length, 2)
    const over = read(pieces(stanza(101)), limits)
    assert.equal(over.fault?.condition, 'policy-violation')
    assert.deepEqual(over.stanzas, [])
  }
})

test('an unfinished stanza is refused as soon as it is over the limit, not at its end', () => {
  const reader = { fault: null as XmlFault | null, fed: 0 }
  const xml = new XmlReader(
    { start() {}, stanza: () => assert.fail('handed out'), end() {}, fault: (fault) => (reader.fault = fault) },
    { stanzaBytes: 1_000_000 },
  )
  xml.write(Buffer.from(`${HEADER}<iq><body>`))
  const chunk = Buffer.alloc(65_536, 'x')
  while (reader.fault === null && reader.fed < 100_000_000) {
    xml.write(chunk)
    reader.fed += chunk.length
  }
  assert.equal(reader.fault?.condition, 'policy-violation')
  assert.ok(reader.fed <= 1_000_000 + 2 * 65_536)
})

test('white space between stanzas keeps the connection alive and is not counted', () => {
  const blanks = Array.from({ length: 200 }, () => ' \n')
  assert.equal(
    read([HEADER, '<iq/>', ...blanks, '<iq/>', ' ', ...blanks, '<iq/>'], { stanzaBytes: 200 }).stanzas.length,
    3,
  )
})

test('the namespace is the one XML says: inherited, undeclared, prefixed', () => {
  const element = only(read([`${HEADER}<iq><a xmlns='u'><b xmlns=''/><c/><p:d xmlns:p='v' p:e='1'/></a></iq>`]))
  assert.equal(element.getNS(), 'jabber:component:accept')
  const a = element.getChild('a', 'u')
  assert.deepEqual(
    a?.getChildElements().map((child) => [child.getName(), child.getNS()]),
    [
      ['b', undefined],
      ['c', 'u'],
      ['d', 'v'],
    ],
  )
})

test('attributes named like members of an object are attributes', () => {
  const element = only(read([`${HEADER}<iq __proto__='1' constructor='2' hasOwnProperty='3'/>`]))
  assert.deepEqual(Object.entries(element.attrs), [
    ['__proto__', '1'],
    ['constructor', '2'],
    ['hasOwnProperty', '3'],
  ])
})

test('a handler that throws ends the stream as a fault, not as an exception', () => {
  const faults: string[] = []
  const reader = new XmlReader({
    start() {},
    stanza() {
      throw new Error('no')
    },
    end() {},
    fault: (fault) => faults.push(fault.condition),
  })
  reader.write(Buffer.from(`${HEADER}<iq/><iq/>`))
  reader.write(Buffer.from('<iq/>'))
  assert.deepEqual(faults, ['bad-format'])
})

test('an empty CDATA section is no text', () => {
  assert.deepEqual(only(read([`${HEADER}<iq><![CDATA[]]></iq>`])).children, [])
  assert.equal(read([`${HEADER}<![CDATA[]]><iq/>`]).fault?.condition, 'bad-format')
})

test('property: long runs of text, passed over as a whole, read as unit by unit', () => {
  const plain = fc.constantFrom('x'.repeat(30), 'é'.repeat(40), '漢'.repeat(30), ' a 1 > "'.repeat(5))
  const odd = fc.constantFrom(
    ...[
      '\n',
      '\r\n',
      '\r',
      '\t',
      ']',
      ']]',
      ']]>',
      '>',
      '&amp;',
      '&#65;',
      '<b/>',
      '<b>',
      '</b>',
      '<![CDATA[&]]>',
      '😀',
    ],
    ...['\x01', '\x7f', '\u0085', '\u2028', '\ufffe', '&x;'],
  )
  const texts = fc.array(fc.oneof(plain, plain, odd), { maxLength: 12 }).map((all) => all.join(''))
  const told = ({ events, stanzas, fault }: Heard) => ({
    events,
    texts: stanzas.map(({ element }) => element.toString()),
    fault: fault && `${fault.message} ${JSON.stringify(fault.place)}`,
  })
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = Buffer.from(`${HEADER}<iq><a>${text}</a></iq>`)
      const bit = Math.ceil(bytes.length / 7)
      const bits = Array.from({ length: bit }, (_, at) => bytes.subarray(at * 7, at * 7 + 7))
      assert.deepEqual(told(read([bytes])), told(read(bits)))
    }),
    { numRuns: process.env.GATEHOUSE_LONG === '1' ? 20_000 : 1_000 },
  )
})
