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

/** Called in processes of the server: of sessions, streams and rooms, and of whoever routes something. */
const WITHIN_OTHERS = [
  'gatehouse_c2s:user_send_packet/1',
  'gatehouse_c2s:handle_info/2',
  'gatehouse_c2s:handle_call/3',
  'gatehouse_c2s:copy_session/2',
  'gatehouse_entries:s2s_receive_packet/1',
  'gatehouse_entries:s2s_allow_host/3',
  'gatehouse_entries:component_send_packet/1',
  'gatehouse_component:component_send_packet/1',
  'gatehouse_component:component_connected/1',
  'gatehouse_component:component_disconnected/2',
  'gatehouse_observed:filter_packet/1',
  'gatehouse_observed:mqtt/3',
  'gatehouse_observed:published/6',
  'gatehouse_reports:session_closed/3',
  'gatehouse_reports:sent/1',
  'gatehouse_reports:received/1',
  'gatehouse_reports:offline/1',
  'gatehouse_reports:in_room/3',
  'gatehouse_occupants:message/3',
  'gatehouse_occupants:presence/3',
  'gatehouse_occupants:joined/4',
  'gatehouse_occupants:left/4',
  'gatehouse_accounts:offline/1',
]
const WAITS = [
  'gen_server:call/2',
  'gen_server:call/3',
  'gen_server:multi_call/4',
  'sys:get_state/2',
  'timer:sleep/1',
  'supervisor:start_child/2',
  'mnesia:transaction/1',
  'mnesia:sync_log/0',
]

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

    if (module === 'mod_gatehouse')
      it('waits for no other process in the router, in a session or in the stream of a component, but where it must', async () => {
        const code = `
        {ok, _} = xref:start(own), xref:set_default(own, [{warnings, false}, {builtins, true}]),
        {ok, _} = xref:add_directory(own, "${join(erlang.folder, 'ebin')}"),
        Ask = fun(Query) -> {ok, Found} = xref:q(own, Query), Found end,
        Hooks = "[${WITHIN_OTHERS.join(', ')}] : Fun",
        ${WITHIN_OTHERS.length} = length(Ask(Hooks ++ " * X")),
        Reached = "(range (closure E | (" ++ Hooks ++ ")) + " ++ Hooks ++ ")",
        Waits = Ask("E | (" ++ Reached ++ ") || ([${WAITS.join(', ')}] : Fun)"),
        io:format("~p", [lists:usort([{M, F, N} || {{M, F, _}, {_, N, _}} <- Waits])]), halt(0).`
        const { stdout } = await run('erl', ['-noshell', ...erlang.paths, '-eval', code], options())
        assert.deepEqual(
          [...stdout.matchAll(/\{(\w+),'?([^,']+)'?,(\w+)\}/g)].map(
            ([, module, name, how]) => `${module}:${name} ${how}`,
          ),
          [
            // Once an account, when it gets its mark.
            'gatehouse_accounts:give sync_log',
            'gatehouse_accounts:give transaction',
            // In a process that is made for it.
            'gatehouse_component:everywhere multi_call',
            // Where a session that is gone answers a resumption too late.
            'gatehouse_workers:adopt start_child',
            // For the first that is held of a sender: of the process that makes workers, which waits for nobody else.
            'gatehouse_workers:reserve call',
          ],
        )
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
