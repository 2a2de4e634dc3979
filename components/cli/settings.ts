// SPDX-License-Identifier: Apache-2.0
// The command line has no settings of its own; it reads where the sockets are.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BadSettings, type Problem, readShared } from '../kit/process/settings.ts'
import { baseFolder, type World } from './call.ts'

/** --config, else GATEHOUSE_CONFIG, else /etc/gatehouse, else ./config. One that was named and is not there is `missing`. */
export function configFolder(world: World, said: string | undefined): { folder: string; missing: boolean } {
  const named = said ?? (world.environment.GATEHOUSE_CONFIG || undefined)
  if (named !== undefined) {
    const folder = resolve(baseFolder(world), named)
    return { folder, missing: !existsSync(folder) }
  }
  const here = resolve(baseFolder(world), 'config')
  return { folder: !existsSync(SYSTEM) && existsSync(here) ? here : SYSTEM, missing: false }
}

const SYSTEM = '/etc/gatehouse'

/** The folder of the sockets, or what is wrong in gatehouse.yaml. */
export function readRunFolder(config: string): { run: string } | { wrong: readonly Problem[] } {
  try {
    return { run: readShared(join(config, 'gatehouse.yaml')).folders.run }
  } catch (fault) {
    if (fault instanceof BadSettings) return { wrong: fault.problems }
    throw fault
  }
}
