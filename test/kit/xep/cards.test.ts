// SPDX-License-Identifier: Apache-2.0
// XEP-0054, XEP-0292, XEP-0084, XEP-0402, XEP-0045: literal bytes.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAvatarId, writeAvatarData, writeAvatarMetadata } from '../../../components/kit/xep/avatar.ts'
import { BOOKMARK_OPTIONS, writeBookmark } from '../../../components/kit/xep/bookmarks.ts'
import { writeSubmitted } from '../../../components/kit/xep/data-forms.ts'
import {
  askAffiliated,
  CONFIG_QUERY,
  ENTERING,
  OWN_PRESENCE,
  ROOM_MADE,
  readAffiliated,
  readConfigNames,
  readStatus,
  writeAffiliations,
  writeConfig,
  writeSubject,
} from '../../../components/kit/xep/muc.ts'
import { type Card, readPhoto, writeVcardTemp } from '../../../components/kit/xep/vcard-temp.ts'
import { VCARD4_NODE, writeVcard4 } from '../../../components/kit/xep/vcard4.ts'
import { parse } from '../../../components/kit/xml/parse.ts'

const WHOLE: Card = {
  name: 'Anna Müller & Co',
  given: 'Anna',
  family: 'Müller',
  nick: 'anna',
  mail: ['anna@corp.example', 'a.m@corp.example'],
  phone: ['+49 30 12/34', 'ext <9>'],
  company: 'Corp',
  units: ['Research', 'Fusion'],
  title: 'Physicist',
  role: 'Lead',
  office: 'B 2.17',
  url: 'https://corp.example/?a&b',
  note: 'Manager: Berta',
  jid: 'anna\\20m@corp.example',
  photo: { type: 'image/png', base64: 'AAECAw==' },
}

describe('XEP-0054', () => {
  test('a whole card', () => {
    assert.equal(
      writeVcardTemp(WHOLE),
      `<vCard xmlns='vcard-temp'><FN>Anna Müller &amp; Co</FN><N><FAMILY>Müller</FAMILY><GIVEN>Anna</GIVEN></N><NICKNAME>anna</NICKNAME>` +
        `<PHOTO><TYPE>image/png</TYPE><BINVAL>AAECAw==</BINVAL></PHOTO><ADR><WORK/><EXTADD>B 2.17</EXTADD></ADR>` +
        `<TEL><WORK/><VOICE/><NUMBER>+49 30 12/34</NUMBER></TEL><TEL><WORK/><VOICE/><NUMBER>ext &lt;9&gt;</NUMBER></TEL>` +
        `<EMAIL><WORK/><INTERNET/><PREF/><USERID>anna@corp.example</USERID></EMAIL><EMAIL><WORK/><INTERNET/><USERID>a.m@corp.example</USERID></EMAIL>` +
        `<JABBERID>anna\\20m@corp.example</JABBERID><TITLE>Physicist</TITLE><ROLE>Lead</ROLE>` +
        `<ORG><ORGNAME>Corp</ORGNAME><ORGUNIT>Research</ORGUNIT><ORGUNIT>Fusion</ORGUNIT></ORG><URL>https://corp.example/?a&amp;b</URL><DESC>Manager: Berta</DESC></vCard>`,
    )
  })

  test('a name alone', () => {
    assert.equal(writeVcardTemp({ name: 'A' }), `<vCard xmlns='vcard-temp'><FN>A</FN></vCard>`)
  })

  test('the photo of a card, with line breaks as §4 allows; none where there are no bytes', () => {
    const photo = (inside: string) => readPhoto(parse(`<vCard xmlns='vcard-temp'>${inside}</vCard>`))
    assert.deepEqual(photo(`<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>\n AAEC\n Aw== </BINVAL></PHOTO>`), {
      type: 'image/jpeg',
      base64: 'AAECAw==',
    })
    assert.equal(photo(`<PHOTO><EXTVAL>https://x.example/</EXTVAL></PHOTO>`), null)
    assert.equal(photo(''), null)
  })
})

describe('XEP-0292', () => {
  test('a whole card, without its photo', () => {
    assert.equal(
      writeVcard4(WHOLE),
      `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Anna Müller &amp; Co</text></fn><n><surname>Müller</surname><given>Anna</given></n><nickname><text>anna</text></nickname>` +
        `<tel><parameters><type><text>work</text><text>voice</text></type></parameters><uri>tel:+49-30-12-34</uri></tel>` +
        `<tel><parameters><type><text>work</text><text>voice</text></type></parameters><uri>tel:ext-%3C9%3E</uri></tel>` +
        `<email><parameters><type><text>work</text></type><pref><integer>1</integer></pref></parameters><text>anna@corp.example</text></email>` +
        `<email><parameters><type><text>work</text></type></parameters><text>a.m@corp.example</text></email>` +
        `<impp><parameters><type><text>work</text></type></parameters><uri>xmpp:anna%5C20m@corp.example</uri></impp>` +
        `<title><text>Physicist</text></title><role><text>Lead</text></role>` +
        `<org><parameters><type><text>work</text></type></parameters><text>Corp</text><text>Research</text><text>Fusion</text></org>` +
        `<adr><parameters><type><text>work</text></type></parameters><ext>B 2.17</ext></adr><url><uri>https://corp.example/?a&amp;b</uri></url><note><text>Manager: Berta</text></note></vcard>`,
    )
  })

  test('stands in one item of a node', () => assert.equal(VCARD4_NODE, 'urn:xmpp:vcard4'))

  test('a unit without a company stands in the second place of org', () => {
    assert.match(writeVcard4({ name: 'A', units: ['R'] }), /<\/parameters><text\/><text>R<\/text><\/org>/)
  })
})

