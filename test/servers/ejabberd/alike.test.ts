// SPDX-License-Identifier: Apache-2.0
// One behaviour on both servers: random stanzas to the pure parts of the helper for ejabberd and to those of the one for Prosody,
// which must say the same of each: the kind, the question, what a refused sender gets and what takes the stanza's place.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Element } from '../../../components/kit/xml/element.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import { rounds } from '../../harness/rounds.ts'
import { type Erlang, noErlang, openErlang } from './eunit.ts'
import { randomStanza } from './random-stanzas.ts'

const HERE = import.meta.dirname
const PROSODY = '/usr/lib/prosody'
const LUA_MODULE = resolve(HERE, '../../../deploy/servers/prosody/mod_gatehouse')
const LUA_TESTS = resolve(HERE, '../prosody')
const SOURCES = ['kinds', 'forms', 'writer', 'errors', 'replacement', 'texts'].map((one) => `gatehouse_${one}`)
const CONDITIONS = [
  'policy-violation',
  'resource-constraint',
  'service-unavailable',
  'forbidden',
  'not-allowed',
  'psst',
]

const lack =
  noErlang ||
  (spawnSync('lua5.4', ['-v']).status === 0 ? false : 'lua5.4 is not installed') ||
  (existsSync(join(PROSODY, 'util')) ? false : `prosody is not installed in ${PROSODY}`)

describe('the helpers of both servers', { skip: lack }, () => {
  let erlang: Erlang
  let ours: Judge
  let theirs: Judge
  before(async () => {
    erlang = await openErlang(SOURCES, [join(HERE, 'gatehouse_judge')])
    ours = openJudge('erl', ['-noinput', ...erlang.paths, '-s', 'gatehouse_judge', 'main'], erlang.environment)
    theirs = openJudge('lua5.4', [join(LUA_TESTS, 'judge.lua'), LUA_MODULE, PROSODY], process.env)
  })
  after(async () => {
    await ours?.end()
    await theirs?.end()
    await erlang?.[Symbol.asyncDispose]()
  })

  /** What they say differently; null where a server does not take the stanza at all. */
  async function difference(xml: string, condition: string): Promise<string | null | false> {
    const [answer, raw] = await Promise.all([ours.ask(xml, condition), theirs.ask('kind', xml)])
    const [kind, taken, ...whole] = answer
    if (raw[0] === 'unreadable') return null
    if (kind !== raw[0]) return `kind of ${xml}\n  ejabberd: ${kind}, Prosody: ${raw[0]}`
    if (taken === undefined) return null
    const wanted = await theirs.ask('whole', taken, condition)
    for (const place of Array.from({ length: Math.max(wanted.length, whole.length) }, (_, at) => at)) {
      const [one, other] = [canonical(whole[place]), canonical(wanted[place])]
      if (one !== other)
        return `${PLACES[place] ?? 'reply'} (${condition}) of ${taken}\n  ejabberd: ${one}\n  Prosody:  ${other}`
    }
    return false
  }

  it('say the same of random stanzas', async (t) => {
    const { numRuns, seed } = rounds(t, 6000, 100_000)
    const conditions = fc.constantFrom(...CONDITIONS)
    let taken = 0
    for (let done = 0; done < numRuns; done += 1000) {
      const some = fc.sample(fc.tuple(randomStanza, conditions), {
        numRuns: Math.min(1000, numRuns - done),
        seed: seed + done,
      })
      const found = await Promise.all(some.map(([xml, condition]) => difference(xml, condition)))
      taken += found.filter((one) => one === false).length
      assert.deepEqual(found.filter((one) => typeof one === 'string').slice(0, 3), [])
    }
    t.diagnostic(`${taken} of them as the codec of ejabberd has them, too`)
    assert.ok(taken > numRuns / 4)
  })

  it("say what the own tests of Prosody's helper want of each of their cases", async () => {
    const source = readFileSync(join(LUA_TESTS, 'own.lua'), 'utf8')
    const long = 'x'.repeat(300)
    const cases = [...source.matchAll(/^\t\{ "(<.*)", (nil|"\w+") \};$/gm)].map(([, text = '', kind]) => ({
      xml: text
        .replaceAll('"..long.."', long)
        .replace(
          /"\.\.\(("[^"]*"|"[^"]*"\.\.\("x"\):rep\(250\)\.\."[^"]*")\):rep\((\d+)\)\.\."/g,
          (_, what: string, times) =>
            what
              .replace(/"\.\.\("x"\):rep\(250\)\.\."/, 'x'.repeat(250))
              .replaceAll('"', '')
              .repeat(Number(times)),
        )
        .replace(/^<\w+/, "$& xmlns='jabber:client'"),
      kind: kind === 'nil' ? 'none' : kind?.replaceAll('"', ''),
    }))
    assert.ok(cases.length > 100, `${cases.length} cases`)
    for (const { xml, kind } of cases) {
      assert.doesNotMatch(xml, /\.\./)
      assert.equal((await ours.ask(xml, 'policy-violation'))[0], kind, xml)
      assert.doesNotMatch(String(await difference(xml, 'policy-violation')), /./s.test(xml) ? /Prosody:/ : /./)
    }
  })
})

