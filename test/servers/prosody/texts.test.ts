// SPDX-License-Identifier: Apache-2.0
// What a sender reads from mod_gatehouse comes from its table, in the stanza's language; gatehouse_texts replaces single texts.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { it } from 'node:test'
import { readLuaTexts } from '../../harness/lua-texts.ts'
import { HOST } from '../both/house.ts'
import { openGated } from './gated.ts'

const TABLE = resolve(import.meta.dirname, '../../../deploy/servers/prosody/mod_gatehouse')
const own = readLuaTexts('texts.lib.lua', readFileSync(join(TABLE, 'texts.lib.lua'), 'utf8'))

it('answers in the language of the stanza, with the texts of the option where it has them', async () => {
  const lines = ['gatehouse_texts = { de = { outage = "Kein Prüfer da." }, fr = { outage = "Pas de contrôle." } }']
  await using gated = await openGated({ lines })
  const alice = await gated.login('alice')
  const told = async (id: string, language: string) => {
    alice.client.send(`<message to='bob@${HOST}' type='chat' id='${id}'${language}><body>x</body></message>`)
    const [, lang, text] = /<text ([^>]*)>([^<]+)<\/text>/.exec(await alice.got(new RegExp(`id='${id}'`))) ?? []
    return [/xml:lang='([^']*)'/.exec(lang ?? '')?.[1], text]
  }
  assert.deepEqual(await told('d', " xml:lang='de-AT'"), ['de', 'Kein Prüfer da.'])
  assert.deepEqual(await told('f', " xml:lang='fr'"), ['fr', 'Pas de contrôle.'])
  assert.deepEqual(await told('e', " xml:lang='en'"), ['en', own.en?.outage])
  assert.deepEqual(await told('x', " xml:lang='it'"), ['en', own.en?.outage])
})
