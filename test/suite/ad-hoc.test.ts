// SPDX-License-Identifier: Apache-2.0
// Commands are declared once: whatever the command line of a process has, the process offers as an ad-hoc command, with a field for
// each parameter, in the same words; on the stream of the real process, which goes on without its server.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { describe as learn } from '../../components/cli/network/ask.ts'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import { writeFact } from '../../components/kit/facts/entries.ts'
import type { Declaration } from '../../components/kit/process/command.ts'
import { ask, chat, done, SOURCE } from '../archive/facts.ts'
import { openClient, stepOf } from '../harness/ad-hoc.ts'
import { askCommand } from '../harness/ask-command.ts'
import { startComponent } from '../harness/component.ts'
import { type ComponentServer, type Peer, startComponentServer } from '../harness/component-server.ts'
import { readJournal, startStage } from '../policy/stage.ts'

const ALL = 'olga@corp.example'
const PEOPLE = `people: { operators: [{ user: root }, { jid: ${ALL} }], officers: [{ user: root }, { jid: ${ALL} }], auditors: [{ jid: ${ALL} }] }\n`
const ARCHIVE = 'archive.gatehouse.internal'
const TRANSPORT = 'irc.corp.example'

const client = (peer: () => Peer, domain: string, from = `${ALL}/desk`, language?: string) =>
  openClient(
    (type, payload, at, lang) =>
      peer().ask(type, payload, { from: at, to: domain, ...(lang ? { language: lang } : {}) }),
    from,
    language,
  )

/** What is declared and not offered, or offered in other words. */
async function notOffered(commands: readonly Declaration[], asked: ReturnType<typeof openClient>): Promise<string[]> {
  const listed = await asked.list()
  const lacks: string[] = []
  for (const { name, help, parameters } of commands) {
    const node = name.replaceAll(' ', '-')
    if (!listed[node]?.startsWith(`${name}: `) || !help.startsWith(listed[node].slice(name.length + 2)))
      lacks.push(name)
    if (parameters.length === 0) continue
    const { form, session } = stepOf(await asked.start(node))
    if (form?.instructions[0] !== help.replaceAll('\n', ' ')) lacks.push(`${name}: instructions`)
    for (const one of parameters) {
      const field = form?.fields[one.name]
      if (field === undefined || field.label === '' || !one.help.startsWith(field.label))
        lacks.push(`${name} --${one.name}`)
      if (field?.required !== (one.required === true)) lacks.push(`${name} --${one.name}: required`)
      if (one.choices?.some((choice) => !field?.options.includes(choice))) lacks.push(`${name} --${one.name}: choices`)
    }
    await asked.go(node, 'cancel', session)
  }
  return lacks
}

