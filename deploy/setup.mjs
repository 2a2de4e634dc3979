// SPDX-License-Identifier: Apache-2.0
// Sets up what a command needs, then starts it: npm packages always; on Debian and Ubuntu, as root, Debian packages too.
// Plain JavaScript for Node 18 without any package, because it runs before there is anything else.
// Exits: as the started program does; 2 when something is missing that it may not or cannot install.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const BIN = join(ROOT, 'node_modules', '.bin')
const POLICY = '/usr/sbin/policy-rc.d'
const POLICY_MARK = '# Written by Gatehouse deploy/setup.mjs for one installation, process'
const OLDEST_NODE = [24, 15]

/** Debian package -> what it is for, and (where it brings one) a command that shows it is there on any system. */
const PACKAGES = {
  prosody: { why: 'the XMPP server', command: 'prosody' },
  'prosody-modules': { why: 'community modules that Gatehouse is tested beside' },
  'lua-unbound': { why: 'DNS for Prosody' },
  ejabberd: { why: 'the other XMPP server', command: 'ejabberdctl' },
  'erlang-base': { why: "compiles ejabberd's helper, and runs ejabberd", command: 'erlc' },
  'lua-dbi-sqlite3': { why: "Prosody's SQL archive, to compare with" },
  'lua-dbi-postgresql': { why: "Prosody's SQL archive, to compare with" },
  'lua-check': { why: 'checks the Prosody module', command: 'luacheck' },
  'python3-slixmpp': { why: 'a second client library' },
  'erlang-p1-oauth2': { why: "ejabberd's tokens, which do not let in who is locked out" },
  'erlang-p1-sqlite3': { why: "ejabberd's SQL archive, to compare with" },
  postgresql: { why: "the database of Prosody's SQL archive, to compare with", command: 'psql' },
  slapd: { why: 'a company directory: OpenLDAP' },
  'ldap-utils': { why: 'changes that directory', command: 'ldapmodify' },
  'samba-ad-dc': { why: 'a company directory: Active Directory' },
  'samba-ad-provision': { why: 'sets up that Active Directory' },
  '389-ds-base': { why: 'a company directory: 389-ds, the ground of FreeIPA' },
  openssl: { why: 'a certificate for the made-up host', command: 'openssl' },
  debootstrap: { why: 'makes the Debian 13 of the long form in .test/', command: 'debootstrap' },
  strace: { why: 'shows the sync between write and answer', command: 'strace' },
  stunnel4: { why: 'the TLS tunnel of deploy/stunnel', command: 'stunnel' },
  gcc: { why: 'builds the shim that kills or slows fdatasync', command: 'gcc' },
  'libc6-dev': { why: 'headers for that shim' },
  manpages: { why: 'English sentences' },
  'manpages-de': { why: 'German sentences' },
  'manpages-es': { why: 'Spanish sentences' },
  'manpages-fr': { why: 'French sentences' },
  'manpages-ru': { why: 'Russian sentences' },
  inspircd: { why: 'an IRC server with IRCv3', command: 'inspircd' },
  'atheme-services': { why: 'accounts and SASL for that IRC server' },
  ngircd: { why: 'an IRC server without IRCv3', command: 'ngircd' },
  'ircd-hybrid': { why: 'a third IRC server, which will not be installed beside the second' },
  'gnutls-bin': { why: 'a group for the key exchange of that server', command: 'certtool' },
  biboumi: { why: 'the other gateway to IRC, to compare with', command: 'biboumi' },
  'weechat-headless': { why: 'an IRC client of others', command: 'weechat-headless' },
  'lua-luv': { why: 'fsync for the Prosody module, in the one test about it' },
}