test('XEP-0084: data, metadata, and an avatar that is taken away', () => {
  assert.equal(writeAvatarData('AAE='), `<data xmlns='urn:xmpp:avatar:data'>AAE=</data>`)
  const info = { id: 'ab12', type: 'image/png', bytes: 7, width: 96, height: 96 } as const
  const metadata = `<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='7' height='96' id='ab12' type='image/png' width='96'/></metadata>`
  assert.equal(writeAvatarMetadata(info), metadata)
  assert.equal(writeAvatarMetadata(null), `<metadata xmlns='urn:xmpp:avatar:metadata'/>`)
  assert.equal(readAvatarId(parse(metadata.replace('ab12', 'AB12'))), 'ab12')
  for (const none of [writeAvatarMetadata(null), `<metadata xmlns='urn:x'><info id='a'/></metadata>`, '<x/>'])
    assert.equal(readAvatarId(parse(none)), null)
})

test('XEP-0402: a bookmark, which nobody else may read', () => {
  assert.equal(BOOKMARK_OPTIONS['pubsub#access_model'], 'whitelist')
  assert.equal(
    writeBookmark({ name: `R&D's`, autojoin: true, nick: 'Anna <1>' }),
    `<conference xmlns='urn:xmpp:bookmarks:1' name='R&amp;D&apos;s' autojoin='true'><nick>Anna &lt;1&gt;</nick></conference>`,
  )
  assert.equal(
    writeBookmark({ name: 'A', autojoin: false }),
    `<conference xmlns='urn:xmpp:bookmarks:1' name='A' autojoin='false'/>`,
  )
})

test('XEP-0004 §3.3: a form that is filled in', () => {
  assert.equal(
    writeSubmitted('u:t', { a: '1 < 2', b: ['x', 'y'] }),
    `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>u:t</value></field><field var='a'><value>1 &lt; 2</value></field><field var='b'><value>x</value><value>y</value></field></x>`,
  )
})

describe('XEP-0045', () => {
  const A = `xmlns='http://jabber.org/protocol/muc#admin'`

  test('§9.5: affiliations are asked for, read, and changed several at once', () => {
    assert.equal(askAffiliated('member'), `<query ${A}><item affiliation='member'/></query>`)
    const list = `<query ${A}><item affiliation='member' jid='a@b.example'/><item affiliation='king' jid='c@b.example'/><item affiliation='owner'/></query>`
    assert.deepEqual(readAffiliated(parse(list)), [{ jid: 'a@b.example', affiliation: 'member' }])
    assert.equal(
      writeAffiliations([
        { jid: 'a@b.example', affiliation: 'member' },
        { jid: `o'b@b.example`, affiliation: 'none' },
      ]),
      `<query ${A}><item affiliation='member' jid='a@b.example'/><item affiliation='none' jid='o&apos;b@b.example'/></query>`,
    )
  })

  test('§10.2: the fields that a service has, and the form of the owner', () => {
    assert.equal(CONFIG_QUERY, `<query xmlns='http://jabber.org/protocol/muc#owner'/>`)
    const form = `<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='form'><field var='muc#roomconfig_roomname'/><field type='fixed'/></x></query>`
    assert.deepEqual([...readConfigNames(parse(form))], ['muc#roomconfig_roomname'])
    assert.match(
      writeConfig({ 'muc#roomconfig_roomname': 'A' }),
      /muc#owner'><x xmlns='jabber:x:data' type='submit'>.*muc#roomconfig<\/value>/,
    )
  })

  test('§16.6: status codes; §8.1: the subject', () => {
    const presence = `<presence><x xmlns='http://jabber.org/protocol/muc#user'><item/><status code='110'/><status code='201'/></x></presence>`
    assert.deepEqual(readStatus(parse(presence)), [OWN_PRESENCE, ROOM_MADE])
    assert.deepEqual(readStatus(parse('<presence/>')), [])
    assert.equal(ENTERING, `<x xmlns='http://jabber.org/protocol/muc'><history maxchars='0'/></x>`)
    assert.equal(writeSubject('a < b'), '<subject>a &lt; b</subject>')
  })
})
