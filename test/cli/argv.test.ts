// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readWords } from '../../components/cli/argv.ts'
import { readArguments, readTime } from '../../components/kit/process/arguments.ts'
import type { Declaration } from '../../components/kit/process/command.ts'
import { wordsToArgs } from '../../components/kit/process/command-words.ts'

const search: Declaration = {
  name: 'x search',
  help: 'h',
  rights: ['officer'],
  parameters: [
    { name: 'peer', help: 'h', type: 'jid', positional: true },
    { name: 'words', help: 'h', type: 'text', positional: true },
    { name: 'since', help: 'h', type: 'time' },
    { name: 'limit', help: 'h', type: 'number', default: 20 },
    { name: 'all', help: 'h', type: 'flag' },
    { name: 'out', help: 'h', type: 'path' },
  ],
}

describe('the words of the command line', () => {
  it('its own options stand anywhere before a --', () => {
    assert.deepEqual(readWords(['--config', 'c', 'x', '--json', 'search', '--language=de', '-h', '--', '--json']), {
      config: 'c',
      json: true,
      language: 'de',
      help: true,
      version: false,
      rest: ['x', 'search', '--', '--json'],
    })
    assert.equal(readWords(['x', '--config']).wrong, '--config')
    assert.equal(readWords(['--jsno', 'x']).wrong, '--jsno')
  })

  const cases: [string, string[], unknown][] = [
    ['in order, the last takes the rest', ['a@b', 'one', 'two'], { args: { peer: 'a@b', words: ['one', 'two'] } }],
    ['one word stays one', ['a@b', 'one two'], { args: { peer: 'a@b', words: 'one two' } }],
    [
      'options with and without =',
      ['--limit=5', '--since', '2 h', '--all', 'a@b'],
      { args: { limit: '5', since: '2 h', all: true, peer: 'a@b' } },
    ],
    ['a named positional is not awaited any more', ['--peer', 'a@b', 'one'], { args: { peer: 'a@b', words: 'one' } }],
    ['a number may be negative', ['--limit', '-5', '-1'], { args: { limit: '-5', peer: '-1' } }],
    ['after -- nothing is an option', ['a@b', '--', '--all', '-x'], { args: { peer: 'a@b', words: ['--all', '-x'] } }],
    ['paths count from the folder', ['--out', 'sub/file'], { args: { out: '/base/sub/file' } }],
    ['unknown', ['--lmit', '5'], { wrong: { id: 'kit-argument-unknown', args: { name: 'lmit', near: 'limit' } } }],
    [
      'short options are not known',
      ['-a'],
      { wrong: { id: 'kit-argument-unknown', args: { name: 'a', near: 'peer, words, since, limit, all, out' } } },
    ],
    ['twice', ['--limit', '5', '--limit', '6'], { wrong: { id: 'kit-words-twice', args: { name: 'limit' } } }],
    ['no value', ['--limit'], { wrong: { id: 'kit-words-value', args: { name: 'limit' } } }],
    ['a flag with a value', ['--all=yes'], { wrong: { id: 'kit-argument-flag', args: { name: 'all' } } }],
  ]
  for (const [title, words, expected] of cases) {
    it(title, () => assert.deepEqual(wordsToArgs(search, words, '/base'), expected))
  }

  it('a command without options says that it has none', () => {
    assert.deepEqual(wordsToArgs({ ...search, parameters: [] }, ['--limit', '5'], '/'), {
      wrong: { id: 'kit-words-no-options', args: { name: 'limit' } },
    })
  })

  it('too many words are told where nothing takes them', () => {
    assert.deepEqual(wordsToArgs({ ...search, parameters: [] }, ['a', 'b'], '/'), {
      wrong: { id: 'kit-words-too-many', args: { said: 'a b' } },
    })
  })
})

describe('the values, as a process reads them', () => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  const read = (said: Record<string, unknown>) => readArguments(search, said, now)

  it('become texts, numbers, flags, times', () => {
    assert.deepEqual(read({ peer: 'a@b', words: ['one', 'two'], since: '2 h', limit: '5', all: true }), {
      args: { peer: 'a@b', words: 'one two', since: '2026-11-22T10:00:00.000Z', limit: 5, all: true },
    })
    assert.deepEqual(read({}), { args: { limit: 20 } })
  })

  it('times: RFC 3339, a day, a minute, a while ago; nothing else', () => {
    const good: [string, string][] = [
      ['2026-11-22', '2026-11-22T00:00:00.000Z'],
      ['2026-11-22T10:00', '2026-11-22T10:00:00.000Z'],
      ['2026-11-22 10:00:05.25Z', '2026-11-22T10:00:05.250Z'],
      ['2026-11-22T10:00:00+02:00', '2026-11-22T08:00:00.000Z'],
      ['30 min', '2026-11-22T11:30:00.000Z'],
      ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ]
    for (const [said, at] of good) assert.equal(readTime(said, now), at, said)
    for (const said of ['', 'yesterday', '2026-02-31', '2026-13-01', '2026-11-22T25:00', '22.11.2026', '1763805600']) {
      assert.equal(readTime(said, now), null, said)
    }
  })

  const refused: [string, Record<string, unknown>, string][] = [
    ['a number', { limit: '5x' }, 'kit-argument-number'],
    ['a number that is not finite', { limit: 'Infinity' }, 'kit-argument-number'],
    ['an address', { peer: 'a b@c' }, 'kit-argument-jid'],
    ['a relative path', { out: '../x' }, 'kit-argument-path'],
    ['a flag', { all: 'yes' }, 'kit-argument-flag'],
    ['a text that is an object', { words: {} }, 'kit-argument-text'],
    ['words that are no texts', { words: ['a', {}] }, 'kit-argument-text'],
    ['an unknown name', { toString: 'x' }, 'kit-argument-unknown'],
  ]
  for (const [title, said, id] of refused) {
    it(`${title} is refused`, () => {
      const answer = read(said)
      assert.equal('wrong' in answer && answer.wrong.id, id)
    })
  }
})