const COMMANDS = {
  demo: {
    program: 'deploy/demo/main.ts',
    says: 'starts everything on loopback with made-up people; --check verifies each step and ends',
    packages: ['openssl', 'slapd', 'ldap-utils', 'inspircd'],
    servers: { prosody: ['prosody', 'lua-unbound'], ejabberd: ['ejabberd', 'erlang-base'] },
    long: [],
  },
  test: {
    program: 'test/run.ts',
    says: 'checks and tests, short form; --long is everything, --debian 13 what runs there',
    packages: [
      ...['prosody', 'prosody-modules', 'lua-unbound', 'lua-dbi-sqlite3', 'lua-check', 'python3-slixmpp'],
      ...['ejabberd', 'erlang-base', 'erlang-p1-oauth2', 'openssl', 'strace', 'stunnel4', 'gcc', 'libc6-dev'],
      ...['slapd', 'ldap-utils', 'samba-ad-dc', 'samba-ad-provision', '389-ds-base'],
      ...['inspircd', 'atheme-services', 'ngircd', 'gnutls-bin', 'weechat-headless'],
    ],
    long: [],
    otherDebian: ['debootstrap'],
    // Installed, the first would make every Prosody of the machine wait for the disk, and so change what benches and faults measure;
    // the second would take the place of ngircd.
    unpacked: ['lua-luv', 'ircd-hybrid'],
  },
  bench: {
    program: 'test/bench/run.ts',
    says: 'measures beside peers: bench NAME [--quick | --long]',
    packages: ['gcc', 'libc6-dev'],
    servers: {
      prosody: ['prosody', 'lua-unbound', 'lua-dbi-sqlite3'],
      ejabberd: ['ejabberd', 'erlang-base', 'erlang-p1-sqlite3'],
    },
    named: {
      directory: ['slapd', 'ldap-utils'],
      irc: ['inspircd', 'biboumi'],
      evasion: ['manpages', 'manpages-de', 'manpages-es', 'manpages-fr', 'manpages-ru'],
    },
    long: ['postgresql', 'lua-dbi-postgresql'],
  },
  faults: {
    program: 'test/faults/run.ts',
    says: 'kills parts under load and counts at both ends: faults [--server NAME] --rounds N [--quick | --long]',
    packages: ['python3-slixmpp', 'strace', 'gcc', 'libc6-dev'],
    servers: { prosody: ['prosody', 'lua-unbound'], ejabberd: ['ejabberd', 'erlang-base'] },
    long: [],
  },
}

const HELP = `node deploy/setup.mjs COMMAND [arguments of the command]

${Object.entries(COMMANDS)
  .map(([name, { says }]) => `  ${name.padEnd(8)}${says}`)
  .join('\n')}

Before it starts the command it runs "npm ci" if node_modules does not fit package-lock.json, and on Debian and Ubuntu, as
root, installs the Debian packages that are missing: it shows the list, asks on a terminal, goes on without one, and keeps
the packages' services from starting. On other systems, or as another user, it prints what to install and exits 2.
What only one test is to see it unpacks into .test/ and does not install.

  --as-is        install and unpack no Debian package; what needs one that is missing is skipped or fails
  --set-up-only  start nothing
  --help         this page
`

const [name = '--help', ...rest] = process.argv.slice(2)
process.exitCode = await main(name, rest)

async function main(name, rest) {
  if (name === '--help' || name === '-h') {
    process.stdout.write(HELP)
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) return refuse(`"${name}" is not one of ${Object.keys(COMMANDS).join(', ')}\n\n${HELP}`)
  const args = rest.filter((arg) => arg !== '--as-is' && arg !== '--set-up-only')
  const asked = args.includes('--help')
  const npm = await setUpNpm()
  if (npm !== 0) return npm
  if (!asked && !rest.includes('--as-is')) {
    const one = command.named?.[args.find((arg) => !arg.startsWith('-'))] ?? []
    const server = serverOf(args)
    const ofServer = Object.hasOwn(command.servers ?? {}, server) ? command.servers[server] : []
    const wanted = [...ofServer, ...command.packages, ...(args.includes('--long') ? command.long : []), ...one]
    if (isDebian() && process.getuid() === 0 && args.some(meansOtherDebian)) wanted.push(...(command.otherDebian ?? []))
    const debian = await setUpPackages(name, wanted)
    if (debian !== 0) return debian
    for (const one of isDebian() ? (command.unpacked ?? []) : []) {
      const unpacked = await unpack(one)
      if (unpacked !== 0) return unpacked
    }
  }
  if (rest.includes('--set-up-only')) return 0
  if (!existsSync(join(ROOT, command.program))) return refuse(`${command.program} is missing from this checkout`)
  const path = [BIN, ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== BIN)].join(delimiter)
  return run(join(BIN, 'node'), [join(ROOT, command.program), ...args], { ...process.env, PATH: path }, process.cwd())
}

