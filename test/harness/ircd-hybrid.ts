// SPDX-License-Identifier: Apache-2.0
// ircd-hybrid, the classic of EFnet. Its Debian package will not be installed beside ngircd, and it looks for its modules at a path that is
// compiled in: where it is unpacked (deploy/setup.mjs puts it into .test/), a copy of the program is pointed to them, in place, by a name of
// the same length.
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from '../../deploy/demo/ports.ts'
import { makeAuthority } from './certificates.ts'
import { daemonFolder, giveToDaemon, type Ircd, startDaemon } from './ircd.ts'

const INSTALLED = '/'
const UNPACKED = resolve(import.meta.dirname, '../../.test/ircd-hybrid')
const PROGRAM = 'usr/sbin/ircd-hybrid'
const MODULES = '/usr/lib/ircd-hybrid'
const OPER = { name: 'root', password: 'oper-of-the-tests' }

export type HybridOptions = { address?: string; tls?: boolean; name?: string; password?: string }

/** Null when it can be used here. */
export function ircdHybridLack(): string | null {
  if (existsSync(join(INSTALLED, PROGRAM))) return null
  if (!existsSync(join(UNPACKED, PROGRAM))) return 'ircd-hybrid is neither installed nor unpacked in .test/'
  return join(tmpdir(), 'gh-XXXXXX').length <= MODULES.length
    ? null
    : `the path of ${tmpdir()} is too long for ircd-hybrid`
}

export async function startIrcdHybrid(options: HybridOptions = {}): Promise<Ircd> {
  await using opened = new AsyncDisposableStack()
  const { folder, leave } = await daemonFolder('ircd-hybrid')
  opened.defer(leave)
  const { address = '127.0.0.1', name = 'hybrid.gatehouse.test' } = options
  const [port = 0, tlsPort = 0] = await freePorts(2, address)
  const { command, modules } = await programIn(folder, opened)
  const authority = options.tls === true ? await makeAuthority(folder) : null
  await authority?.sign('server', `/CN=${name}`, [`DNS:${name}`, 'DNS:localhost', `IP:${address}`])
  const at = (file: string): string => join(folder, file)
  await writeFile(at('ircd.motd'), 'Of the tests\n')
  await writeFile(at('ircd.conf'), configOf(folder, modules, { address, name, port, tlsPort }, options))
  await giveToDaemon(folder)
  const files = ['dline', 'kline', 'xline', 'resv'].flatMap((file) => [`-${file}file`, at(`${file}.db`)])
  const daemon = await startDaemon({
    title: 'ircd-hybrid',
    folder,
    command,
    args: [
      '-foreground',
      '-configfile',
      at('ircd.conf'),
      '-pidfile',
      at('ircd.pid'),
      '-logfile',
      at('ircd.log'),
      ...files,
    ],
    address,
    ports: [port, ...(authority === null ? [] : [tlsPort])],
  })
  opened.defer(() => daemon.stop())
  const all = opened.move()
  return Object.assign(daemon, {
    kind: 'ircd-hybrid' as const,
    ...{ name, address, port, oper: OPER },
    tlsPort: authority === null ? 0 : tlsPort,
    caFile: authority?.caFile ?? null,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  })
}

async function programIn(folder: string, opened: AsyncDisposableStack): Promise<{ command: string; modules: string }> {
  if (existsSync(join(INSTALLED, PROGRAM))) return { command: join(INSTALLED, PROGRAM), modules: MODULES }
  const short = await mkdtemp(join(tmpdir(), 'gh-'))
  opened.defer(() => rm(short, { recursive: true, force: true }))
  await chmod(short, 0o711)
  await symlink(join(UNPACKED, MODULES, 'modules'), join(short, 'modules'))
  const program = await readFile(join(UNPACKED, PROGRAM))
  const there = Buffer.from(`${short.padEnd(MODULES.length, '/')}`)
  for (let at = program.indexOf(MODULES); at >= 0; at = program.indexOf(MODULES, at + 1)) there.copy(program, at)
  const command = join(folder, 'ircd-hybrid')
  await writeFile(command, program, { mode: 0o755 })
  return { command, modules: short }
}

type Place = { address: string; name: string; port: number; tlsPort: number }

function configOf(
  folder: string,
  modules: string,
  { address, name, port, tlsPort }: Place,
  options: HybridOptions,
): string {
  const at = (file: string): string => join(folder, file)
  const tls =
    options.tls === true
      ? `tls_certificate_file = "${at('server.pem')}"; rsa_private_key_file = "${at('server.key')}";`
      : ''
  return `
serverinfo { name = "${name}"; description = "Of the tests"; network_name = "GatehouseTests"; network_description = "Of the tests";
  hub = no; default_max_clients = 512; max_nick_length = 30; max_topic_length = 160; ${tls} };
admin { name = "Nobody"; description = "Nobody"; email = "nobody@gatehouse.test"; };
class { name = "users"; ping_time = 90 seconds; number_per_ip_local = 500; number_per_ip_global = 500; max_number = 500;
  sendq = 8 megabytes; recvq = 8000 bytes; max_channels = 100; };
listen { host = "${address}"; port = ${port}; ${options.tls === true ? `flags = tls; host = "${address}"; port = ${tlsPort};` : ''} };
auth { user = "*@*"; class = "users"; flags = exceed_limit, can_flood; ${
    options.password === undefined ? '' : `password = "${options.password}"; encrypted = no;`
  } };
operator { name = "${OPER.name}"; user = "*@*"; password = "${OPER.password}"; encrypted = no; class = "users";
  flags = admin, kill, kline, rehash; };
channel { enable_extbans = yes; enable_owner = yes; enable_admin = yes; disable_fake_channels = no; max_channels = 100; max_bans = 100;
  default_join_flood_count = 0; default_join_flood_time = 0 seconds; };
serverhide { hidden = no; flatten_links = no; hide_servers = no; };
general { disable_auth = yes; throttle_count = 10000; throttle_time = 1 second; default_floodcount = 0; anti_nick_flood = no;
  anti_spam_exit_message_time = 0 seconds; max_targets = 20; pace_wait = 0 seconds; pace_wait_simple = 0 seconds; ping_cookie = no; };
modules { path = "${modules}/modules"; path = "${modules}/modules/autoload"; };
log { use_logging = no; };
motd { mask = "*"; file = "${at('ircd.motd')}"; };
`
}
