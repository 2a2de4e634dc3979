// SPDX-License-Identifier: Apache-2.0
// Exports: read back by those who were not there when they were written, sha256sum and a mail parser.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../components/kit/process/command.ts'
import { ask, chat, done, SOURCE } from './facts.ts'
import { open, openStage, type Row } from './stage.ts'

const SHORT = SOURCE.slice(0, 8)

/** Python's parser of mail, with the policy that knows RFC 5322, 2045 and 2047. */
const PARSER = `
import email, email.policy, json, sys
for path in sys.argv[1:]:
    with open(path, 'rb') as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    parts = list(mail.iter_parts())
    defects = [str(d) for part in [mail, *parts] for d in part.defects]
    defects += [str(d) for name in mail for d in getattr(mail[name], 'defects', [])]
    print(json.dumps({'from': str(mail['From']), 'addresses': [a.addr_spec for a in mail['From'].addresses], 'subject': str(mail['Subject']),
      'date': mail['Date'].datetime.isoformat(), 'id': mail['X-Gatehouse-Id'], 'message_id': mail['Message-ID'], 'tags': mail['X-Gatehouse-Tags'], 'defects': defects,
      'parts': [[p.get_filename(), p.get_content_type(), p.get_payload(decode=True).decode('utf-8')] for p in parts]}))
`

const TEXTS = ['plain words', 'Grüße & <Zeichen>', '合同条款已经确认 🎈', `${'long '.repeat(3000)}end`]

for (const format of ['jsonl', 'eml'] as const) {
  test(`an export as ${format} passes sha256sum -c and is read back as it was said`, async () => {
    await using stage = await openStage()
    const stanzas = TEXTS.map((text, at) =>
      chat(text.replaceAll('&', '&amp;').replaceAll('<', '&lt;'), {
        from: at === 2 ? 'jürgen@corp.example/büro' : 'alice@corp.example/desk',
        inside: at === 1 ? "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>" : '',
        id: `m${at + 1}`,
      }),
    )
    await stage.write(
      ...stanzas.map((stanza, at) => ask({ n: at + 1, stanza, ...(at === 1 ? { tags: ['watch', 'temp'] } : {}) })),
      ask({ n: 4, try: 2 }),
      done(4),
    )
    const path = join(stage.folder, 'export')
    const { rows, exit, refusal } = await stage.ask('archive export', { format, path, reason: 'case 7' })
    assert.deepEqual([exit, refusal], [0, ''])
    assert.equal(rows[0]?.records, 4)
    const check = execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: path, encoding: 'utf8' })
    const files = readdirSync(path, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((one) =>
      one.isFile(),
    )
    assert.equal(check.trim().split('\n').length, files.length - 1, 'every file but the sums themselves')
    assert.deepEqual(
      files.filter((one) => statSync(join(one.parentPath, one.name)).mode & 0o077),
      [],
      'for its owner alone',
    )
    const manifest = JSON.parse(readFileSync(join(path, 'MANIFEST.json'), 'utf8'))
    assert.deepEqual(
      [manifest.records, manifest.user, manifest.reason, manifest.query.format, manifest.version],
      [4, 'olga', 'case 7', format, 1],
    )
    if (format === 'jsonl') {
      const lines = readFileSync(join(path, 'records.jsonl'), 'utf8').trimEnd().split('\n')
      const read = lines.map((line) => JSON.parse(line) as Row)
      assert.deepEqual(
        read.map((row) => [row.id, row.stanza, (row.tries as unknown[]).length]),
        stanzas.map((stanza, at) => [`${SHORT}-${at + 1}`, stanza, at === 3 ? 2 : 1]),
      )
    } else {
      const mails = files
        .filter((one) => one.name.endsWith('.eml'))
        .map((one) => join(one.parentPath, one.name))
        .sort()
      const out = execFileSync('python3', ['-c', PARSER, ...mails], { encoding: 'utf8' })
      const read = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      assert.deepEqual(
        read.map(({ id, parts, defects }) => [id, parts[0][2], parts[1][0], parts[1][2], defects]),
        stanzas.map((stanza, at) => [`${SHORT}-${at + 1}`, `${TEXTS[at]}\n`, 'stanza-1.xml', stanza, []]),
      )
      assert.deepEqual(
        read.map(({ tags }) => tags),
        [null, 'watch, temp', null, null],
      )
      assert.deepEqual(
        [read[0].addresses, read[0].date, read[0].message_id],
        [['alice@corp.example'], '2026-11-22T10:00:00+00:00', `<${SOURCE}-1@gatehouse.invalid>`],
      )
      assert.match(read[2].from, /jürgen@corp\.example\/büro/)
      assert.match(read[2].subject, /jürgen@corp\.example\/büro -> bob@corp\.example/)
    }
    const again = join(stage.folder, 'again')
    await stage.ask('archive export', { format, path: again, reason: 'case 7' })
    const sums = (folder: string) =>
      readFileSync(join(folder, 'SHA256SUMS'), 'utf8')
        .split('\n')
        .filter((line) => !line.endsWith('MANIFEST.json'))
    assert.deepEqual(sums(again), sums(path), 'the same query gives the same bytes')
    const look = (await stage.ask('archive access')).rows.find((one) => one.command === 'archive export')
    assert.deepEqual([look?.user, look?.hits, look?.reason], ['olga', 5, 'case 7'])
  })
}

