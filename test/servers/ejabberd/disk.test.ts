// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse for ejabberd keeps on disk: its own tests in Erlang, the files of the helper for Prosody, a disk that is full,
// kill -9 in the middle of it, and what is synced before it counts.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { disk } from '../both/disk.ts'
import { ejabberd } from '../both/ejabberd.ts'
import { bodies, HOST, SCREEN } from '../both/house.ts'
import { type Erlang, noErlang, openErlang } from './eunit.ts'
import { noEjabberd, openGated } from './gated.ts'

const run = promisify(execFile)
const GOLDEN = resolve(import.meta.dirname, '../../golden')
const SOURCES = [
  'gatehouse_disk',
  'gatehouse_runs',
  'gatehouse_spool',
  'gatehouse_outage',
  'gatehouse_outage_rows',
  'gatehouse_outagefile',
]
const TESTS = ['gatehouse_disk_tests', 'gatehouse_runs_tests', 'gatehouse_spool_tests', 'gatehouse_outagefile_tests']
const KILLS = process.env.GATEHOUSE_LONG === '1' ? 60 : 6

/** The system calls of several threads that strace saw, each where it ended and in one piece. */
function callsIn(trace: string): string[] {
  const begun = new Map<string, string>()
  return trace.split('\n').flatMap((line) => {
    const [, thread = '', call = line] = /^(\d+) +(.*)$/.exec(line) ?? []
    const [, beginning] = /^(.*) <unfinished \.\.\.>$/.exec(call) ?? []
    if (beginning !== undefined) {
      begun.set(thread, beginning)
      return []
    }
    const [, ending] = /^<\.\.\. \w+ resumed>(.*)$/.exec(call) ?? []
    return [ending === undefined ? call : `${begun.get(thread)}${ending}`]
  })
}