/** Only root can make another Debian; the tests say so themselves where there can be none. */
function meansOtherDebian(arg) {
  return arg === '--long' || arg === '--debian' || arg.startsWith('--debian=')
}

/** What stands behind --server, which may be one word with it. */
function serverOf(args) {
  const at = args.findLastIndex((arg) => arg === '--server' || arg.startsWith('--server='))
  if (at < 0) return 'prosody'
  return args[at].includes('=') ? args[at].slice('--server='.length) : (args[at + 1] ?? '')
}

async function setUpNpm() {
  if (!fitsLock()) {
    // The packages' own node must not carry the npm that removes it.
    const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.endsWith('node_modules/.bin'))
    say('npm packages are missing or not those of package-lock.json')
    say('$ npm ci')
    const code = await run(
      'npm',
      ['ci', '--no-audit', '--no-fund'],
      { ...process.env, PATH: path.join(delimiter) },
      ROOT,
    )
    if (code !== 0) return refuse(`npm ci ended with ${code}`)
  }
  const version = spawnSync(join(BIN, 'node'), ['--version'], { encoding: 'utf8' }).stdout ?? ''
  const [major, minor] = version.slice(1).split('.').map(Number)
  const fits = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  if (fits) return 0
  return refuse(`node_modules/.bin/node says "${version.trim()}"; ${OLDEST_NODE.join('.')} or newer is wanted.
The npm package "node" brings it by an install script: run "npm ci" without --ignore-scripts.`)
}

/** npm's own note of what it installed names the same versions as the lock file; other platforms' packages may be absent. */
function fitsLock() {
  const note = join(ROOT, 'node_modules', '.package-lock.json')
  if (!existsSync(note) || !existsSync(join(BIN, 'node'))) return false
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages
  const there = JSON.parse(readFileSync(note, 'utf8')).packages
  return Object.entries(wanted).every(([place, { version, optional, peer }]) => {
    if (place === '') return true
    const found = there[place]
    return found === undefined ? optional === true || peer === true : found.version === version
  })
}

