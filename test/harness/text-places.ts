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

/** Of base64, as MIME cuts it. */
const LINE = 'QUJD'.repeat(19)

export const places: readonly [where: string, stanza: string][] = [
  ['body', chat('<body>a secret</body>')],
  ['a body in another language', chat(`<body>nothing</body><body xml:lang='de'>secret</body>`)],
  ['a body cut by an element', chat(`<body>sec<x xmlns='urn:x'/>ret</body>`)],
  ['a body in CDATA', chat('<body><![CDATA[secret]]></body>')],
  ['a body in numeric entities', chat('<body>&#115;ecret</body>')],
  ['subject', message('groupchat', '<subject>secret</subject>', 'tea@rooms.corp.example')],
  ['the subject of a message to one person', chat('<subject>secret</subject><body>x</body>')],
  ['a subject in another language', chat(`<subject>nothing</subject><subject xml:lang='de'>secret</subject>`)],
  ['a correction (XEP-0308)', chat(`<body>a secret</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/>`)],
  [
    'a reaction (XEP-0444)',
    chat(
      `<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>👍</reaction><reaction>secret</reaction></reactions>`,
    ),
  ],
  [
    'the fallback of a reply (XEP-0461, XEP-0428)',
    chat(
      `<body>&gt; a secret\nyes</body><reply xmlns='urn:xmpp:reply:0' id='m0' to='bob@corp.example/x'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='11'/></fallback>`,
    ),
  ],
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
  ...['<wbr/>', '<unknown/>', '<ins/>', '<label/>', '<bdi/>'].map((cut): [string, string] => [
    `XHTML-IM cut by ${cut}`,
    chat(
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>sec${cut}ret</p></body></html>`,
    ),
  ]),
  ...['title', 'aria-label', 'longdesc', 'placeholder', 'value'].map((name): [string, string] => [
    `the attribute ${name} in XHTML-IM`,
    chat(
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p ${name}='a secret'>x</p></body></html>`,
    ),
  ]),
  [
    'XHTML of its own (XEP-0277)',
    iq(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:microblog:0'><item><entry xmlns='http://www.w3.org/2005/Atom'><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>sec<b>ret</b></div></content></entry></item></publish></pubsub>`,
    ),
  ],
  [
    'XHTML-IM alt text',
    chat(
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><img src='x' alt='secret'/></body></html>`,
    ),
  ],
  ['XEP-0172 nick', chat(`<nick xmlns='http://jabber.org/protocol/nick'>Secret</nick>`)],
  [
    'a published nick (XEP-0172)',
    iq(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='http://jabber.org/protocol/nick'><item><nick xmlns='http://jabber.org/protocol/nick'>Secret</nick></item></publish></pubsub>`,
    ),
  ],
  [
    'the nick in a presence',
    stanza(
      `<presence from='alice@corp.example/desk'><nick xmlns='http://jabber.org/protocol/nick'>secret</nick></presence>`,
    ),
  ],
  ['status', stanza(`<presence from='alice@corp.example/desk'><status>secret</status></presence>`)],
  [
    'status in another language',
    stanza(
      `<presence from='alice@corp.example/desk'><status>x</status><status xml:lang='de'>secret</status></presence>`,
    ),
  ],
  [
    'the status of somebody who leaves a room',
    stanza(
      `<presence from='alice@corp.example/desk' to='tea@rooms.corp.example/al' type='unavailable'><status>secret</status></presence>`,
    ),
  ],
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
    'the reason of a declined invitation',
    message(
      'normal',
      `<x xmlns='http://jabber.org/protocol/muc#user'><decline to='c@d.example'><reason>secret</reason></decline></x>`,
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
    'the reason of a destroyed room',
    iq(
      `<query xmlns='http://jabber.org/protocol/muc#owner'><destroy jid='b@rooms.corp.example'><reason>secret</reason></destroy></query>`,
    ),
  ],
  [
    'the reason of a moderation (XEP-0425)',
    iq(
      `<moderate xmlns='urn:xmpp:message-moderate:1' id='r1'><retract xmlns='urn:xmpp:message-retract:1'/><reason>secret</reason></moderate>`,
    ),
  ],
  [
    'the reason of a call that ends (XEP-0166)',
    iq(
      `<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='a'><reason><decline/><text>secret</text></reason></jingle>`,
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
    'the description of a link (XEP-0066)',
    chat(`<body>x</body><x xmlns='jabber:x:oob'><url>http://x.example/1</url><desc>secret</desc></x>`),
  ],
  ...['og:title', 'og:description', 'og:site_name'].map((name): [string, string] => [
    `${name} of a link (XEP-0511)`,
    chat(
      `<body>http://x.example/1</body><rdf:Description xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:og='https://ogp.me/ns#' rdf:about='http://x.example/1'><${name}>a secret</${name}></rdf:Description>`,
    ),
  ]),
  ...['name', 'desc'].map((name): [string, string] => [
    `the ${name} of a shared file (XEP-0385)`,
    chat(
      `<reference xmlns='urn:xmpp:reference:0' type='data'><media-sharing xmlns='urn:xmpp:sims:1'><file xmlns='urn:xmpp:jingle:apps:file-transfer:5'><${name}>secret.txt</${name}></file></media-sharing></reference>`,
    ),
  ]),
  ...['name', 'desc'].map((name): [string, string] => [
    `the ${name} of a shared file (XEP-0447)`,
    chat(
      `<file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline'><file xmlns='urn:xmpp:file:metadata:0'><${name}>secret.txt</${name}></file></file-sharing>`,
    ),
  ]),
  [
    'the file name in an upload request (XEP-0363)',
    iq(`<request xmlns='urn:xmpp:http:upload:0' filename='secret.txt' size='9' content-type='text/plain'/>`),
  ],
  [
    'an address with escapes (XEP-0066)',
    chat(`<x xmlns='jabber:x:oob'><url>https://x.example/M%C3%BCller%20s%65cret.pdf</url></x>`),
  ],
  ['an address with escapes in a body', chat('<body>see https://x.example/%73%65%63%72%65%74 there</body>')],
  ['a word with escapes in a body', chat('<body>s%65cret 100% %ff %2</body>')],
  [
    'a file name with escapes (XEP-0234)',
    iq(
      `<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='a'><content creator='initiator' name='c'><description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>M%C3%BCller%20secre%74.txt</name></file></description></content></jingle>`,
    ),
  ],
  [
    'an address with escapes of a shared file (XEP-0385)',
    chat(
      `<reference xmlns='urn:xmpp:reference:0' type='data'><media-sharing xmlns='urn:xmpp:sims:1'><sources><reference xmlns='urn:xmpp:reference:0' type='data' uri='https://x.example/sec%72et'/></sources></media-sharing></reference>`,
    ),
  ],
  [
    'a link with escapes in XHTML-IM',
    chat(
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p><a href='https://x.example/s%45cret'>x</a></p></body></html>`,
    ),
  ],
  [
    'an address with escapes in a vCard4',
    iq(`<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><url><uri>https://x.example/?q=%53ecret</uri></url></vcard>`),
  ],
  [
    'an address with escapes in a vcard-temp',
    iq(`<vCard xmlns='vcard-temp'><URL>https://x.example/%00secre%74%00</URL></vCard>`),
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
  [
    'an attribute of the stanza itself',
    stanza(`<message from='alice@corp.example/desk' to='bob@corp.example' type='chat' say='a secret'/>`),
  ],
  [
    'a language that is none',
    stanza(`<message from='alice@corp.example/desk' to='bob@corp.example' type='chat' xml:lang='a secret'/>`),
  ],
  ...['version', 'profile', 'namespace', 'mime-type', 'zone', 'charset', 'size', 'stamp', 'count'].map(
    (name): [string, string] => [`the attribute ${name}`, chat(`<x xmlns='urn:x' ${name}='secret'/>`)],
  ),
  ...['id', 'type', 'node', 'var', 'hash', 'role', 'key', 'to'].map((name): [string, string] => [
    `an attribute ${name} that is more than one token`,
    chat(`<x xmlns='urn:x' ${name}='a secret plan'/>`),
  ]),
  ...['x', 'data', 'key', 'payload'].flatMap((name): [string, string][] => [
    [
      `a line of its own before base64 in <${name}>`,
      chat(`<${name} xmlns='urn:x'>secret\n${LINE}\n${LINE}\nQUJDRA==</${name}>`),
    ],
    [`a line of its own among base64 in <${name}>`, chat(`<${name} xmlns='urn:x'>${LINE}\nsecret\n${LINE}</${name}>`)],
    [`a line of its own behind base64 in <${name}>`, chat(`<${name} xmlns='urn:x'>${LINE}\n${LINE}\nsecret</${name}>`)],
    [
      `a line among short ones in <${name}>`,
      chat(`<${name} xmlns='urn:x'>${'AAAA\n'.repeat(14)}secret\nplan</${name}>`),
    ],
  ]),
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
  [
    'a picture in lines of base64',
    chat(`<data xmlns='urn:x'>\n${`${LINE}\n`.repeat(20)}QUJD+secret/QUJDRA==\n</data>`),
  ],
  [
    'the name of a protocol',
    chat(`<x xmlns='urn:x' profile='http://x.example/secret' node='urn:secret' role='secret'/>`),
  ],
]