const PLACES = ['kind', 'question', 'in its place']

/** As one text, whatever the prefixes and the order of the attributes; what is no element stays. */
function canonical(text: string | undefined): string {
  if (text === undefined) return 'nothing'
  if (text.startsWith('-')) return 'no question'
  return /^\+?</.test(text) ? described(parse(text.replace(/^\+/, '')), {}) : text
}

function described(element: Element, around: Readonly<Record<string, string>>): string {
  const own = Object.entries(element.attrs).filter(([name]) => name.startsWith('xmlns:'))
  const scope = { ...around, ...Object.fromEntries(own.map(([name, ns]) => [name.slice('xmlns:'.length), String(ns)])) }
  const attrs = Object.entries(element.attrs)
    .filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:'))
    .map(([name, value]) => {
      const [prefix = '', local] = name.split(':')
      return `${local === undefined || prefix === 'xml' ? name : `{${scope[prefix]}}${local}`}=${JSON.stringify(value)}`
    })
  const children = element.children.map((one) =>
    typeof one === 'object' ? described(one, scope) : JSON.stringify(one),
  )
  return `{${element.getNS() ?? ''}}${element.getName()}[${attrs.sort().join(' ')}](${children.join('')})`
}

type Judge = { ask(...fields: string[]): Promise<string[]>; end(): Promise<void> }

/** A program that reads frames and answers each, in order. */
function openJudge(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Judge {
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting: { resolve: (fields: string[]) => void; reject: (fault: Error) => void }[] = []
  const closed = once(child, 'close')
  let ended = false
  child.on('close', (code) => {
    ended = true
    for (const one of waiting) one.reject(new Error(`${command} ended (${code})`))
  })
  child.stdin.on('error', () => child.kill('SIGKILL'))
  let read: Buffer = Buffer.alloc(0)
  child.stdout.on('data', (piece: Buffer) => {
    read = Buffer.concat([read, piece])
    while (read.length >= 4 && read.length >= 4 + read.readUInt32BE(0)) {
      const end = 4 + read.readUInt32BE(0)
      waiting.shift()?.resolve(split(read.subarray(4, end)))
      read = read.subarray(end)
    }
  })
  return {
    ask: (...fields) =>
      new Promise((resolve, reject) => {
        if (ended) reject(new Error(`${command} has ended`))
        waiting.push({ resolve, reject })
        child.stdin.write(framed(Buffer.concat(fields.map((field) => framed(Buffer.from(field))))))
      }),
    async end() {
      child.stdin.end()
      await closed
    },
  }
}

function framed(content: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(content.length)
  return Buffer.concat([head, content])
}

function split(frame: Buffer): string[] {
  const fields: string[] = []
  for (let at = 0; at < frame.length; ) {
    const end = at + 4 + frame.readUInt32BE(at)
    fields.push(frame.toString('utf8', at + 4, end))
    at = end
  }
  return fields
}