async function setUpPackages(name, wanted) {
  if (!isDebian()) return elsewhere(name, wanted)
  const missing = wanted.filter((one) => !isInstalled(one))
  if (missing.length === 0) return 0
  say(`"${name}" needs Debian packages that are not installed:`)
  for (const one of missing) say(`  ${one.padEnd(20)}${PACKAGES[one].why}`)
  const install = ['install', '-y', '--no-install-recommends', ...missing]
  if (process.getuid() !== 0) {
    return refuse(`Install them as root (their services need not run), or give --as-is:
  apt-get update && apt-get ${install.join(' ')}`)
  }
  if (!(await agreed(`Install ${missing.length} packages with apt-get?`))) return refuse('nothing was installed')
  return withoutServices(async () => {
    for (const args of [['update'], install]) {
      const full = ['-o', 'DPkg::Lock::Timeout=600', ...args]
      say(`$ DEBIAN_FRONTEND=noninteractive apt-get ${full.join(' ')}`)
      const code = await run('apt-get', full, { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, ROOT)
      if (code !== 0) return refuse(`apt-get ${args[0]} ended with ${code}`)
    }
    say('installed; their services were not started (systemd may start them at the next boot: systemctl disable NAME)')
    return 0
  })
}

/** Into .test/NAME, with what it depends on and is not installed; needs no root. Where it is installed there is nothing to do. */
async function unpack(one) {
  const place = join(ROOT, '.test', one)
  if (isInstalled(one) || existsSync(place)) return 0
  say(`"${one}" (${PACKAGES[one].why}) is unpacked into ${place}, not installed`)
  const cache = `${place}.packages`
  const half = `${place}.new`
  for (const folder of [cache, half]) rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(cache, 'partial'), { recursive: true })
  const options = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${cache}/`]
  const download = [...options, 'install', '-y', '--no-install-recommends', '--download-only', one]
  let code = await fetched(download)
  // A machine that has everything else may have no list of packages.
  if (code !== 0 && process.getuid() === 0) code = (await fetched(['update'])) || (await fetched(download))
  if (code !== 0) return refuse(`apt-get ended with ${code}; run "apt-get update" as root, or give --as-is`)
  for (const file of readdirSync(cache).filter((name) => name.endsWith('.deb'))) {
    const unpacked = await run('dpkg-deb', ['-x', join(cache, file), half], process.env, ROOT)
    if (unpacked !== 0) return refuse(`dpkg-deb -x ${file} ended with ${unpacked}`)
  }
  if (!existsSync(half)) return refuse(`apt-get brought nothing for "${one}"`)
  renameSync(half, place)
  rmSync(cache, { recursive: true })
  return 0
}

function fetched(args) {
  const full = ['-o', 'DPkg::Lock::Timeout=600', ...args]
  say(`$ apt-get ${full.join(' ')}`)
  return run('apt-get', full, process.env, ROOT)
}

/** While `work` runs, invoke-rc.d is told to start nothing (policy-rc.d, Debian policy 9.3.3). One that is there is left alone. */
async function withoutServices(work) {
  const left = existsSync(POLICY) ? readFileSync(POLICY, 'utf8') : ''
  const writer = Number(left.split(POLICY_MARK)[1]?.split('\n')[0])
  if (writer > 0 && !existsSync(`/proc/${writer}`)) {
    say(`$ rm ${POLICY}   (left by an installation that was killed)`)
    rmSync(POLICY)
  } else if (left !== '') {
    say(`${POLICY} is there already: it decides whether services start`)
    return work()
  }
  say(`writing ${POLICY} for the time of the installation, so that no service starts`)
  writeFileSync(POLICY, `#!/bin/sh\n${POLICY_MARK} ${process.pid}\nexit 101\n`, { mode: 0o755, flag: 'wx' })
  try {
    return await work()
  } finally {
    rmSync(POLICY, { force: true })
    say(`removed ${POLICY}`)
  }
}

/** Not Debian: only commands can be looked for. */
function elsewhere(name, wanted) {
  const missing = wanted.filter((one) => PACKAGES[one].command !== undefined && !onPath(PACKAGES[one].command))
  if (missing.length === 0) return 0
  say(`"${name}" needs programs that are not here; on Debian they would be the packages`)
  for (const one of wanted) say(`  ${one.padEnd(20)}${PACKAGES[one].why}${missing.includes(one) ? '  (missing)' : ''}`)
  return refuse('Install them with the means of your system, or give --as-is.')
}

function isDebian() {
  if (!existsSync('/etc/os-release') || !onPath('dpkg-query')) return false
  const release = readFileSync('/etc/os-release', 'utf8')
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release)
}

function isInstalled(one) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is dpkg-query's
  const asked = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', one], { encoding: 'utf8' })
  return asked.status === 0 && asked.stdout === 'installed'
}

function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    const file = join(folder, command)
    return existsSync(file) && statSync(file).isFile()
  })
}

async function agreed(question) {
  if (!process.stdin.isTTY || !process.stdout.isTTY || process.env.CI) return true
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(`${question} [Y/n] `)
  terminal.close()
  return ['', 'y', 'yes'].includes(answer.trim().toLowerCase())
}

/** Runs with our own input and output; passes signals on and gives the exit code, for a signal 128 + its number as a shell does. */
function run(file, args, env, cwd) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: 'inherit', env, cwd })
    // A terminal sends Ctrl-C to the whole group; only a signal sent to us alone has to be passed on.
    const pass = (signal) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, pass)
    child.once('error', (fault) => {
      process.stderr.write(`setup: ${file}: ${fault.message}\n`)
      resolve(127)
    })
    child.once('close', (code, signal) => {
      for (const one of signals) process.off(one, pass)
      resolve(signal === null ? code : 128 + constants.signals[signal])
    })
  })
}

function say(line) {
  process.stderr.write(`setup: ${line}\n`)
}

function refuse(why) {
  process.stderr.write(`setup: ${why}\n`)
  return 2
}
