// SPDX-License-Identifier: Apache-2.0
// RFC 6120 §8.1-8.3: what is a stanza, and what is said of one that is not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../../../components/kit/xml/parse.ts'
import { admit, readError } from '../../../components/kit/xmpp/stanza.ts'
import { chooseLanguage, StanzaError, writeError } from '../../../components/kit/xmpp/stanza-error.ts'

const AT = `from='a@x.example/r' to='p.example'`

test('each kind is admitted with its type, id, addresses and language', () => {
  const told = (xml: string) => {
    const { kind, type, id, from, to, language } = admit(parse(xml), 'en')
    return [kind, type, id, from, to, language]
  }
  const addresses = ['a@x.example/r', 'p.example']
  assert.deepEqual(told(`<iq type='get' id='1' ${AT}><q xmlns='u'/></iq>`), ['iq', 'get', '1', ...addresses, 'en'])
  assert.deepEqual(told(`<iq type='result' id='1' ${AT} xml:lang='de'/>`), ['iq', 'result', '1', ...addresses, 'de'])
  assert.deepEqual(told(`<message ${AT}/>`), ['message', 'normal', '', ...addresses, 'en'])
  assert.deepEqual(told(`<message type='strange' ${AT}/>`), ['message', 'normal', '', ...addresses, 'en'])
  assert.deepEqual(told(`<message type='groupchat' id='7' ${AT}/>`), ['message', 'groupchat', '7', ...addresses, 'en'])
  assert.deepEqual(told(`<presence ${AT}/>`), ['presence', 'available', '', ...addresses, 'en'])
  assert.deepEqual(told(`<presence type='subscribe' ${AT}/>`), ['presence', 'subscribe', '', ...addresses, 'en'])
})

test('the payload of a request is its one child, white space beside it', () => {
  const stanza = admit(parse(`<iq type='set' id='1' ${AT}>\n<q xmlns='u'/>\n</iq>`))
  assert.ok(stanza.kind === 'iq' && stanza.type === 'set')
  assert.ok(stanza.payload.is('q', 'u'))
})

for (const [xml, condition] of [
  [`<iq type='get' ${AT}><q/></iq>`, 'bad-request'],
  [`<iq type='get' id='1' ${AT}/>`, 'bad-request'],
  [`<iq type='get' id='1' ${AT}><q/><q/></iq>`, 'bad-request'],
  [`<iq type='ask' id='1' ${AT}><q/></iq>`, 'bad-request'],
  [`<iq id='1' ${AT}><q/></iq>`, 'bad-request'],
  [`<presence type='ask' ${AT}/>`, 'bad-request'],
  [`<other ${AT}/>`, 'bad-request'],
  [`<message from='a@x.example'/>`, 'bad-request'],
  [`<message to='a@x.example'/>`, 'bad-request'],
  [`<message from='@' to='p.example'/>`, 'jid-malformed'],
  [`<message from='a@x.example' to='p.example/'/>`, 'jid-malformed'],
] as const)
  test(`${condition}: ${xml}`, () => {
    assert.throws(
      () => admit(parse(xml)),
      (error) => error instanceof StanzaError && error.condition === condition && error.type === 'modify',
    )
  })

test('an error is written with the text of the language asked for', () => {
  const error = new StanzaError('auth', 'forbidden', { en: 'No <entry>', de: 'Kein Zutritt' })
  const ns = `xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'`
  assert.equal(
    writeError(error, 'de-AT'),
    `<error type='auth'><forbidden ${ns}/><text ${ns} xml:lang='de'>Kein Zutritt</text></error>`,
  )
  assert.equal(
    writeError(error, 'fr'),
    `<error type='auth'><forbidden ${ns}/><text ${ns} xml:lang='en'>No &lt;entry&gt;</text></error>`,
  )
  assert.equal(writeError(new StanzaError('cancel', 'gone')), `<error type='cancel'><gone ${ns}/></error>`)
  assert.equal(new StanzaError('wait', 'resource-constraint', 'later', { cause: 7 }).cause, 7)
})

test('languages are looked up as RFC 4647 says', () => {
  assert.equal(chooseLanguage(['en', 'de-CH', 'de'], 'de-CH-1996'), 'de-CH')
  assert.equal(chooseLanguage(['en', 'de'], 'DE'), 'de')
  assert.equal(chooseLanguage(['fr', 'de'], 'it'), 'fr')
  assert.equal(chooseLanguage(['fr', 'en'], ''), 'en')
  assert.equal(chooseLanguage([], 'en'), undefined)
})

test('an error that came is read, and a strange one is undefined-condition', () => {
  const error = readError(parse(`<iq type='error' ${AT}>${writeError(new StanzaError('wait', 'conflict', 'x'))}</iq>`))
  assert.deepEqual([error.type, error.condition, error.text], ['wait', 'conflict', { en: 'x' }])
  assert.equal(readError(parse(`<iq type='error' ${AT}/>`)).condition, 'undefined-condition')
  assert.equal(
    readError(parse(`<iq type='error' ${AT}><error type='odd'><odd/></error></iq>`)).condition,
    'undefined-condition',
  )
  const specific = { name: 'stranger', namespace: 'urn:own' }
  const own = writeError(new StanzaError('auth', 'forbidden', 'x', { specific }))
  assert.deepEqual(readError(parse(`<iq type='error' ${AT}>${own}</iq>`)).specific, specific)
  assert.equal(error.specific, undefined)
})
