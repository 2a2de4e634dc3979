// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { openOutput } from '../../components/cli/output.ts'
import { printable } from '../../components/kit/text/cells.ts'

function terminal(isTTY = true) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 })
  const parts: string[] = []
  stream.on('data', (part) => parts.push(String(part)))
  return { stream, text: () => parts.join('') }
}

describe('tables', () => {
  it('are aligned in the declared order, by the width on a terminal, and cut nothing', async () => {
    const out = terminal()
    const output = openOutput(out.stream, terminal().stream, false)
    output.columns(['id', 'from', 'text'])
    const id = '9d0c5a11f00dfacade0123456789abcd-4711'
    await output.row({ text: 'ok', from: 'romeo@verona.example', id, more: 'not in the table' })
    await output.row({ id: '1', from: '中文', text: null })
    await output.row({ id: '2', from: 'e\u0301\u{1f600}', text: ['a', 'b'] })
    await output.end()
    assert.deepEqual(out.text().split('\n'), [
      `id                                     from                  text`,
      `${id}  romeo@verona.example  ok`,
      `1                                      中文                  -`,
      `2                                      e\u0301\u{1f600}                   a, b`,
      '',
    ])
  })

  it('a later and wider row is not cut', async () => {
    const out = terminal()
    const output = openOutput(out.stream, terminal().stream, false)
    for (let n = 0; n < 250; n++) await output.row({ n, text: 'x' })
    await output.row({ n: 'x'.repeat(30), text: 'y' })
    await output.end()
    assert.equal(out.text().split('\n').at(-2), `${'x'.repeat(30)}  y`)
    assert.equal(out.text().split('\n').length, 253)
  })

  it('rows, texts and the refusal come in the order they were said', async () => {
    const out = terminal()
    const output = openOutput(out.stream, terminal().stream, false)
    await output.said({ say: 'row', row: { a: 1 } })
    await output.said({ say: 'text', text: 'then this' })
    await output.said({ say: 'row', row: { a: 2 } })
    await output.end()
    assert.equal(out.text(), 'a\n1\nthen this\n2\n')
  })
})

describe('what others wrote', () => {
  const hostile = 'a\u001b[2Jb\u0007c\rd\u009be\u202ef\u200bg\u2028h\u0000i\tj\u007f'
  it('reaches a terminal with its control and direction characters shown by number', async () => {
    const shown = 'a\\u001b[2Jb\\u0007c\\u000dd\\u009be\\u202ef\\u200bg\\u2028h\\u0000i\\u0009j\\u007f'
    assert.equal(printable(hostile), shown)
    assert.equal(printable('two\nlines'), 'two\nlines')
    const out = terminal()
    const err = terminal()
    const output = openOutput(out.stream, err.stream, false)
    await output.row({ text: `${hostile}\nnext`, more: { deep: hostile } })
    await output.refusal(1, hostile)
    await output.end()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    assert.doesNotMatch(out.text() + err.text(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u2028\u202e]/)
    assert.match(out.text(), /\\nnext/)
  })

  it('is JSON on one line with --json, and reads back as it was', async () => {
    const out = terminal()
    const err = terminal()
    const output = openOutput(out.stream, err.stream, true)
    await output.row({ text: `${hostile}\n` })
    await output.text('said')
    await output.said({ say: 'text', text: '2 hits, 1 shown.', values: { shown: 1, hits: 2 } })
    await output.refusal(4, 'no')
    await output.said({ say: 'progress', done: 1, total: 2, unit: 'rows' })
    await output.end()
    const lines = out.text().trimEnd().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [
        { version: 1, text: `${hostile}\n` },
        { version: 1, text: 'said' },
        { version: 1, text: '2 hits, 1 shown.', shown: 1, hits: 2 },
      ],
    )
    assert.deepEqual(JSON.parse(err.text()), { version: 1, exit: 4, text: 'no' })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    assert.doesNotMatch(out.text(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/)
  })
})

describe('the version of --json', () => {
  it('is ours, also where a row has a field of that name', async () => {
    const out = terminal(false)
    const output = openOutput(out.stream, terminal().stream, true)
    await output.row({ path: 'x', version: 7 })
    await output.end()
    assert.equal(out.text(), '{"version":1,"path":"x"}\n')
  })
})

describe('progress', () => {
  it('is a bar on a terminal, gone before the next line and at the end', async () => {
    const out = terminal()
    const err = terminal(true)
    const output = openOutput(out.stream, err.stream, false)
    await output.said({ say: 'progress', done: 5, total: 10, unit: 'pages' })
    assert.match(err.text(), /\[#{20}\.{20}\] 50 % 5\/10 pages$/)
    await output.said({ say: 'text', text: 'done' })
    assert.ok(err.text().endsWith('\r\u001b[K'))
    await output.said({ say: 'progress', done: 7, total: null, unit: 'pages' })
    assert.match(err.text(), /K7 pages$/)
    await output.end()
    assert.ok(err.text().endsWith('\r\u001b[K'))
    assert.equal(out.text(), 'done\n')
  })

  it('is nothing elsewhere', async () => {
    const err = terminal(false)
    const output = openOutput(terminal().stream, err.stream, false)
    await output.said({ say: 'progress', done: 5, total: 10, unit: 'pages' })
    await output.end()
    assert.equal(err.text(), '')
  })
})
