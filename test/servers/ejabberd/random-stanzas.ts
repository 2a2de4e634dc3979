// SPDX-License-Identifier: Apache-2.0
// Stanzas near the forms that are not asked about: each of these, whole or with something in it that nobody expects.
import fc from 'fast-check'
import { escapeAttribute, escapeText } from '../../../components/kit/xml/writer.ts'

type Node = { name: string; ns?: string; attrs: Record<string, string>; children: (Node | string)[] }

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const DISCO = 'http://jabber.org/protocol/disco'
const MUC = 'http://jabber.org/protocol/muc'
const PUBSUB = 'http://jabber.org/protocol/pubsub'
const CHAT = 'http://jabber.org/protocol/chatstates'

const el = (name: string, ns?: string, attrs: Record<string, string> = {}, ...children: (Node | string)[]): Node =>
  ns === undefined ? { name, attrs, children } : { name, ns, attrs, children }
const long = (count: number) => 'x'.repeat(count)

const SIGNALS: readonly Node[] = [
  ...['active', 'composing', 'paused', 'inactive', 'gone', 'psst'].map((name) => el(name, CHAT)),
  el('received', 'urn:xmpp:receipts', { id: '7' }),
  el('request', 'urn:xmpp:receipts'),
  ...['received', 'displayed', 'acknowledged'].map((name) => el(name, 'urn:xmpp:chat-markers:0', { id: long(128) })),
  el('markable', 'urn:xmpp:chat-markers:0'),
  ...['store', 'no-store', 'no-copy', 'no-permanent-store'].map((name) => el(name, 'urn:xmpp:hints')),
  el('origin-id', 'urn:xmpp:sid:0', { id: 'o' }),
]
const SAID: readonly Node[] = [
  el('body', undefined, {}, 'hello <&>\'" ä'),
  el('body', undefined, { 'xml:lang': 'de' }, 'hallo'),
  el('body'),
  el('subject', undefined, {}, 's'),
  el('thread', undefined, { parent: 'p' }, 't'),
  el('x', 'jabber:x:conference', { jid: 'r@rooms.corp', reason: 'psst' }),
  el('html', 'urn:h', {}, el('message', 'jabber:client', {}, el('body', undefined, {}, 'in'))),
  el('x', 'urn:x', {}, el('y', '', {}, el('z', 'urn:x')), 'text', el('w')),
  el('x', MUC),
  el('x', `${MUC}#user`, {}, el('invite', undefined, { to: 'b@corp' }, el('reason', undefined, {}, 'psst'))),
]
const ERRORS: readonly Node[] = [
  el('error', undefined, { type: 'cancel' }, el('gone', STANZAS)),
  el('error', undefined, { type: 'modify', by: 'corp', code: '400' }, '\n ', el('bad-request', STANZAS), '\n'),
  el('error', undefined, { type: 'cancel' }, el('gone', STANZAS), el('text', STANZAS, {}, 'psst')),
  el('error', undefined, { type: 'cancel' }, el('gone', STANZAS, {}, 'xmpp:psst')),
  el('error', undefined, {}, ...Array.from({ length: 9 }, () => el('conflict', STANZAS))),
  el('error', undefined, { type: 'cancel' }, el('psst', STANZAS)),
  el('error', undefined, { type: 'cancel' }, el('own', 'urn:own')),
]
const QUIET: readonly Node[] = [
  ...['away', 'chat', 'dnd', 'xa', '', 'psst', ' away'].map((show) => el('show', undefined, {}, show)),
  ...['5', '-1', ' 7\n', '', 'psst', '12345'].map((text) => el('priority', undefined, {}, text)),
  el('status'),
  el('status', undefined, { 'xml:lang': 'de' }),
  el('status', undefined, {}, 'psst'),
  el('c', 'http://jabber.org/protocol/caps', { hash: 'sha-1', node: 'n', ver: 'v', ext: 'e' }),
  el('c', 'http://jabber.org/protocol/caps', { hash: 'sha-1', node: long(129), ver: 'v' }),
  el('idle', 'urn:xmpp:idle:1', { since: '2026-11-22T10:00:00Z' }),
  el('x', 'vcard-temp:x:update', {}, el('photo', undefined, {}, 'da39a3ee5e6b4b0d3255bfef95601890afd80709')),
  el('x', 'vcard-temp:x:update', {}, el('photo', undefined, {}, 'psst')),
  el('x', 'vcard-temp:x:update', {}, ' ', el('photo')),
  el('x', 'vcard-temp:x:update'),
  el('nick', 'http://jabber.org/protocol/nick', {}, 'psst'),
  el('x', MUC),
  el('x', MUC, {}, el('password', undefined, {}, 'psst')),
]
const version = (...children: (Node | string)[]) => el('query', 'jabber:iq:version', {}, ...children)
const ASKED: readonly Node[] = [
  el('ping', 'urn:xmpp:ping'),
  version(),
  version(el('name', undefined, {}, 'Gajim'), el('version', undefined, {}, '1.8'), el('os', undefined, {}, 'Linux')),
  version(el('name', undefined, {}, long(257))),
  version(el('name', undefined, {}, 'a'), el('name', undefined, {}, 'b')),
  version(' ', el('name', 'urn:x', {}, 'a')),
  version(el('name', undefined, {}, el('x'))),
  el('time', 'urn:xmpp:time'),
  el('time', 'urn:xmpp:time', {}, el('tzo', undefined, {}, '-06:00'), el('utc', undefined, {}, '2006-12-19T17:58:35Z')),
  el('query', 'jabber:iq:time', {}, el('utc', undefined, {}, 'x'), el('tz', undefined, {}, 'y'), el('display')),
  el('query', 'jabber:iq:last', { seconds: '903' }, 'Heading home'),
  el('query', 'jabber:iq:last', { seconds: '903' }, long(257)),
  el('query', 'jabber:iq:last'),
  el('query', `${DISCO}#info`, { node: 'n' }),
  el(
    'query',
    `${DISCO}#info`,
    {},
    el('identity', undefined, { category: 'client', type: 'pc', name: 'Gajim', 'xml:lang': 'de' }),
    el('feature', undefined, { var: 'urn:xmpp:ping' }),
  ),
  el('query', `${DISCO}#info`, {}, ...Array.from({ length: 101 }, () => el('feature', undefined, { var: 'u' }))),
  el('query', `${DISCO}#info`, {}, ...Array.from({ length: 17 }, () => el('feature', undefined, { var: long(250) }))),
  el('query', `${DISCO}#info`, {}, ...Array.from({ length: 9 }, () => el('identity', undefined, { type: 'x' }))),
  el('query', `${DISCO}#info`, {}, el('x', 'jabber:x:data')),
  el('query', `${DISCO}#items`, {}, el('item', undefined, { jid: 'b@corp', node: 'n', name: 'x' })),
  el('vCard', 'vcard-temp', {}, el('FN', undefined, {}, 'psst')),
  el('query', 'jabber:iq:roster', {}, el('item', undefined, { jid: 'b@corp', name: 'psst' })),
  el('query', 'jabber:iq:register', {}, el('username', undefined, {}, 'psst')),
  el('pubsub', PUBSUB, {}, el('publish', undefined, { node: 'n' }, el('item', undefined, {}, 'psst'))),
  el('pubsub', PUBSUB, {}, el('items', undefined, { node: 'n' })),
  el('pubsub', PUBSUB, {}, el('retract'), el('create')),
  el('pubsub', `${PUBSUB}#owner`, {}, el('configure')),
  el('query', `${MUC}#owner`),
  el('query', `${MUC}#admin`, {}, el('item', undefined, { affiliation: 'outcast', role: 'none' })),
  el('query', `${MUC}#admin`, {}, el('item', undefined, { nick: 'psst' })),
  el('query', `${MUC}#admin`, {}, el('item', undefined, { role: 'none' }), el('item', undefined, { role: 'none' })),
  ...['register', 'gateway', 'search'].map((name) => el('query', `jabber:iq:${name}`)),
  el('query', 'jabber:iq:gateway', {}, el('prompt', undefined, {}, 'psst')),
  el('vCard', 'vcard-temp'),
  ...[
    [el('max', undefined, {}, '50'), el('after', undefined, {}, '#a')],
    [el('before'), el('index', undefined, {}, long(11))],
    [el('max'), el('max')],
    [el('max', undefined, { say: 'psst' })],
    [el('psst')],
    ['psst'],
    [],
  ].map((parts) =>
    el('query', `${DISCO}#items`, { node: 'n' }, el('set', 'http://jabber.org/protocol/rsm', {}, ...parts)),
  ),
  el('query', `${MUC}#admin`, {}, el('item', undefined, {}, el('reason', undefined, {}, 'psst'))),
  el('unique', `${MUC}#unique`),
  ...['urn:xmpp:mam:1', 'urn:xmpp:mam:2', 'urn:xmpp:mam:2#extended'].map((ns) => el('query', ns)),
  el('jingle', 'urn:xmpp:jingle:1', { action: 'session-initiate', sid: 's' }),
  el('si', 'http://jabber.org/protocol/si'),
  el('open', 'http://jabber.org/protocol/ibb'),
  el('query', 'http://jabber.org/protocol/bytestreams'),
  el('query', 'jabber:iq:oob', {}, el('url', undefined, {}, 'http://psst/')),
  el('request', 'urn:xmpp:http:upload:0', { filename: 'psst.txt', size: '1' }),
  el('request', 'urn:xmpp:http:upload', {}, el('filename', undefined, {}, 'psst.txt')),
  el('note', 'urn:x', {}, 'psst'),
]

