// SPDX-License-Identifier: Apache-2.0
// Runs something in another Debian that lies in a folder: same project folder and temporary folder at the same paths, same node, same
// loopback. The mounts are those of a namespace of its own and go with it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const PROJECT = resolve(import.meta.dirname, '../..')
/** In the other Debian: what is compiled and unpacked there (.test) is not what is here. */
const OWN = '/var/lib/gatehouse-test'
const PASSED_ON = /^(GATEHOUSE_.*|NODE_COMPILE_CACHE|.*_proxy|CI|TERM|NO_COLOR|FORCE_COLOR)$/

// $1 the other Debian, $2 the project, $3 its own .test, $4... folders at the same path up to --, then the command.
const ENTER = `
root=$1 project=$2 own=$3
shift 3
mkdir -p "$project/.test" "$root$own" || exit
# Only where its root is a mount can tests have namespaces of their own.
if [ "$root" != / ]; then mount --rbind "$root" "$root" || exit; fi
while [ "$1" != -- ]; do
  mkdir -p "$root$1" && mount --rbind "$1" "$root$1" || exit
  shift
done
shift
mount --bind "$root$own" "$root$project/.test" || exit
for one in /dev /proc; do mount --rbind "$one" "$root$one" || exit; done
exec chroot "$root" /usr/bin/env -i "$@"
`

/** Runs a command with these variables added, and gives its exit code; see runner(). */
export type Run = (command: readonly string[], environment: Readonly<Record<string, string>>) => Promise<number>

/** The command, as one that runs in the Debian below `root`, in the project's folder; ended by the signals that end the command. */
export function inside(root: string, command: readonly string[]): string[] {
  const bin = join(PROJECT, 'node_modules/.bin')
  const environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name))),
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    PATH: `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    TMPDIR: tmpdir(),
  }
  // The packages, and with them node, may lie elsewhere behind a link.
  const folders = new Set([tmpdir(), PROJECT, dirname(realpathSync(bin)), dirname(realpathSync(process.execPath))])
  return [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'enter'],
    ...[realpathSync(root), PROJECT, OWN, ...folders, '--'],
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...['sh', '-c', 'cd "$0" && exec "$@"', PROJECT, ...command],
  ]
}

/** Shows each command and what it says; the signal ends what runs. */
export function runner(say: (line: string) => void, signal: AbortSignal): Run {
  return async ([file = '', ...args], environment) => {
    say(`$ ${shown([file, ...args])}`)
    if (signal.aborted) return 1
    const child = spawn(file, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    })
    const end = () => child.kill('SIGTERM')
    signal.addEventListener('abort', end)
    try {
      const [code] = await once(child, 'close')
      return typeof code === 'number' ? code : 1
    } finally {
      signal.removeEventListener('abort', end)
    }
  }
}

/** Of what runs in the other Debian only the command itself. */
function shown(command: readonly string[]): string {
  const at = command.indexOf('enter')
  const root = at < 0 ? undefined : command[at + 1]
  if (root === undefined) return command.join(' ')
  return `(in ${root}) ${command.slice(command.lastIndexOf(PROJECT) + 1).join(' ')}`
}
