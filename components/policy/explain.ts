// SPDX-License-Identifier: Apache-2.0
// `policy explain`: what the rules in force would say of a message, and why. Nothing is sent, recorded or counted.
import { type Args, CommandError, EXIT, type Parameter, type Said } from '../kit/process/command.ts'
import type { Catalogue } from '../kit/text/catalogue.ts'
import type { Element } from '../kit/xml/element.ts'
import { parse } from '../kit/xml/parse.ts'
import { escapeAttribute, escapeText } from '../kit/xml/writer.ts'
import { bareOf } from '../kit/xmpp/jid.ts'
import { type AddressPattern, domainOf } from './domain/address-pattern.ts'
import { type Decision, decide, groundsOf, PeopleUnknown, type Watch } from './domain/decide.ts'
import { Page } from './domain/page.ts'
import type { People } from './domain/person.ts'
import type { Rule } from './domain/rule.ts'
import type { Screened } from './domain/screened.ts'
import type { Walled } from './domain/walls.ts'
import { type Elsewhere, readScreened } from './protocol/screened.ts'
import type { InForce } from './rules/rules-in-force.ts'

export const explainParameters: readonly Parameter[] = [
  { name: 'from', help: 'policy-help-explain-from', type: 'jid', required: true },
  { name: 'to', help: 'policy-help-explain-to', type: 'jid', required: true },
  { name: 'text', help: 'policy-help-explain-text', type: 'text' },
  { name: 'xml', help: 'policy-help-explain-xml', type: 'text' },
  { name: 'host', help: 'policy-help-explain-host', type: 'text' },
  { name: 'received', help: 'policy-help-explain-received', type: 'flag' },
  { name: 'network', help: 'policy-help-explain-network', type: 'text' },
  { name: 'server', help: 'policy-help-explain-server', type: 'text' },
  { name: 'account', help: 'policy-help-explain-account', type: 'text' },
]

export type Explaining = {
  rules: { current(): Pick<InForce, 'set'> }
  text: Catalogue
  rooms: readonly AddressPattern[]
  elsewhere: Elsewhere
  hosts: ReadonlySet<string>
  people(): People | null
  wall(asked: Screened): Walled | null
}

export async function* sayExplanation(asked: Explaining, args: Args, language: string): AsyncIterable<Said> {
  const { set } = asked.rules.current()
  const screened = readAsked(asked, args, language)
  const walled = asked.wall(screened)
  if (walled) {
    const { wall, unknown } = walled
    yield row('action', 'refuse')
    yield row('rule', wall.id)
    yield row('condition', unknown ? 'resource-constraint' : 'policy-violation')
    yield row(`wall ${wall.id}`, `${wall.a} | ${wall.b}`)
    if (unknown) yield { say: 'text', text: asked.text.say('policy-wall-unknown', language) }
    for (const address of [screened.from, ...screened.to]) yield* sayPerson(screened.people, address)
    return
  }
  const held: { rule: Rule; page: Page | null }[] = []
  const decision = decided(asked, screened, language, (rule, page) => held.push({ rule, page }))
  yield row('action', decision.action)
  yield row('rule', decision.rule)
  if (decision.action === 'refuse') {
    yield row('condition', decision.condition)
    for (const [tag, words] of toldSender(asked, decision, language)) yield row(`text ${tag}`, words)
  }
  if (decision.action === 'replace')
    for (const [at, before] of screened.texts().entries()) {
      const after = decision.texts[at]
      if (before.onReplace !== 'decoded' && after?.value !== before.value)
        yield row(`becomes ${before.where}`, after?.value ?? '')
    }
  if (decision.tags) yield row('tags', decision.tags.join(', '))
  yield row('record', decision.record ?? 'content')
  if (screened.networks.size > 0) yield row('network', [...screened.networks].sort().join(', '))
  if (set.needsPeople)
    for (const address of [screened.sender, ...screened.to]) yield* sayPerson(screened.people, address)
  for (const { rule } of held) yield row(`rule ${rule.id}`, rule.then.do)
  // Several may have masked it, and each looked at the texts as they stood then.
  const deciding = decision.rule.split(',')
  for (const { rule, page } of held) {
    if (!deciding.includes(rule.id)) continue
    for (const { ground, holds } of groundsOf(rule.when, screened, page ?? new Page(screened.texts(), set.matcher)))
      yield row(`ground of ${rule.id}`, `${ground}: ${holds ? 'yes' : 'no'}`)
  }
  for (const { rule, text, where, start, end } of decision.matched ?? []) {
    const page = held.find((each) => each.rule.id === rule)?.page
    const value = page?.texts[text]?.value ?? ''
    yield row(`found by ${rule}`, `${JSON.stringify(value.slice(start, end))} ${where} ${start}-${end}`)
  }
  const { host } = screened
  if (asked.hosts.size > 0 && !asked.hosts.has(host)) {
    const hosts = [...asked.hosts].join(', ')
    yield { say: 'text', text: asked.text.say('policy-explain-not-asked', language, { host, hosts }) }
  }
}