const ADDRESSES = [
  'b@corp',
  'b@corp/d',
  'b@elsewhere/d',
  'elsewhere',
  'elsewhere/psst',
  'gateway.corp',
  'corp',
  'corp/x@y',
  'rooms.corp',
  'pubsub.corp',
  'upload.corp',
  'r@rooms.corp',
  'r@rooms.corp/nick',
  'r@rooms.corp/a@b/c',
  'r@rooms.elsewhere/nick',
  'alice@corp/other',
  'irc.corp',
  '#r%n@irc.corp',
  '#r%n@irc.corp/nick',
]

const surprises: readonly ((node: Node) => Node)[] = [
  (node) => ({ ...node, attrs: { ...node.attrs, say: 'psst' } }),
  (node) => ({ ...node, attrs: { ...node.attrs, id: long(128) } }),
  (node) => ({ ...node, attrs: { ...node.attrs, id: long(129) } }),
  (node) => ({ ...node, attrs: { ...node.attrs, id: `${'ä'.repeat(64)}'&<` } }),
  (node) => ({ ...node, attrs: { ...node.attrs, 'xml:lang': 'de' } }),
  (node) => ({ ...node, attrs: { ...node.attrs, 'xml:space': 'preserve' } }),
  (node) => ({ ...node, attrs: { ...node.attrs, 'xmlns:q': 'urn:q' } }),
  (node) => ({ ...node, attrs: { ...node.attrs, 'xmlns:q': 'urn:q', 'q:k': 'v' } }),
  (node) => ({ ...node, attrs: { ...node.attrs, 'xmlns:q': ' urn:q', 'q:k': 'v' } }),
  (node) => ({ ...node, children: [...node.children, 'psst'] }),
  (node) => ({ ...node, children: [' ', ...node.children] }),
  (node) => ({ ...node, children: [...node.children, el('x')] }),
  (node) => ({ ...node, children: [...node.children, el('x', 'urn:x')] }),
  (node) => ({ ...node, children: [...node.children, ...node.children] }),
  (node) => ({ ...node, children: [] }),
  (node) => ({ ...node, ns: 'urn:x' }),
  (node) => ({ ...node, ns: '' }),
  (node) => ({ ...node, ns: 'jabber:client' }),
  (node) => ({ ...node, name: 'psst' }),
  (node) => (node.ns === undefined || node.ns === '' ? node : { ...node, name: `p:${node.name}` }),
  (node) => ({ ...node, ns: 'http://www.w3.org/XML/1998/namespace ' }),
]

