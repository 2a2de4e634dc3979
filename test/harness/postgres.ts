// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL of our own in a folder, for peers that are measured: one socket, no TCP, run as the user `postgres`.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync } from 'node:fs'
import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type Postgres = AsyncDisposable & { socketFolder: string; query(sql: string): Promise<string> }

/** What is missing here to run one and to use it from Prosody; null when nothing is. */
export async function postgresLack(): Promise<string | null> {
  if (binaries() === null) return 'postgresql is not installed'
  if (process.getuid?.() !== 0) return 'PostgreSQL refuses to run as root and we are not root to become its user'
  const driver = globSync('/usr/lib/*/lua/5.*/dbd/postgresql.so')
  return driver.length === 0 ? 'lua-dbi-postgresql is not installed' : null
}

export async function startPostgres(folder: string, database: string): Promise<Postgres> {
  const bin = binaries()
  if (bin === null) throw new Error('postgresql is not installed')
  const { stdout } = await run('id', ['-u', 'postgres'])
  const uid = Number(stdout)
  const place = join(folder, 'postgres')
  await mkdir(place, { recursive: true, mode: 0o755 })
  await chown(place, uid, uid)
  const data = join(place, 'data')
  const as = { uid, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' }, cwd: place }
  await run(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres'], as)
  const child = spawn(join(bin, 'postgres'), ['-D', data, '-k', place, '-c', 'listen_addresses='], {
    ...as,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ready = Promise.withResolvers<void>()
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (said.includes('database system is ready to accept connections')) ready.resolve()
  })
  child.once('close', () => ready.reject(new Error(`PostgreSQL ended:\n${said}`)))
  await ready.promise
  const query = async (sql: string, on = database) =>
    (await run(join(bin, 'psql'), ['-h', place, '-U', 'postgres', '-d', on, '-Atc', sql])).stdout.trim()
  await query(`CREATE DATABASE ${database}`, 'postgres')
  return {
    socketFolder: place,
    query,
    async [Symbol.asyncDispose]() {
      ready.promise.catch(() => {})
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGINT')
      await once(child, 'close')
    },
  }
}

function binaries(): string | null {
  return globSync('/usr/lib/postgresql/*/bin').find((folder) => existsSync(join(folder, 'initdb'))) ?? null
}