async function startArchive(yaml = '') {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ad-hoc-'))
  const settings = { domain: ARCHIVE, secret: 'ssh' }
  let server: ComponentServer = await startComponentServer(settings)
  writeFileSync(join(folder, 'secret'), 'ssh\n', { mode: 0o600 })
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    `server: { port: ${server.port}, hosts: [corp.example] }\nfolders: { state: state, run: run, journals: journals }\n${PEOPLE}`,
  )
  const file = join(folder, 'archive.yaml')
  writeFileSync(file, `secret_file: secret\nmetrics: { port: 0 }\n${yaml}`)
  {
    await using journal = await openJournal(join(folder, 'journals', 'policy'), { maxBytes: 1 << 30 })
    const asks = Array.from({ length: 120 }, (_, at) =>
      ask({ n: at + 1, stanza: chat(`tulip ${at + 1}`, { id: `t${at}` }) }),
    )
    await journal.append([...asks, done(120)].map(writeFact))
  }
  const archive = await startComponent({ name: 'archive', file, logFolder: folder })
  let peer = await server.accepted()
  return {
    folder,
    run: join(folder, 'run'),
    archive,
    peer: () => peer,
    asked: (from?: string, language?: string) => client(() => peer, ARCHIVE, from, language),
    looks: async () => (await readJournal(join(folder, 'journals', 'archive'))).filter(({ kind }) => kind === 'access'),
    stopServer: () => server.stop(),
    async startServer() {
      server = await startComponentServer({ ...settings, port: server.port })
      peer = await server.accepted()
    },
    async [Symbol.asyncDispose]() {
      await archive.stop()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** With a network that nobody reaches. */
async function startTransport() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ad-hoc-'))
  const server = await startComponentServer({ domain: TRANSPORT, secret: 'ssh' })
  writeFileSync(join(folder, 'secret'), 'ssh\n', { mode: 0o600 })
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    `server: { port: ${server.port}, hosts: [corp.example] }\nfolders: { state: state, run: run, journals: journals }\n${PEOPLE}`,
  )
  const file = join(folder, 'transport-irc.yaml')
  writeFileSync(
    file,
    `secret_file: secret\nhosts: [corp.example]\nmetrics: { port: 0 }\nnetworks: [{ name: irc.example.org, servers: ['ircs://127.0.0.1:9'] }]\n`,
  )
  const transport = await startComponent({ name: 'transport-irc', file, logFolder: folder })
  const peer = await server.accepted()
  return {
    run: join(folder, 'run'),
    asked: (language: string) => client(() => peer, TRANSPORT, undefined, language),
    async [Symbol.asyncDispose]() {
      await transport.stop()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

describe('every command that is declared', () => {
  it('of transport-irc is offered with every option, in the words of --help (en, de)', async () => {
    await using transport = await startTransport()
    for (const language of ['en', 'de']) {
      const { commands } = await learn({ name: 'transport-irc', run: transport.run }, language)
      assert.ok(commands.length >= 23)
      assert.deepEqual(await notOffered(commands, transport.asked(language)), [])
    }
  })

  for (const language of ['en', 'de']) {
    it(`of policy and of archive is offered with every option, in the words of --help (${language})`, async () => {
      await using policy = await startStage({ shared: PEOPLE })
      const declared = await learn({ name: 'policy', run: join(policy.folder, 'run') }, language)
      assert.ok(declared.commands.length >= 4)
      const asked = client(() => policy.peer, 'policy.gatehouse.internal', undefined, language)
      assert.deepEqual(await notOffered(declared.commands, asked), [])
      const planted = [{ ...declared.commands[0], name: 'policy planted' } as Declaration]
      assert.deepEqual(await notOffered(planted, asked), ['policy planted'])
      await using archive = await startArchive()
      const { commands } = await learn({ name: 'archive', run: archive.run }, language)
      assert.ok(commands.length >= 9)
      assert.deepEqual(await notOffered(commands, archive.asked(undefined, language)), [])
      const more = commands.map((one) => ({
        ...one,
        parameters: [...one.parameters, { name: 'planted', help: 'x', type: 'text' as const }],
      }))
      const found = await notOffered(more, archive.asked(undefined, language))
      assert.equal(
        found.filter((one) => one.endsWith('--planted')).length,
        commands.filter((one) => one.parameters.length > 0).length,
      )
    })
  }
})

describe('the archive by ad-hoc commands', () => {
  it('finds in pages, shows and exports as on the socket; each look is on disk before its answer, with who and by which way', async () => {
    await using place = await startArchive()
    const olga = place.asked()
    const first = stepOf(await olga.fill('archive-search', { words: 'tulip', limit: '120', reason: 'case 17' }))
    assert.deepEqual([first.status, first.form?.rows.length, first.form?.rows[0]?.text], ['executing', 25, 'tulip 120'])
    const looked = (await place.looks()).at(-1) as Record<string, unknown>
    assert.deepEqual(
      { ...looked, at: undefined },
      {
        kind: 'access',
        who: { jid: ALL },
        via: 'ad-hoc',
        command: 'archive search',
        query: { words: 'tulip', limit: 120 },
        hits: 120,
        reason: 'case 17',
        at: undefined,
      },
    )
    const rows = [...first.lines]
    let step = first
    while (step.actions.includes('next')) {
      step = stepOf(await olga.go('archive-search', 'next', first.session))
      rows.push(...step.lines)
    }
    // The same objects as on the socket.
    const onSocket = await askCommand(place.run, 'archive search', { words: 'tulip', limit: 120 })
    assert.deepEqual(
      rows.filter(({ say }) => say === 'row').map(({ row }) => row),
      onSocket,
    )
    assert.deepEqual(
      rows.filter(({ say }) => say === 'row').map(({ row }) => (row as { text: string }).text),
      Array.from({ length: 120 }, (_, at) => `tulip ${120 - at}`),
    )
    const id = `${SOURCE.slice(0, 8)}-7`
    const shown = stepOf(await olga.fill('archive-show', { id }))
    assert.equal(shown.status, 'completed')
    assert.equal(shown.form?.fields.text?.values[0], 'tulip 7')
    assert.match(shown.form?.fields.lines?.values.join('\n') ?? '', /^\| <message .*tulip 7/m)
    assert.match(
      shown.form?.fields.lines?.values.join('\n') ?? '',
      /That olga@corp.example looked at this record is on record/,
    )
    const exported = stepOf(await olga.fill('archive-export', { words: 'tulip', format: 'eml' }))
    assert.equal(exported.status, 'completed')
    assert.match(exported.form?.fields.path?.values[0] ?? '', /export-/)
    assert.equal(exported.form?.fields.records?.values[0], '120')
    const access = stepOf(await olga.fill('archive-access', {}))
    assert.deepEqual(
      access.form?.rows.filter(({ user }) => user === ALL).map(({ user, command }) => [user, command]),
      [
        [ALL, 'archive export'],
        [ALL, 'archive show'],
        [ALL, 'archive search'],
      ],
    )
  })

  it('each command runs to its end; what is erased in a form is erased', async () => {
    await using place = await startArchive()
    // Its writer parts with what is to be erased.
    await using _policy = await openJournal(join(place.folder, 'journals', 'policy'), {
      maxBytes: 1 << 30,
      trimEveryMs: 200,
    })
    const olga = place.asked()
    const id = `${SOURCE.slice(0, 8)}-7`
    const filled: Readonly<Record<string, Record<string, string>>> = {
      'archive-search': { words: 'tulip 7' },
      'archive-show': { id },
      'archive-export': { words: 'tulip' },
      'archive-erase': { id, reason: 'Article 17' },
      'archive-stats': {},
      'archive-gaps': {},
      'archive-identities': {},
      'archive-access': {},
      'archive-backup': {},
    }
    // The tail has no end of its own.
    const offered = Object.keys(await olga.list()).filter((node) => node !== 'archive-tail')
    assert.deepEqual(Object.keys(filled).sort(), offered.sort())
    for (const [node, values] of Object.entries(filled)) {
      const step = stepOf(await olga.fill(node, values))
      const errors = step.notes.filter(({ type }) => type === 'error')
      assert.deepEqual([node, step.status, errors, step.lines.length > 0], [node, 'completed', [], true])
    }
    const row = stepOf(await olga.fill('archive-show', { id })).lines.find(({ say }) => say === 'row')?.row as Record<
      string,
      unknown
    >
    assert.deepEqual([row.text, row.erased_by, row.erased_reason], ['', ALL, 'Article 17'])
  })

  it('tail shows what comes, page by page, and its end is on record', async () => {
    await using place = await startArchive()
    const olga = place.asked()
    // All that was there is kept, so that only what comes is new.
    stepOf(await olga.fill('archive-search', { words: 'tulip', limit: '1' }))
    const form = stepOf(await olga.start('archive-tail'))
    const first = olga.go('archive-tail', 'next', form.session, {})
    // The look is on record before anything is shown.
    while ((await place.looks()).length < 2) await new Promise((resolve) => setImmediate(resolve))
    await using journal = await openJournal(join(place.folder, 'journals', 'policy'), { maxBytes: 1 << 30 })
    await journal.append([writeFact(ask({ n: 121, stanza: chat('a rose', { id: 'r' }) }))])
    let step = stepOf(await first)
    while (step.form?.rows.length === 0) step = stepOf(await olga.go('archive-tail', 'next', form.session))
    assert.deepEqual([step.form?.rows[0]?.text, step.actions.includes('next')], ['a rose', true])
    assert.equal(stepOf(await olga.go('archive-tail', 'complete', form.session)).status, 'completed')
    while ((await place.looks()).length < 3) await new Promise((resolve) => setImmediate(resolve))
    const ended = (await place.looks()).at(-1) as { query: unknown; hits: number }
    assert.deepEqual([ended.query, ended.hits], [{ ended: true }, 1])
  })

  it('a reason that the settings want is a required field, and without it nothing is shown', async () => {
    await using place = await startArchive('looks: { reason_required: yes }\n')
    const olga = place.asked(undefined, 'de')
    const form = stepOf(await olga.start('archive-search'))
    assert.equal(form.form?.fields.reason?.required, true)
    const again = stepOf(await olga.go('archive-search', 'next', form.session, { words: 'tulip', reason: ' ' }))
    assert.deepEqual(
      [again.status, again.notes],
      ['executing', [{ type: 'error', text: '„Warum Sie nachsehen“ fehlt.' }]],
    )
    assert.deepEqual(await place.looks(), [])
    const found = stepOf(await olga.go('archive-search', 'next', form.session, { words: 'tulip', reason: 'Fall 17' }))
    assert.equal(found.form?.rows.length, 25)
  })

  it('goes on following and answering its socket while the server is away, and is back with it', async () => {
    await using place = await startArchive()
    await place.stopServer()
    const records = async () =>
      (await askCommand(place.run, 'archive stats')).find(({ what }) => what === 'records')?.value
    while ((await records()) !== 120) await new Promise((resolve) => setImmediate(resolve))
    {
      await using journal = await openJournal(join(place.folder, 'journals', 'policy'), { maxBytes: 1 << 30 })
      await journal.append([writeFact(ask({ n: 121, stanza: chat('meanwhile', { id: 'm' }) }))])
    }
    while ((await records()) !== 121) await new Promise((resolve) => setImmediate(resolve))
    await place.startServer()
    const found = stepOf(await place.asked().fill('archive-search', { words: 'meanwhile' }))
    assert.equal(found.form?.rows.length, 1)
  })
})

describe('policy by ad-hoc commands', () => {
  it('explains, and records who was refused', async () => {
    await using stage = await startStage({ shared: PEOPLE })
    const olga = client(() => stage.peer, 'policy.gatehouse.internal')
    const explained = stepOf(
      await olga.fill('policy-explain', { from: 'a@corp.example', to: 'b@corp.example', text: 'x' }),
    )
    assert.equal(explained.form?.rows.find(({ what }) => what === 'action')?.value, 'allow')
    const others = Object.keys(await olga.list()).filter((node) => node !== 'policy-explain')
    assert.deepEqual(others.sort(), ['policy-journal', 'policy-rules', 'policy-stats'])
    for (const node of others) {
      const step = stepOf(await olga.fill(node))
      assert.deepEqual([node, step.status, step.lines.length > 0], [node, 'completed', true])
    }
    const eve = client(() => stage.peer, 'policy.gatehouse.internal', 'eve@corp.example/x', 'de')
    assert.deepEqual(await eve.start('policy-rules'), {
      refused: 'auth forbidden',
      text: 'eve@corp.example darf policy rules nicht ausführen. Nötiges Recht: Betrieb, Beauftragte, Revision.',
    })
    const [denied] = (await stage.facts()).filter(({ kind }) => kind === 'access')
    assert.deepEqual(
      { ...denied, at: '' },
      {
        kind: 'access',
        who: { jid: 'eve@corp.example' },
        via: 'ad-hoc',
        command: 'policy rules',
        query: {},
        hits: null,
        denied: true,
        at: '',
      },
    )
  })
})
