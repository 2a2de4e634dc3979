// SPDX-License-Identifier: Apache-2.0
// Each action of the rule language as real clients see it, and what of it stands on record.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ACTION_KEYS, CONDITIONS, REFUSE_KEYS, REPLACE_KEYS } from '../../components/policy/rules/keys.ts'
import { filesWith } from '../harness/files-with.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { ROOMS } from '../harness/world.ts'
import { onServers } from './servers.ts'

const RULES = `otherwise: allow
rules:
  - { id: pass, when: { words: [permit] }, then: allow }
  - { id: no-secrets, when: { words: [topsecret] }, then: { refuse: { text: { en: 'It stays here.', de: 'Es bleibt hier.' } } } }
  - { id: plain, when: { words: [prohibited] }, then: refuse }
${CONDITIONS.map((condition) => `  - { id: c-${condition}, when: { words: [${condition}] }, then: { refuse: { condition: ${condition} } } }`).join('\n')}
  - { id: seen-before, when: { words: [nightingale] }, then: { tag: before } }
  - { id: mask, when: { words: [nightingale] }, then: { replace: { mask: '*' } } }
  - { id: seen-after, when: { words: [nightingale] }, then: { tag: after } }
  - { id: too-late, when: { words: [nightingale] }, then: refuse }
  - { id: mask-word, when: { words: [blackbird] }, then: { replace: { mask: '[cut]', text: { en: 'It cannot be cut here.' } } } }
  - { id: sees-mask, when: { words: [cut] }, then: { tag: [masked, two-tags] } }
  - { id: lists-only, when: { words: [envelopeword] }, then: { record: envelope } }
  - { id: counts-only, when: { words: [nothingword] }, then: { record: nothing, tag: private } }
  - { id: keeps-all, when: { words: [contentword] }, then: { record: content } }
  - { id: too-late-to-say, when: { words: [contentword] }, then: { record: nothing } }
  - { id: refuses-unseen, when: { words: [unseenword] }, then: { refuse: {}, record: nothing } }
  - { id: masks-unseen, when: { words: [maskedword] }, then: { replace: { mask: '*' }, record: nothing } }`

const SEALED: Readonly<Record<string, string>> = {
  'OMEMO 0.3': "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AAAA</payload></encrypted>",
  'OMEMO 2': "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AAAA</payload></encrypted>",
  OpenPGP: "<openpgp xmlns='urn:xmpp:openpgp:0'>AAAA</openpgp>",
  'old OpenPGP': "<x xmlns='jabber:x:encrypted'>AAAA</x>",
  'an old signature': "<x xmlns='jabber:x:signed'>AAAA</x>",
  'S/MIME': "<e2e xmlns='urn:ietf:params:xml:ns:xmpp-e2e'>AAAA</e2e>",
}

/** Words of the rules that stand for an action, or for what is said below it, in the tests here. */
const SHOWN = {
  actions: ['allow', 'refuse', 'replace', 'tag', 'record'],
  refuse: ['condition', 'text'],
  replace: ['mask', 'text'],
}

test('each action that the rule language declares, and all that can be said of it, is shown here', () => {
  assert.deepEqual(ACTION_KEYS.built, SHOWN.actions)
  assert.deepEqual(REFUSE_KEYS.built, SHOWN.refuse)
  assert.deepEqual(REPLACE_KEYS.built, SHOWN.replace)
  for (const word of SHOWN.actions) assert.match(RULES, new RegExp(`\\b${word}\\b`))
})