describe('what mod_gatehouse for ejabberd keeps on disk', { skip: noErlang }, () => {
  let erlang: Erlang
  before(async () => {
    erlang = await openErlang(SOURCES, TESTS)
  })
  after(() => erlang[Symbol.asyncDispose]())

  const erl = (code: string) => ['-noshell', ...erlang.paths, '-eval', code]
  const options = () => ({ env: erlang.environment, cwd: erlang.folder, maxBuffer: 64 * 1024 * 1024 })

  for (const module of TESTS)
    it(module, async () => {
      assert.ok((await erlang.eunit(module)) > 3)
    })

  for (const version of [0, 1])
    it(`is what the helper for Prosody kept in version ${version}: numbers, questions and settlements`, async () => {
      const code = `
        Folder = <<"${join(GOLDEN, `helper-${version}`)}">>,
        {ok, #{source := Source, reserved := 1000, mark := 0}, Untold} = gatehouse_runs:read_source(Folder, <<"s">>),
        ${version} = length(Untold),
        {[Spool], none} = gatehouse_spool:leftovers(Folder, <<"corp.example">>, <<"0">>),
        {Records, Place, #{size := Place, source := Source}} = gatehouse_spool:read(Spool, 200, 65536),
        [io:format("~c ~b ~ts~n", [Kind, N, Xml]) || {Kind, N, Xml} <- Records], halt(0).`
      const { stdout } = await run('erl', erl(code), options())
      const lines = stdout.trimEnd().split('\n')
      assert.deepEqual(
        lines.map((line) => line.split(' <')[0]),
        ['i 0', 'a 1', 'a 2', 's 1', 's 2'],
      )
      assert.match(lines[1] ?? '', /^a 1 <ask n='1' [^>]*spooled='true'>.*<body>kept one<\/body>.*<\/ask>$/)
    })

  it('is what the screen told the helper for Prosody, and closes by it', async () => {
    const code = `
      #{rows := [_ | _]} = Rules = gatehouse_outagefile:load(<<"${join(GOLDEN, 'helper-1')}">>, <<"s">>),
      Closed = fun(To) ->
        Xml = fxml_stream:parse_element(<<"<message xmlns='jabber:client' type='chat'><body>x</body></message>">>),
        Item = #{from => <<"alice@corp.example/r">>, to => To, xml => Xml},
        gatehouse_outage:closed_by(Rules, Item, <<"corp.example">>)
      end,
      io:format("~s ~s ~s", [gatehouse_outage:id(Rules), Closed(<<"anybody@other.example">>), Closed(<<"bob@corp.example">>)]),
      halt(0).`
    const { stdout } = await run('erl', erl(code), options())
    assert.equal(stdout, '58b2c9292821dd296141c0bd0cca3256 no-plans none')
  })

  it('keeps each list of records whole or not at all on a disk that runs full, and goes on with room again', async (t) => {
    const folder = join(erlang.folder, 'small')
    await mkdir(folder)
    const inside = ['-m', 'sh', '-c', `mount -t tmpfs -o size=64k none '${folder}' && exec "$@"`, 'sh']
    const mounts = await run('unshare', [...inside, 'true']).catch(() => null)
    if (mounts === null) return t.skip('a small file system of its own cannot be mounted here (unshare -m, root)')
    const code = `ok = gatehouse_spool_tests:small_disk(<<"${folder}">>), halt(0).`
    await run('unshare', [...inside, 'erl', ...erl(code)], options())
  })

  it(`has everything that it said it kept after kill -9 (${KILLS} times)`, async () => {
    for (let time = 1; time <= KILLS; time++) {
      const folder = join(erlang.folder, `killed-${time}`)
      await mkdir(folder)
      const write = `
        Folder = <<"${folder}">>,
        Append = fun(Again, Spool, N) ->
          ok = gatehouse_runs:keep_numbers(Folder, #{source => <<"${'a'.repeat(32)}">>, reserved => N + 1000, mark => N, untold => [], own => none}),
          Records = [{$a, N + I, binary:copy(<<"x">>, 10 * (N + I) rem 5000)} || I <- [1, 2, 3]],
          {ok, Spool1} = gatehouse_spool:append(Spool, infinity, Records),
          io:format("~b~n", [N + 3]),
          Again(Again, Spool1, N + 3)
        end,
        Append(Append, gatehouse_spool:new(Folder, <<"corp.example">>, <<"${'a'.repeat(32)}">>), 0).`
      const child = spawn('erl', erl(write), { ...options(), stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(child, 'close')
      let said = 0
      for await (const line of createInterface({ input: child.stdout })) {
        said = Number(line)
        if (said >= 40 * time) child.kill('SIGKILL')
      }
      await ended
      const read = `
        Folder = <<"${folder}">>,
        {ok, #{reserved := Reserved}, []} = gatehouse_runs:read_source(Folder, <<"s">>),
        {[Spool], none} = gatehouse_spool:leftovers(Folder, <<"corp.example">>, <<"0">>),
        {Records, _, _} = gatehouse_spool:read(Spool, 1000000, 1 bsl 40),
        true = Records =:= [{$a, N, binary:copy(<<"x">>, 10 * N rem 5000)} || N <- lists:seq(1, length(Records))],
        io:format("~b ~b", [length(Records), Reserved]), halt(0).`
      const { stdout } = await run('erl', erl(read), options())
      const [kept = 0, reserved = 0] = stdout.split(' ').map(Number)
      assert.ok(said > 0 && kept >= said, `${said} were said to be kept, ${kept} are`)
      assert.ok(reserved >= said - 3 + 1000, `up to ${reserved} is reserved behind ${said}`)
    }
  })

  it('syncs the numbers and their folder, and once for a list of records, before it says so', async (t) => {
    const there = await run('strace', ['-V']).catch(() => null)
    if (there === null) return t.skip('strace is not installed: what is synced cannot be seen')
    const folder = join(erlang.folder, 'synced')
    await mkdir(folder)
    const code = `
      Folder = <<"${folder}">>,
      Said = fun(What) -> file:write_file("${folder}/said-" ++ What, <<>>) end,
      ok = gatehouse_runs:keep_numbers(Folder, #{source => <<"${'a'.repeat(32)}">>, reserved => 1000, mark => 0, untold => [], own => none}),
      Said("numbers"),
      Records = [{$a, N, <<"<ask/>">>} || N <- lists:seq(1, 50)],
      {ok, Spool} = gatehouse_spool:append(gatehouse_spool:new(Folder, <<"h">>, <<"ab">>), infinity, Records),
      Said("first"),
      {ok, _} = gatehouse_spool:append(Spool, infinity, Records),
      Said("second"), halt(0).`
    const trace = join(erlang.folder, 'trace')
    const calls = 'trace=openat,fsync,fdatasync,rename,close'
    await run('strace', ['-f', '-qq', '-e', calls, '-o', trace, 'erl', ...erl(code)], options())
    const lines = callsIn(await readFile(trace, 'utf8'))
    const until = (what: string) => {
      const at = lines.findIndex((line) => line.includes(`said-${what}"`))
      assert.ok(at >= 0, what)
      return lines.splice(0, at + 1).join('\n')
    }
    const opened = (path: string) =>
      `openat\\(AT_FDCWD, "${path}", O_[^\\n]* = (\\d+)\\n[^]*?f(?:data)?sync\\(\\1\\) += 0`
    assert.match(
      until('numbers'),
      new RegExp(
        `${opened(`${folder}/source\\.new`)}[^]*rename\\([^\\n]*source\\.new[^\\n]* = 0[^]*${opened(folder).replace('\\1', '\\2')}`,
      ),
    )
    const first = until('first')
    assert.match(first, new RegExp(`${opened(`${folder}/spool-ab-h`)}[^]*${opened(folder).replace('\\1', '\\2')}`))
    assert.equal(until('second').match(/sync\(/g)?.length, 1)
  })

  it('writes what the golden files of the newest version say', async () => {
    const newest =
      (await readdir(GOLDEN))
        .filter((name) => name.startsWith('helper-'))
        .sort()
        .at(-1) ?? ''
    const folder = join(erlang.folder, 'again')
    await mkdir(folder)
    for (const name of await readdir(join(GOLDEN, newest)))
      await copyFile(join(GOLDEN, newest, name), join(folder, name))
    const code = `
      Folder = <<"${folder}">>,
      {ok, #{source := Source, reserved := Reserved, mark := Mark}, Untold} = gatehouse_runs:read_source(Folder, <<"s">>),
      Numbers = #{source => Source, reserved => Reserved, mark => Mark, untold => Untold, own => none},
      ok = gatehouse_runs:keep_numbers(Folder, Numbers),
      {[#{path := Path} = Spool], none} = gatehouse_spool:leftovers(Folder, <<"corp.example">>, <<"0">>),
      {Records, _, _} = gatehouse_spool:read(Spool, 1000, 1000000),
      ok = file:delete(Path),
      {ok, _} = gatehouse_spool:append(gatehouse_spool:new(Folder, <<"corp.example">>, Source), infinity, Records),
      halt(0).`
    await run('erl', erl(code), options())
    for (const name of await readdir(folder))
      assert.equal(await readFile(join(folder, name), 'utf8'), await readFile(join(GOLDEN, newest, name), 'utf8'), name)
  })
})

describe('what is let through', { skip: noEjabberd }, () => {
  it('is synced to the disk before it is delivered, and its number before that', async (t) => {
    const there = await run('strace', ['-V']).catch(() => null)
    if (there === null) return t.skip('strace is not installed: what is synced cannot be seen')
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-synced-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    const trace = join(folder, 'trace')
    const calls = 'trace=openat,fsync,fdatasync,rename,write,writev,sendto,sendmsg'
    const gated = stack.use(
      await openGated({
        folder,
        keepFolder: true,
        options: { on_outage: 'open' },
        settings: { wrapper: ['strace', '-f', '--seccomp-bpf', '-qq', '-s', '400', '-e', calls, '-o', trace] },
      }),
    )
    const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
    alice.say(`bob@${HOST}`, 'kept first')
    await bob.got(/kept first/)
    assert.deepEqual(bodies(bob), ['kept first'])
    await gated.ejabberd.stop()
    const lines = callsIn(await readFile(trace, 'utf8'))
    const place = join(folder, 'data', 'gatehouse', SCREEN)
    let from = 0
    const next = (what: string, pattern: RegExp) => {
      const at = lines.findIndex((line, i) => i >= from && pattern.test(line))
      assert.ok(at >= 0, `${what}, behind line ${from}`)
      from = at + 1
      return lines[at] ?? ''
    }
    next('opening the numbers', new RegExp(`openat\\(.*"${place}/source\\.new"`))
    next('their sync', /(fsync|fdatasync)\(\d+\) += 0/)
    next('the renaming', /rename\(.*source\.new.*\) += 0/)
    next('opening the folder', new RegExp(`openat\\(.*"${place}", `))
    next('its sync', /fsync\(\d+\) += 0/)
    const opened = next(
      'opening the spool',
      new RegExp(`openat\\(.*"${place}/spool-[0-9a-f]{32}-${HOST}", O_(RDWR|WRONLY).* = \\d+$`),
    )
    const descriptor = / = (\d+)$/.exec(opened)?.[1]
    next('the record', new RegExp(`writev?\\(${descriptor}, .*gatehouse-spool 1`))
    next('its sync', new RegExp(`fsync\\(${descriptor}\\) += 0`))
    next('the delivery', /(sendto|sendmsg|writev?)\(.*<message.*kept first/)
  })
})

disk(ejabberd)
