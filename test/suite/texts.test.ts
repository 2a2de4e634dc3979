// SPDX-License-Identifier: Apache-2.0
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the planted sources are strings
// What people read comes from the catalogues: both languages say the same things, all of it is used, and no answer has a text of its own.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { FluentResource } from '@fluent/bundle'
import { createCatalogue, textFiles } from '../../components/kit/text/catalogue.ts'
import { findLiteralTexts, namedIds } from '../harness/literal-texts.ts'
import { findLuaTexts, readLuaTexts } from '../harness/lua-texts.ts'

const COMPONENTS = resolve(import.meta.dirname, '../../components')
const SERVERS = resolve(import.meta.dirname, '../../deploy/servers')
const folders = [...new Set(globSync('**/text/*.ftl', { cwd: COMPONENTS }).map(dirname))].sort()
const sources = globSync('**/*.ts', { cwd: COMPONENTS }).map((file) => ({
  file,
  text: readFileSync(join(COMPONENTS, file), 'utf8'),
}))
const urlOf = (folder: string) => pathToFileURL(`${join(COMPONENTS, folder)}/`)
const idsOf = (folder: string) => createCatalogue([urlOf(folder)]).ids

describe('the catalogues', () => {
  it('are there, for the kit and for every component', () => {
    const components = globSync('*/main.ts', { cwd: COMPONENTS }).map(dirname)
    assert.ok(components.length >= 3)
    assert.deepEqual(folders, [...components, 'kit'].map((name) => join(name, 'text')).sort())
  })

  for (const folder of folders) {
    it(`${folder}: English and German have the same ids with the same arguments`, () => {
      const files = textFiles(urlOf(folder))
      assert.deepEqual(
        files.map((file) => file.language),
        ['de', 'en'],
      )
      const [german, english] = files.map((file) => argumentsById(readFileSync(file.path, 'utf8')))
      assert.ok((english?.size ?? 0) > 0)
      assert.deepEqual(german, english)
    })

    it(`${folder}: every text is used`, () => {
      const named = namedIds(sources.map((source) => source.text).join('\n'))
      const unused = idsOf(folder).filter(
        (id) =>
          !named.whole.has(id) && ![...named.begun].some((begin) => id.startsWith(begin)) && !id.endsWith('-about'),
      )
      assert.deepEqual(unused, [])
    })
  }

  it('each component says in both languages what it is', () => {
    for (const folder of folders.filter((one) => !['kit/text', 'cli/text'].includes(one))) {
      assert.ok(idsOf(folder).includes(`${dirname(folder)}-about`), `${folder} has ${dirname(folder)}-about`)
    }
  })
})

describe('literal texts in answers', () => {
  const ids = new Set(folders.flatMap((folder) => idsOf(folder)))

  it('there are none', () => {
    assert.ok(sources.length > 50)
    const found = sources.flatMap((source) => findLiteralTexts(source.file, source.text, ids))
    assert.deepEqual(
      found.map((one) => `${one.file}:${one.line}: ${one.why}: ${one.text}`),
      [],
    )
  })

  const planted: [string, string, number][] = [
    ['a CommandError', `throw new CommandError('nothing was found', 5)`, 1],
    ['a CommandError, put together', 'throw new CommandError(`no ${id} here`, 5)', 1],
    ['a CommandError, one of two', `throw new CommandError(x ? say('kit-busy') : 'too late', 5)`, 1],
    ['a StanzaError', `throw new StanzaError('wait', 'resource-constraint', 'try again later')`, 1],
    [
      'a StanzaError by language',
      `throw new StanzaError('wait', 'conflict', { en: 'try again', de: 'noch einmal' })`,
      2,
    ],
    ['what a command says', `yield { say: 'text', text: 'done' }`, 1],
    ['a unit of progress', `yield { say: 'progress', done: 1, total: 2, unit: 'pages' }`, 1],
    ['help', `const c = { name: 'x', help: 'Shows things', rights: ['anyone'], parameters: [] }`, 1],
    ['help of a parameter', `const p = { name: 'x', help: 'no-such-id', type: 'text' }`, 1],
    ['an element', 'return `<error><text xml:lang="en">Refused by rule ${rule}</text></error>`', 1],
    ['a form', `return "<title>Search</title>"`, 1],
    ['what is wanted in a rule file', `place.at('x').refuse('a rule is wanted')`, 1],
    ['what is wanted, put together', 'place.refuse(`at most ${most} entries are wanted`)', 1],
    ['what is wanted, one of two', `place.refuse(x ? 'kit-wanted-text' : 'no text')`, 1],
    ['what is wrong in a setting', `tell(['hosts', index], 'a domain is wanted')`, 1],
    ['words of the schema', `const a = z.string({ error: 'a path is wanted' })`, 1],
    ['words of the schema, put together', 'const a = z.int({ error: `at most ${most} are wanted` })', 1],
    ['a problem', `const a = { file, line: 1, wanted: 'a readable file is wanted' }`, 1],
    ['a message with words as its id', `const a = { id: 'a text is wanted' }`, 1],
    ['a message with an id that nobody has', `const a = { id: 'kit-no-such-text', args: { most } }`, 1],
    ['why a value is none', `return { wrong: 'an address is wanted' }`, 1],
    ['the state of a process', `const a = { healthy: () => (ill ? 'the journal is full' : null) }`, 1],
    ['the state of a process, as a method', `const a = { ready() { return 'not yet' } }`, 1],
    [
      'none: ids of what is wanted',
      `place.refuse('kit-wanted-text'); tell(['x'], 'kit-wanted-list'); const a = { wanted: { id: 'kit-wanted-text' } }`,
      0,
    ],
    ['none: an answer to a program', `json(response, 404, { wrong: 'no such path in version 1' })`, 0],
    [
      'none: ids, fields, logs, faults',
      `say('kit-busy'); log.info('kept', { text: 'x' }); throw new Error('planted fault')`,
      0,
    ],
    ['none: an id as help', `const c = { name: 'x', help: 'kit-busy', rights: ['anyone'] }`, 0],
    ['none: a text from the catalogue', `yield { say: 'text', text: desk.say('kit-busy', language) }`, 0],
    ['none: a row', `yield { say: 'row', row: { state: 'closed' } }`, 0],
    ['none: an element filled in', 'return `<text xml:lang="${language}">${escapeText(text)}</text>`', 0],
    ['none: what a program did wrong', `throw new StanzaError('modify', 'bad-request', 'an iq needs an id')`, 0],
    ['none: a condition alone', `throw new StanzaError('cancel', 'item-not-found')`, 0],
  ]
  for (const [title, source, count] of planted) {
    it(`finds ${title}`, () =>
      assert.equal(findLiteralTexts('planted.ts', `async function* f() { ${source} }`, ids).length, count))
  }
})

