// SPDX-License-Identifier: Apache-2.0
// Every place of a stanza in which a person could read the word "secret", and those in which it is no word; for whoever reads texts
// out of stanzas (policy, archive).

const stanza = (xml: string) => xml.replace(/^<(message|presence|iq)/u, "<$1 xmlns='jabber:client'")
const chat = (inside: string) =>
  stanza(`<message from='alice@corp.example/desk' to='bob@corp.example' type='chat' id='m1'>${inside}</message>`)
const message = (type: string, inside: string, to = 'bob@corp.example') =>
  stanza(`<message from='alice@corp.example/desk' to='${to}' type='${type}'>${inside}</message>`)
const iq = (inside: string) =>
  stanza(`<iq from='alice@corp.example/desk' to='bob@corp.example/x' type='set' id='i'>${inside}</iq>`)
const form = (inside: string) => `<x xmlns='jabber:x:data' type='submit'>${inside}</x>`

export const places: readonly [where: string, stanza: string][] = [
  ['body', chat('<body>a secret</body>')],
  ['a body in another language', chat(`<body>nothing</body><body xml:lang='de'>secret</body>`)],
  ['a body cut by an element', chat(`<body>sec<x xmlns='urn:x'/>ret</body>`)],
  ['a body in CDATA', chat('<body><![CDATA[secret]]></body>')],
  ['a body in numeric entities', chat('<body>&#115;ecret</body>')],
  ['subject', message('groupchat', '<subject>secret</subject>', 'tea@rooms.corp.example')],
  ['thread', chat('<thread>secret</thread>')],
  [
    'XHTML-IM',
    chat(
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>a secret</p></body></html>`,
    ),
  ],
  [
    'XHTML-IM cut by formatting',
    chat(
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>sec<b>r</b><a href='http://x/'>et</a></p></body></html>`,
    ),
  ],
  [
    'XHTML-IM alt text',
    chat(
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><img src='x' alt='secret'/></body></html>`,
    ),
  ],
  ['XEP-0172 nick', chat(`<nick xmlns='http://jabber.org/protocol/nick'>Secret</nick>`)],
  ['status', stanza(`<presence from='alice@corp.example/desk'><status>secret</status></presence>`)],
  [
    'subscription text',
    stanza(`<presence from='alice@corp.example' to='x@y.example' type='subscribe'><status>secret</status></presence>`),
  ],
  [
    'the nick of a join',
    stanza(
      `<presence from='alice@corp.example/desk' to='tea@rooms.corp.example/Secret'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    ),
  ],
  [
    'the reason of an invitation',
    message(
      'normal',
      `<x xmlns='http://jabber.org/protocol/muc#user'><invite to='c@d.example'><reason>secret</reason></invite></x>`,
      'tea@rooms.corp.example',
    ),
  ],
  [
    'the reason of a direct invitation',
    message('normal', `<x xmlns='jabber:x:conference' jid='tea@rooms.corp.example' reason='secret'/>`),
  ],
  [
    'the reason of a kick',
    iq(
      `<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='bob' role='none'><reason>secret</reason></item></query>`,
    ),
  ],
  [
    'a nick in a member list',
    iq(`<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='secret' affiliation='member'/></query>`),
  ],
  [
    'an error text',
    message(
      'error',
      `<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>secret</text></error>`,
    ),
  ],
  ['an error body', message('error', '<body>secret</body>')],
  [
    'room configuration',
    iq(
      `<query xmlns='http://jabber.org/protocol/muc#owner'>${form(`<field var='muc#roomconfig_roomname'><value>secret</value></field>`)}</query>`,
    ),
  ],
  ['a form label', chat(form(`<field label='secret' var='x'/>`))],
  ['vcard-temp', iq(`<vCard xmlns='vcard-temp'><NOTE>secret</NOTE></vCard>`)],
  ['vCard4', iq(`<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><note><text>secret</text></note></vcard>`)],
  [
    'a PEP item',
    iq(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='http://jabber.org/protocol/tune'><item><tune xmlns='http://jabber.org/protocol/tune'><title>secret</title></tune></item></publish></pubsub>`,
    ),
  ],
  [
    'a bookmark',
    iq(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:bookmarks:1'><item><conference xmlns='urn:xmpp:bookmarks:1' name='secret'/></item></publish></pubsub>`,
    ),
  ],
  ['text inside a chat state', chat(`<composing xmlns='http://jabber.org/protocol/chatstates'>secret</composing>`)],
  ['an attribute of a chat state', chat(`<composing xmlns='http://jabber.org/protocol/chatstates' title='secret'/>`)],
  [
    'a file name (XEP-0096)',
    iq(
      `<si xmlns='http://jabber.org/protocol/si'><file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='secret.txt' size='1'/></si>`,
    ),
  ],
  [
    'a file name (XEP-0234)',
    iq(
      `<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='a'><content creator='initiator' name='c'><description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>secret.txt</name></file></description></content></jingle>`,
    ),
  ],
  [
    'an address of a page (XEP-0066)',
    chat(`<x xmlns='jabber:x:oob'><url>http://x.example/secret</url><desc>d</desc></x>`),
  ],
  [
    'the reason of a retraction',
    chat(`<retract xmlns='urn:xmpp:message-retract:1' id='1'><reason>secret</reason></retract>`),
  ],
  ['text beside the elements', chat('secret')],
  [
    'the result of a command',
    iq(`<command xmlns='http://jabber.org/protocol/commands' node='n'><note type='info'>secret</note></command>`),
  ],
  ['the fallback of an encrypted message', chat(`<body>secret</body><encrypted xmlns='urn:xmpp:omemo:2'/>`)],
  ['something nobody knows', chat(`<a xmlns='urn:a'><b><c d='the secret'/></b></a>`)],
]

export const quiet: readonly [what: string, stanza: string][] = [
  [
    'a picture in base64',
    iq(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:avatar:data'><item><data xmlns='urn:xmpp:avatar:data'>${'QUJD'.repeat(20)}/sec+secret+${'QUJD'.repeat(20)}</data></item></publish></pubsub>`,
    ),
  ],
  [
    'an id, a type or an address',
    stanza(
      `<message from='secret@corp.example/secret' to='secret@corp.example' type='chat' id='secret'><body>x</body></message>`,
    ),
  ],
  ['a namespace', chat(`<a xmlns='urn:secret'/>`)],
]
