// SPDX-License-Identifier: Apache-2.0
// Ad-hoc commands from a real client through a real server: an officer searches, shows and exports; an operator sees counts; everybody
// else sees nothing. What passes between them and the archive is itself neither asked about nor recorded.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { declarations } from '../../components/archive/declarations.ts'
import { type SlixmppClient, slixmppLack, type ToldCommand } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { ARCHIVE, HOST, SCREEN } from '../harness/world.ts'
import { readJournal } from '../policy/stage.ts'
import { onServers } from './servers.ts'

onServers('ad-hoc commands', slixmppLack(), (server) => {
  let stage: Stage
  let olga: SlixmppClient
  let otto: SlixmppClient
  let eve: SlixmppClient
  before(async () => {
    stage = await openStage({
      server,
      people: { officers: [`olga@${HOST}`], operators: [`otto@${HOST}`], auditors: [`adam@${HOST}`] },
      archiveProcess: { lines: ['looks: { reason_required: yes }'] },
    })
    const alice = await stage.person('alice')
    await alice.send(
      `<message xmlns='jabber:client' type='chat' to='bob@${HOST}' id='m1'><body>a tulip for Bob</body></message>`,
    )
    await stage.world.ask('archive search', { words: 'tulip', reason: 'to be sure that it is kept' })
    olga = await stage.person('olga')
    otto = await stage.person('otto')
    eve = await stage.person('eve')
  })
  after(() => stage[Symbol.asyncDispose]())

  /** The form, filled in. */
  async function run(
    who: SlixmppClient,
    node: string,
    values: Record<string, string>,
    lang = '',
  ): Promise<ToldCommand> {
    const form = await who.command(ARCHIVE, node, { lang })
    assert.equal(form.status, 'executing', JSON.stringify(form))
    return who.command(ARCHIVE, node, { action: 'next', session: form.session, values, lang })
  }

  test('each person is shown what he may do, and nobody else anything', async () => {
    const open = (right: string) =>
      declarations.filter(({ rights }) => rights.some((one) => one === right)).map(({ name }) => name.replace(' ', '-'))
    assert.deepEqual(Object.keys(await olga.commands(ARCHIVE)).sort(), open('officer').sort())
    assert.deepEqual(Object.keys(await otto.commands(ARCHIVE)).sort(), open('operator').sort())
    assert.ok(open('officer').includes('archive-search') && !open('operator').includes('archive-search'))
    assert.ok('policy-explain' in (await olga.commands(SCREEN)))
    assert.deepEqual(await eve.commands(ARCHIVE), {})
    assert.deepEqual(await eve.commands(SCREEN), {})
  })

  test('an officer searches, shows and exports; each look is on record, with her address', async () => {
    const found = await run(olga, 'archive-search', { words: 'tulip', reason: 'case 17' })
    assert.deepEqual([found.status, found.rows.map(({ text }) => text)], ['completed', ['a tulip for Bob']])
    assert.ok(found.columns.includes('settlement'))
    const id = found.rows[0]?.id ?? ''
    const shown = await run(olga, 'archive-show', { id, reason: 'case 17' })
    assert.equal(shown.values.text, 'a tulip for Bob')
    assert.match(JSON.stringify(shown.values.lines), /<message .*a tulip for Bob/)
    const exported = await run(olga, 'archive-export', { words: 'tulip', reason: 'case 17' })
    const folder = String(exported.values.path)
    assert.equal(exported.status, 'completed')
    assert.ok(existsSync(join(folder, 'SHA256SUMS')))
    assert.match(readFileSync(join(folder, 'MANIFEST.json'), 'utf8'), /"user": "olga@corp\.example"/)
    const looks = await stage.world.ask('archive access', { user: `olga@${HOST}`, reason: 'audit' })
    assert.deepEqual(
      looks.map(({ command, via, reason, denied }) => [command, via, reason, denied]),
      [
        ['archive export', 'ad-hoc', 'case 17', false],
        ['archive show', 'ad-hoc', 'case 17', false],
        ['archive search', 'ad-hoc', 'case 17', false],
      ],
    )
  })

  test('an operator sees counts and no contents; the attempt is on record', async () => {
    const stats = await run(otto, 'archive-stats', {})
    assert.equal(stats.rows.find(({ what }) => what === 'records')?.value, '1')
    for (const [who, name] of [
      [otto, 'otto'],
      [eve, 'eve'],
    ] as const) {
      const refused = await who.command(ARCHIVE, 'archive-search', { values: { words: 'tulip' }, lang: 'de' })
      assert.deepEqual(
        [refused.refused, refused.text],
        ['auth forbidden', `${name}@${HOST} darf archive search nicht ausführen. Nötiges Recht: Beauftragte.`],
      )
      const [attempt] = await stage.world.ask('archive access', { user: `${name}@${HOST}`, reason: 'audit' })
      assert.deepEqual(
        [attempt?.command, attempt?.denied, attempt?.via, attempt?.query],
        ['archive search', true, 'ad-hoc', { words: 'tulip' }],
      )
    }
  })

  test('forms and mistakes are in the language of who asks; the reason that the settings want is marked', async () => {
    const form = await olga.command(ARCHIVE, 'archive-search', { lang: 'de' })
    assert.match(form.labels.words ?? '', /^Wörter, die alle im Text stehen müssen/)
    assert.deepEqual(
      [form.types.verdict, form.types.limit, form.types.room, form.types.person],
      // A person has a name as well as an address.
      ['list-single', 'text-single', 'jid-single', 'text-single'],
    )
    assert.deepEqual(form.required, ['reason'])
    const again = await olga.command(ARCHIVE, 'archive-search', {
      action: 'next',
      session: form.session,
      values: {},
      lang: 'de',
    })
    assert.deepEqual(again.notes, [['error', '„Warum Sie nachsehen“ fehlt.']])
    const other = await stage.person('olga', { resource: 'phone' })
    const foreign = await other.command(ARCHIVE, 'archive-search', {
      action: 'next',
      session: form.session,
      values: { reason: 'x' },
    })
    assert.equal(foreign.refused, 'modify bad-request')
    assert.equal(
      (await olga.command(ARCHIVE, 'archive-search', { action: 'cancel', session: form.session })).status,
      'canceled',
    )
  })

  test('none of this was asked about: the journal of policy has no IQ', async () => {
    const facts = await readJournal(stage.world.journal)
    const stanzas = facts.flatMap((fact) => (fact.kind === 'ask' && 'stanza' in fact ? [fact.stanza] : []))
    assert.ok(stanzas.some((one) => one.includes('a tulip for Bob')))
    assert.deepEqual(
      stanzas.filter((one) => one.startsWith('<iq')),
      [],
    )
  })
})