describe('the texts of the server helpers', () => {
  const modules = globSync('*/*/*.lua', { cwd: SERVERS }).map((file) => ({
    file,
    text: readFileSync(join(SERVERS, file), 'utf8'),
  }))
  const tables = modules.filter(({ file }) => file.endsWith('/texts.lib.lua'))

  it('stand in one table for each helper', () => {
    const helpers = [...new Set(modules.map(({ file }) => dirname(file)))]
    assert.ok(helpers.length > 0)
    assert.deepEqual(tables.map(({ file }) => dirname(file)).sort(), helpers.sort())
  })

  for (const { file, text } of tables) {
    it(`${file}: English and German have the same names; all are used, none is empty`, () => {
      const { en = {}, de = {}, ...others } = readLuaTexts(file, text)
      assert.deepEqual([Object.keys(de).sort(), others], [Object.keys(en).sort(), {}])
      assert.ok(Object.keys(en).length > 0)
      const code = modules.filter((one) => dirname(one.file) === dirname(file) && one.file !== file)
      // A text is named as a field (texts.refused) or as the reason of a bounce ("full").
      const named = new Set(code.flatMap((one) => [...one.text.matchAll(/[."](\w+)/g)].map(([, name]) => name)))
      assert.deepEqual(
        Object.keys(en).filter((name) => !named.has(name)),
        [],
      )
      for (const said of [...Object.values(en), ...Object.values(de)]) assert.match(said, /\p{L}/u)
    })
  }

  it('are nowhere else: no literal reaches a sender, but for what is said where the table itself cannot be loaded', () => {
    const inTables = new Set(tables.flatMap(({ file, text }) => Object.values(readLuaTexts(file, text).en ?? {})))
    const found = modules
      .filter((one) => !tables.includes(one))
      .flatMap((one) => findLuaTexts(one.file, one.text))
      .filter((one) => !inTables.has(one.text.slice(1, -1)))
      .map((one) => `${one.file}:${one.line}: ${one.text}`)
    assert.deepEqual(found, [])
  })

  const planted: [string, string, number][] = [
    ['a text in a refusal', `refuse(queue, item, "policy-violation", { en = "You may not say this" });`, 1],
    ['a text in an element', `reply:text_tag("text", 'not here', { xmlns = STANZAS });`, 1],
    ['a text in brackets', 'reply:text([[not here]]);', 1],
    ['a text in an element as one string', `send("<text xml:lang='en'>not here</text>");`, 1],
    ['a text behind a log', `log("info", "all is well"); reply:text("not here");`, 1],
    ['none: a log, with a call in it', `log("warn", "Screen %s is gone", tostring(link.screen, "no name"));`, 0],
    ['none: elements and formats', `format("<mark last='%d' at='%s'/>", n, at); error("no such kind");`, 0],
    ['none: a comment', `-- "a text here"\nlocal x = 1;`, 0],
    ['none: a reason for the caller', `return false, "a write failed";`, 0],
    [
      'none: a reason put together',
      `return nil, format("%s cannot be read (%s)", path, ok and "of no use" or why);`,
      0,
    ],
    ['none: why a host is closed', `host.shut = "not loaded"; logger.init("x")("error", "In the timer: %s", why);`, 0],
    ['a text put together', `return format("%s may not say this", who);`, 1],
  ]
  for (const [title, source, count] of planted)
    it(`finds ${title}`, () => assert.equal(findLuaTexts('planted.lua', source).length, count))

  it('a line of the table that cannot be read is told, not left out', () => {
    assert.throws(
      () => readLuaTexts('x.lua', 'return {\n\ten = {\n\t\tfull = "a" .. "b";\n\t};\n};\n'),
      /x\.lua:3: cannot/,
    )
  })
})

/** Names of the arguments of every message, such as { 'kit-forbidden': ['command', 'rights', 'user'] }. */
function argumentsById(source: string): Map<string, string[]> {
  const entries = new FluentResource(source).body.map(
    (entry) => [entry.id, [...new Set(variables(entry.value))].sort()] as const,
  )
  return new Map(entries.sort(([one], [other]) => one.localeCompare(other)))
}

function variables(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return []
  const node = part as { type?: unknown; name?: unknown }
  const own = node.type === 'var' ? [String(node.name)] : []
  return [...own, ...Object.values(part).flatMap(variables)]
}