const surprising = (node: fc.Arbitrary<Node>): fc.Arbitrary<Node> =>
  fc.oneof(
    { weight: 3, arbitrary: node },
    { weight: 1, arbitrary: fc.tuple(node, fc.constantFrom(...surprises)).map(([one, change]) => change(one)) },
  )
const some = (nodes: readonly Node[]) => surprising(fc.constantFrom(...nodes))
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })
const id = maybe(fc.constantFrom('1', 'a&b\'<"', long(128), long(129), ''))
const language = maybe(fc.constantFrom('de', 'de-AT', 'en', 'fr', 'it', 'DE'))
const to = maybe(fc.constantFrom(...ADDRESSES, 'alice@corp'))
const text = fc.constantFrom('', '', '', '', ' \n', 'psst')

function stanza(
  name: string,
  types: fc.Arbitrary<string | undefined>,
  addressee: fc.Arbitrary<string | undefined>,
  children: fc.Arbitrary<Node[]>,
): fc.Arbitrary<Node> {
  return fc.record({ id, type: types, language, to: addressee, children, text }).map((one) => {
    const attrs = { id: one.id, type: one.type, to: one.to, 'xml:lang': one.language }
    const given = Object.entries(attrs).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
    return el(name, undefined, Object.fromEntries(given), ...(one.text === '' ? [] : [one.text]), ...one.children)
  })
}

