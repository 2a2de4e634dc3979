// SPDX-License-Identifier: Apache-2.0
// The modules for ejabberd as Erlang sees them: compiled without a warning, each call is of something that there is, and (long form)
// no contradiction between what functions say and do.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type Erlang, noErlang, openErlang } from './eunit.ts'
import { noEjabberd } from './gated.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../../..')
const MODULES: Readonly<Record<string, number>> = { mod_gatehouse: 20, mod_gatehouse_directory: 10 }
const APPLICATIONS = ['erts', 'kernel', 'stdlib', 'crypto', 'mnesia', 'p1_xml', 'p1_xmpp', 'p1_utils']
/** Of ejabberd: what the helper is a part of, and calls most. */
const KNOWN = ['gen_mod', 'econf', 'ejabberd_hooks', 'ejabberd_router', 'ejabberd_sm', 'ejabberd_config']

for (const [module, least] of Object.entries(MODULES)) seenByErlang(module, least)

function seenByErlang(module: string, least: number): void {
  const sources = globSync(`deploy/servers/ejabberd/${module}/src/*.erl`, { cwd: ROOT }).map((file) =>
    basename(file, '.erl'),
  )
  describe(`${module} for ejabberd`, { skip: noErlang || noEjabberd }, () => {
    let erlang: Erlang
    before(async () => {
      erlang = await openErlang(sources, [], module)
    })
    after(() => erlang?.[Symbol.asyncDispose]())
    const options = () => ({ env: erlang.environment, maxBuffer: 64 * 1024 * 1024 })

    it('is clean under xref: no call of what is not there or is to go, no function that nobody uses', async () => {
      assert.ok(sources.length > least)
      const code = `
      {ok, _} = xref:start(own), xref:set_default(own, [{warnings, false}]),
      {ok, Modules} = xref:add_directory(own, "${join(erlang.folder, 'ebin')}"),
      ok = xref:set_library_path(own, code:get_path()),
      ${sources.length} = length(Modules),
      Found = [{What, One} || What <- [undefined_function_calls, undefined_functions, deprecated_function_calls, locals_not_used],
               {ok, All} <- [xref:analyze(own, What)], One <- All],
      io:format("~p", [Found]), halt(0).`
      const { stdout } = await run('erl', ['-noshell', ...erlang.paths, '-eval', code], options())
      assert.equal(stdout, '[]')
    })

    it('is clean under dialyzer', async (t) => {
      if (process.env.GATEHOUSE_LONG !== '1')
        return t.skip('its table of Erlang itself takes minutes to build: long form only')
      const help = await run('dialyzer', ['--help']).catch(() => null)
      if (help === null) return t.skip('dialyzer is not installed (Debian: erlang-dialyzer)')
      // From OTP 26 on what is outside the table is a warning; the test above looks for calls of what is not there.
      const known = help.stdout.includes('-Wno_unknown') ? ['-Wno_unknown'] : []
      const [ejabberd = ''] = globSync('/usr/lib/*/ejabberd-*/ebin')
      const beams = KNOWN.map((module) => join(ejabberd, `${module}.beam`))
      const places = globSync(APPLICATIONS.map((name) => `/usr/lib/erlang/lib/${name}-*`)).sort()
      const hash = createHash('sha256')
        .update([...places, ...beams].join(' '))
        .digest('hex')
      const plt = join(ROOT, '.test/dialyzer', hash.slice(0, 32))
      if (!existsSync(plt)) {
        await mkdir(dirname(plt), { recursive: true })
        const building = `${plt}.${process.pid}`
        await run(
          'dialyzer',
          ['--build_plt', ...known, '--output_plt', building, '--apps', ...APPLICATIONS, '-c', ...beams],
          options(),
        )
        await rename(building, plt)
      }
      const warnings = [...known, '-Wunmatched_returns', '-Werror_handling']
      const { stdout } = await run(
        'dialyzer',
        ['--no_check_plt', '--plt', plt, ...warnings, join(erlang.folder, 'ebin')],
        options(),
      ).catch((fault: { stdout: string; stderr: string }) => assert.fail(`${fault.stdout}${fault.stderr}`))
      assert.match(stdout, /done \(passed successfully\)/)
    })
  })
}
