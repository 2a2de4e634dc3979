// SPDX-License-Identifier: Apache-2.0
// What people said on a real server, exported by the command line and read by those who were not there: sha256sum and a mail parser.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { programOf } from '../../deploy/command.ts'
import { slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { RULES } from './rules.ts'
import { onServers } from './servers.ts'

/** Python's parser of mail, with the policy that knows RFC 5322, 2045, 2047 and 2231. */
const PARSER = `
import email, email.policy, json, sys
for path in sys.argv[1:]:
    with open(path, 'rb') as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    parts = list(mail.iter_parts())
    defects = [str(d) for part in [mail, *parts] for d in part.defects]
    defects += [str(d) for name in mail for d in getattr(mail[name], 'defects', [])]
    print(json.dumps({'id': mail['X-Gatehouse-Id'], 'from': str(mail['From']), 'subject': str(mail['Subject']), 'defects': defects,
      'text': parts[0].get_content(), 'names': [p.get_filename() for p in parts[1:]], 'stanza': parts[1].get_payload(decode=True).decode('utf-8')}))
`

const SAID = [
  { by: 'jürgen', subject: 'Grüße aus Zürich', body: 'exportword eins: Straße & <Zeichen>' },
  { by: '田中', subject: '合同条款', body: 'exportword 二: 合同条款已经确认 🎈' },
  {
    by: 'alice',
    subject: 'A subject so long that a mail has to fold it, '.repeat(4).trim(),
    body: `exportword three ${'long '.repeat(3000)}end`,
  },
  { by: 'alice', subject: '', body: 'exportword four\n.\nFrom the start of a line\n\n--boundary--' },
  { by: 'alice', subject: '', body: 'exportword five nightingale' },
  { by: 'alice', subject: '', body: 'exportword six topsecret' },
] as const

onServers('exports', slixmppLack(), (server) => {
  let stage: Stage
  let ids: string[]
  before(async () => {
    stage = await openStage({ server, rules: RULES })
    const bob = await stage.person('bob')
    const people = new Map(
      await Promise.all(
        [...new Set(SAID.map(({ by }) => by))].map(async (name) => [name, await stage.person(name)] as const),
      ),
    )
    const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
    for (const [at, { by, subject, body }] of SAID.entries()) {
      const title = subject && `<subject>${escaped(subject)}</subject>`
      const xml = `<message xmlns='jabber:client' type='chat' to='bob@corp.example' id='x${at}'>${title}<body>${escaped(body)}</body></message>`
      await people.get(by)?.send(xml)
      await (body.includes('topsecret') ? people.get(by) : bob)?.wait(new RegExp(`id="x${at}"`))
    }
    const settled = SAID.map(({ body }) => (body.includes('topsecret') ? 'refused' : 'released'))
    ids = (await stage.recorded('exportword', ...settled)).map(({ id }) => String(id))
  })
  after(() => stage?.[Symbol.asyncDispose]())

  const gatehouse = (...args: string[]) =>
    spawnSync(process.execPath, [programOf('cli'), '--config', join(stage.world.folder, 'config'), ...args], {
      encoding: 'utf8',
    })
  const lines = (text: string) => text.trimEnd().split('\n')

  for (const format of ['jsonl', 'eml'] as const) {
    test(`as ${format}: what the search finds is what the manifest counts and the files hold, unchanged`, () => {
      const path = join(stage.world.folder, `as-${format}`)
      const found = lines(gatehouse('archive', 'search', 'exportword', '--json').stdout).map((line) => JSON.parse(line))
      const done = gatehouse(
        'archive',
        'export',
        'exportword',
        '--format',
        format,
        '--path',
        path,
        '--reason',
        'case 7',
      )
      assert.equal(done.status, 0, done.stderr)
      const sums = execFileSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: path, encoding: 'utf8' })
      assert.ok(lines(sums).every((line) => line.endsWith(': OK')))
      const files = globSync('**/*.{eml,jsonl,json}', { cwd: path }).sort()
      assert.equal(lines(sums).length, files.length, 'every file has its sum')
      const manifest = JSON.parse(readFileSync(join(path, 'MANIFEST.json'), 'utf8'))
      assert.deepEqual([manifest.records, manifest.reason], [SAID.length, 'case 7'])
      assert.equal(found.filter(({ id }) => id !== undefined).length, SAID.length)
      const read =
        format === 'jsonl'
          ? lines(readFileSync(join(path, 'records.jsonl'), 'utf8')).map((line) => JSON.parse(line))
          : mails(files.filter((file) => file.endsWith('.eml')).map((file) => join(path, file)))
      assert.deepEqual(read.map(({ id }) => id).sort(), [...ids].sort())
      for (const [at, { by, subject, body }] of SAID.entries()) {
        const one = read.find(({ id }) => id === ids[at])
        if (format === 'eml') {
          assert.deepEqual(one.defects, [])
          assert.match(one.from, new RegExp(`${by}@corp\\.example`))
        }
        assert.match(one.from, new RegExp(by))
        assert.ok(one.text.includes(body.split('\n')[0]), `${one.text} has ${body}`)
        assert.ok(unescaped(one.stanza).includes(subject))
        assert.ok(unescaped(one.stanza).includes(body), 'the stanza as it was said')
      }
    })
  }

  test('of a masked message both texts are exported, and of a refused one that it was', () => {
    const [masked, refused] = [ids[4] ?? '', ids[5] ?? '']
    const path = join(stage.world.folder, 'as-eml')
    const all = mails(globSync('**/*.eml', { cwd: path }).map((file) => join(path, file)))
    const of = (wanted: string) => all.find(({ id }) => id === wanted)
    assert.ok(of(masked)?.names.length > of(refused)?.names.length, 'the replacement beside the stanza')
    const row = lines(readFileSync(join(stage.world.folder, 'as-jsonl/records.jsonl'), 'utf8'))
      .map((line) => JSON.parse(line))
      .find(({ id }) => id === refused)
    assert.deepEqual([row.settlement, row.verdict, row.rule], ['refused', 'refuse', 'no-secrets'])
  })

  function mails(files: readonly string[]) {
    const out = execFileSync('/usr/bin/python3', ['-c', PARSER, ...files], { encoding: 'utf8' })
    return lines(out).map((line) => JSON.parse(line))
  }
})

function unescaped(xml: string): string {
  return xml.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
