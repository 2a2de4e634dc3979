// SPDX-License-Identifier: Apache-2.0
// The parts of mod_gatehouse for ejabberd that need no server: their own tests in Erlang, and the texts that people read, which are
// those of the helper for Prosody.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { readLuaTexts } from '../../harness/lua-texts.ts'
import { type Erlang, noErlang, openErlang } from './eunit.ts'

const run = promisify(execFile)
const LUA = resolve(import.meta.dirname, '../../../deploy/servers/prosody/mod_gatehouse/texts.lib.lua')
const SOURCES = ['kinds', 'forms', 'writer', 'errors', 'replacement', 'texts'].map((one) => `gatehouse_${one}`)
const TESTS = ['gatehouse_writer_tests', 'gatehouse_errors_tests']

describe('the pure parts of mod_gatehouse for ejabberd', { skip: noErlang }, () => {
  let erlang: Erlang
  before(async () => {
    erlang = await openErlang(SOURCES, TESTS)
  })
  after(() => erlang[Symbol.asyncDispose]())

  for (const module of TESTS)
    it(module, async () => {
      assert.ok((await erlang.eunit(module)) > 3)
    })

  it('has the texts of the helper for Prosody, and no other', async () => {
    const code =
      '[io:put_chars(user, [Lang, 9, atom_to_list(Name), 9, Text, 10]) ' +
      '|| {Name, Texts} <- maps:to_list(gatehouse_texts:own()), {Lang, Text} <- maps:to_list(Texts)], halt(0).'
    const { stdout } = await run(
      'erl',
      ['-noshell', '+pc', 'unicode', ...erlang.paths, '-eval', `io:setopts(user, [{encoding, unicode}]), ${code}`],
      {
        env: erlang.environment,
      },
    )
    const found: Record<string, Record<string, string>> = {}
    for (const line of stdout.trim().split('\n')) {
      const [lang = '', name = '', text = ''] = line.split('\t')
      found[lang] = { ...found[lang], [name]: text }
    }
    assert.deepEqual(found, readLuaTexts('texts.lib.lua', readFileSync(LUA, 'utf8')))
  })
})