const messages = stanza(
  'message',
  maybe(fc.constantFrom('chat', 'groupchat', 'normal', 'headline', 'error')),
  to,
  fc.array(fc.oneof({ weight: 4, arbitrary: some(SIGNALS) }, some(SAID), some(ERRORS)), { maxLength: 4 }),
)
const presences = stanza(
  'presence',
  maybe(fc.constantFrom('unavailable', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error')),
  // To oneself is another thing on each server: to nobody, or a message of a kind.
  maybe(fc.constantFrom(...ADDRESSES)),
  fc.array(fc.oneof({ weight: 4, arbitrary: some(QUIET) }, some(SAID), some(ERRORS)), { maxLength: 4 }),
)
const subscriptions = stanza(
  'presence',
  fc.constant('subscribe'),
  fc.constantFrom(...ADDRESSES),
  fc.array(some(QUIET), { maxLength: 2 }),
)
const iqs = stanza(
  'iq',
  fc.constantFrom('get', 'set', 'result', 'error'),
  to,
  fc.oneof(
    { weight: 4, arbitrary: some(ASKED).map((one) => [one]) },
    fc.array(fc.oneof(some(ASKED), some(ERRORS)), { maxLength: 2 }),
  ),
)

/** The text of one. */
export const randomStanza: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 4, arbitrary: whole(messages, 'message') },
    { weight: 4, arbitrary: whole(presences, 'presence') },
    { weight: 1, arbitrary: subscriptions },
    { weight: 6, arbitrary: whole(iqs, 'iq') },
  )
  .map((node) => written({ ...node, ns: 'jabber:client' }))

function whole(stanzas: fc.Arbitrary<Node>, name: string): fc.Arbitrary<Node> {
  return surprising(stanzas).map((node) => ({ ...node, name }))
}

function written(node: Node | string): string {
  if (typeof node === 'string') return escapeText(node)
  const declaration = node.name.startsWith('p:') ? 'xmlns:p' : 'xmlns'
  const attrs = node.ns === undefined ? node.attrs : { [declaration]: node.ns, ...node.attrs }
  const pairs = Object.entries(attrs).map(([name, value]) => ` ${name}='${escapeAttribute(value)}'`)
  return `<${node.name}${pairs.join('')}>${node.children.map(written).join('')}</${node.name}>`
}