onServers('actions', slixmppLack(), (server) => {
  let stage: Stage
  let alice: SlixmppClient
  let bob: SlixmppClient
  let last = 0
  before(async () => {
    stage = await openStage({ server, rooms: true, rules: RULES })
    alice = await stage.person('alice')
    bob = await stage.person('bob')
  })
  after(() => stage?.[Symbol.asyncDispose]())

  const chat = (id: string, body: string, more = '', language = '') =>
    `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='${id}'${language && ` xml:lang='${language}'`}><body>${body}</body>${more}</message>`
  /** Sends to Bob and gives what Bob gets; that nothing else of it comes back is said by the next one that does. */
  const arrives = async (body: string, more = '') => {
    const id = `m${++last}`
    await alice.send(chat(id, body, more))
    return await bob.wait(new RegExp(`id="${id}"`))
  }
  /** Gives the error that Alice gets; Bob gets nothing like `hidden`. */
  const bounces = async (body: string, hidden: RegExp, more = '', language = '') => {
    const id = `m${++last}`
    await alice.send(chat(id, body, more, language))
    const error = await alice.wait(new RegExp(`id="${id}"`))
    await arrives('after it')
    await bob.nothing(hidden)
    return error
  }
  /** Every file of this house in which a word stands: journals, archives with their -wal, logs, the data of the server. */
  const keptIn = (word: string) =>
    filesWith(stage.world.folder, word).filter((path) => !path.endsWith('policy-rules.yaml'))

  test('allow: the walk ends, a rule further down has no say', async () => {
    assert.match(await arrives('allowword permit topsecret'), /<body>allowword permit topsecret<\/body>/)
    assert.equal((await stage.recorded('allowword', 'released'))[0]?.rule, 'pass')
  })

  test("refuse: its own text, in the sender's language", async () => {
    const german = await bounces('textword topsecret', /textword/, '', 'de-CH')
    assert.match(german, /<error type="modify"><policy-violation [^>]*\/><text [^>]*>Es bleibt hier\.</)
    assert.match(await bounces('textword topsecret', /textword/), /It stays here\./)
    assert.match(await bounces('textword topsecret', /textword/, '', 'fr'), /It stays here\./)
    const [record] = await stage.recorded('textword', 'refused', 'refused', 'refused')
    assert.equal(record?.rule, 'no-secrets')
    assert.match(JSON.stringify(record?.verdict_more), /"condition":"policy-violation".*"de":"Es bleibt hier\."/)
  })

  test('refuse without a text: the words of the suite, which name the rule', async () => {
    assert.match(await bounces('plainword prohibited', /plainword/), /plain/)
    assert.match(await bounces('plainword prohibited', /plainword/, '', 'de'), /Regel .*plain/)
  })

  for (const condition of CONDITIONS) {
    test(`refuse with the condition ${condition}`, async () => {
      assert.match(
        await bounces(condition, /never/),
        new RegExp(`<${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"`),
      )
    })
  }

  test('refuse of a join: the condition that rooms use for it', async () => {
    await alice.send(
      `<presence xmlns='jabber:client' to='tea@${ROOMS}/topsecret'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
    assert.match(await alice.wait(new RegExp(`from="tea@${ROOMS}/topsecret"`)), /type="error".*<not-allowed /s)
  })

  test('replace: one character for each, in body and subject of every language; what comes after sees the changed text', async () => {
    const more = `<body xml:lang='de'>die nightingale</body><subject>Nightingale!</subject><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>night<b>ingale</b></body></html>`
    const got = await arrives('maskword a NIGHTINGALE, a n\u0456ght\u200bingale', more)
    assert.match(got, /maskword a \*{11}, a \*{12}</)
    assert.match(got, /die \*{11}</)
    assert.match(got, /<subject>\*{11}!</)
    assert.doesNotMatch(got, /html|ingale/i)
    const [record] = await stage.recorded('maskword', 'released')
    assert.deepEqual([record?.verdict, record?.rule, record?.tags], ['replace', 'mask', ['before']])
    const shown = (await stage.world.ask('archive show', { id: record?.id, reason: 'test' }))[0]
    assert.deepEqual(shown?.tags, ['before'])
    assert.match(String(shown?.stanza), /NIGHTINGALE/)
    assert.doesNotMatch(String(shown?.replacement), /ingale/i)
    const places = shown?.matched as { rule: string; start: number; end: number; where: string }[]
    assert.deepEqual(
      places.filter(({ rule, where }) => rule === 'mask' && where === 'body').map(({ start, end }) => [start, end]),
      [
        [11, 22],
        [26, 38],
        [4, 15],
      ],
    )
  })

  test('replace with a longer mask: it stands for the whole, and is text that later rules see', async () => {
    assert.match(await arrives('longmask blackbird sings'), /<body>longmask \[cut\] sings<\/body>/)
    const [record] = await stage.recorded('longmask', 'released')
    assert.deepEqual(record?.tags, ['masked', 'two-tags'])
  })

  test('replace by two rules: both are named, and both have masked', async () => {
    assert.match(await arrives('twomasks nightingale blackbird'), /twomasks \*{11} \[cut\]</)
    assert.equal((await stage.recorded('twomasks', 'released'))[0]?.rule, 'mask,mask-word')
  })

  test('replace where nothing can be masked is a refusal, with the text of the rule', async () => {
    const nick = "<nick xmlns='http://jabber.org/protocol/nick'>blackbird</nick>"
    assert.match(await bounces('nickword', /nickword/, nick), /It cannot be cut here\./)
    assert.equal((await stage.recorded('nickword', 'refused'))[0]?.rule, 'mask-word')
  })

  for (const [what, element] of Object.entries(SEALED)) {
    test(`a message sealed with ${what} is refused, never replaced`, async () => {
      const word = `sealed${what.replaceAll(/[^a-z0-9]/gi, '').toLowerCase()}`
      assert.match(await bounces(`${word} blackbird`, new RegExp(word), element), /policy-violation.*It cannot be cut/s)
      const [record] = await stage.recorded(word, 'refused')
      assert.deepEqual([record?.verdict, record?.rule, record?.replacement], ['refuse', 'mask-word', null])
    })
  }

  test('record: content is what stands anyway, and the first rule that says it counts', async () => {
    await arrives('contentword of all')
    const [record] = await stage.recorded('contentword', 'released')
    assert.deepEqual([record?.recorded, record?.text], ['content', 'contentword of all'])
    assert.deepEqual(
      new Set(keptIn('contentword').map((path) => path.split('/')[0])),
      new Set(['journals', 'state']),
      'what is on record is found by this search',
    )
  })

  test('record: envelope: who and whom, but not what was said, in no file of the house', async () => {
    await arrives('envelopeword uttered', '<subject>unutterable</subject>')
    const [record] = await keptAs(stage, 'envelope', 1)
    assert.deepEqual(
      [record?.from, record?.to, record?.verdict, record?.rule, record?.text, record?.settlement, record?.type],
      ['alice@corp.example/desk', 'bob@corp.example', 'allow', 'otherwise', '', 'released', 'chat'],
    )
    assert.match(String(record?.stanza), /^<message [^>]*\/>$/)
    for (const word of ['envelopeword', 'uttered', 'unutterable']) assert.deepEqual(keptIn(word), [], word)
  })

  test('record: nothing: counted, and the decision itself on record; no word of it in any file of the house', async () => {
    const questions = async () =>
      (await stage.world.ask('policy stats')).find(({ what }) => what === 'questions')?.value as number
    const before = await questions()
    const unseen = await stage.person('unseenperson')
    const ask = (id: string, body: string) =>
      unseen.send(
        `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='${id}'><body>${body}</body></message>`,
      )
    await ask('n1', 'nothingword murmured')
    assert.match(await bob.wait(/id="n1"/), /nothingword murmured/)
    await ask('n2', 'unseenword murmured')
    assert.match(await unseen.wait(/id="n2"/), /policy-violation/)
    await ask('n3', 'maskedword murmured')
    assert.match(await bob.wait(/id="n3"/), /\*{10} murmured/)
    const records = await keptAs(stage, 'nothing', 3)
    assert.deepEqual(
      records
        .map(({ verdict, rule, settlement, from, to, stanza, text }) => [
          verdict,
          rule,
          settlement,
          from,
          to,
          stanza,
          text,
        ])
        .sort(),
      [
        ['allow', 'otherwise', 'released', '', '', '', ''],
        ['refuse', 'refuses-unseen', 'refused', '', '', '', ''],
        ['replace', 'masks-unseen', 'released', '', '', '', ''],
      ],
    )
    assert.deepEqual(
      records.flatMap(({ tags }) => tags),
      ['private'],
    )
    assert.ok((await questions()) >= before + 3)
    for (const word of ['nothingword', 'unseenword', 'maskedword', 'murmured']) assert.deepEqual(keptIn(word), [], word)
  })

  test('otherwise: refuse: what no rule allows does not pass, and the sender is told so', async () => {
    await stage.world.setRules(RULES.replace('otherwise: allow', 'otherwise: refuse'))
    await alice.send(chat('otherwise', 'otherwiseword'))
    assert.match(await alice.wait(/id="otherwise"/), /policy-violation.*no rule of the company allows it/s)
    assert.match(await arrives('otherwiseword permit'), /otherwiseword permit/)
    await stage.world.setRules(RULES)
    const records = await stage.recorded('otherwiseword', 'refused', 'released')
    assert.deepEqual(
      records.map(({ rule }) => rule),
      ['otherwise', 'pass'],
    )
  })
})

/** Waits until so many records are there of which that much is kept; no word finds them. */
async function keptAs(stage: Stage, recorded: string, count: number): Promise<Record<string, unknown>[]> {
  for (;;) {
    const rows = (await stage.world.ask('archive search', { limit: 1000, reason: 'test' })).filter(
      (row) => row.recorded === recorded && row.settlement !== 'undecided',
    )
    if (rows.length >= count) return rows
    // Makes the server tell what is settled.
    await stage.recorded('never said')
  }
}