test('an export holds what its query finds, says how far it is, and touches nothing that is there', async () => {
  await using stage = await openStage()
  await stage.write(
    ...Array.from({ length: 120 }, (_, at) => ask({ n: at + 1, stanza: chat(at % 2 ? 'odd' : 'even') })),
    done(120),
  )
  const path = join(stage.folder, 'export')
  const caught: number[] = []
  for await (const said of open(
    stage.running,
    'archive export',
    { words: 'odd', path },
    'olga',
    new AbortController().signal,
  ))
    if (said.say === 'progress') caught.push(said.done)
  assert.deepEqual(caught, [50, 60])
  assert.equal(readFileSync(join(path, 'records.jsonl'), 'utf8').trimEnd().split('\n').length, 60)
  const twice = await stage.ask('archive export', { words: 'odd', path })
  assert.deepEqual([twice.exit, twice.rows], [EXIT.fault, []])
  assert.match(twice.refusal, /exists already/)
  assert.equal((await stage.ask('archive export', { format: 'pst' })).exit, EXIT.usage)
  assert.deepEqual(
    readdirSync(stage.folder).filter((name) => name.includes('unfinished')),
    [],
  )
})

test('what has no content any more, or never had it on record, is exported as the record that it is', async () => {
  await using stage = await openStage()
  const envelope =
    "<message xmlns='jabber:client' from='alice@corp.example/desk' to='bob@corp.example' type='chat' id='m2'/>"
  await stage.write(
    ask({ n: 1, stanza: chat('the nightingale') }),
    ask({ n: 2, stanza: envelope, record: 'envelope', tags: ['brief'] }),
    ask({ n: 3, stanza: '', record: 'nothing' }),
    done(3),
  )
  await stage.ask('archive erase', { id: `${SHORT}-1`, reason: 'Article 17' })
  const path = join(stage.folder, 'export')
  assert.equal((await stage.ask('archive export', { format: 'eml', path })).rows[0]?.records, 3)
  execFileSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: path })
  const mails = globSync('*/*.eml', { cwd: path }).sort()
  const out = execFileSync('python3', ['-c', PARSER, ...mails.map((mail) => join(path, mail))], { encoding: 'utf8' })
  const read = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    read.map(({ id, addresses, tags, parts, defects }) => [
      id,
      addresses,
      tags,
      parts.map(([name]: [string]) => name),
      parts[0][2],
      defects,
    ]),
    [
      [`${SHORT}-1`, ['alice@corp.example'], null, [null, 'record.json'], '\n', []],
      [`${SHORT}-2`, ['alice@corp.example'], 'brief', [null, 'stanza-1.xml', 'record.json'], '\n', []],
      [`${SHORT}-3`, [], null, [null, 'record.json'], '\n', []],
    ],
  )
})

test('where the setting says so, nobody looks at contents without a reason', async () => {
  await using stage = await openStage({ yaml: 'looks: { reason_required: yes }\n' })
  await stage.write(ask({ n: 1 }), done(1))
  for (const command of ['search', 'show', 'tail', 'export', 'access', 'backup']) {
    const answer = await stage.ask(`archive ${command}`, command === 'show' ? { id: `${SHORT}-1` } : {})
    assert.deepEqual([answer.exit, answer.rows], [EXIT.usage, []], command)
    assert.match(answer.refusal, /reason is (missing|wanted)/)
  }
  assert.equal((await stage.ask('archive search', { words: 'hello', reason: 'case 7' })).rows.length, 1)
  assert.ok((await stage.ask('archive stats')).rows.length > 0)
})
