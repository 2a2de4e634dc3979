// SPDX-License-Identifier: Apache-2.0
// Modules for ejabberd in an Erlang of their own: compiled as strictly as they must be, without a node's name and
// without distribution, and their EUnit tests.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MODULES = resolve(import.meta.dirname, '../../../deploy/servers/ejabberd')
const STRICT = [
  '+warnings_as_errors',
  '+warn_export_vars',
  '+warn_shadow_vars',
  '+warn_unused_import',
  '+warn_obsolete_guard',
  '+warn_unused_vars',
]
const BOUND = { timeout: 150_000, killSignal: 'SIGKILL', maxBuffer: 16 * 1024 * 1024 } as const

export type Erlang = AsyncDisposable & {
  /** What `erl` needs to find the modules and ejabberd's. */
  paths: readonly string[]
  /** For `erl`: a home of its own, no crash dump. */
  environment: NodeJS.ProcessEnv
  /** A folder of its own, gone at the end. */
  folder: string
  /** Runs the EUnit tests of a module; fails with what they print. Returns how many passed. */
  eunit(module: string): Promise<number>
}

/** Why no Erlang code is compiled and run here; false: it is. */
export const noErlang: string | false = await whyNot()

async function whyNot(): Promise<string | false> {
  const loads = '{module, eunit} = code:load_file(eunit), {module, fxml} = code:load_file(fxml), halt(0).'
  for (const [program, args, lacks] of [
    ['erlc', ['-o', '/', '/dev/null/missing.erl'], null], // that it ends is enough
    ['erl', ['-noshell', '-eval', loads], 'eunit or p1_xml'],
  ] as const) {
    const problem = await run(program, args, { ...BOUND, env: environmentIn(tmpdir()) }).then(
      () => null,
      (fault: Error & { code?: unknown }) =>
        fault.code === 'ENOENT' ? 'is not installed' : lacks === null ? null : `lacks ${lacks}`,
    )
    if (problem !== null) return `${program} ${problem} (Debian: erlang-base, erlang-eunit, ejabberd)`
  }
  return false
}

/** Compiles these of src/ and test/ (or of another folder; without .erl) of a module, each warning an error, into a new folder. */
export async function openErlang(
  sources: readonly string[],
  tests: readonly string[] = [],
  module = 'mod_gatehouse',
): Promise<Erlang> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-erlang-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const ebin = join(folder, 'ebin')
    await mkdir(ebin)
    const environment = environmentIn(folder)
    const paths = ['-pa', ebin, ...globSync('/usr/lib/*/ejabberd-*/ebin').flatMap((place) => ['-pa', place])]
    const compile = (what: 'src' | 'test', names: readonly string[], flags: readonly string[]) =>
      run(
        'erlc',
        [
          ...STRICT,
          ...flags,
          ...includes(module),
          ...paths,
          '-o',
          ebin,
          ...names.map((name) => resolve(MODULES, module, what, `${name}.erl`)),
        ],
        { ...BOUND, env: environment },
      ).catch((fault: { stdout: string; stderr: string }) => assert.fail(`${fault.stdout}${fault.stderr}`))
    await compile('src', sources, ['+debug_info', '+warn_export_all', '+warn_missing_spec'])
    if (tests.length > 0) await compile('test', tests, [])
    return {
      paths,
      environment,
      folder,
      eunit: (module) => eunit(module, { paths, environment, folder }),
      [Symbol.asyncDispose]: remove,
    }
  } catch (fault) {
    await remove()
    throw fault
  }
}

/** xmpp.hrl: its application is p1_xmpp in Debian, xmpp elsewhere. */
function includes(module: string): string[] {
  const places = globSync(['/usr/lib/erlang/lib/{p1_,}xmpp-*/include', '/usr/lib/*/ejabberd-*/include'])
  return [join(MODULES, module, 'include'), ...places].flatMap((place) => ['-I', place])
}

function environmentIn(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, HOME: folder, ERL_CRASH_DUMP: '/dev/null', ERL_AFLAGS: '', ERL_FLAGS: '', ERL_ZFLAGS: '' }
}

async function eunit(module: string, { paths, environment, folder }: Pick<Erlang, 'paths' | 'environment' | 'folder'>) {
  const code = `R = eunit:test(${module}, [verbose]), halt(case R of ok -> 0; _ -> 1 end).`
  const { stdout } = await run('erl', ['-noshell', ...paths, '-eval', code], {
    ...BOUND,
    cwd: folder,
    env: environment,
  }).catch((fault: { stdout: string; stderr: string }) => assert.fail(`${fault.stdout}${fault.stderr}`))
  const passed = /All (\d+) tests passed|(\d) tests? passed|Test passed/.exec(stdout)
  assert.ok(passed, stdout)
  return Number(passed[1] ?? passed[2] ?? 1)
}