function* sayPerson(people: People | null, address: string): Iterable<Said> {
  const person = people?.find(address)
  if (person === undefined) return
  const groups = person.groups.map(({ name }) => name).filter((name) => name !== '')
  yield row(`person ${address}`, [person.name, person.department ?? '', groups.sort().join(', ')].join(' | '))
}

/** What it would say, where there is something to say. */
function decided({ rules, text }: Explaining, screened: Screened, language: string, watch: Watch): Decision {
  try {
    return decide(screened, rules.current().set, watch)
  } catch (error) {
    if (!(error instanceof PeopleUnknown)) throw error
    throw new CommandError(text.say('policy-people-unknown', language), EXIT.fault)
  }
}

/** What the sender reads; where the rule has no text, the suite's own. */
function toldSender(
  { text }: Explaining,
  { rule, text: own }: Extract<Decision, { action: 'refuse' }>,
  language: string,
): [tag: string, words: string][] {
  if (own) return Object.entries(own)
  return [[language, text.say(rule === 'otherwise' ? 'policy-otherwise' : 'policy-refused', language, { rule })]]
}

function readAsked(asked: Explaining, args: Args, language: string): Screened {
  const from = String(args.from)
  const to = String(args.to)
  const network = typeof args.network === 'string' ? args.network : null
  const direction = args.received === true || network !== null ? 'received' : 'sent'
  // A transport asks about what comes from its network.
  const own = domainOf(bareOf(direction === 'sent' || network !== null ? from : to))
  const host = typeof args.host === 'string' ? args.host.toLowerCase() : own
  if (typeof args.host === 'string' && !asked.hosts.has(host)) {
    const hosts = [...asked.hosts].join(', ')
    throw new CommandError(asked.text.say('policy-explain-no-host', language, { hosts }), EXIT.usage)
  }
  const stanza = readStanza(asked, args, language)
  stanza.attrs.from = from
  stanza.attrs.to = to
  const ask = {
    n: 1,
    try: 1,
    direction,
    via: network === null ? 'c2s' : 'network',
    at: '',
    spooled: false,
    raw: '',
  } as const
  const foreign = {
    server: String(args.server ?? ''),
    nick: '',
    ...(args.account ? { account: String(args.account) } : {}),
  }
  return readScreened(
    network === null ? ask : { ...ask, network, foreign },
    stanza,
    host,
    asked.rooms,
    asked.people(),
    asked.elsewhere,
  )
}

function readStanza({ text }: Explaining, args: Args, language: string): Element {
  const to = escapeAttribute(String(args.to))
  if (typeof args.xml !== 'string')
    return parse(
      `<message xmlns='jabber:client' to='${to}' type='chat'><body>${escapeText(String(args.text ?? ''))}</body></message>`,
    )
  try {
    const stanza = parse(args.xml.replace(/^\s*<(message|presence|iq)(?![^>]*\bxmlns=)/u, "<$1 xmlns='jabber:client'"))
    if (['message', 'presence', 'iq'].includes(stanza.name)) return stanza
  } catch {
    // Said below, in words.
  }
  throw new CommandError(text.say('policy-explain-no-stanza', language), EXIT.usage)
}

function row(what: string, value: string): Said {
  return { say: 'row', row: { what, value } }
}
