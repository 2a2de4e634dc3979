// SPDX-License-Identifier: Apache-2.0
// The way of mod_gatehouse for ejabberd to its screen, without a server: its own tests in Erlang of batches, numbers, verdicts,
// settlements, silence, owners and the end.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { it } from 'node:test'
import { noErlang, openErlang } from './eunit.ts'

const SOURCES = readdirSync(resolve(import.meta.dirname, '../../../deploy/servers/ejabberd/mod_gatehouse/src')).map(
  (file) => basename(file, '.erl'),
)

it('gatehouse_link_tests', { skip: noErlang }, async () => {
  await using erlang = await openErlang(SOURCES, ['gatehouse_disk_tests', 'gatehouse_link_tests'])
  assert.ok((await erlang.eunit('gatehouse_link_tests')) > 25)
})
