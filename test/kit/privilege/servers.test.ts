// SPDX-License-Identifier: Apache-2.0
// XEP-0356 and XEP-0355 against the real servers that are installed here: what each advertises, and what then works.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Delegate, DelegatedIq } from '../../../components/kit/privilege/privileges.ts'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'
import { serverLack } from '../../e2e/servers.ts'
import { heldClock } from '../stream/clock.ts'
import {
  ASKED,
  DOMAIN,
  HOST,
  type House,
  type Kind,
  OTHER,
  OWN,
  openHouse,
  type Part,
  type Person,
  servers,
  TOLD,
  VCARD,
  VERSION,
} from './house.ts'

const ALICE = `alice@${HOST}`
const BOB = `bob@${HOST}`
const WITHIN = { timeoutMs: 10_000 }
const condition = (wanted: string) => (error: unknown) => error instanceof StanzaError && error.condition === wanted

for (const kind of await servers()) {
  const skip = serverLack(kind.kind) ?? false
  describe(`${kind.kind} ${kind.version ?? ''}: privileges`, { skip }, () => privileges(kind))
  describe(`${kind.kind} ${kind.version ?? ''}: delegation`, { skip }, () => delegation(kind))
}

function privileges(kind: Kind): void {
  let house: House
  let part: Part
  let alice: Person
  let bob: Person
  const presences: string[] = []
  before(async () => {
    house = await openHouse(kind, { delegates: false })
    part = await house.granted({}, { presence: ({ from, type }) => void presences.push(`${type} ${from}`) })
    alice = await house.login('alice')
    bob = await house.login('bob')
  })
  after(() => house?.[Symbol.asyncDispose]())

  it('the namespace and the grants are those that the server says', () => {
    const grants = part.privileges.grants(HOST)
    assert.ok(grants !== null)
    assert.equal(grants.version, kind.privilege)
    assert.deepEqual({ ...grants.roster, push: undefined }, { get: true, set: true, push: undefined })
    assert.equal(grants.roster.push, kind.privilege === 1 ? false : null)
    assert.equal(grants.message, true)
    assert.equal(grants.presence, 'managed_entity')
    const iq =
      kind.privilege === 1
        ? []
        : [
            [VERSION, { get: true, set: true }],
            [ASKED, { get: true, set: true }],
            [TOLD, { get: false, set: true }],
            [VCARD, { get: true, set: false }],
          ]
    assert.deepEqual([...grants.iq].sort(), iq)
  })

  it('what a person has stored is read; what is set reaches the clients', async () => {
    alice.send(
      `<iq type='set' id='ra'><query xmlns='jabber:iq:roster'><item jid='nurse@x.example' name='The "Nurse"'><group>House &amp; home</group></item></query></iq>`,
    )
    await alice.got(/id=['"]ra['"]/)
    const nurse = {
      jid: 'nurse@x.example',
      name: 'The "Nurse"',
      subscription: 'none',
      ask: false,
      groups: ['House & home'],
    }
    assert.deepEqual(await part.privileges.roster(ALICE, WITHIN), [nurse])
    alice.send(`<iq type='get' id='rg'><query xmlns='jabber:iq:roster'/></iq>`)
    await alice.got(/id=['"]rg['"]/)
    const set = () =>
      part.privileges.setRosterItem(
        ALICE,
        { jid: BOB, name: 'B & <b>', groups: ['<Team>', 'Two', 'Two'], subscription: 'both' },
        WITHIN,
      )
    if (!kind.rosterSet) {
      await assert.rejects(set(), condition('internal-server-error'))
      return
    }
    await set()
    const push = await alice.got(/type=['"]set['"][\s\S]*jabber:iq:roster[\s\S]*bob@corp\.example/)
    assert.match(push, /B &amp; &lt;b(>|&gt;)/)
    const [stored] = (await part.privileges.roster(ALICE, WITHIN)).filter(({ jid }) => jid === BOB)
    assert.deepEqual(
      { ...stored, groups: [...(stored?.groups ?? [])].sort() },
      {
        jid: BOB,
        name: 'B & <b>',
        subscription: kind.keepsSubscription ? 'both' : 'none',
        ask: false,
        groups: ['<Team>', 'Two'],
      },
    )
    await part.privileges.setRosterItem(ALICE, { jid: BOB, subscription: 'remove' }, WITHIN)
    await alice.got(/subscription=['"]remove['"]/)
    assert.deepEqual(await part.privileges.roster(ALICE, WITHIN), [nurse])
  })

  it('a message on behalf comes from the person, in its order', async () => {
    const ids = ['one', 'two'].map((body) =>
      part.privileges.sendMessage({
        from: ALICE,
        to: bob.jid,
        type: 'chat',
        id: body,
        payload: `<body>${body} &amp; more</body><x xmlns='urn:x'><y/></x>`,
      }),
    )
    assert.notEqual(ids[0], ids[1])
    await bob.got(/two &amp; more/)
    const [one = ''] = bob.inbox.filter((stanza) => stanza.startsWith('<message') && stanza.includes('<body'))
    assert.match(one, /one &amp; more/)
    assert.match(one, new RegExp(`from=['"]${ALICE}['"]`))
    assert.match(one, /id=['"]one['"]/)
    part.privileges.sendMessage({ from: HOST, to: bob.jid, payload: `<body>the house</body>` })
    assert.match(await bob.got(/the house/), new RegExp(`from=['"]${HOST}['"]`))
    assert.deepEqual(
      part.lines.filter(({ event }) => event.includes('came back')),
      [],
    )
  })

  it('presence of accounts comes', async () => {
    await part.router.request(DOMAIN, `<fence xmlns='urn:test'/>`, { timeoutMs: 300 }).catch(() => {})
    assert.ok(presences.includes(`available ${ALICE}/r`), presences.join())
  })

  const onBehalf = (to: string, namespace: string, xml: string, timeoutMs = 10_000, type: 'get' | 'set' = 'get') =>
    part.privileges.request({ as: ALICE, to, type, payload: { namespace, xml } }, { timeoutMs })
  const version = `<query xmlns='${VERSION}'/>`

  it('an IQ on behalf is answered by the server, well or badly, where it is granted', async () => {
    if (kind.privilege === 1) {
      await assert.rejects(onBehalf(HOST, VERSION, version), condition('forbidden'))
      return
    }
    const answer = await onBehalf(HOST, VERSION, version)
    assert.match(answer.getChild('query', VERSION)?.getChildText('name') ?? '', new RegExp(kind.kind, 'i'))
    const wanted = kind.kind === 'prosody' ? 'service-unavailable' : 'not-allowed'
    await assert.rejects(onBehalf(HOST, VERSION, version, 10_000, 'set'), condition(wanted))
  })

  it('an IQ on behalf to a person: Prosody brings the answer, ejabberd never; silence has an end', {
    skip: kind.privilege === 1 && 'nobody grants IQs in :1',
  }, async () => {
    const idOf = (stanza: string) => /\sid=['"]([^'"]+)/.exec(stanza)?.[1] ?? ''
    const result = onBehalf(bob.jid, ASKED, `<q xmlns='${ASKED}' n='well'/>`, kind.kind === 'prosody' ? 10_000 : 300)
    const outcome = result.catch((error: unknown) => error)
    const asked = await bob.got(/n=['"]well['"]/)
    assert.match(asked, new RegExp(`from=['"]${ALICE}['"]`))
    bob.send(`<iq type='result' id='${idOf(asked)}' to='${ALICE}'><a xmlns='${ASKED}' said='yes'/></iq>`)
    if (kind.kind === 'prosody') assert.equal((await result).getChild('a', ASKED)?.attrs.said, 'yes')
    else assert.ok(condition('remote-server-timeout')(await outcome), String(await outcome))
    if (kind.kind === 'prosody') {
      const refused = onBehalf(bob.jid, ASKED, `<q xmlns='${ASKED}' n='badly'/>`).catch((error: unknown) => error)
      const again = await bob.got(/n=['"]badly['"]/)
      const error = `<error type='modify'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
      bob.send(`<iq type='error' id='${idOf(again)}' to='${ALICE}'>${error}</iq>`)
      // mod_privilege makes one of all errors of people.
      assert.ok(condition('internal-server-error')(await refused), String(await refused))
    }
    const silence = onBehalf(bob.jid, ASKED, `<q xmlns='${ASKED}' n='never answered'/>`, 50)
    await assert.rejects(silence, condition('remote-server-timeout'))
    assert.equal(part.router.stream.state, 'up')
  })

  it('what an account asks of itself is carried out, or the refusal is known at once', {
    skip: kind.privilege === 1 && 'nobody grants IQs in :1',
  }, async () => {
    alice.send(`<iq type='set' id='vset'><vCard xmlns='${VCARD}'><FN>Alice</FN></vCard></iq>`)
    assert.match(await alice.got(/id=['"]vset['"]/), /type=['"]result['"]/)
    const own = onBehalf(ALICE, VCARD, `<vCard xmlns='${VCARD}'/>`)
    if (kind.dropsIqs) await assert.rejects(own, condition('feature-not-implemented'))
    else assert.equal((await own).getChild('vCard', VCARD)?.getChildText('FN'), 'Alice')
  })

  it('what is not granted is never written, and the stream lives', async () => {
    const { reconnects, sent } = part.router.stream.counts
    const request = (namespace: string, type: 'get' | 'set', as = ALICE) =>
      part.privileges.request(
        { as, to: bob.jid, type, payload: { namespace, xml: `<q xmlns='${namespace}'/>` } },
        WITHIN,
      )
    await assert.rejects(request('urn:test:nothing', 'get'), condition('forbidden'))
    await assert.rejects(request(TOLD, 'get'), condition('forbidden'))
    await assert.rejects(request(ASKED, 'get', 'dora@lab.example'), condition('forbidden'))
    await assert.rejects(part.privileges.roster('dora@lab.example', WITHIN), condition('forbidden'))
    assert.throws(
      () => part.privileges.sendMessage({ from: 'dora@lab.example', to: BOB, payload: '' }),
      condition('forbidden'),
    )
    assert.throws(
      () => part.privileges.sendMessage({ from: `${ALICE}/r`, to: BOB, payload: '' }),
      condition('jid-malformed'),
    )
    assert.equal(part.router.stream.counts.sent, sent)
    assert.equal(part.router.stream.counts.reconnects, reconnects)
  })

  it('a stream on which nobody speaks lives: its pings come back', async () => {
    const clock = heldClock()
    let heard = () => {}
    const quiet = house.part({}, { message: () => heard() }, OTHER, { clock })
    const { stream } = quiet.router
    await stream.ready(AbortSignal.timeout(10_000))
    const down = quiet.logged(({ event }) => event === 'stream down').then(({ fields }) => fields.reason)
    // Nobody waits for it any more when all is well.
    down.catch(() => {})
    const fence = async () => {
      const { promise, resolve } = Promise.withResolvers<'up'>()
      heard = () => resolve('up')
      stream.send(`<message from='${OTHER}' to='${OTHER}/fence'/>`)
      return await Promise.race([promise, down])
    }
    // A ping is due at this very moment; the message behind it comes back behind it.
    clock.pass(20_000)
    await turn()
    assert.equal(await fence(), 'up')
    // Nothing was heard after the ping but its answer, if there was one; else it is noticed now.
    clock.pass(21_000)
    await turn()
    assert.equal(await fence(), 'up')
    await stream.drain(AbortSignal.timeout(5_000))
  })

  it('nobody but the host grants: not a person, not another component, not a delegated request of theirs', async () => {
    const known = part.privileges.grants(HOST)
    const ignored = (from: string) =>
      part.logged(({ event, fields }) => event === 'an advertisement of privileges was ignored' && fields.from === from)
    const privilege = `<privilege xmlns='urn:xmpp:privilege:2'><perm access='iq'><namespace ns='urn:test:all' type='both'/></perm></privilege>`
    const delegated = `<delegation xmlns='urn:xmpp:delegation:2'><delegated namespace='urn:test:all'/></delegation>`
    // Prosody itself refuses a privilege to the component's own address.
    alice.send(`<message to='x@${DOMAIN}'>${privilege}</message>`)
    await ignored(ALICE)
    const eve = house.part({}, {}, OTHER)
    await eve.router.stream.ready(AbortSignal.timeout(10_000))
    eve.router.stream.send(`<message from='${OTHER}' to='${DOMAIN}'>${delegated}</message>`)
    await ignored(OTHER)
    const forged = `<delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='get' id='f' from='${ALICE}/r'><q xmlns='${OWN}'/></iq></forwarded></delegation>`
    if (kind.dropsStrangers) {
      await assert.rejects(eve.router.request(DOMAIN, forged, { timeoutMs: 200 }), condition('remote-server-timeout'))
    } else {
      await assert.rejects(eve.router.request(DOMAIN, forged, WITHIN), condition('service-unavailable'))
      await part.logged(({ event, fields }) => event === 'a delegated request was ignored' && fields.from === OTHER)
    }
    assert.equal(part.privileges.grants(HOST), known)
    assert.equal(part.privileges.grants(OTHER), null)
    assert.equal(part.privileges.delegated(HOST).size, 0)
  })

  it('what an unknown account has is an answer or a refusal, in time', async () => {
    const outcome = await part.privileges.roster(`nobody@${HOST}`, WITHIN).catch((error: unknown) => error)
    if (Array.isArray(outcome)) assert.deepEqual(outcome, [])
    else assert.ok(condition('item-not-found')(outcome), String(outcome))
  })

  it('a server that starts again says it again; in between nothing is granted', async () => {
    const { privileges } = part
    const gone = privileges.until(() => privileges.grants(HOST) === null, AbortSignal.timeout(20_000))
    const back = house.restart()
    await gone
    await assert.rejects(privileges.roster(BOB, WITHIN), condition('forbidden'))
    await back
    await privileges.until(() => privileges.grants(HOST) !== null, AbortSignal.timeout(20_000))
    assert.deepEqual(await privileges.roster(BOB, WITHIN), [])
  })

  it('a second connection of the name that closes takes all back on ejabberd, and is noticed', {
    skip: kind.kind === 'prosody' && 'Prosody replaces the connection',
  }, async () => {
    const second = house.part()
    await second.router.stream.ready(AbortSignal.timeout(10_000))
    await second.router.stream.drain(AbortSignal.timeout(10_000))
    // The server takes them back in its own time; an answer to the connection that is going is lost.
    const wanted = kind.dropsStrangers ? 'remote-server-timeout' : 'forbidden'
    let refused: unknown
    for (let tries = 0; tries < 5_000 && !condition(wanted)(refused); tries++)
      refused = await part.privileges.roster(ALICE, { timeoutMs: 500 }).catch((error: unknown) => error)
    assert.ok(condition(wanted)(refused), String(refused))
    const logged = kind.dropsStrangers ? 'what is granted was not answered' : 'the server refuses what it had granted'
    assert.ok(part.lines.some(({ event }) => event === logged))
    assert.equal(part.privileges.grants(HOST) === null, !kind.dropsStrangers)
  })
}

function delegation(kind: Kind): void {
  let house: House
  let part: Part
  let alice: Person
  let bob: Person
  const asked: DelegatedIq[] = []
  const held = Promise.withResolvers<string>()
  const aborted: string[] = []
  const answers: Record<string, (iq: DelegatedIq, signal: AbortSignal) => Promise<string> | string> = {
    plain: ({ from, to, host }) =>
      `<a xmlns='${OWN}' from='${from}' to='${to}' host='${host}'>&lt;yes&gt; &amp; more</a>`,
    empty: () => '',
    later: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return `<a xmlns='${OWN}'/>`
    },
    refused: () => {
      throw new StanzaError('auth', 'forbidden', { en: 'not for you', de: 'nicht für Sie' })
    },
    fault: () => {
      throw new TypeError('inside')
    },
    late: (_, signal) => {
      signal.addEventListener('abort', () => aborted.push('late'))
      return held.promise
    },
    large: () => `<a xmlns='${OWN}'>${'x'.repeat(600_000)}</a>`,
  }
  const own: Delegate = {
    namespace: OWN,
    order: 'arrival',
    answerWithinMs: 200,
    shows: {
      server: { identities: [], features: [OWN, `${OWN}#server`] },
      account: { identities: [{ category: 'directory', type: 'test' }], features: [OWN, `${OWN}#account`] },
    },
    answer(iq, signal) {
      asked.push(iq)
      return answers[iq.payload.attrs.n ?? '']?.(iq, signal) ?? ''
    },
  }
  const vcard: Delegate = {
    namespace: VCARD,
    order: 'sender',
    answer: ({ to }) => `<vCard xmlns='${VCARD}'><FN>${to}</FN></vCard>`,
  }
  const ask = (who: Person, n: string, to = '', lang = '') =>
    who.send(`<iq type='get' id='${n}'${to}${lang}><q xmlns='${OWN}' n='${n}'/></iq>`)
  const answerOf = (who: Person, id: string) => who.got(new RegExp(`^<iq [^>]*id=['"]${id}['"]`))
  const works = !kind.dropsIqs

  before(async () => {
    house = await openHouse(kind)
    part = await house.granted({ delegates: [own, vcard] })
    if (works)
      await part.privileges.until(() => part.privileges.delegated(HOST).size === 2, AbortSignal.timeout(15_000))
    alice = await house.login('alice')
    bob = await house.login('bob')
  })
  after(() => house?.[Symbol.asyncDispose]())

  it('a server that drops our answers delegates nothing, and its own handler stays', {
    skip: works && 'this one hears our answers',
  }, async () => {
    alice.send(`<iq type='get' id='own'><vCard xmlns='${VCARD}'/></iq>`)
    await answerOf(alice, 'own')
    assert.equal(part.privileges.delegated(HOST).size, 0)
  })

  const when = { skip: !works && 'ejabberd 24.10 to 24.12 drops the answers of a privileged component' }

  it('the namespaces and their version are those that the server says', when, () => {
    assert.deepEqual(
      [...part.privileges.delegated(HOST).values()].sort((a, b) => (a.namespace < b.namespace ? -1 : 1)),
      [
        { version: kind.delegation, namespace: OWN, filters: [] },
        { version: kind.delegation, namespace: VCARD, filters: [] },
      ],
    )
  })

  it('the server and the account show what the component shows', when, async () => {
    for (const [id, to, feature] of [
      ['ds', HOST, `${OWN}#server`],
      ['da', ALICE, `${OWN}#account`],
    ]) {
      alice.send(`<iq type='get' id='${id}' to='${to}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
      assert.match(await answerOf(alice, id ?? ''), new RegExp(`var=['"]${feature}['"]`))
    }
  })

  it('a request is answered under its own id, to the account, another account and the host', when, async () => {
    ask(alice, 'plain')
    const result = await answerOf(alice, 'plain')
    assert.match(result, /type=['"]result['"]/)
    assert.match(result, /<a [^>]*>&lt;yes&gt; &amp; more</)
    bob.send(
      `<iq type='get' id='v1' to='${ALICE}'><vCard xmlns='${VCARD}'/></iq><iq type='get' id='v2' to='${HOST}'><vCard xmlns='${VCARD}'/></iq>`,
    )
    const theirs = await answerOf(bob, 'v1')
    assert.match(theirs, new RegExp(`<FN>${ALICE}</FN>`))
    assert.match(theirs, new RegExp(`from=['"]${ALICE}['"]`))
    assert.match(await answerOf(bob, 'v2'), new RegExp(`<FN>${HOST}</FN>`))
    ask(alice, 'empty')
    assert.match(await answerOf(alice, 'empty'), /type=['"]result['"]/)
    ask(alice, 'later')
    assert.match(await answerOf(alice, 'later'), /<a xmlns/)
    const first = asked[0]
    assert.deepEqual(
      { ...first, payload: undefined },
      { host: HOST, type: 'get', from: alice.jid, to: ALICE, language: first?.language, payload: undefined },
    )
  })

  it('a refusal and a fault are answers too, under the id of who asked', when, async () => {
    ask(alice, 'refused', '', ` xml:lang='de'`)
    const refused = await answerOf(alice, 'refused')
    assert.match(refused, /type=['"]error['"]/)
    assert.match(refused, /<forbidden[\s\S]*nicht für Sie/)
    ask(alice, 'fault')
    assert.match(await answerOf(alice, 'fault'), /<internal-server-error/)
    assert.ok(
      part.lines.some(({ event, fields }) => event === 'a handler failed' && String(fields.error).includes('inside')),
    )
  })

  it('who does not answer in time has answered: once, and too late counts no more', when, async () => {
    ask(alice, 'late')
    assert.match(await answerOf(alice, 'late'), /<remote-server-timeout/)
    assert.deepEqual(aborted, ['late'])
    held.resolve(`<a xmlns='${OWN}' late='yes'/>`)
    ask(alice, 'plain', '', '')
    ask(bob, 'plain')
    await answerOf(bob, 'plain')
    assert.ok(!alice.inbox.some((stanza) => stanza.includes(`late='yes'`)))
    assert.equal(alice.inbox.filter((stanza) => /^<iq [^>]*id=['"]late['"]/.test(stanza)).length, 1)
  })

  it('an answer that would close the stream is not sent', when, async () => {
    ask(alice, 'large')
    assert.match(await answerOf(alice, 'large'), /<internal-server-error/)
    assert.equal(part.router.stream.counts.reconnects, 0)
  })

  it('one sender in order, senders side by side; nobody waits without end', when, async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `o${n}`)
    alice.send(ids.map((id) => `<iq type='get' id='${id}'><vCard xmlns='${VCARD}'/></iq>`).join(''))
    await answerOf(alice, 'o19')
    assert.deepEqual(
      alice.inbox.flatMap((stanza) => /^<iq [^>]*id=['"](o\d+)['"]/.exec(stanza)?.[1] ?? []),
      ids,
    )
  })

  it('after a restart of the server it is delegated again', when, async () => {
    const gone = part.privileges.until(() => part.privileges.delegated(HOST).size === 0, AbortSignal.timeout(20_000))
    const back = house.restart()
    await gone
    await back
    await part.privileges.until(() => part.privileges.delegated(HOST).size === 2, AbortSignal.timeout(20_000))
    const carol = await house.login('alice')
    ask(carol, 'plain')
    assert.match(await answerOf(carol, 'plain'), /type=['"]result['"]/)
  })
}
